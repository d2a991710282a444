import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * A process, told apart from a later one with the same number.
 *
 * `startedAt` is an opaque text that two processes with the same pid never share (on Linux the boot's id and
 * the start in clock ticks since boot; elsewhere what `ps` says); empty where the platform tells nothing.
 */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startedAt: string;
}

/** The identity of a running process, or undefined when there is none (a zombie has ended, too). */
export function identify(pid: number): ProcessIdentity | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  if (process.platform === "linux") return identifyOnLinux(pid);
  if (!answersSignals(pid)) return undefined;
  if (process.platform === "win32") return { pid, startedAt: "" };
  const ps = spawnSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" });
  return { pid, startedAt: (ps.stdout ?? "").trim() };
}

/** Whether this very process still runs. */
export function isRunning(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startedAt === identity.startedAt;
}

/**
 * SIGKILLs the process if it is still this very one, and waits until it is gone.
 * Throws when it outlives the deadline (milliseconds): then it is stuck in the kernel or not ours to kill.
 */
export async function killAndWait(identity: ProcessIdentity, deadlineMs = 5_000): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (isRunning(identity)) {
    if (Date.now() > deadline) throw new Error(`process ${identity.pid} could not be ended`);
    try {
      process.kill(identity.pid, "SIGKILL");
    } catch {
      // Gone in between, or not ours: the loop's condition and the deadline tell which.
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function identifyOnLinux(pid: number): ProcessIdentity | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // The second field is the program's name in parentheses and may hold anything: count from its end.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state] = fields;
  if (state === "Z" || state === "X") return undefined;
  return { pid, startedAt: `${bootId()}/${fields[19]}` };
}

let knownBootId: string | undefined;

function bootId(): string {
  if (knownBootId === undefined) {
    try {
      knownBootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    } catch {
      knownBootId = "";
    }
  }
  return knownBootId;
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
