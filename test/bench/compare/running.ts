import { type ChildProcess, fork, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LOCAL_CREDENTIALS, LOCAL_REGION } from "../../../infra/local/local-clients.ts";
import { QUEUES } from "../../../lib/core/queues.ts";
import { selfSigned } from "../../doubles/self-signed.ts";
import type { CloudAnswer, CloudRequest } from "./cloud.ts";
import type { RunAnswer, RunRequest } from "./design-host.ts";
import type { Subject } from "./subjects.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The next message of a process. */
const answerOf = <T>(child: ChildProcess): Promise<T> =>
  new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error("a process of the bench ended"));
    child.once("exit", ended);
    child.once("message", (answer) => {
      child.off("exit", ended);
      resolve(answer as T);
    });
  });

/** Gateway, DynamoDB and SQS, in a process of their own. */
export type Cloud = {
  /** the environment of a function that is to use it */
  readonly env: Readonly<Record<string, string>>;
  /** how long gateway and AWS take, and which share of the requests the gateway never answers */
  set(settings: { readonly gatewayMs: number; readonly awsMs: number; readonly silentShare?: number }): void;
  /** what was counted since the last time */
  counts(): Promise<Extract<CloudAnswer, { kind: "counts" }>>;
  close(): void;
};

/** @param tls what a request costs in it is the same each time: where growth is asked for, and not cost, it may be left out */
export const startCloud = async ({ tls = true }: { readonly tls?: boolean } = {}): Promise<Cloud> => {
  const folder = mkdtempSync(join(tmpdir(), "chargeonce-cloud-"));
  const { key, cert } = selfSigned();
  const authority = join(folder, "cert.pem");
  writeFileSync(authority, cert);
  const child = fork(here("cloud.ts"), {
    env: { ...process.env, ...(tls && { CLOUD_KEY: key, CLOUD_CERT: cert }) },
  });
  const ready = await answerOf<CloudAnswer>(child);
  if (ready.kind !== "ready") throw new Error("the cloud did not say where it is");
  const url = `http${tls ? "s" : ""}://127.0.0.1:${ready.port}`;
  const ask = (request: CloudRequest): boolean => child.send(request);
  return {
    env: {
      PATH: process.env["PATH"] ?? "",
      NODE_EXTRA_CA_CERTS: authority,
      AWS_ENDPOINT_URL: url,
      AWS_REGION: LOCAL_REGION,
      AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
      CENTROBILL_URL: url,
      CENTROBILL_FEED_URL: url,
      CENTROBILL_API_KEY: "bench-key",
      LEDGER_TABLE: "ledger",
      IDEMPOTENCY_TABLE: "idempotency",
      CONCURRENCY: "20",
      ...Object.fromEntries(QUEUES.map(({ name, variable }) => [variable, `${url}/000000000000/${name}`])),
    },
    set: (settings) => void ask({ kind: "settings", silentShare: 0, ...settings }),
    async counts() {
      ask({ kind: "counts" });
      const answer = await answerOf<CloudAnswer>(child);
      if (answer.kind !== "counts") throw new Error("the cloud did not count");
      return answer;
    },
    close() {
      child.disconnect();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

/** A design at work in a process of its own. */
export type RunningDesign = {
  run(request: RunRequest): Promise<RunAnswer>;
  close(): void;
};

/** What it writes to its log goes nowhere; that it writes it is in its figure. */
export const startDesign = async (
  { bundle }: Pick<Subject, "bundle">,
  env: Readonly<Record<string, string>>,
  execArgv: readonly string[] = [],
): Promise<RunningDesign> => {
  const child = fork(here("design-host.ts"), [bundle], {
    env: { ...env },
    execArgv: [...process.execArgv, ...execArgv],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  await answerOf(child);
  return {
    run(request) {
      child.send(request);
      return answerOf<RunAnswer>(child);
    },
    close: () => child.disconnect(),
  };
};

/** Time and processor time from the import of a bundle to the end of its first batch, in a fresh process. */
export const firstCall = (
  { name, bundle }: Pick<Subject, "name" | "bundle">,
  env: Readonly<Record<string, string>>,
): { readonly tookMs: number; readonly cpuMs: number } => {
  const { stderr } = spawnSync(process.execPath, [here("design-host.ts"), bundle, "--first"], {
    env,
    stdio: ["ignore", "ignore", "pipe"],
    timeout: 30_000,
  });
  const [told] = /\{"tookMs":.*"failures":0\}/.exec(String(stderr)) ?? [];
  if (told === undefined) throw new Error(`${name} did not come to the end of its first batch: ${stderr}`);
  return JSON.parse(told) as { readonly tookMs: number; readonly cpuMs: number };
};
