import { describe, expect, test } from "vitest";
import type { FeedRow } from "../../lib/core/feed.ts";
import { asUnknown, type GatewayWord, wordOfLook, wordText } from "../../lib/core/gateway-word.ts";
import type { ReviewEntry } from "../../lib/core/ledger.ts";
import type { Found } from "../../lib/core/matching.ts";
import { type RecordedVerdict, recordVerdict } from "../../lib/core/verdict.ts";
import {
  by,
  found,
  pending,
  policyOf,
  reversal,
  review,
  row,
  rules,
  scan,
  search,
  stranger,
  t0,
  timeoutMs,
  unknown,
} from "./builders.ts";

const used: RecordedVerdict = {
  kind: "review",
  reason: "lookups_used_up",
  evidence: { kind: "lookups", atMs: t0, made: 10, failed: 0, lastSendAtMs: t0 },
};
/** Sent once at `t0`, never answered, looked for in vain. */
const entry = (changes: Partial<ReviewEntry> = {}): ReviewEntry => ({
  ...(recordVerdict(unknown(), used, by(86_400)) as ReviewEntry),
  ...changes,
});
const week = 7 * 86_400_000;
const certain = entry({ absences: [search(400)] });

const look = (
  of: ReviewEntry,
  rows: Partial<Found>,
  whole = true,
  policy: Parameters<typeof policyOf>[0] = {},
): GatewayWord =>
  wordOfLook(
    of,
    {
      found: found(rows),
      scan: scan(90_000, { whole, fromMs: t0 - 120_000, toMs: t0 + 4_000_000 }),
      rowSha256: () => "a".repeat(64),
    },
    rules,
    policyOf(policy),
    timeoutMs,
    t0 + 90_000_000,
  );

const lapsed: FeedRow = {
  ...row("refused"),
  reply: { kind: "refused", echo: {}, ids: {}, code: "expired", lapsed: true },
};

describe("what the gateway says of a charge in review", () => {
  test.each<[what: string, GatewayWord["says"], ReviewEntry, Partial<Found>, whole: boolean, reason: string]>(
    [
      ["its row, captured", "captured", entry(), { own: [row("captured")] }, true, "as asked"],
      ["its row, captured", "captured", entry(), { own: [row("captured")] }, false, "it cannot be unseen"],
      [
        "two of its rows, captured",
        "captured_otherwise",
        entry(),
        { own: [row("captured"), row("captured", { transactionId: "tx-2" })] },
        true,
        "twice",
      ],
      [
        "its row, captured with another amount",
        "captured_otherwise",
        entry(),
        {
          own: [
            row("captured", {
              reply: {
                ...row("captured").reply,
                echo: { amount: "9.99", currency: "EUR" },
              } as FeedRow["reply"],
            }),
          ],
        },
        true,
        "S9",
      ],
      [
        "captured and given back",
        "captured_otherwise",
        entry(),
        { own: [row("captured")], reversals: [reversal()] },
        true,
        "not as asked",
      ],
      [
        "an earlier attempt's capture",
        "captured_otherwise",
        entry(),
        { otherAttempt: [row("captured", { requestId: "request-0" })] },
        true,
        "not this attempt's",
      ],
      ["its row, refused", "declined", entry(), { own: [row("refused")] }, true, "one send, one answer"],
      [
        "its row, refused, of two sends",
        "nothing",
        entry({ openSends: 2, sends: 2 }),
        { own: [row("refused")] },
        true,
        "the other may come",
      ],
      [
        "its row, refused, of two sends",
        "nothing",
        entry({ openSends: 2, sends: 2, looked: 99 }),
        { own: [row("refused")] },
        true,
        "the other may still come, though nobody looks for it any more",
      ],
      [
        "its row, refused",
        "nothing",
        entry(),
        { own: [row("refused")] },
        false,
        "a no rests on all that is there",
      ],
      ["its row, accepted", "pending", entry(), { own: [row("accepted")] }, true, "its word is to come"],
      ["no row", "absent", certain, {}, true, "the second search of two"],
      ["no row", "nothing", entry(), {}, true, "one search is no certificate"],
      ["no row", "nothing", certain, {}, false, "not all was read"],
      [
        "no row",
        "nothing",
        entry({ absences: [search(400)], ids: { transactionId: "tx-1" } }),
        {},
        true,
        "it had an id there",
      ],
      [
        "no row of a charge that was accepted",
        "nothing",
        {
          ...(recordVerdict(pending(), used, by(86_400)) as ReviewEntry),
          absences: [search(400)],
          history: [
            ...pending().history,
            { e: "recorded", at: t0, state: "pending" },
            { e: "recorded", at: t0, state: "review" },
          ],
        },
        {},
        true,
        "accepted is not absent",
      ],
      ["a row that looks like it", "weak", certain, { weak: [stranger("captured")] }, true, "S14"],
      [
        "that it ended unpaid",
        "declined",
        entry({ reason: "unlisted_answer" }),
        { own: [lapsed] },
        true,
        "its last word",
      ],
      [
        "that it ended unpaid",
        "nothing",
        entry({ reason: "unlisted_answer" }),
        { own: [lapsed] },
        false,
        "not all was read",
      ],
      ["its row, in a word that nobody knows", "nothing", entry(), { own: [row("unproven")] }, true, "S10"],
      [
        "its row, in a word that nobody knows",
        "nothing",
        entry({ looked: 99 }),
        { own: [row("unproven")] },
        true,
        "S10, though nobody looks for it any more",
      ],
    ],
  )("%s → %s (%j)", (_what, says, of, rows, whole) => {
    expect(look(of, rows, whole).says).toBe(says);
  });

  const rowOf = (transactionId: string, more: object = {}) => ({
    kind: "feed_row",
    atMs: t0 + 90_000_000,
    code: "0",
    rowSha256: "a".repeat(64),
    transactionId,
    ...more,
  });
  const searches = [search(400), { ...search(90_000), fromMs: t0 - 120_000, toMs: t0 + 4_000_000 }];
  const otherwise: FeedRow = {
    ...row("captured"),
    reply: { ...row("captured").reply, echo: { amount: "9.99", currency: "EUR" } } as FeedRow["reply"],
  };
  const timeless = ({ atMs: _at, ...row }: FeedRow): FeedRow => row;
  const { transactionId: _none, ...nameless } = stranger("unproven");
  const codeless: FeedRow = {
    ...row("refused"),
    reply: { kind: "unproven", why: "unlisted", ids: {} },
  };
  // biome-ignore format: one row a line
  test.each<[what: string, ReviewEntry, Partial<Found>, GatewayWord | object, policy?: Parameters<typeof policyOf>[0]]>([
    ["captured, under both of its names", entry(), { own: [row("captured", { orderId: "o-1" })] }, { says: "captured", evidence: rowOf("tx-1", { orderId: "o-1" }), code: "0", ids: { transactionId: "tx-1" } }],
    ["captured with another amount: both are told", entry(), { own: [otherwise] }, { says: "captured_otherwise", reason: "mismatch", rows: [rowOf("tx-1")], mismatch: { field: "amount", asked: "1999", got: "999" } }],
    ["captured with another amount: a refusal of no later moment does not unsay it", entry(), { own: [timeless(otherwise), timeless(row("refused"))] }, { says: "captured_otherwise", reason: "mismatch", rows: [rowOf("tx-1")], mismatch: { field: "amount", asked: "1999", got: "999" } }],
    ["captured twice: each row is told", entry(), { own: [row("captured"), row("captured", { transactionId: "tx-2", orderId: "o-2" })] }, { says: "captured_otherwise", reason: "double_charge", rows: [rowOf("tx-1"), rowOf("tx-2", { orderId: "o-2" })] }],
    ["an earlier attempt's capture: one row is told", entry(), { otherAttempt: [row("captured", { requestId: "request-0" })] }, { says: "captured_otherwise", reason: "captured_by_earlier_attempt", rows: [rowOf("tx-1")] }],
    ["ended unpaid: its code is told", entry({ reason: "unlisted_answer" }), { own: [lapsed] }, { says: "declined", evidence: rowOf("tx-1", { code: "expired" }), ending: { code: "expired" } }],
    ["ended unpaid, and for something else than its answer: nobody knows", entry(), { own: [codeless] }, { says: "nothing", whole: true }],
    ["only like it: the row is told, and what is certified otherwise", certain, { weak: [stranger("captured", { orderId: "o-3" })] }, { says: "weak", rows: [rowOf("tx-1", { orderId: "o-3" })], absent: true, searches }],
    ["only like it, without a name or a code", entry(), { weak: [nameless] }, { says: "weak", rows: [{ kind: "feed_row", atMs: t0 + 90_000_000, rowSha256: "a".repeat(64) }], absent: false, searches: searches.slice(1) }],
    ["like it, beside a row of its own that says nothing", entry(), { own: [row("unproven")], weak: [stranger("captured")] }, { says: "nothing", whole: true }],
    ["absent, where the machine would send it anew", certain, {}, { says: "absent", searches }, { afterAbsence: "newAttempt", requestIdLifeMs: week }],
    ["absent, where it would send it again", certain, {}, { says: "absent", searches }, { afterAbsence: "resendWithinLife", requestIdLifeMs: week }],
    ["absent, where a person is asked", certain, {}, { says: "absent", searches }, { afterAbsence: "review", requestIdLifeMs: week }],
    ["absent, where its request id has ended", certain, {}, { says: "absent", searches }, { afterAbsence: "newAttempt" }],
    ["absent, where no attempt is left", certain, {}, { says: "absent", searches }, { afterAbsence: "newAttempt", attemptsMax: 1, requestIdLifeMs: week }],
    ["absent, where it may not be sent any more", { ...certain, notAfterMs: t0 }, {}, { says: "absent", searches }, { requestIdLifeMs: week }],
    ["absent, and refused in a word that nobody knows", { ...certain, reason: "unlisted_answer" }, {}, { says: "absent", searches }, { requestIdLifeMs: week }],
  ])("%s", (_what, of, rows, word, policy) => {
    expect(look(of, rows, true, policy)).toStrictEqual(word);
  });

  test("of many that look like it eight are told", () => {
    const many = Array.from({ length: 12 }, (_, n) => stranger("captured", { transactionId: `tx-${n}` }));
    const word = look(certain, { weak: many });
    expect(word.says === "weak" && word.rows.map(({ transactionId }) => transactionId)).toEqual(
      many.slice(0, 8).map(({ transactionId }) => transactionId),
    );
  });

  test("what waited last is what it is looked at as, and its next act is a look-up", () => {
    const waited = (...states: ("unknown" | "pending")[]) =>
      asUnknown({
        ...entry(),
        history: states.map(
          (state) => ({ e: "recorded", at: t0, state, route: "unknown-outcomes" }) as const,
        ),
      });
    expect(waited("pending", "unknown")).toMatchObject({ state: "unknown", nextAct: "lookUp" });
    expect(waited("unknown", "pending")).toMatchObject({ state: "pending", nextAct: "lookUp" });
  });

  test("a row that looks like it says whether it is absent otherwise", () => {
    expect(look(certain, { weak: [stranger("captured")] })).toMatchObject({ says: "weak", absent: true });
    expect(look(entry(), { weak: [stranger("captured")] })).toMatchObject({ says: "weak", absent: false });
  });

  test("a look changes nothing of the entry", () => {
    const before = JSON.stringify(certain);
    look(certain, {});
    expect(JSON.stringify(certain)).toBe(before);
  });

  test("an entry in review is looked at as the unknown that it was", () => {
    expect(asUnknown(entry())).toMatchObject({ state: "unknown", reason: "no_answer" });
    expect(asUnknown(entry({ reason: "unlisted_answer" }))).toMatchObject({ reason: "unlisted" });
    for (const name of ["evidence", "finalAtMs", "ending", "mismatch", "droppedAtMs"])
      expect(asUnknown(entry({ droppedAtMs: 1 }))).not.toHaveProperty(name);
  });
});

const declinedWord = look(entry(), { own: [row("refused")] }) as Extract<GatewayWord, { says: "declined" }>;

test.each<[GatewayWord, string]>([
  [look(entry(), { own: [row("captured")] }), "captured: tx-1"],
  [
    look(entry(), { own: [row("captured")], reversals: [reversal()] }),
    "captured, but refunded_or_charged_back: tx-1, tx-9",
  ],
  [look(entry(), { own: [row("refused")] }), "declined, code 5051"],
  [look(entry(), { own: [row("accepted")] }), "pending: its last word is to come"],
  [look(certain, {}), "absent by 2 searches"],
  [look(certain, { weak: [stranger("captured")] }), "only like it: tx-1"],
  [look(entry(), {}), "nothing that proves an outcome"],
  [look(entry(), {}, false), "nothing, and not all could be read"],
  [{ says: "not_asked", why: "no_feed" }, "not asked: no_feed"],
  [{ says: "not_asked", why: "failed", text: "x".repeat(200) }, `not asked: failed (${"x".repeat(141)}`],
  [{ ...declinedWord, ending: { code: "x".repeat(200) } }, `declined, code ${"x".repeat(145)}`],
  [{ ...declinedWord, ending: {} }, "declined"],
  [{ says: "captured_otherwise", reason: "mismatch", rows: [] }, "captured, but mismatch"],
  [
    {
      says: "captured_otherwise",
      reason: "double_charge",
      rows: [
        { kind: "feed_row", atMs: t0, rowSha256: "a", transactionId: "x".repeat(200) },
        { kind: "feed_row", atMs: t0, rowSha256: "a" },
      ],
    },
    `captured, but double_charge: ${"x".repeat(118)}`,
  ],
  [
    {
      says: "captured_otherwise",
      reason: "double_charge",
      rows: [
        { kind: "feed_row", atMs: t0, rowSha256: "a" },
        { kind: "feed_row", atMs: t0, rowSha256: "b", transactionId: "tx-2" },
      ],
    },
    "captured, but double_charge: tx-2",
  ],
  [{ says: "not_asked", why: "failed", text: "HTTP 500" }, "not asked: failed (HTTP 500)"],
])("%j as it is kept: %s", (word, text) => {
  expect(wordText(word)).toBe(text);
});

test("review builder of the suites is one that a look can be weighed for", () => {
  expect(look(review(), {}).says).toBe("nothing");
});
