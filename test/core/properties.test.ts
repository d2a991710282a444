import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ChargeId, parseCharge, readCharge } from "../../lib/core/charge.ts";
import type { FeedRow } from "../../lib/core/feed.ts";
import { canonicalJson, type Json } from "../../lib/core/json.ts";
import {
  finalStates,
  IllegalTransition,
  type LedgerEntry,
  ledgerStates,
  mayFollow,
  nextEntry,
  type OpenedEntry,
  type UnknownEntry,
} from "../../lib/core/ledger.ts";
import { matcherFor } from "../../lib/core/matching.ts";
import { defaultPolicy, keyLifeEndMs, type Policy } from "../../lib/core/policy.ts";
import { resolve, type Scan } from "../../lib/core/resolution.ts";
import { takeOver } from "../../lib/core/takeover.ts";
import { type RecordedVerdict, recordVerdict } from "../../lib/core/verdict.ts";
import { centrobill } from "../../lib/gateways/centrobill/index.ts";
import { requestParsers } from "../../lib/gateways/registry.ts";
import { anyCodePoints } from "../any-text.ts";
import { chargeMessage, openedEntry } from "../doubles/samples.ts";
import { seededIds } from "../doubles/seeded-ids.ts";

const ids = seededIds();
const opened = (chargeId = "inv-1"): OpenedEntry => openedEntry(chargeMessage(chargeId), ids);

describe("a message", () => {
  const goodMessage: Readonly<Record<string, Json>> = chargeMessage("inv-1");

  test("whatever the text is, reading it never throws", () => {
    fc.assert(
      fc.property(fc.oneof(anyCodePoints, fc.json(), fc.string()), (text) => {
        expect(parseCharge(text, requestParsers).ok).toBe(false);
      }),
    );
  });

  test("a good one with one member changed is the same charge, another one, or refused; never something else", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(goodMessage), "extra"),
        fc.oneof(fc.jsonValue(), fc.constant(undefined)),
        (key, value) => {
          const { [key]: _old, ...rest } = goodMessage;
          const message = value === undefined ? rest : { ...rest, [key]: value as Json };
          const parsed = parseCharge(JSON.stringify(message), requestParsers);
          if (!parsed.ok) {
            expect(parsed.refusal.problems.length).toBeGreaterThan(0);
            return;
          }
          const { charge } = parsed;
          expect(String(charge.money.amountMinor)).toBe(message["amount"]);
          expect(charge.money.currency).toBe(message["currency"]);
          expect(charge.chargeId).toBe(message["chargeId"]);
          expect(canonicalJson(charge.message)).toBe(canonicalJson(message as Json));
          expect(charge.canonical).toBe(canonicalJson(message as Json));
          // A worker of unknowns reads it out of another message.
          expect(readCharge(message as Json, requestParsers)).toStrictEqual(parsed);
          if (key === "extra") expect(value).toBeUndefined();
        },
      ),
    );
  });
});

describe("the ledger's states", () => {
  const verdict: fc.Arbitrary<RecordedVerdict> = fc.oneof(
    fc.record({
      kind: fc.constant("settle" as const),
      state: fc.constantFrom("approved" as const, "declined_permanent" as const, "request_error" as const),
      ending: fc.constant({ code: "0" }),
      evidence: fc.constant({ kind: "reply", atMs: 1, status: 201, bodySha256: "ab" } as const),
    }),
    fc.record({
      kind: fc.constant("review" as const),
      reason: fc.constantFrom("mismatch" as const, "absent" as const),
      evidence: fc.constant({ kind: "absence", searches: [] } as const),
    }),
    fc.record({
      kind: fc.constant("wait" as const),
      state: fc.constantFrom("unknown" as const, "pending" as const),
      reason: fc.constant("no_answer" as const),
      nextAct: fc.constantFrom("resend" as const, "lookUp" as const),
      atMs: fc.nat(),
    }),
    fc.record({ kind: fc.constant("sendAgain" as const), atMs: fc.nat() }),
  );

  test("whatever verdicts come, in whatever order: a final state stays, and carries its evidence", () => {
    fc.assert(
      fc.property(fc.array(verdict, { maxLength: 8 }), (verdicts) => {
        let entry: LedgerEntry = opened();
        for (const [at, one] of verdicts.entries()) {
          const before = entry;
          try {
            entry = recordVerdict(before as OpenedEntry, one, { token: ids.leaseToken(), nowMs: at });
          } catch (error) {
            expect(error).toBeInstanceOf(IllegalTransition);
            continue;
          }
          expect(mayFollow[before.state]).toContain(entry.state);
          expect((finalStates as readonly string[]).includes(before.state)).toBe(false);
          expect(entry.token).not.toBe(before.token);
          expect(entry.history.length).toBeGreaterThanOrEqual(before.history.length);
          if ((finalStates as readonly string[]).includes(entry.state) || entry.state === "review")
            expect("evidence" in entry && entry.evidence).toBeTruthy();
        }
      }),
    );
  });

  test("no step that is not in the table can be written", () => {
    for (const from of ledgerStates)
      for (const to of ledgerStates) {
        const write = () =>
          nextEntry(
            { ...opened(), state: from } as unknown as LedgerEntry,
            { state: to } as never,
            {},
            { token: ids.leaseToken(), nowMs: 1 },
          );
        if (mayFollow[from].includes(to)) expect(write().state).toBe(to);
        else expect(write, `${from} → ${to}`).toThrow(IllegalTransition);
      }
  });
});

const gateway = centrobill({ url: "https://pay.test", apiKey: "key", feedUrl: "https://feed.test" });
const policy: Policy = defaultPolicy;
const unknownOf = (entry: OpenedEntry): UnknownEntry =>
  takeOver(entry, policy, { token: ids.leaseToken(), nowMs: entry.leaseUntilMs + 1 }) as UnknownEntry;

/** A row of the feed, with references of ours or of others, and any word on the payment. */
const rowOf = (entries: readonly LedgerEntry[]): fc.Arbitrary<FeedRow> =>
  fc
    .record({
      requestId: fc.option(fc.constantFrom(...entries.map(({ requestId }) => requestId as string), "other"), {
        nil: undefined,
      }),
      chargeId: fc.option(fc.constantFrom(...entries.map(({ chargeId }) => chargeId as string), "other"), {
        nil: undefined,
      }),
      transactionId: fc.constantFrom("t1", "t2", "t3"),
      kind: fc.constantFrom("charge" as const, "charge" as const, "reversal" as const),
      reply: fc.constantFrom("captured", "accepted", "refused", "unproven"),
    })
    .map(({ requestId, chargeId, transactionId, kind, reply }) => {
      const echo = {
        amount: "19.99",
        currency: "EUR",
        ...(requestId === undefined ? {} : { requestId }),
        ...(chargeId === undefined ? {} : { chargeId }),
      };
      return {
        kind,
        reply:
          reply === "unproven"
            ? { kind: "unproven", why: "unlisted", ids: {} }
            : { kind: reply, echo, ids: { transactionId }, code: reply === "refused" ? "5051" : "0" },
        transactionId,
        ...(requestId === undefined ? {} : { requestId }),
        ...(chargeId === undefined ? {} : { chargeId }),
        consumers: [],
        amount: "19.99",
        currency: "EUR",
        raw: {},
      } as FeedRow;
    });

describe("matching", () => {
  const entries = ["a", "b", "c"].map((chargeId) => unknownOf(opened(chargeId)));

  test("one row is given to at most one charge by reference, and never one that names another", () => {
    fc.assert(
      fc.property(fc.array(rowOf(entries), { maxLength: 10 }), (rows) => {
        const matcher = matcherFor(entries.map((entry) => ({ entry, consumers: [] })));
        for (const row of rows) matcher.add(row);
        const given = entries.flatMap(({ chargeId }) => {
          const { own, otherAttempt, reversals } = matcher.foundOf(chargeId as ChargeId);
          return [...own, ...otherAttempt, ...reversals].map((row) => [row, chargeId] as const);
        });
        expect(new Set(given.map(([row]) => row)).size).toBe(given.length);
        for (const [row, chargeId] of given) {
          const byRequest = entries.find(({ requestId }) => requestId === row.requestId);
          expect(byRequest?.chargeId ?? row.chargeId).toBe(chargeId);
        }
      }),
    );
  });
});

describe("what a look-up may conclude", () => {
  const entry = { ...unknownOf(opened("a")), lookups: 3 };
  const lastSendAtMs = entry.lastSendAtMs ?? 0;
  const scanAt = (atMs: number, whole: boolean): Scan => ({
    atMs,
    fromMs: 0,
    toMs: atMs + policy.clockSkewMs,
    rows: 5,
    whole,
  });

  test("never approved without a captured row of ours; nothing final from a scan that is not whole but that", () => {
    fc.assert(
      fc.property(
        fc.array(rowOf([entry]), { maxLength: 6 }),
        fc.boolean(),
        fc.integer({ min: 0, max: 30 * 60_000 }),
        (rows, whole, laterMs) => {
          const nowMs = lastSendAtMs + laterMs;
          const matcher = matcherFor([{ entry, consumers: [] }]);
          for (const row of rows) matcher.add(row);
          const found = matcher.foundOf(entry.chargeId);
          const resolution = resolve(
            { entry, found, scan: scanAt(nowMs, whole), rowSha256: () => "ab" },
            { chargeId: "a", requestId: entry.requestId, amountMinor: 1999n, currency: "EUR" },
            gateway.rules,
            policy,
            30_000,
            nowMs,
          );
          const captured = [...found.own, ...found.otherAttempt].some(
            ({ reply }) => reply.kind === "captured",
          );
          if (resolution.kind === "settle") {
            if (resolution.state === "approved") expect(captured).toBe(true);
            else {
              expect(whole).toBe(true);
              expect(captured).toBe(false);
            }
          }
          if (resolution.kind === "resendAbsent" || resolution.kind === "newAttempt") {
            expect(found.own).toStrictEqual([]);
            expect(whole).toBe(true);
            expect(nowMs).toBeLessThanOrEqual(keyLifeEndMs(policy, entry.firstSendAtMs ?? 0));
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});
