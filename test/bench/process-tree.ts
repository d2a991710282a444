import { readdirSync, readFileSync } from "node:fs";

/** Resident memory, bytes, with each page that processes share counted once (Linux's Pss). */
const residentOf = (pid: string): number => {
  const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1];
  return Number(kilobytes ?? 0) * 1_024;
};

/** Resident memory of a process and everything below it, bytes, by Linux's /proc; 0 elsewhere. */
export const residentBytes = (root: number): number => {
  const children = new Map<number, number[]>();
  let pids: string[];
  try {
    pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return 0;
  }
  for (const pid of pids) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(pid)]);
    } catch {
      // It ended while it was read.
    }
  }
  let sum = 0;
  const open = [root];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    try {
      sum += residentOf(String(pid));
    } catch {
      // It ended while it was read.
    }
    open.push(...(children.get(pid) ?? []));
  }
  return sum;
};
