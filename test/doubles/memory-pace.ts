import type { GatewayName, LeaseToken } from "../../lib/core/charge.ts";
import type { PaceRecord } from "../../lib/core/pace.ts";
import type { PaceBook } from "../../lib/ports.ts";

/** The pace records, written one at a time, as DynamoDB writes one item. */
export type PaceTable = {
  read(gateway: GatewayName): PaceRecord | undefined;
  replace(
    gateway: GatewayName,
    previous: LeaseToken | undefined,
    record: PaceRecord,
  ): Awaited<ReturnType<PaceBook["replace"]>>;
};

export const paceTable = (): PaceTable => {
  const records = new Map<GatewayName, PaceRecord>();
  const read: PaceTable["read"] = (gateway) => records.get(gateway);
  return {
    read,
    replace(gateway, previous, record) {
      const standing = read(gateway);
      if (standing?.version === record.version) return { kind: "replaced" };
      if (standing?.version !== previous)
        return standing === undefined ? { kind: "lost" } : { kind: "lost", record: standing };
      records.set(gateway, record);
      return { kind: "replaced" };
    },
  };
};

const frozen = <T>(value: T): T => {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.values(value).forEach(frozen);
  return Object.freeze(value);
};

type Call = keyof PaceBook;
/** Nothing was done (`before`), or it was done and nobody was told (`after`). */
type Fault = (call: Call) => "before" | "after" | undefined;

export type MemoryPace = PaceBook & {
  /** how often it was asked, and by what */
  readonly calls: Call[];
  recordOf: PaceTable["read"];
  /** what goes wrong from now on */
  failBy(fault: Fault | undefined): void;
};

/** The pace records in memory: the same conditions as the DynamoDB adapter, held to the same contract. */
export const memoryPace = (): MemoryPace => {
  const table = paceTable();
  const calls: Call[] = [];
  let fault: Fault | undefined;
  const run = async <T>(call: Call, act: () => T): Promise<T> => {
    const wrong = fault?.(call);
    calls.push(call);
    if (wrong === "before") throw unavailable(`${call}: nothing was done`);
    const answer = act();
    if (wrong === "after") throw unavailable(`${call}: done, and nobody was told`);
    return answer;
  };
  return {
    calls,
    recordOf: table.read,
    read: (gateway) => run("read", () => table.read(gateway)),
    // Frozen, so that no caller changes what another will read.
    replace: (gateway, previous, record) =>
      run("replace", () => table.replace(gateway, previous, frozen(record))),
    failBy(next) {
      fault = next;
    },
  };
};

const unavailable = (message: string): Error =>
  Object.assign(new Error(message), { name: "LedgerUnavailable" });
