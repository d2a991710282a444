import { describe, expect, test } from "vitest";
import type { LeaseToken } from "../../lib/core/charge.ts";
import type { Closing, PaceRecord } from "../../lib/core/pace.ts";
import { closingsOf } from "./closings.ts";
import type { SimProcess } from "./sim-process.ts";

const t0 = Date.UTC(2026, 10, 22);

const processOf = (name: string, changes: Partial<SimProcess> = {}): SimProcess => ({
  name,
  skewMs: 0,
  queue: "charges",
  alive: true,
  busy: false,
  frozenUntilMs: 0,
  ledgerFailedAtMs: 0,
  troubledAtMs: 0,
  deadlineMs: 0,
  ...changes,
});

const recordOf = (changes: Partial<Closing>): PaceRecord => ({
  v: 1,
  version: "v1" as LeaseToken,
  closing: { because: "rate_limited", sinceMs: t0, untilMs: t0 + 60_000, times: 1, ...changes },
});

const stage = () => {
  const world = { nowMs: t0 };
  const closings = closingsOf(
    () => world.nowMs,
    (_gateway, status) => status === 401,
  );
  const hears = (process: SimProcess, kind: "charge" | "lookUp", status: number, retryAfterMs?: number) =>
    closings.hears(process, "centrapay", { kind }, { status, ...(retryAfterMs && { retryAfterMs }) });
  const sends = (process: SimProcess, afterMs: number, kind: "charge" | "lookUp" = "charge") => {
    world.nowMs = t0 + afterMs;
    return closings.begins(process, "centrapay", { kind });
  };
  return { world, closings, hears, sends };
};

describe("a Retry-After of a minute", () => {
  test.each<[who: string, afterMs: number, kind: "charge" | "lookUp", allowed: boolean, reason: string]>([
    ["hearer", 0, "charge", true, "handed over in the moment of the answer"],
    ["hearer", 1, "charge", false, "it heard it itself"],
    ["hearer", 1, "lookUp", false, "nobody may call, whatever for"],
    ["hearer", 60_000, "charge", true, "it is over"],
    ["other", 1_000, "charge", true, "the record is read once a second"],
    ["other", 1_600, "charge", false, "it has been there for longer than that"],
    ["ahead", 59_000, "charge", true, "over by its own clock, which is all that it can tell"],
    ["behind", 61_000, "charge", false, "not over by its own clock"],
    ["woken", 30_900, "charge", true, "it stood still until a second ago"],
    ["woken", 31_200, "charge", false, "it has been awake for longer"],
    ["unserved", 30_900, "charge", true, "the ledger failed it a second ago"],
  ])("%s after %i ms: a %s, allowed: %s", (who, afterMs, kind, allowed) => {
    const { hears, sends } = stage();
    const hearer = processOf("hearer");
    hears(hearer, "charge", 429, 60_000);
    const workers: Readonly<Record<string, SimProcess>> = {
      hearer,
      other: processOf("other"),
      ahead: processOf("ahead", { skewMs: 2_000 }),
      behind: processOf("behind", { skewMs: -2_000 }),
      woken: processOf("woken", { frozenUntilMs: t0 + 30_000 }),
      unserved: processOf("unserved", { ledgerFailedAtMs: t0 + 30_000 }),
    };
    expect(sends(workers[who] as SimProcess, afterMs, kind) === undefined).toBe(allowed);
  });

  test("that its hearer could not write down is not known to others before the record says it", () => {
    const { world, closings, hears, sends } = stage();
    const hearer = processOf("hearer");
    const other = processOf("other");
    hears(hearer, "charge", 429, 60_000);
    hearer.troubledAtMs = t0 + 5;
    expect(sends(other, 10_000)).toBeUndefined();
    world.nowMs = t0 + 20_000;
    expect(closings.written(hearer, "centrapay", recordOf({}))).toBeUndefined();
    expect(sends(other, 21_000)).toBeUndefined();
    expect(sends(other, 21_101)).toContain("before the end of the Retry-After");
  });
});

test.each([
  [60_000, "by whom it is over by its own clock: nobody else knows of it", true],
  [59_999, "by whom it is not over: it goes on", false],
] as const)("a pause that is left out of the record after %i ms, %s", (afterMs, _why, allowed) => {
  const { world, closings, hears, sends } = stage();
  const hearer = processOf("hearer");
  hears(hearer, "charge", 429, 60_000);
  closings.written(hearer, "centrapay", recordOf({ untilMs: t0 + 60_000 }));
  world.nowMs = t0 + afterMs;
  closings.written(hearer, "centrapay", recordOf({ because: "outage", untilMs: t0 + 90_000 }));
  const behind = processOf("behind", { skewMs: -5_000 });
  expect(sends(behind, 62_000, "lookUp") === undefined).toBe(allowed);
});

describe("an account that is closed for an outage or its key", () => {
  test.each([
    ["outage", "charge", false],
    ["credential", "charge", false],
    ["outage", "lookUp", true],
    ["credential", "lookUp", true],
  ] as const)("%s: a %s, allowed: %s", (because, kind, allowed) => {
    const { closings, sends } = stage();
    closings.written(processOf("closer"), "centrapay", recordOf({ because }));
    expect(sends(processOf("other"), 1_000, "charge")).toBeUndefined();
    expect(sends(processOf("other"), 5_000, kind) === undefined).toBe(allowed);
  });

  test.each([
    ["outage", 200, true],
    ["outage", 401, true],
    ["outage", 503, false],
    ["outage", 429, false],
    ["credential", 200, true],
    ["credential", 401, false],
  ] as const)("%s, and a look-up that brings %i: may be opened: %s", (because, status, allowed) => {
    const { world, closings, hears, sends } = stage();
    const prober = processOf("prober");
    const opened = recordOf({ because, openedAtMs: t0 + 6_000 });
    closings.written(prober, "centrapay", recordOf({ because }));
    world.nowMs = t0 + 5_500;
    hears(prober, "lookUp", status);
    world.nowMs = t0 + 6_000;
    expect(closings.written(prober, "centrapay", opened) === undefined).toBe(allowed);
    expect(sends(processOf("other"), 6_001)).toBeUndefined();
  });

  test("refusals count in a row, until an answer or a failing ledger comes between", () => {
    const { closings, hears } = stage();
    const worker = processOf("worker");
    const inRow = (): number => closings.refusedInRow(worker, "centrapay");
    hears(worker, "charge", 401);
    hears(worker, "charge", 401);
    hears(worker, "lookUp", 401);
    expect(inRow()).toBe(2);
    worker.ledgerFailedAtMs = t0;
    expect(inRow()).toBe(0);
    worker.ledgerFailedAtMs = 0;
    hears(worker, "charge", 200);
    expect(inRow()).toBe(0);
  });
});
