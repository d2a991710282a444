import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pLimit from "p-limit";
import { startSandboxCentrobill } from "../../infra/local/sandbox-centrobill/server.ts";
import { residentBytes } from "./process-tree.ts";

const bundle = fileURLToPath(new URL("../../dist/cli/chargeonce.mjs", import.meta.url));
/** Those of `npm start`. */
const nodeFlags = ["--max-semi-space-size=1", "--heap-growing-percent=20"];
const concurrency = 40;

const charge = (n: number) => ({
  v: 1,
  chargeId: `bench-${n}`,
  gateway: "centrobill",
  amount: String(100 + (n % 9_000)),
  currency: "EUR",
  request: {
    paymentSource: { type: "consumer", value: `c-${n}` },
    consumer: { id: `c-${n}`, ip: "192.0.2.1" },
    sku: { siteId: "site-1" },
  },
});

type Measured = {
  readonly seconds: number;
  readonly peakMb: number;
  readonly status: number | null;
  readonly summary: string;
};

const measureRun = (args: readonly string[]): Promise<Measured> =>
  new Promise((resolve) => {
    const startedAt = performance.now();
    const child = spawn(process.execPath, [...nodeFlags, "--", bundle, "run", "--json", ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let peak = 0;
    const timer = setInterval(() => {
      peak = Math.max(peak, residentBytes(child.pid ?? 0));
    }, 250);
    let summary = "";
    child.stdout.on("data", (chunk: Buffer) => {
      summary += chunk.toString();
    });
    child.once("close", (status) => {
      clearInterval(timer);
      resolve({
        seconds: (performance.now() - startedAt) / 1_000,
        peakMb: peak / 1_048_576,
        status,
        summary,
      });
    });
  });

/** The same requests without anything that keeps them safe: what the gateway and the wire cost alone. */
const measureBareRequests = async (count: number): Promise<number> => {
  const gateway = await startSandboxCentrobill();
  const limit = pLimit(concurrency);
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: count }, (_, n) =>
      limit(async () => {
        const { request, amount, currency } = charge(n);
        const answer = await fetch(`${gateway.url}/payment`, {
          method: "POST",
          headers: {
            Authorization: "k",
            "Content-Type": "application/json",
            "X-Request-ID": `bare-${n}`,
          },
          body: JSON.stringify({
            ...request,
            sku: {
              ...request.sku,
              price: [{ offset: "0d", amount: Number(amount) / 100, currency, repeat: false }],
            },
            metadata: { chargeId: `bench-${n}` },
          }),
        });
        await answer.text();
      }),
    ),
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  await gateway.close();
  return seconds;
};

/** The main job on the embedded stack: the sample, and ten thousand approved charges. */
export const benchMainJob = async (charges = 10_000): Promise<void> => {
  const sample = await measureRun([]);
  const known = JSON.parse(sample.summary) as { charges: number; doubleCharges: number; unknown: number };
  console.log(
    `sample: ${known.charges} charges in ${sample.seconds.toFixed(1)} s (limit 60 s), double charges ${known.doubleCharges}, unknown ${known.unknown}`,
  );

  const folder = mkdtempSync(join(tmpdir(), "chargeonce-bench-"));
  try {
    const file = join(folder, "charges.ndjson");
    writeFileSync(file, Array.from({ length: charges }, (_, n) => `${JSON.stringify(charge(n))}\n`).join(""));
    const many = await measureRun(["--charges", file, "--concurrency", String(concurrency)]);
    const bareSeconds = await measureBareRequests(charges);
    const summary = JSON.parse(many.summary) as { outcomes: { approved?: { count: number } } };
    console.log(
      [
        `${charges} approved charges through the embedded stack: ${many.seconds.toFixed(1)} s (limit 120 s), ${(charges / many.seconds).toFixed(0)}/s`,
        `  approved ${summary.outcomes.approved?.count ?? 0}, resident memory of all processes at most ${many.peakMb.toFixed(0)} MB (limit 400 MB)`,
        `  the same ${charges} requests by plain fetch, no queue and no ledger: ${bareSeconds.toFixed(1)} s; ratio ${(many.seconds / bareSeconds).toFixed(1)}`,
      ].join("\n"),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
