import { describe, expect, test } from "vitest";
import type { InstrumentRecord } from "../../lib/core/instrument-record.ts";
import type { LedgerEntry } from "../../lib/core/ledger.ts";
import { openOnInstrument, replaceOnInstrument, replaceTaking } from "../../lib/flows/write-on-instrument.ts";
import type { Worker } from "../../lib/ports.ts";
import { card, final, opened, policyOf, requestIdOf, t0, tokenOf, waiting } from "../core/builders.ts";

const on = { instrumentRef: "card-1", instrumentNetwork: "visa" };
const own = opened(on);
const closure = { atMs: t0 - 9, chargeId: own.chargeId, rule: "visa_category_1", code: "41" } as const;

/** A worker whose instruments' record changes under its hands so often. */
const desk = (contendedTimes = 0, record?: InstrumentRecord) => {
  const calls: string[] = [];
  const slept: number[] = [];
  let left = contendedTimes;
  const answer = <K extends string>(name: string, kind: K): { readonly kind: K | "contended" } => {
    calls.push(name);
    left -= 1;
    return { kind: left >= 0 ? "contended" : kind };
  };
  const worker = {
    policy: policyOf({ requestIdLifeMs: 0, leaseMs: 0, clockSkewMs: 0 }),
    ids: { leaseToken: () => tokenOf("i-1"), fraction: () => 0.5 },
    clock: { nowMs: () => t0, sleep: async (ms: number) => void slept.push(ms) },
    ledger: {
      open: async () => answer("ledger opened", "opened"),
      replace: async () => answer("ledger replaced", "replaced"),
    },
    instruments: {
      read: async () => record,
      open: async () => answer("both opened", "opened"),
      replace: async () => answer("both replaced", "replaced"),
    },
  } as unknown as Worker;
  return { worker, calls, slept };
};

describe("a record that others write meanwhile", () => {
  test("is written again, after longer and longer waits", async () => {
    const one = desk(3);
    expect(await openOnInstrument(() => own, one.worker)).toMatchObject({ opened: { kind: "opened" } });
    expect(one.calls).toEqual(Array.from({ length: 4 }, () => "both opened"));
    expect(one.slept).toEqual([10, 20, 30]);
  });

  test("thirty times, and then nothing is written", async () => {
    const last = desk(29);
    expect(await replaceTaking(waiting(), own, last.worker)).toBe("replaced");
    const none = desk(30);
    await expect(replaceTaking(waiting(), own, none.worker)).rejects.toMatchObject({
      name: "InstrumentContended",
      message: "an instrument's record, 30 times",
    });
    expect(none.calls).toHaveLength(30);
  });
});

describe("what is opened", () => {
  const spends = Array.from({ length: 20 }, (_, at) => ({
    at: t0 - at,
    money: "1999 EUR",
    requestId: requestIdOf(`r-${at}`),
  }));
  const full = {
    kind: "network_limit",
    atMs: t0,
    limit: "visa_amount_30_days",
    untilMs: t0 - 19 + 30 * 86_400_000,
  };
  const closed = {
    kind: "instrument_closed",
    atMs: t0,
    rule: "visa_category_1",
    code: "41",
    byChargeId: "order-1",
    closedAtMs: t0 - 9,
  };
  const { instrumentRef: _ref, instrumentNetwork: _network, ...bare } = own;
  const expired = { ...final("expired"), ...on };
  // biome-ignore format: one row a line
  test.each<[string, LedgerEntry, InstrumentRecord | undefined, refusals: unknown[], calls: string[]]>([
    ["a new attempt, with its place", own, undefined, [undefined, undefined], ["both opened"]],
    ["without an instrument", bare as LedgerEntry, undefined, [undefined], ["ledger opened"]],
    ["what ends unsent takes no place", expired, undefined, [undefined], ["ledger opened"]],
    ["a full count refuses it, and takes no place", own, card({ spends }), [undefined, full], ["ledger opened"]],
    ["so does a closed card", own, card({ closed: closure }), [undefined, closed], ["ledger opened"]],
  ])("%s", async (_what, entry, record, refusals, calls) => {
    const one = desk(0, record);
    const seen: unknown[] = [];
    await openOnInstrument((refusal) => {
      seen.push(refusal);
      return entry;
    }, one.worker);
    expect(seen).toEqual(refusals);
    expect(one.calls).toEqual(calls);
  });

  test("a later attempt, too: nothing is written where the rules forbid it", async () => {
    for (const [record, refusal] of [
      [card({ spends }), full],
      [card({ closed: closure }), closed],
    ] as const) {
      const one = desk(0, record);
      expect(await replaceTaking(waiting(), own, one.worker)).toEqual(refusal);
      expect(one.calls).toEqual([]);
    }
  });
});

describe("what is replaced", () => {
  const ending = { code: "5041", networkCode: "41" };
  const declined = { ...final("declined_permanent"), ...on, ending } as LedgerEntry;
  const waits = { ...waiting(), ...on } as LedgerEntry;
  const { instrumentRef: _ref, ...bare } = declined;
  const taken = card({ spends: [{ at: t0, money: "1999 EUR", requestId: own.requestId }] });
  // biome-ignore format: one row a line
  test.each<[string, LedgerEntry, LedgerEntry, InstrumentRecord | undefined, calls: string[]]>([
    ["an approval keeps its place", own, { ...final(), ...on }, taken, ["ledger replaced"]],
    ["a decline closes the card", own, declined, taken, ["both replaced"]],
    ["or it was closed before", own, declined, card({ closed: closure }), ["ledger replaced"]],
    ["a decline without an instrument closes nothing", own, bare as LedgerEntry, taken, ["ledger replaced"]],
    ["what was never sent gives its place back", own, waits, taken, ["both replaced"]],
    ["where it has one", own, waits, card(), ["ledger replaced"]],
  ])("%s", async (_what, from, to, record, calls) => {
    const one = desk(0, record);
    expect(await replaceOnInstrument(from, to, one.worker)).toBe("replaced");
    expect(one.calls).toEqual(calls);
  });

  test("an attempt is never opened without its place", async () => {
    const one = desk();
    await expect(replaceOnInstrument(waiting(), own, one.worker)).rejects.toThrow(
      "order-1: an attempt would be opened without its place",
    );
    expect(one.calls).toEqual([]);
  });
});
