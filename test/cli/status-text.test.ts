import { describe, expect, test } from "vitest";
import { paceText, type Status, statusJson, statusText } from "../../cli/status-text.ts";
import type { LeaseToken } from "../../lib/core/charge.ts";
import type { Closing, PaceRecord } from "../../lib/core/pace.ts";

const nowMs = Date.parse("2026-11-25T12:00:00.000Z");
const record = (closing: Partial<Closing>): PaceRecord => ({
  v: 1,
  version: "v" as LeaseToken,
  closing: { because: "outage", sinceMs: nowMs - 60_000, untilMs: nowMs + 30_000, times: 2, ...closing },
});

describe("paceText", () => {
  test.each<[PaceRecord | undefined, string, string]>([
    [undefined, "open", "nothing was ever written"],
    [
      record({}),
      "closed (outage), since 2026-11-25T11:59:00Z; until 2026-11-25T12:00:30Z, then a look-up",
      "down",
    ],
    [record({ untilMs: nowMs - 1 }), "closed (outage), since 2026-11-25T11:59:00Z; a look-up is due", "due"],
    [
      record({ because: "rate_limited" }),
      "closed (rate_limited), since 2026-11-25T11:59:00Z; until 2026-11-25T12:00:30Z",
      "it opens by itself",
    ],
    [record({ openedAtMs: nowMs }), "open; was closed (outage) until 2026-11-25T12:00:00Z", "opened again"],
  ])("%#: %2$s", (standing, text) => {
    expect(paceText(standing, nowMs)).toBe(text);
  });
});

const status: Status = {
  at: "2026-11-25T12:00:00.000Z",
  queues: [{ queue: "charges", visible: 3, hidden: 12 }, { queue: "charges-dlq" }],
  paces: { centrobill: record({}), centrapay: undefined },
  waiting: [{ state: "unknown", age: "over 1 day", currency: "KWD", count: 2, amountMinor: 1500n }],
  notRead: 7,
};

test("the status for people", () => {
  const text = statusText(status);
  expect(text).toMatch(/^charges +3 +12$/m);
  // What did not answer is not empty.
  expect(text).toMatch(/^charges-dlq +\? +\?$/m);
  expect(text).toMatch(/^unknown +over 1 day +2 +1\.500 KWD$/m);
  expect(text).toContain("and 7 more that were not read");
});

test("the status for machines: minor units as digits, and what a worker would find", () => {
  expect(JSON.parse(statusJson(status))).toMatchObject({
    paces: {
      centrobill: { gate: { kind: "closed", because: "outage" } },
      centrapay: { gate: { kind: "open" } },
    },
    waiting: [{ amountMinor: "1500", currency: "KWD" }],
  });
});
