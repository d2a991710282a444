import { describe, expect, test } from "vitest";
import { chained, chainProblems, headOf, stillHolds } from "../../lib/core/decision-chain.ts";
import type { GatewayWord } from "../../lib/core/gateway-word.ts";
import type { HistoryEvent, LedgerEntry } from "../../lib/core/ledger.ts";
import {
  type DecisionEvent,
  isDecisionEvent,
  problemsOfWish,
  type ReviewDecision,
  type Wish,
} from "../../lib/core/review-decision.ts";
import { routeOfDecision, routeOfEntry } from "../../lib/core/route-message.ts";
import { sha256Of } from "../doubles/scripted-wire.ts";
import { aCharge, final, opened, policyOf, review, t0, unknown, waiting } from "./builders.ts";
import { decideOn, wish, words } from "./decided.ts";

const { absent, nothing } = words;
let minutes = 5;
const decide = (
  entry: LedgerEntry,
  decision: ReviewDecision,
  by: string,
  word: GatewayWord = absent,
  terms: Partial<Wish> = {},
): LedgerEntry => {
  minutes += 0.001;
  return decideOn(entry, wish(decision, { by, ...terms }), word, policyOf(), minutes).entry;
};
const twice = (
  decision: ReviewDecision,
  word: GatewayWord = absent,
  terms: Partial<Wish> = {},
): LedgerEntry => decide(decide(review(), decision, "Ann", word, terms), decision, "Bo", word);

const stated = { stated: "mail of 25 November", transactionId: "tx-5" };
const dropped = decide(review(), "drop", "Ann", nothing);
const cases: readonly (readonly [string, LedgerEntry])[] = [
  ["a proposal", decide(review(), "new-attempt", "Ann")],
  ["a new attempt", twice("new-attempt")],
  ["a resend", twice("resend", nothing)],
  ["a decline", twice("settle-as-declined")],
  ["an approval on a person's word", twice("settle-as-approved", nothing, stated)],
  ["a refund", twice("refund", nothing, stated)],
  ["a drop", dropped],
  [
    "a drop, and then an approval",
    decide(
      decide(dropped, "settle-as-approved", "Ann", nothing, stated),
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

  describe("what no decision may say, though its hash is right", () => {
    /** The entry with one more decision in its history, as whoever may write the table could have made it. */
    const forged = (entry: LedgerEntry, members: Partial<DecisionEvent> = {}): LedgerEntry => {
      const event = {
        e: "decided" as const,
        at: t0,
        decision: "drop" as const,
        by: "Bo",
        reason: "r",
        saw: "nothing",
        on: entry.token,
        ...members,
      };
      return { ...entry, history: [...entry.history, chained(entry, event, sha256Of)] };
    };
    const and = (entry: LedgerEntry, ...events: HistoryEvent[]): LedgerEntry => ({
      ...entry,
      history: [...entry.history, ...events],
    });
    const proposed = decide(review(), "new-attempt", "Ann");
    const { hash } = headOf(proposed) ?? { hash: "" };
    const approved: HistoryEvent = { e: "recorded", at: t0, state: "approved" };
    const asked: HistoryEvent = { e: "leased", at: t0 };
    const settled = twice("settle-as-approved", nothing, stated);
    const evidence = { kind: "stated", atMs: t0, by: ["Ann"], stated: "x", decision: "none" };
    // biome-ignore format: one row a line
    test.each<[string, LedgerEntry, readonly string[]]>([
      ["a decision on what was not in review", forged(unknown()), ["event 3: decided drop, not in review"]],
      ["a decision on what a decision has ended", forged(and(settled)), ["event 6: decided drop, not in review"]],
      ["a decision after one that leaves it in review", forged(dropped, { decision: "refund" }), []],
      ["a confirmation of nothing", forged(proposed, { confirms: "0" }), ["event 4: confirms a proposal that is not there"]],
      ["a confirmation of another decision", forged(proposed, { confirms: hash }), ["event 4: confirms a proposal that is not there"]],
      ["a confirmation by the one who proposed", forged(proposed, { decision: "new-attempt", by: " ANN", confirms: hash }), ["event 4: confirmed by the person who proposed it", "it is review, which its history does not say"]],
      ["another state, and nobody decided it", { ...and(review(), approved), state: "approved" } as LedgerEntry, ["event 3: recorded without a decision"]],
      ["work on what is in review", and(review(), asked), ["event 3: leased without a decision", "it is review, which its history does not say"]],
      ["work on what was only proposed", and(proposed, asked), ["event 4: leased without a decision", "it is review, which its history does not say"]],
      ["nobody decided it, and two things followed", and(review(), asked, asked), ["event 3: leased without a decision", "it is review, which its history does not say"]],
      ["evidence that names no decision", { ...settled, evidence } as LedgerEntry, ["its evidence names a decision that is not there"]],
      ["evidence that names a proposal", { ...settled, evidence: { ...evidence, decision: settled.history.flatMap((one) => (one.e === "proposed" ? one.hash : []))[0] } } as LedgerEntry, ["its evidence names a decision that is not there"]],
      ["a hash that was changed", and(review(), ...[dropped.history.at(-1) as DecisionEvent].map((one) => ({ ...one, by: "Cy" }))), ["event 3: decided drop: its hash is another"]],
    ])("%s", (_what, entry, problems) => {
      expect(chainProblems(entry, sha256Of)).toEqual(problems);
    });
  });

  test("its head is the last of its decisions", () => {
    const entry = twice("resend", nothing);
    const last = entry.history.findLast(isDecisionEvent);
    expect(headOf(entry)).toStrictEqual({ chargeId: "order-1", decisions: 2, hash: last?.hash });
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
  const whole = wish("refund", { transactionId: "tx-1", amount: "500" });
  const readable = (max: number) => `be 1 to ${max} characters that can be read`;
  const plain = "be on one line, without control characters";
  const digits = "be digits, minor units, over 0 and under 10^8";
  // biome-ignore format: one row a line
  test.each<[changes: Partial<Wish>, field: string, must: string, reason: string]>([
    [{}, "", "", "as it should be"],
    [{ by: " " }, "by", readable(100), "nobody"],
    [{ by: "x".repeat(100) }, "", "", "a long name"],
    [{ by: "x".repeat(101) }, "by", readable(100), "too long"],
    [{ reason: "" }, "reason", readable(500), "no reason"],
    [{ reason: "x".repeat(500) }, "", "", "a long reason"],
    [{ reason: "x".repeat(501) }, "reason", readable(500), "too long"],
    [{ stated: "x".repeat(1_001) }, "stated", readable(1_000), "too long"],
    [{ transactionId: "x".repeat(101) }, "transactionId", readable(100), "too long"],
    [{ reason: "a\nb" }, "reason", plain, "a line that could be taken for another"],
    [{ by: "Ann\u202egro.knab" }, "by", plain, "text that runs backwards"],
    [{ reason: "card 4111 1111 1111 1111" }, "reason", "not hold a card number", "S12"],
    [{ stated: "4111111111111111" }, "stated", "not hold a card number", "S12"],
    [{ amount: "5.00" }, "amount", digits, "minor units"],
    [{ amount: "0" }, "amount", digits, "nothing"],
    [{ amount: "x5" }, "amount", digits, "no number"],
    [{ amount: "123456789" }, "amount", digits, "more than any charge has"],
    [{ decision: "drop" }, "amount", "be given with refund alone", "no amount is dropped"],
    [{ decision: "drop", amount: undefined as never }, "", "", "none is given"],
    [{ transactionId: undefined as never }, "amount", "name its transaction, too", "it could be anybody's"],
    [{ transactionId: undefined as never, amount: undefined as never }, "", "", "the whole of what is found"],
  ])("%j → %s (%s)", (changes, field, must) => {
    expect(problemsOfWish({ ...whole, ...changes })).toEqual(field === "" ? [] : [{ field, must }]);
  });
});
