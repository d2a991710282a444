import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { identify, killAndWait, type ProcessIdentity } from "./process-identity.ts";

/** Another live process owns the data dir; `pid` is its number, or null when it has not said yet. */
export class DataDirInUse extends Error {
  override readonly name = "DataDirInUse";
  readonly pid: number | null;

  constructor(path: string, pid: number | null) {
    const owner = pid === null ? "another process" : `process ${pid}`;
    super(`${path} is in use by ${owner}; wait until it has ended, or choose another --data-dir`);
    this.pid = pid;
  }
}

export interface DataDir {
  /** Absolute path. */
  readonly path: string;
  /** Whether it is a fresh temporary one, removed at `close`. */
  readonly temporary: boolean;
  /** Notes a child process, so that a later owner can end it should this process be killed. */
  noteChild(pid: number): void;
  /** Forgets a child that has ended. */
  forgetChild(pid: number): void;
  /** Gives the dir up (and removes a temporary one). Call it after the children have ended. */
  close(): void;
}

/**
 * Takes a data dir into possession: creates it (mode 0700: charge messages carry card tokens), locks it, and
 * ends whatever a dead owner left running before anybody opens the same files again. Without a path: a fresh
 * temporary dir, removed at `close`.
 *
 * The lock is one the kernel holds for this process (SQLite's on `owner.lock`), so that it is gone when the
 * process is, however that ended, and two that take over at once cannot both succeed, which no protocol of
 * reading and renaming pid files promises. Beside it `owner.json` names the owner (pid and start) for people
 * and for the error. Throws `DataDirInUse` when a live process has it.
 */
export async function openDataDir(path?: string): Promise<DataDir> {
  const temporary = path === undefined;
  const dir = temporary ? mkdtempSync(join(tmpdir(), "chargeonce-")) : resolve(path);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const ownerFile = join(dir, "owner.json");
  const childrenFile = join(dir, "children.json");
  const lock = takeLock(dir, ownerFile);
  const children = new Map<number, ProcessIdentity>();
  const writeChildren = () => writeWhole(childrenFile, [...children.values()]);
  try {
    const self = identify(process.pid) ?? { pid: process.pid, startedAt: "" };
    writeWhole(ownerFile, self);
    await Promise.all(readIdentities(childrenFile).map((child) => killAndWait(child)));
    writeChildren();
  } catch (error) {
    lock.close();
    throw error;
  }

  let closed = false;
  return {
    path: dir,
    temporary,
    noteChild(pid) {
      const child = identify(pid);
      // Nothing to note when it has ended already, or when this dir is someone else's by now.
      if (closed || !child) return;
      children.set(pid, child);
      writeChildren();
    },
    forgetChild(pid) {
      if (!closed && children.delete(pid)) writeChildren();
    },
    close() {
      if (closed) return;
      closed = true;
      if (temporary) rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
      else {
        rmSync(ownerFile, { force: true });
        if (children.size === 0) rmSync(childrenFile, { force: true });
      }
      // Last, so that a next owner does not find its own files removed. The lock file itself stays: to
      // remove it would let a third process lock another file of that name beside the second's.
      lock.close();
    },
  };
}

function takeLock(dir: string, ownerFile: string): DatabaseSync {
  const sqlite = process.getBuiltinModule("node:sqlite");
  if (!sqlite) throw new Error(`a data dir needs Node 22.5 or newer; this is ${process.version}`);
  const lock = new sqlite.DatabaseSync(join(dir, "owner.lock"));
  try {
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock.close();
    const SQLITE_BUSY = 5;
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
    throw new DataDirInUse(dir, readIdentities(ownerFile)[0]?.pid ?? null);
  }
}

function writeWhole(file: string, value: unknown): void {
  const beside = `${file}.tmp`;
  writeFileSync(beside, JSON.stringify(value), { mode: 0o600 });
  renameSync(beside, file);
}

/** The identities in a file that is absent, one, or a list; anything unreadable counts as none. */
function readIdentities(file: string): ProcessIdentity[] {
  try {
    const value: unknown = JSON.parse(readFileSync(file, "utf8"));
    return (Array.isArray(value) ? value : [value]).filter(isIdentity);
  } catch {
    return [];
  }
}

function isIdentity(value: unknown): value is ProcessIdentity {
  const candidate = value as Partial<ProcessIdentity> | null;
  return typeof candidate?.pid === "number" && typeof candidate.startedAt === "string";
}
