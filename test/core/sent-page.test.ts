import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ChargeId, gatewayNames, type LeaseToken, type RequestId } from "../../lib/core/charge.ts";
import {
  awaitAttempt,
  leaseEntry,
  nextEntry,
  type OpenedEntry,
  openAttempt,
  openExpired,
} from "../../lib/core/ledger.ts";
import { defaultPolicy } from "../../lib/core/policy.ts";
import {
  pageSpanMs,
  pagesOf,
  readPage,
  type SentMark,
  sentMarkOf,
  textOfPage,
} from "../../lib/core/sent-page.ts";
import { takeOver } from "../../lib/core/takeover.ts";
import { recordVerdict } from "../../lib/core/verdict.ts";
import { chargeMessage, chargeOf, openedEntry } from "../doubles/samples.ts";
import { seededIds } from "../doubles/seeded-ids.ts";

const ids = seededIds();
const opened = openedEntry(chargeMessage("order-1"), ids);
const at = opened.openedAtMs;
const by = (afterMs: number) => ({
  token: `t${afterMs}` as LeaseToken,
  requestId: `r${afterMs}` as RequestId,
  nowMs: at + afterMs,
  leaseMs: 60_000,
});
const unsent = (entry: OpenedEntry) => recordVerdict(entry, { kind: "sendAgain", atMs: at + 5 }, by(5));
const waiting = unsent(opened);
if (waiting.state !== "waiting") throw new Error("it waits");
const unknown = takeOver({ ...opened, lastSendAtMs: at }, defaultPolicy, by(10));
if (unknown.state === "waiting") throw new Error("it is unknown");
const prepared = nextEntry<OpenedEntry>(
  { ...opened, history: [...opened.history, { e: "prepared", at, id: "pr" }] },
  { state: "opened", leaseUntilMs: opened.leaseUntilMs },
  { preparation: { prepared: { id: "pr" } } },
  by(20),
);
const expired = openExpired(
  { ...chargeOf(chargeMessage("order-2")), notAfterMs: at - 1 },
  { ...by(0), fingerprint: "f" },
);

describe("the mark of a version", () => {
  test.each([
    ["opened", opened, at, "a new charge may be sent from then on"],
    ["leased, never sent before", leaseEntry(waiting, by(30)), at + 30, "its first send begins then"],
    ["leased for a resend", leaseEntry(unknown, by(40)), at, "its mark before may have been lost"],
    ["opened for a new attempt", openAttempt(unknown, by(50)), at + 50, "a send of its own"],
    ["prepared", prepared, undefined, "the lease is the one that is marked already"],
    ["waiting", waiting, undefined, "nothing is sent without a lease"],
    ["unknown", unknown, undefined, "nothing is sent without a lease"],
    ["expired", expired, undefined, "it was never sent"],
  ] as const)("%s", (_, entry, atMs, _reason) => {
    const { gateway, chargeId, token } = entry;
    expect(sentMarkOf(entry)).toEqual(atMs === undefined ? undefined : { gateway, chargeId, atMs, token });
  });

  test("a later attempt that waits is marked when it is leased", () => {
    const declined = { ...expired, state: "declined_retryable" } as const;
    const released = awaitAttempt(declined, by(60));
    expect(sentMarkOf(released)).toBeUndefined();
    expect(sentMarkOf(leaseEntry(released, by(70)))).toMatchObject({ atMs: at + 70 });
  });
});

const marks = fc.array(
  fc.record({
    gateway: fc.constantFrom(...gatewayNames),
    chargeId: fc.stringMatching(/^[A-Za-z0-9._:-]{1,64}$/).map((id) => id as ChargeId),
    atMs: fc.oneof(fc.integer({ min: at, max: at + 3 * pageSpanMs }), fc.integer({ min: 0, max: 2 * at })),
    token: fc.uuid().map((token) => token as LeaseToken),
  }),
  { maxLength: 60 },
);

describe("pages", () => {
  test("name every mark once, each within a page's span, in 940 bytes, and are read as they were written", () => {
    fc.assert(
      fc.property(marks, (given) => {
        const pages = pagesOf(given);
        expect(new Set(pages.flatMap((page) => page.marks))).toEqual(new Set(given));
        expect(pages.flatMap((page) => page.marks)).toHaveLength(given.length);
        for (const page of pages) {
          expect(page.marks.every(({ gateway }) => gateway === page.gateway)).toBe(true);
          expect(Math.min(...page.marks.map(({ atMs }) => atMs))).toBe(page.fromMs);
          expect(Math.max(...page.marks.map(({ atMs }) => atMs))).toBeLessThanOrEqual(
            page.fromMs + pageSpanMs,
          );
          expect(textOfPage(page).length).toBeLessThanOrEqual(940);
          expect(readPage(textOfPage(page))).toEqual(
            page.marks.map(({ chargeId, atMs }) => ({ chargeId, atMs })),
          );
        }
      }),
    );
  });

  // biome-ignore format: one row a line
  test.each<[idLength: number, laterMs: number, lengths: number[], reason: string]>([
    [19, 1, [34, 6], "as many as fill a write unit"],
    [36, 1, [21, 19], "UUIDs: a batch as it is deployed stands on one page"],
    [36, pageSpanMs - 1, [20, 20], "and does where it took a second to open them"],
    [64, 1, [12, 12, 12, 4], "the longest ids"],
    [1, pageSpanMs, [40], "what is as late as a page is long stands on it"],
    [1, pageSpanMs + 1, [1, 39], "what is later begins another"],
  ])("forty charges with ids of %i letters, 39 of them %i ms later: %j (%s)", (idLength, laterMs, lengths) => {
    const forty = Array.from(
      { length: 40 },
      (_, n): SentMark => ({
        gateway: "centrobill",
        chargeId: `${n}`.slice(0, idLength).padEnd(idLength, "x") as ChargeId,
        atMs: n === 0 ? at : at + laterMs,
        token: `t${n}` as LeaseToken,
      }),
    );
    const pages = pagesOf(forty);
    expect(pages.map((page) => page.marks.length)).toEqual(lengths);
  });

  test("ten charges with long ids share one", () => {
    const ten = Array.from(
      { length: 10 },
      (_, n): SentMark => ({
        gateway: "centrobill",
        chargeId: `${n}`.padEnd(64, "x") as ChargeId,
        atMs: at + n,
        token: `t${n}` as LeaseToken,
      }),
    );
    expect(pagesOf(ten)).toHaveLength(1);
  });

  const many = (count: number, idLength: number, apartMs = 1): SentMark[] =>
    Array.from({ length: count }, (_, n) => ({
      gateway: "centrobill",
      chargeId: `${n}`.padEnd(idLength, "x") as ChargeId,
      atMs: at + n * apartMs,
      token: `t${n}` as LeaseToken,
    }));
  test.each<[count: number, idLength: number, apartMs: number, sizes: number[], reason: string]>([
    [30, 52, 11, [15, 15], "15 of these fill a page to its last letter"],
    [40, 20, 1, [32, 8], "32 of these, and a part of one more"],
    [40, 64, 1, [12, 12, 12, 4], "twelve of the longest"],
    [2, 9, pageSpanMs, [2], "as far apart as one page reaches"],
    [2, 9, pageSpanMs + 1, [1, 1], "and a moment more"],
  ])("of %i marks of %i letters, %i ms apart, pages have %j (%s)", (count, idLength, apartMs, sizes) => {
    expect(pagesOf(many(count, idLength, apartMs)).map(({ marks: own }) => own.length)).toEqual(sizes);
  });

  test.each(["", "{", "null", '{"v":2,"at":1,"sent":[]}'])("%j is of no version that is known", (text) => {
    expect(readPage(text)).toBeUndefined();
  });
});
