import { describe, expect, test } from "vitest";
import { chainProblems, headOf, stillHolds } from "../../lib/core/decision-chain.ts";
import type { GatewayWord } from "../../lib/core/gateway-word.ts";
import { judgeDecision } from "../../lib/core/judge-decision.ts";
import type { HistoryEvent, LedgerEntry, ReviewEntry } from "../../lib/core/ledger.ts";
import { recordDecision } from "../../lib/core/record-decision.ts";
import { problemsOfWish, type ReviewDecision, type Wish } from "../../lib/core/review-decision.ts";
import { routeOfDecision, routeOfEntry } from "../../lib/core/route-message.ts";
import { sha256Of } from "../doubles/scripted-wire.ts";
import {
  aCharge,
  final,
  opened,
  policyOf,
  requestIdOf,
  review,
  search,
  t0,
  tokenOf,
  unknown,
  waiting,
} from "./builders.ts";

const absent: GatewayWord = { says: "absent", searches: [search(400), search(500)] };
const nothing: GatewayWord = { says: "nothing", whole: true };

let written = 0;
const decide = (
  entry: ReviewEntry,
  decision: ReviewDecision,
  by: string,
  word: GatewayWord = absent,
  terms: Partial<Wish> = {},
): LedgerEntry => {
  const wish = { decision, by, reason: `because of ${by}`, ...terms };
  const nowMs = t0 + 600_000 + written++;
  const verdict = judgeDecision({ entry, notices: [], wish, word, hasMessage: true }, policyOf(), nowMs);
  if (verdict.kind !== "proposes" && verdict.kind !== "decides") throw new Error(verdict.why);
  return recordDecision(entry, verdict, wish, word, {
    token: tokenOf(`token-${nowMs}`),
    nowMs,
    requestId: requestIdOf("request-2"),
    sha256: sha256Of,
  }).entry;
};
const inReview = (entry: LedgerEntry): ReviewEntry => {
  if (entry.state !== "review") throw new Error(entry.state);
  return entry;
};
const twice = (
  decision: ReviewDecision,
  word: GatewayWord = absent,
  terms: Partial<Wish> = {},
): LedgerEntry => decide(inReview(decide(review(), decision, "Ann", word, terms)), decision, "Bo", word);

const stated = { stated: "mail of 25 November", transactionId: "tx-5" };
const cases: readonly (readonly [string, LedgerEntry])[] = [
  ["a proposal", decide(review(), "new-attempt", "Ann")],
  ["a new attempt", twice("new-attempt")],
  ["a resend", twice("resend", nothing)],
  ["a decline", twice("settle-as-declined")],
  ["an approval on a person's word", twice("settle-as-approved", nothing, stated)],
  ["a refund", twice("refund", nothing, stated)],
  ["a drop", decide(review(), "drop", "Ann", nothing)],
  [
    "a drop, and then an approval",
    decide(
      inReview(
        decide(
          inReview(decide(review(), "drop", "Ann", nothing)),
          "settle-as-approved",
          "Ann",
          nothing,
          stated,
        ),
      ),
      "settle-as-approved",
      "Bo",
      nothing,
    ),
  ],
];

describe("the record of decisions", () => {
  test.each(cases)("of %s is whole, and survives being stored", (_what, entry) => {
    expect(chainProblems(entry, sha256Of)).toEqual([]);
    expect(chainProblems(JSON.parse(JSON.stringify(entry)) as LedgerEntry, sha256Of)).toEqual([]);
  });

  test.each([opened(), waiting(), unknown(), final(), review()])(
    "of $state without a decision is whole",
    (entry) => {
      expect(chainProblems(entry, sha256Of)).toEqual([]);
      expect(headOf(entry)).toBeUndefined();
    },
  );

  test("goes on being whole after the attempt that it opened has ended", () => {
    const entry = twice("new-attempt");
    expect(entry).toMatchObject({
      state: "waiting",
      attempt: 2,
      requestId: "request-2",
      earlierRequestIds: ["request-1"],
    });
    const history: HistoryEvent[] = [
      ...entry.history,
      { e: "leased", at: 1 },
      { e: "recorded", at: 2, state: "approved" },
    ];
    expect(chainProblems({ ...final(), attempt: 2, history }, sha256Of)).toEqual([]);
  });

  describe("any change of it is seen", () => {
    const entry = twice("settle-as-approved", nothing, stated);
    const changed = (
      change: (history: HistoryEvent[]) => void,
      more: Partial<LedgerEntry> = {},
    ): readonly string[] => {
      const history = structuredClone(entry.history) as HistoryEvent[];
      change(history);
      return chainProblems({ ...entry, ...more, history } as LedgerEntry, sha256Of);
    };
    const set = (place: number, members: object) => (history: HistoryEvent[]) => {
      history.splice(place, 1, { ...(history.at(place) as HistoryEvent), ...members });
    };
    const decisionAt = entry.history.findIndex(({ e }) => e === "proposed");
    test.each<[string, (history: HistoryEvent[]) => void]>([
      ["who proposed", set(decisionAt, { by: "Cy" })],
      ["why", set(decisionAt, { reason: "another" })],
      ["on what evidence", set(decisionAt, { stated: "another" })],
      ["when", set(decisionAt + 1, { at: 1 })],
      ["what the gateway said", set(decisionAt + 1, { saw: "captured" })],
      ["what happened before", set(0, { at: 1 })],
      ["the proposal is gone", (history) => history.splice(decisionAt, 1)],
      ["the decision is gone", (history) => history.splice(decisionAt + 1, 1)],
      ["all of it is gone", (history) => history.splice(decisionAt, 2)],
      ["what is older is gone", (history) => history.splice(0, 1)],
      ["the review is gone", (history) => history.splice(decisionAt - 1, 1)],
    ])("%s", (_what, change) => {
      expect(changed(change)).not.toEqual([]);
    });

    test("the state, without its event", () => {
      expect(chainProblems({ ...review(), ...{ state: "approved" } } as LedgerEntry, sha256Of)).not.toEqual(
        [],
      );
    });

    test("the charge", () => {
      expect(changed(() => {}, { fingerprint: "0".repeat(64) })).not.toEqual([]);
    });

    test("a record that was made anew is whole by itself, and is not the one of before", () => {
      const head = headOf(entry);
      if (head === undefined) throw new Error("no head");
      const anew = twice("settle-as-approved", nothing, { ...stated, stated: "another" });
      expect(chainProblems(anew, sha256Of)).toEqual([]);
      expect(stillHolds(anew, head)).toBe(false);
      expect(stillHolds(review(), head)).toBe(false);
      expect(stillHolds(undefined, head)).toBe(false);
      expect(stillHolds(entry, head)).toBe(true);
    });
  });

  test("a confirmation by the one who proposed is none", () => {
    const entry = twice("resend", nothing);
    const history = entry.history.map((event) => (event.e === "proposed" ? { ...event, by: "BO " } : event));
    expect(chainProblems({ ...entry, history }, sha256Of).join()).toContain("the person who proposed it");
  });
});

describe("what is told of a decision", () => {
  test("an outcome names who decided it, and the head of its record", () => {
    const entry = twice("settle-as-approved", nothing, stated);
    const message = routeOfEntry(entry, aCharge())?.message;
    expect(message).toMatchObject({
      id: "order-1#1#approved",
      decided: { decision: "settle-as-approved", by: "Bo", hash: headOf(entry)?.hash },
      evidence: { kind: "stated", by: ["Ann", "Bo"], stated: "mail of 25 November", transactionId: "tx-5" },
    });
    expect(routeOfEntry(entry, undefined)?.message).not.toHaveProperty("charge");
  });

  test("a charge that comes back to review is told under another id", () => {
    const entry = twice("resend", nothing);
    const again = {
      ...review(),
      history: [...entry.history, { e: "recorded", at: 9, state: "review" } as const],
    };
    expect(routeOfEntry(review(), aCharge())?.message.id).toBe("order-1#1#review");
    expect(routeOfEntry(again, aCharge())?.message.id).toBe("order-1#1#review#2");
    expect(routeOfEntry(again, aCharge())?.message).not.toHaveProperty("decided");
  });

  test("a refund is told with its transaction, and a charge stays in review for it", () => {
    const entry = twice("refund", nothing, stated);
    const event = entry.history.at(-1);
    if (event?.e !== "decided") throw new Error("no decision");
    expect(entry.state).toBe("review");
    expect(routeOfDecision(entry, event, { gateway: "centrobill", transactionId: "tx-5" })).toMatchObject({
      queue: "review",
      message: {
        id: `order-1#1#review#refund#${event.hash.slice(0, 16)}`,
        refundProposal: [{ gateway: "centrobill", transactionId: "tx-5" }],
        decided: { decision: "refund", by: "Bo" },
      },
    });
  });
});

describe("a wish as it was typed", () => {
  const wish: Wish = { decision: "refund", by: "Ann", reason: "twice", transactionId: "tx-1", amount: "500" };
  test.each<[Partial<Wish>, field: string, reason: string]>([
    [{}, "", "as it should be"],
    [{ by: " " }, "by", "nobody"],
    [{ by: "x".repeat(101) }, "by", "too long"],
    [{ reason: "" }, "reason", "no reason"],
    [{ reason: "a\nb" }, "reason", "a line that could be taken for another"],
    [{ by: "Ann\u202egro.knab" }, "by", "text that runs backwards"],
    [{ reason: "card 4111 1111 1111 1111" }, "reason", "S12"],
    [{ stated: "4111111111111111" }, "stated", "S12"],
    [{ amount: "5.00" }, "amount", "minor units"],
    [{ amount: "0" }, "amount", "nothing"],
    [{ decision: "drop" }, "amount", "no amount is dropped"],
  ])("%j → %s (%s)", (changes, field) => {
    expect(problemsOfWish({ ...wish, ...changes }).map((problem) => problem.field)).toEqual(
      field === "" ? [] : [field],
    );
  });

  test("an amount without its transaction could be anybody's", () => {
    const { transactionId: _none, ...without } = wish;
    expect(problemsOfWish(without).map(({ field }) => field)).toEqual(["amount"]);
  });
});
