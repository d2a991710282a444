import { describe, expect, test } from "vitest";
import type { LedgerEntry, UnknownEntry } from "../../lib/core/ledger.ts";
import type { GatewaySide } from "../../lib/core/sides.ts";
import { callBack } from "../../lib/flows/call-back.ts";
import type { Worker } from "../../lib/ports.ts";
import { final, opened, requestIdOf, review, t0, unknown, waiting } from "../core/builders.ts";
import { manualClock } from "../doubles/manual-clock.ts";
import { memoryLedger } from "../doubles/memory-ledger.ts";
import { memoryQueues } from "../doubles/memory-queues.ts";
import { scriptedWire, sha256Of, unanswered } from "../doubles/scripted-wire.ts";
import { testWorker } from "../doubles/worker.ts";

const day = 86_400_000;
const skewMs = 120_000;
const sentMs = t0 + day;

const later = <E extends LedgerEntry>(entry: E): E => ({
  ...entry,
  attempt: 2,
  requestId: requestIdOf("request-2"),
  earlierRequestIds: [requestIdOf("request-1")],
});
const sentLater = (changes: Partial<UnknownEntry> = {}): UnknownEntry => ({
  ...later(unknown()),
  firstSendAtMs: sentMs,
  lastSendAtMs: sentMs,
  ...changes,
});
const row = (changes: Partial<GatewaySide> = {}): GatewaySide => ({
  kind: "charge",
  says: "captured",
  transactionId: "tx-1",
  chargeId: "order-1",
  requestId: "request-1",
  consumers: [],
  atMs: t0,
  ...changes,
});
const without = ({ ...one }: GatewaySide, ...names: (keyof GatewaySide)[]): GatewaySide =>
  Object.fromEntries(
    Object.entries(one).filter(([name]) => !names.includes(name as keyof GatewaySide)),
  ) as unknown as GatewaySide;
const unnamed = (changes: Partial<GatewaySide> = {}): GatewaySide => without(row(changes), "requestId");

const call = async (entry: LedgerEntry, rows: readonly GatewaySide[], changed: Partial<Worker> = {}) => {
  const ledger = memoryLedger();
  ledger.plant(entry.chargeId, JSON.stringify(entry));
  const clock = manualClock(t0 + 2 * day);
  const woken: string[] = [];
  const worker: Worker = {
    ...testWorker({
      clock,
      ledger,
      wire: scriptedWire({ clock, script: () => unanswered() }),
      queues: memoryQueues(),
      wake: async (receipt) => void woken.push(receipt),
      policy: { clockSkewMs: skewMs },
    }),
    ...changed,
  };
  const called = await callBack(entry, rows, worker);
  const after = ledger.entryOf(entry.chargeId);
  if (called === undefined) expect(after).toEqual(entry);
  else expect(after).toEqual(called);
  return { after, woken, nowMs: clock.nowMs() };
};
const reasonOf = (entry: LedgerEntry | undefined): string | undefined =>
  entry?.state === "review" ? entry.reason : undefined;

const earlier = "captured_by_earlier_attempt";
// biome-ignore format: one row a line
const table: readonly (readonly [LedgerEntry, readonly GatewaySide[], reason: string | undefined, why: string])[] = [
  [later(waiting()), [row()], earlier, "it would be taken again"],
  [later(waiting()), [unnamed()], earlier, "of this attempt nothing was sent"],
  [later(waiting()), [row({ requestId: "request-x" })], "contradiction", "an id that nobody sent"],
  [later(waiting()), [row({ requestId: "request-x" }), row({ transactionId: "tx-2" })], earlier, "one of two is the earlier one's"],
  [later(waiting()), [], undefined, "nothing is seen"],
  [later(waiting()), [row({ says: "refused" })], undefined, "nothing was taken"],
  [later(waiting()), [row({ kind: "reversal" })], undefined, "money that comes back"],
  [later(waiting()), [row(), row({ says: "refused", atMs: t0 + 5 })], undefined, "the last word of the transaction is no"],
  [waiting(), [unnamed()], "contradiction", "there is no attempt before the first one"],
  [sentLater(), [row()], earlier, "the attempt before"],
  [sentLater({ state: "pending" }), [row()], earlier, "whose last word is to come"],
  [sentLater(), [row({ requestId: "request-2" })], undefined, "its own capture is a look-up's to see"],
  [sentLater(), [row({ requestId: "request-x" })], undefined, "an id that nobody sent"],
  [sentLater(), [unnamed()], earlier, "before its own first send"],
  [sentLater(), [unnamed({ atMs: sentMs - skewMs - 1 })], earlier, "just before it, whatever the clocks say"],
  [sentLater(), [unnamed({ atMs: sentMs - skewMs })], undefined, "as the clocks go it may be its own"],
  [sentLater(), [without(unnamed(), "atMs")], undefined, "nobody says when"],
  [unknown(), [unnamed({ atMs: t0 - day })], undefined, "a first attempt has none before it"],
  [later(opened()), [row()], undefined, "a worker has it in hand"],
  [later(final()), [row()], undefined, "it has ended"],
  [later(review()), [row()], "lookups_used_up", "a person has it"],
];

describe("an attempt is called back where money was taken before it", () => {
  test.each(table)("‹%#›", async (entry, rows, reason, why) => {
    expect(reasonOf((await call(entry, rows)).after), why).toBe(reason);
  });

  test("with the rows as its evidence, eight at the most (S4)", async () => {
    const rows = Array.from({ length: 9 }, (_, at) =>
      row({ transactionId: `tx-${at}`, orderId: `or-${at}`, code: "0" }),
    );
    const { after, nowMs } = await call(later(waiting()), rows);
    expect(after).toMatchObject({
      finalAtMs: nowMs,
      evidence: {
        kind: "feed_rows",
        rows: rows.slice(0, 8).map((one, at) => ({
          kind: "feed_row",
          atMs: nowMs,
          code: "0",
          rowSha256: sha256Of(JSON.stringify(one)),
          transactionId: `tx-${at}`,
          orderId: `or-${at}`,
        })),
      },
    });
    expect((after as unknown as { evidence: { rows: unknown[] } }).evidence.rows).toHaveLength(8);
    const bare = await call(later(waiting()), [without(row(), "transactionId")]);
    const [only] = (bare.after as unknown as { evidence: { rows: object[] } }).evidence.rows;
    expect(Object.keys(only ?? {})).toEqual(["kind", "atMs", "rowSha256"]);
  });

  test("and the message of one that was sent is woken, where that is known by what", async () => {
    expect((await call(sentLater({ receipt: "r-1" }), [row()])).woken).toEqual(["r-1"]);
    expect((await call(sentLater(), [row()])).woken).toEqual([]);
    expect((await call(later(waiting()), [row()])).woken).toEqual([]);
    const deaf = await call(sentLater({ receipt: "r-1" }), [row()], { wake: undefined } as never);
    expect(reasonOf(deaf.after)).toBe(earlier);
  });

  test("unless somebody has written first (S7)", async () => {
    const lost: Partial<Worker["ledger"]> = { replace: async () => ({ kind: "lost" }) };
    const { after, woken } = await call(sentLater({ receipt: "r-1" }), [row()], { ledger: lost } as never);
    expect([after?.state, woken]).toEqual(["unknown", []]);
  });
});
