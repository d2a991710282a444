import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

export const bundle = fileURLToPath(new URL("../../dist/cli/chargeonce.mjs", import.meta.url));

export type Ended = { readonly status: number | null; readonly stdout: string; readonly stderr: string };

export type Running = { readonly child: ChildProcess; readonly ended: Promise<Ended> };

/** Starts the built command as a user would, with nothing of this process's settings but PATH. */
export const startCommand = (
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Running => {
  const child = spawn(process.execPath, ["--", bundle, ...args], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  // A test that fails half-way leaves nothing running.
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new Promise<Ended>((resolve) => {
    child.once("close", (status) => resolve({ status, stdout, stderr }));
  });
  return { child, ended };
};

export const runCommand = (
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> => startCommand(args, env).ended;

/** A folder that goes with the test. */
export const testFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "chargeonce-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
};

/** Writes values as NDJSON; a text stands as it is. */
export const writeLines = (path: string, lines: readonly (object | string)[]): string => {
  writeFileSync(
    path,
    lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join(""),
  );
  return path;
};

export type Row = {
  readonly chargeId?: string;
  readonly line: number;
  readonly outcome: string;
  readonly sends: number;
  readonly lookups: number;
  readonly code?: string;
  readonly category?: string;
  readonly reason?: string;
  readonly description?: string;
  readonly evidence?: { readonly kind: string };
  readonly firstSentAt?: string;
  readonly finalAt?: string;
};

export const readRows = (path: string): readonly Row[] =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Row);

/** Waits as short as the wire allows; what follows from them is the same as with the real ones. */
export const shortPolicy = {
  resendDelayMs: 200,
  faultResendDelayMs: 200,
  requestIdLifeMs: 120_000,
  lookupScheduleMs: [800, 2_000, 3_500, 5_000, 8_000, 12_000],
  feedLagMs: 600,
  clockSkewMs: 500,
  lateProcessingMs: 10_000,
};

export const charge = (chargeId: string, more: object = {}): object => ({
  v: 1,
  chargeId,
  gateway: "centrobill",
  amount: "1999",
  currency: "EUR",
  request: {
    paymentSource: { type: "consumer", value: `consumer-${chargeId}` },
    consumer: { id: `consumer-${chargeId}`, ip: "192.0.2.7" },
    sku: { siteId: "site-4471" },
  },
  ...more,
});
