import { fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { childModule } from "./child-module.ts";
import { Tail } from "./tail.ts";

/** Lambda allows a function ten seconds to start; a busy machine of a developer gets more. */
const START_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 1_000;
const MEMORY_MB = 512;

/** One line that a function wrote. */
export interface FunctionLogLine {
  readonly functionName: string;
  readonly pid: number;
  readonly stream: "stdout" | "stderr";
  readonly line: string;
}

/** How an invocation ended. */
export type InvocationEnd =
  | { readonly kind: "returned"; readonly result: unknown }
  | { readonly kind: "threw"; readonly error: { readonly name: string; readonly message: string } }
  /** Past its time; the process was killed. */
  | { readonly kind: "timedOut" }
  /** The process ended under it. */
  | { readonly kind: "died"; readonly how: string };

export interface FunctionProcessOptions {
  readonly functionName: string;
  /** Path of the built bundle that exports `handler`. */
  readonly bundle: string;
  /** The function's whole environment, as in Lambda: nothing is inherited but PATH. */
  readonly env: Readonly<Record<string, string>>;
  readonly onLog: (line: FunctionLogLine) => void;
}

export interface FunctionProcess {
  readonly pid: number;
  /** Null when the bundle is imported; or, when the process ended before that, why, with its stderr. */
  readonly started: Promise<string | null>;
  /** Whether it can take an invocation now. */
  usable(): boolean;
  /** Resolves when the process is gone and all its output was passed on. */
  readonly ended: Promise<void>;
  /**
   * Runs the handler once; never rejects. One at a time, as in Lambda: a call while another runs throws.
   * Past `timeoutMs` the process is killed, and another has to take its place.
   */
  invoke(event: unknown, timeoutMs: number): Promise<InvocationEnd>;
  /** Ends the process, by force when it does not end by itself within a second. */
  stop(): Promise<void>;
}

/** Starts a process that runs the function of a bundle; see `function-host.ts` for its side. */
export function startFunctionProcess(options: FunctionProcessOptions): FunctionProcess {
  const { functionName, onLog } = options;
  const child = fork(childModule("function-host"), [options.bundle], {
    // On a machine with much memory V8 would let the garbage of requests grow to 250 MB a process, where
    // Lambda's 512 MB keep it small: 97 MB so, and as fast.
    execArgv: ["--max-semi-space-size=1", "--heap-growing-percent=20"],
    // A session of its own: Ctrl-C in the terminal must reach the owner alone, which lets the charge in
    // progress come to its end.
    detached: true,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: {
      PATH: process.env["PATH"] ?? "",
      TZ: ":UTC",
      AWS_LAMBDA_FUNCTION_NAME: functionName,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(MEMORY_MB),
      ...options.env,
    },
  });
  const pid = child.pid ?? 0;
  const stderr = new Tail();
  const passOn = (stream: "stdout" | "stderr", source: Readable | null) => {
    if (!source) return;
    createInterface({ input: source, crlfDelay: Number.POSITIVE_INFINITY }).on("line", (line) => {
      onLog({ functionName, pid, stream, line });
    });
  };
  child.stderr?.on("data", (chunk: Buffer) => stderr.add(chunk));
  passOn("stdout", child.stdout);
  passOn("stderr", child.stderr);

  let gone = false;
  let running: { id: string; end: (end: InvocationEnd) => void } | null = null;
  let settleStart: (failure: string | null) => void = () => {};
  const started = new Promise<string | null>((resolve) => {
    settleStart = resolve;
  });
  const startOverdue = setTimeout(() => killGroup(pid), START_DEADLINE_MS);
  void started.then(() => clearTimeout(startOverdue));

  child.on("message", (message) => {
    const said = message as {
      ready?: true;
      id?: string;
      resultJson?: string;
      error?: { name: string; message: string };
    };
    if (said.ready) settleStart(null);
    if (!running || said.id !== running.id) return;
    running.end(
      said.error
        ? { kind: "threw", error: said.error }
        : { kind: "returned", result: JSON.parse(said.resultJson ?? "null") },
    );
  });
  const ended = new Promise<void>((resolve) => {
    const over = (how: string) => {
      gone = true;
      running?.end({ kind: "died", how });
      settleStart(`${how}${stderr.text() && `; it wrote: ${stderr.text()}`}`);
      resolve();
    };
    child.on("error", (error) => over(error.message));
    // Gone, and its output read to the end. Not the `close` event, which is meant to say this: Node 24 never
    // emits it after the parent has disconnected.
    const outputRead = Promise.all([streamClosed(child.stdout), streamClosed(child.stderr)]);
    child.once("exit", (code, signal) => {
      gone = true;
      void outputRead.then(() => over(signal ? `ended by ${signal}` : `exit status ${code}`));
    });
  });

  return {
    pid,
    started,
    ended,
    usable: () => !gone && child.connected && running === null,
    invoke(event, timeoutMs) {
      if (running) throw new Error(`${functionName}: one invocation at a time`);
      if (gone || !child.connected) return Promise.resolve({ kind: "died", how: "it had ended before" });
      return new Promise((resolve) => {
        const id = randomUUID();
        const overdue = setTimeout(() => {
          // Doomed from here on: the next event must not go to it in the moment until its exit is seen.
          gone = true;
          killGroup(pid);
          running?.end({ kind: "timedOut" });
        }, timeoutMs);
        running = {
          id,
          end(end) {
            clearTimeout(overdue);
            running = null;
            resolve(end);
          },
        };
        // A send that fails means the process is ending: its `exit` will end the invocation.
        child.send({ id, eventJson: JSON.stringify(event), remainingMs: timeoutMs }, () => {});
      });
    },
    async stop() {
      gone = true;
      const force = setTimeout(() => killGroup(pid), STOP_DEADLINE_MS);
      if (child.connected) child.disconnect();
      else killGroup(pid);
      await ended;
      clearTimeout(force);
    },
  };
}

function streamClosed(stream: Readable | null): Promise<void> {
  return new Promise((resolve) => {
    if (!stream || stream.closed) resolve();
    else stream.once("close", () => resolve());
  });
}

/** The process leads a group of its own, so whatever a function started goes with it. */
function killGroup(leader: number): void {
  if (leader === 0) return;
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // Already gone.
  }
}
