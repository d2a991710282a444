import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createTally } from "../../cli/tally.ts";
import type { RouteMessage } from "../../lib/core/route-message.ts";

const sha = (text: string): string => createHash("sha256").update(text).digest("hex");
const line = (number: number, body: string) => ({
  line: number,
  body,
  bodySha256: sha(body),
  endsAt: number,
});
const charge = (chargeId: string, amount = "1") => ({ v: 1, chargeId, amount });
const place = { offset: 0, bytes: 1 };

const told = (body: object, outcome: RouteMessage["outcome"] = "approved", attempt = 1): RouteMessage =>
  ({
    v: 1,
    id: "x",
    chargeId: (body as { chargeId: string }).chargeId,
    attempt,
    outcome,
    charge: body,
    at: "",
  }) as unknown as RouteMessage;
const refused = (body: string, chargeId?: string): RouteMessage =>
  ({
    v: 1,
    id: "x",
    attempt: 0,
    outcome: "request_error",
    ...(chargeId === undefined ? {} : { chargeId }),
    evidence: { kind: "message", bodySha256: sha(body), problems: [] },
    at: "",
  }) as unknown as RouteMessage;

describe("which lines are accounted for", () => {
  test("a line is when its charge has an outcome", () => {
    const tally = createTally();
    tally.noteLine(line(1, JSON.stringify(charge("a"))));
    expect(tally.openCount()).toBe(1);
    expect(tally.noteOutcome(told(charge("a")), place)).toBe("new");
    expect(tally.openCount()).toBe(0);
    expect(tally.counts().get("approved")).toBe(1);
  });

  test("the same content written in another order is the same charge", () => {
    const tally = createTally();
    tally.noteLine(line(1, '{"v":1,"chargeId":"a","amount":"1"}'));
    tally.noteLine(line(2, '{"amount":"1","chargeId":"a","v":1}'));
    tally.noteOutcome(told(charge("a")), place);
    expect(tally.openCount()).toBe(0);
    expect(tally.items).toHaveLength(2);
  });

  test("the same text twice is one item with two lines", () => {
    const tally = createTally();
    tally.noteLine(line(1, "null"));
    tally.noteLine(line(4, "null"));
    expect(tally.items).toMatchObject([{ line: 1, moreLines: [4] }]);
    tally.noteOutcome(refused("null"), place);
    expect(tally.openCount()).toBe(0);
    expect(tally.refusalOf(tally.items[0]?.body ?? "")).toBe(place);
  });

  test("another content under one id waits for its own refusal", () => {
    const tally = createTally();
    const other = JSON.stringify(charge("a", "2"));
    tally.noteLine(line(1, JSON.stringify(charge("a"))));
    tally.noteLine(line(2, other));
    tally.noteOutcome(told(charge("a")), place);
    expect(tally.openItems().map((item) => item.line)).toEqual([2]);
    tally.noteOutcome(refused(other, "a"), place);
    expect(tally.openCount()).toBe(0);
  });

  test("a repeat counts once; a later attempt's outcome takes the place of the one before", () => {
    const tally = createTally();
    tally.noteLine(line(1, JSON.stringify(charge("a"))));
    tally.noteOutcome(told(charge("a"), "declined_retryable"), place);
    expect(tally.noteOutcome(told(charge("a"), "declined_retryable"), place)).toBe("repeat");
    tally.noteOutcome(told(charge("a"), "approved", 2), place);
    expect(Object.fromEntries(tally.counts())).toEqual({ declined_retryable: 0, approved: 1 });
  });

  test("outcomes of an earlier run close lines that are read after them", () => {
    const tally = createTally();
    tally.noteOutcome(told(charge("a")), place);
    tally.noteOutcome(refused("{"), place);
    tally.noteLine(line(1, JSON.stringify(charge("a"))));
    tally.noteLine(line(2, "{"));
    expect(tally.openCount()).toBe(0);
  });

  describe("a review that a person has decided", () => {
    const withoutCharge = (outcome: RouteMessage["outcome"]): RouteMessage => {
      const { charge: _charge, ...message } = told(charge("a"), outcome);
      return message;
    };
    const reopened = () => {
      const tally = createTally();
      tally.noteOutcome(told(charge("a"), "review"), place);
      tally.noteOutcome(told(charge("b")), place);
      expect(tally.inReview()).toEqual(["a"]);
      tally.reopen("a" as ReturnType<typeof tally.inReview>[number]);
      tally.noteLine(line(1, JSON.stringify(charge("a"))));
      expect(tally.openCount()).toBe(1);
      return tally;
    };

    test("waits for its outcome, which takes the place of the review", () => {
      const tally = reopened();
      tally.noteOutcome(told(charge("a"), "approved"), place);
      expect(tally.openCount()).toBe(0);
      expect(Object.fromEntries(tally.counts())).toEqual({ review: 0, approved: 2 });
    });

    test("may come back to review", () => {
      const tally = reopened();
      tally.noteOutcome(told(charge("a"), "review"), place);
      expect(tally.openCount()).toBe(0);
      expect(tally.inReview()).toEqual(["a"]);
    });

    test("may be told without the charge, and a refund that is told so is no outcome", () => {
      const tally = reopened();
      tally.noteOutcome(withoutCharge("review"), place);
      expect(tally.openCount()).toBe(1);
      tally.noteOutcome(withoutCharge("declined_permanent"), place);
      expect(tally.openCount()).toBe(0);
    });
  });
});
