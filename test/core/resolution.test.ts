import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FeedRow } from "../../lib/core/feed.ts";
import { type HeldAnswer, isFinal, type OpenReason, type UnknownEntry } from "../../lib/core/ledger.ts";
import type { Found } from "../../lib/core/matching.ts";
import { type AfterAbsence, keyLifeEndMs, type Policy } from "../../lib/core/policy.ts";
import type { GatewayReply } from "../../lib/core/reply.ts";
import {
  afterLookUpFailure,
  certifiesAbsence,
  certifyAbsent,
  noteLookUp,
  noteLookUpFailure,
  type Resolution,
  resolve,
  resolveWithoutFeed,
  type Scan,
  searchesForAbsence,
  windowOf,
} from "../../lib/core/resolution.ts";
import { recordVerdict } from "../../lib/core/verdict.ts";
import {
  asked,
  by,
  found,
  policyOf,
  replies,
  reversal,
  row,
  rules,
  scan,
  search,
  stranger,
  t0,
  timeoutMs,
  unknown,
} from "./builders.ts";

const seconds = (ms: number): number => (ms - t0) / 1_000;

/** A resolution in a few words; times in seconds after `t0`. */
const told = (resolution: Resolution | "resend"): string => {
  if (resolution === "resend") return "resend";
  switch (resolution.kind) {
    case "settle":
      return `settle ${resolution.state} by ${resolution.evidence.kind}`;
    case "review":
      return `review ${resolution.reason} by ${resolution.evidence.kind}`;
    case "wait":
      return `wait ${resolution.state} ${resolution.reason} ${resolution.nextAct} +${seconds(resolution.atMs)}`;
    case "resendAbsent":
    case "newAttempt":
      return resolution.kind;
  }
};

const held: HeldAnswer = {
  state: "declined_permanent",
  ending: { category: "never_approved", code: "5041", retry: "never" },
  evidence: { kind: "reply", atMs: t0 + 40_000, status: 201, code: "5041", bodySha256: "b".repeat(64) },
};

describe("windowOf", () => {
  test.each<[Partial<UnknownEntry>, now: number, from: number, to: number, reason: string]>([
    [{}, 1, -120, 150, "at least what is in flight: the time-out, and the skew on both ends"],
    [{}, 30, -120, 150, "as late as the time-out"],
    [{}, 31, -120, 151, "later: up to now, it may have been processed late"],
    [{}, 3_600, -120, 3_720, "as late as a charge is looked for"],
    [{}, 90_000, -120, 3_720, "and no later"],
    [{}, -500, -120, 150, "a clock that went back"],
    [{ lastSendAtMs: t0 + 60_000 }, 60, -120, 210, "from the first send to the last"],
    [{ firstSendAtMs: t0 - 10_000 }, 1, -130, 150, "the first send, not the opening"],
  ])("%j at %i s: from %i to %i (%s)", (changes, now, from, to) => {
    const window = windowOf(unknown(changes), policyOf(), timeoutMs, t0 + now * 1_000);
    expect([seconds(window.fromMs), seconds(window.toMs)]).toStrictEqual([from, to]);
  });

  test("without a first send it begins where the charge was opened, without a last one at now", () => {
    const { firstSendAtMs: _first, lastSendAtMs: _last, ...bare } = unknown({ openedAtMs: t0 - 5_000 });
    const window = windowOf(bare as UnknownEntry, policyOf(), timeoutMs, t0 + 60_000);
    expect([seconds(window.fromMs), seconds(window.toMs)]).toStrictEqual([-125, 210]);
  });

  test("a look-up over it, late enough, counts towards a certificate, always", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 330_000, max: 90_000_000 }),
        fc.nat(600_000),
        fc.nat(600_000),
        (afterMs, sendsMs, skewMs) => {
          const policy = policyOf({ clockSkewMs: skewMs });
          const entry = unknown({ firstSendAtMs: t0, lastSendAtMs: t0 + sendsMs });
          const nowMs = t0 + sendsMs + afterMs;
          const window = windowOf(entry, policy, timeoutMs, nowMs);
          expect(
            certifiesAbsence(entry, { atMs: nowMs, ...window, rows: 0, whole: true }, policy, timeoutMs),
          ).toBe(true);
        },
      ),
    );
  });
});

describe("certifiesAbsence (S5)", () => {
  const late = t0 + 330_000;
  test.each<[Partial<Scan>, Partial<UnknownEntry>, certifies: boolean, reason: string]>([
    [{}, {}, true, "whole, late and wide enough"],
    [{ whole: false }, {}, false, "what was not seen proves nothing"],
    [{ atMs: late }, {}, true, "just as late as time-out and feed lag"],
    [{ atMs: late - 1 }, {}, false, "a row may still appear"],
    [{ atMs: late }, { lastSendAtMs: t0 + 1 }, false, "counted from the last send"],
    [{ fromMs: t0 - 120_000 }, {}, true, "from the first send, less the skew"],
    [{ fromMs: t0 - 119_999 }, {}, false, "begins too late"],
    [{ fromMs: t0 - 120_000 }, { firstSendAtMs: t0 - 1 }, false, "counted from the first send"],
    [{ toMs: t0 + 150_000 }, {}, true, "to the last send, what is in flight, and the skew"],
    [{ toMs: t0 + 149_999 }, {}, false, "ends too early"],
    [{ toMs: t0 + 150_000 }, { lastSendAtMs: t0 + 1 }, false, "counted from the last send, again"],
    [{ rows: 0 }, {}, true, "an empty feed is a whole one"],
  ])("%j of %j: %s (%s)", (changes, entry, certifies) => {
    expect(certifiesAbsence(unknown(entry), scan(400, changes), policyOf(), timeoutMs)).toBe(certifies);
  });

  test("what has no last send cannot be certified absent", () => {
    const { lastSendAtMs: _last, ...bare } = unknown();
    expect(certifiesAbsence(bare as UnknownEntry, scan(), policyOf(), timeoutMs)).toBe(false);
  });

  test("what has no first send begins where it was opened", () => {
    const { firstSendAtMs: _first, ...bare } = unknown();
    const entry = bare as UnknownEntry;
    expect(certifiesAbsence(entry, scan(), policyOf(), timeoutMs)).toBe(true);
    expect(certifiesAbsence({ ...entry, openedAtMs: t0 - 1 }, scan(), policyOf(), timeoutMs)).toBe(false);
  });

  test("it takes two", () => {
    expect(searchesForAbsence).toBe(2);
  });
});

type Given = {
  readonly entry?: Partial<UnknownEntry>;
  readonly found?: Partial<Found>;
  /** seconds of the look-ups, the present one last; those before it found nothing */
  readonly looks?: readonly number[];
  readonly scan?: Partial<Scan>;
  readonly policy?: Partial<Policy>;
  readonly now?: number;
};

const resolved = (given: Given): { readonly entry: UnknownEntry; readonly resolution: Resolution } => {
  const policy = policyOf(given.policy);
  const looks = given.looks ?? [400];
  const before = looks
    .slice(0, -1)
    .reduce(
      (entry, at) => noteLookUp(entry, scan(at), found(), policy, timeoutMs),
      unknown(given.entry ?? {}),
    );
  const last = looks.at(-1) ?? 400;
  const present = scan(last, given.scan);
  const rows = found(given.found);
  const entry = noteLookUp(before, present, rows, policy, timeoutMs);
  const resolution = resolve(
    { entry, found: rows, scan: present, rowSha256: (one) => `sha of ${one.transactionId}` },
    asked,
    rules,
    policy,
    timeoutMs,
    t0 + (given.now ?? last) * 1_000,
  );
  return { entry, resolution };
};

const rowWith = (reply: GatewayReply, changes: Partial<FeedRow> = {}): FeedRow =>
  row("unproven", { ...changes, reply });
const second = { transactionId: "tx-2" };
const earlier = { requestId: "request-0" };
const usedUp = { looked: 9 };
const lost = { openSends: 2, sends: 2 };
const accepted = { state: "pending", reason: "gateway_pending" } as const;
const conclusive = rowWith({ ...replies.refused, conclusive: true });
const lapsed = rowWith({ ...replies.refused, code: "EXPIRED", lapsed: true, conclusive: true });
const wait = "wait unknown no_answer lookUp +460";
const twice = { looks: [400, 500] } as const;
const waitTwice = "wait unknown no_answer lookUp +560";

describe("resolve: a capture", () => {
  test.each<[Given, resolution: string, reason: string]>([
    [{ found: { own: [row("captured")] } }, "settle approved by feed_row", "the money was taken"],
    [
      { found: { own: [row("captured")] }, scan: { whole: false } },
      "settle approved by feed_row",
      "it cannot be unseen: the scan need not be whole",
    ],
    [{ found: { own: [row("captured")] }, looks: [5] }, "settle approved by feed_row", "nor need it be late"],
    [{ found: { own: [row("captured")] }, entry: accepted }, "settle approved by feed_row", "at last"],
    [
      { found: { own: [row("captured")] }, entry: { ...lost, held } },
      "settle approved by feed_row",
      "the answer that was held spoke of another send",
    ],
    [
      { found: { own: [row("captured")] }, entry: { reason: "unlisted" } },
      "settle approved by feed_row",
      "what the answer said in a word without a row",
    ],
    [
      { found: { own: [row("captured"), row("refused", second)] } },
      "settle approved by feed_row",
      "one send was refused, the other was not",
    ],
    [
      { found: { own: [row("captured"), row("accepted", second)] } },
      "settle approved by feed_row",
      "captured before pending",
    ],
    [
      { found: { own: [row("captured"), row("captured", { atMs: t0 + 9_000 })] } },
      "settle approved by feed_row",
      "two rows of one transaction are one capture (S13)",
    ],
    [
      { found: { own: [row("captured")], weak: [stranger("captured", second)] } },
      "settle approved by feed_row",
      "what only looks like it is another's",
    ],
    [
      { found: { own: [row("captured")], otherAttempt: [row("refused", { ...second, ...earlier })] } },
      "settle approved by feed_row",
      "an attempt before was refused",
    ],
    [
      { found: { own: [row("captured"), row("captured", second)] } },
      "review double_charge by feed_rows",
      "two transactions (S13)",
    ],
    [
      { found: { own: [row("captured"), row("captured", second)] }, scan: { whole: false } },
      "review double_charge by feed_rows",
      "two transactions, seen in a part",
    ],
    [
      { found: { own: [row("captured")], otherAttempt: [row("captured", { ...second, ...earlier })] } },
      "review double_charge by feed_rows",
      "this attempt and one before (S13)",
    ],
    [
      {
        found: {
          otherAttempt: [row("captured", earlier), row("captured", { ...second, requestId: "request-00" })],
        },
      },
      "review double_charge by feed_rows",
      "two attempts before (S13)",
    ],
    [
      { found: { own: [row("captured"), row("captured", second)], reversals: [reversal()] } },
      "review double_charge by feed_rows",
      "one given back: a person counts",
    ],
    [
      { found: { otherAttempt: [row("captured", earlier)] } },
      "review captured_by_earlier_attempt by feed_rows",
      "that was taken for absent",
    ],
    [
      { found: { own: [row("refused", second)], otherAttempt: [row("captured", earlier)] } },
      "review captured_by_earlier_attempt by feed_rows",
      "though this one was refused",
    ],
    [
      { found: { own: [row("accepted", second)], otherAttempt: [row("captured", earlier)] } },
      "review captured_by_earlier_attempt by feed_rows",
      "though this one is to come",
    ],
    [
      { found: { own: [row("captured")], reversals: [reversal()] } },
      "review refunded_or_charged_back by feed_rows",
      "taken and given back",
    ],
    [
      { entry: { voidingAtMs: t0 + 1_000 }, found: { own: [row("captured")] } },
      "review refunded_or_charged_back by feed_row",
      "taken, and a void of ours is under way or made: it gives back what was paid, and a row need not show that",
    ],
    [
      {
        found: {
          own: [rowWith({ ...replies.captured, echo: { ...replies.captured.echo, amount: "19.98" } })],
        },
      },
      "review mismatch by feed_row",
      "not what was asked (S9)",
    ],
    [
      { found: { own: [rowWith({ ...replies.captured, echo: {} })] } },
      "review mismatch by feed_row",
      "a capture of nobody knows how much (S9)",
    ],
    [
      {
        found: {
          own: [rowWith({ ...replies.captured, echo: { ...replies.captured.echo, chargeId: "order-2" } })],
        },
      },
      "review mismatch by feed_row",
      "another charge under our request id (S9)",
    ],
  ])("→ %2$s (%3$s)", (given, resolution) => {
    expect(told(resolved(given).resolution)).toBe(resolution);
  });

  test("is settled on its row", () => {
    expect(resolved({ found: { own: [row("captured", { orderId: "or-1" })] } }).resolution).toStrictEqual({
      kind: "settle",
      state: "approved",
      ending: { code: "0" },
      evidence: {
        kind: "feed_row",
        atMs: t0 + 400_000,
        code: "0",
        rowSha256: "sha of tx-1",
        transactionId: "tx-1",
        orderId: "or-1",
      },
      ids: { transactionId: "tx-1" },
    });
  });

  test("that the gateway gave no transaction id is settled on what it has", () => {
    const { transactionId: _none, ...nameless } = row("captured", { orderId: "or-1" });
    const { resolution } = resolved({ found: { own: [nameless] } });
    expect(resolution.kind === "settle" && resolution.evidence).toStrictEqual({
      kind: "feed_row",
      atMs: t0 + 400_000,
      code: "0",
      rowSha256: "sha of undefined",
      orderId: "or-1",
    });
  });

  test("of something else is told with both values", () => {
    const own = [rowWith({ ...replies.captured, echo: { ...replies.captured.echo, currency: "USD" } })];
    expect(resolved({ found: { own } }).resolution).toMatchObject({
      reason: "mismatch",
      mismatch: { field: "currency", asked: "EUR", got: "USD" },
    });
  });

  test("that came twice is told with every row, this attempt's first, at most eight", () => {
    const own = Array.from({ length: 9 }, (_, at) => row("captured", { transactionId: `tx-${at}` }));
    const otherAttempt = [row("captured", { ...earlier, transactionId: "tx-other" })];
    const many = resolved({ found: { own, otherAttempt } }).resolution;
    const two = resolved({ found: { own: own.slice(0, 1), otherAttempt } }).resolution;
    const rowsOf = (resolution: Resolution): readonly string[] =>
      resolution.kind === "review" && resolution.evidence.kind === "feed_rows"
        ? resolution.evidence.rows.map(({ transactionId }) => transactionId ?? "none")
        : [];
    expect(rowsOf(many)).toHaveLength(8);
    expect(rowsOf(two)).toStrictEqual(["tx-0", "tx-other"]);
  });

  test("and what was given back are told together", () => {
    const { resolution } = resolved({ found: { own: [row("captured")], reversals: [reversal()] } });
    expect(resolution).toMatchObject({
      evidence: { rows: [{ transactionId: "tx-1" }, { transactionId: "tx-9" }] },
    });
  });
});

describe("resolve: one transaction's last word counts", () => {
  const at = (moment: number) => ({ atMs: t0 + moment * 1_000 });
  const timeless = { atMs: undefined as never };
  const approved = "settle approved by feed_row";
  const declined = "settle declined_retryable by feed_row";
  const toCome = "wait pending gateway_pending lookUp +460";
  test.each<[FeedRow[], resolution: string, reason: string]>([
    [[row("accepted", at(1)), row("captured", at(2))], "settle approved by feed_row", "accepted, then taken"],
    [[row("captured", at(2)), row("accepted", at(1))], "settle approved by feed_row", "in any order"],
    [
      [row("accepted", at(1)), row("refused", at(2))],
      "settle declined_retryable by feed_row",
      "accepted, then refused",
    ],
    [
      [row("refused", at(2)), row("accepted", at(1))],
      "settle declined_retryable by feed_row",
      "in any order",
    ],
    [
      [row("accepted", at(2)), row("captured", at(2))],
      "settle approved by feed_row",
      "the later of two alike",
    ],
    [
      [row("refused", at(1)), row("captured", { ...at(0), ...second })],
      "settle approved by feed_row",
      "another transaction has a word of its own",
    ],
    [
      [
        row("refused", { ...at(1), transactionId: undefined as never, orderId: "or-1" }),
        row("captured", { ...at(2), transactionId: undefined as never, orderId: "or-1" }),
      ],
      "settle approved by feed_row",
      "known by its order where it has no id",
    ],
    [[row("captured", timeless), row("refused", timeless)], approved, "no times: a capture is not unsaid"],
    [[row("refused", timeless), row("captured", timeless)], approved, "and counts when it comes"],
    [[row("captured", at(1)), row("refused", timeless)], approved, "nor is it by a row without a time"],
    [[row("captured", timeless), row("refused", at(1))], approved, "nor where its own time is not known"],
    [[row("accepted", timeless), row("refused", timeless)], declined, "no times: the one that comes later"],
    [[row("refused", timeless), row("accepted", timeless)], toCome, "whichever that is"],
    [[row("accepted", at(1)), row("refused", timeless)], declined, "the same where one has a time"],
    [[row("accepted", timeless), row("refused", at(1))], declined, "the same where the other has"],
  ])("→ %2$s (%3$s)", (own, resolution) => {
    expect(told(resolved({ found: { own } }).resolution)).toBe(resolution);
  });
});

describe("resolve: accepted, its word to come", () => {
  test.each<[Given, resolution: string, reason: string]>([
    [
      { found: { own: [row("accepted")] } },
      "wait pending gateway_pending lookUp +460",
      "pending is no outcome",
    ],
    [
      { found: { own: [row("accepted"), row("refused", second)] } },
      "wait pending gateway_pending lookUp +460",
      "one was refused, the other may be taken",
    ],
    [
      { found: { own: [row("accepted")] }, ...twice },
      "wait pending gateway_pending lookUp +560",
      "however often it is seen",
    ],
    [
      { found: { own: [row("accepted")] }, entry: usedUp },
      "review lookups_used_up by feed_row",
      "never timed into a decline (S6)",
    ],
    [
      { entry: accepted, ...twice },
      "wait unknown gateway_pending lookUp +560",
      "accepted and not seen: never absent",
    ],
    [
      { entry: { ...accepted, ...usedUp }, ...twice },
      "review lookups_used_up by absence",
      "accepted and never seen: a person",
    ],
    [
      { entry: { ...accepted, held, ...usedUp }, ...twice },
      "review lookups_used_up by absence",
      "what was held does not end what was accepted",
    ],
  ])("→ %2$s (%3$s)", (given, resolution) => {
    expect(told(resolved(given).resolution)).toBe(resolution);
  });
});

describe("resolve: refused", () => {
  const declined = "settle declined_retryable by feed_row";
  const own = [row("refused")];
  test.each<[Given, resolution: string, reason: string]>([
    [{ found: { own } }, declined, "one send, one row"],
    [{ found: { own }, looks: [5] }, declined, "it need not be late: it is there"],
    [{ found: { own }, scan: { whole: false } }, wait, "a capture may be in the part that was not read"],
    [{ found: { own }, entry: { openSends: 0, sends: 3 } }, declined, "no send is open"],
    [{ found: { own }, entry: lost }, wait, "two open sends: the other may be captured yet"],
    [{ found: { own }, entry: lost, ...twice }, declined, "and nothing came of it, twice (S5)"],
    [{ found: { own }, entry: lost, looks: [300, 500] }, waitTwice, "the first look was too early"],
    [{ found: { own }, entry: lost, looks: [400, 329] }, "wait unknown no_answer lookUp +480", "this one is"],
    [{ found: { own }, entry: lost, ...twice, scan: { whole: false } }, waitTwice, "a part proves nothing"],
    [{ found: { own }, entry: { openSends: 1, sends: 2 } }, wait, "the row may be that of the answered send"],
    [{ found: { own }, entry: { openSends: 2, sends: 1 } }, wait, "a lost worker may have sent it twice"],
    [{ found: { own }, entry: { openSends: 1, sends: 2 }, ...twice }, declined, "and no other, twice"],
    [{ found: { own: [...own, row("refused", second)] } }, wait, "two rows for one send that we know of"],
    [{ found: { own: [...own, row("refused", second)] }, ...twice }, declined, "and no capture, twice"],
    [
      { found: { own: [...own, row("refused", second)] }, entry: { openSends: 0 } },
      wait,
      "two rows, though nothing is open",
    ],
    [{ found: { own: [...own, row("unproven", second)] } }, wait, "beside something that nobody can read"],
    [{ found: { own: [...own, row("unproven", second)] }, ...twice }, waitTwice, "that does not wear off"],
    [
      { found: { own: [...own, row("unproven", second)] }, entry: usedUp },
      "review lookups_used_up by feed_row",
      "until a person looks",
    ],
    [
      { found: { own }, entry: { ...lost, ...usedUp } },
      "review lookups_used_up by feed_row",
      "never timed into a decline (S6)",
    ],
    [
      { found: { own: [rowWith({ ...replies.refused, code: "5041" })] } },
      "settle declined_permanent by feed_row",
      "the row's own code",
    ],
    [
      { found: { own: [rowWith({ ...replies.refused, code: "no such code" })] } },
      "settle declined_permanent by feed_row",
      "a code without a row is never tried again",
    ],
    [
      {
        found: {
          own: [rowWith({ ...replies.refused, echo: { ...replies.refused.echo, chargeId: "order-2" } })],
        },
      },
      wait,
      "another charge's refusal",
    ],
    [
      { found: { own, otherAttempt: [row("refused", { ...earlier, ...second })] } },
      declined,
      "another attempt's refusal beside it",
    ],
    [
      { found: { own, weak: [stranger("captured", second)] } },
      declined,
      "a stranger's capture beside it (S14)",
    ],
    [
      { found: { own, weak: [stranger("captured", second)] }, entry: lost, ...twice },
      "review weak_match by feed_rows",
      "one send is open, and may be the stranger (S14)",
    ],
    [
      { found: { own, weak: [stranger("accepted", second)] }, entry: { ...lost, held }, ...twice },
      "review weak_match by feed_rows",
      "or come to be it",
    ],
    [
      { found: { own, weak: [stranger("refused", second), stranger("invalid")] }, entry: lost, ...twice },
      declined,
      "not a stranger that took nothing",
    ],
    [
      { found: { own: [conclusive], weak: [stranger("captured", second)] }, entry: lost, ...twice },
      declined,
      "nor where nothing can be taken, whatever was sent",
    ],
    [
      { found: { own, weak: [stranger("captured", second)] }, entry: lost },
      wait,
      "it takes two looks, as without it",
    ],
    [
      { found: { own }, entry: { ...lost, held } },
      wait,
      "an answer and a row, two sends: the row may be the answer's",
    ],
    [{ found: { own }, entry: { held } }, declined, "the row's word, where it settles by itself"],
    [{ found: { own }, entry: accepted }, declined, "accepted, then refused"],

    [{ found: { own: [conclusive] }, entry: lost }, declined, "nothing can be taken, whatever was sent"],
    [{ found: { own: [conclusive] }, entry: lost, scan: { whole: false } }, wait, "if it was all read"],
    [
      { found: { own: [conclusive] }, entry: { ...lost, held } },
      "settle declined_permanent by feed_row",
      "why it was refused is what was answered",
    ],
    [
      { found: { own: [conclusive, row("accepted", second)] }, entry: lost },
      "wait pending gateway_pending lookUp +460",
      "not while something else is to come",
    ],
    [
      { found: { own: [lapsed] }, entry: { reason: "unlisted" } },
      "review unlisted_answer by feed_row",
      "unpaid is no answer to a refusal that nobody understood",
    ],
    [
      { found: { own: [conclusive] }, entry: { reason: "unlisted" } },
      declined,
      "a refusal in a word that has a row",
    ],
    [
      { found: { own: [lapsed] }, entry: { reason: "no_answer" } },
      "settle declined_permanent by feed_row",
      "it ran out, and nothing was understood otherwise",
    ],
  ])("→ %2$s (%3$s)", (given, resolution) => {
    expect(told(resolved(given).resolution)).toBe(resolution);
  });

  test("is settled on its row, with the category's advice", () => {
    expect(resolved({ found: { own } }).resolution).toStrictEqual({
      kind: "settle",
      state: "declined_retryable",
      ending: { category: "insufficient_funds", code: "5051", networkCode: "51", retry: "later" },
      evidence: {
        kind: "feed_row",
        atMs: t0 + 400_000,
        code: "5051",
        rowSha256: "sha of tx-1",
        transactionId: "tx-1",
      },
      ids: { transactionId: "tx-1" },
    });
  });

  test("conclusively, after an answer that was held: the answer's ending on the row's evidence", () => {
    const { resolution } = resolved({ found: { own: [conclusive] }, entry: { ...lost, held } });
    expect(resolution).toMatchObject({ ending: held.ending, evidence: { kind: "feed_row", code: "5051" } });
  });
});

describe("resolve: traces that prove nothing", () => {
  test.each<[Given, resolution: string, reason: string]>([
    [{ found: { own: [row("unproven")] } }, wait, "something that nobody can read"],
    [{ found: { own: [row("unproven")] }, ...twice }, waitTwice, "it is there: never absent"],
    [{ found: { own: [row("unproven")] }, entry: usedUp }, "review contradiction by feed_row", "a person"],
    [{ found: { own: [row("invalid")] }, entry: usedUp }, "review contradiction by feed_row", "a person"],
    [{ found: { reversals: [reversal()] } }, wait, "given back what was never taken"],
    [{ found: { reversals: [reversal()] }, entry: usedUp }, "review contradiction by feed_rows", "a person"],
    [
      { found: { reversals: [reversal()] }, entry: { held }, ...twice },
      waitTwice,
      "it is there: never absent",
    ],
    [{ found: { otherAttempt: [row("accepted", earlier)] } }, wait, "another attempt is to come"],
    [
      { found: { otherAttempt: [row("accepted", earlier)] }, entry: usedUp },
      "review contradiction by feed_rows",
      "a person",
    ],
    [
      { found: { otherAttempt: [row("unproven", earlier)] }, entry: usedUp },
      "review contradiction by feed_rows",
      "a person",
    ],
    [
      { found: { otherAttempt: [row("refused", earlier)] } },
      wait,
      "another attempt's refusal is no trace of this one",
    ],
    [
      { found: { otherAttempt: [row("refused", earlier)] }, entry: usedUp },
      "review lookups_used_up by lookups",
      "nor what a person is called for",
    ],
  ])("→ %2$s (%3$s)", (given, resolution) => {
    expect(told(resolved(given).resolution)).toBe(resolution);
  });
});

describe("resolve: nothing there (S5)", () => {
  test.each<[Given, resolution: string, reason: string]>([
    [{ looks: [60] }, "wait unknown no_answer lookUp +360", "too early to count"],
    [{ looks: [400] }, wait, "one that counts: one is never enough"],
    [twice, "resendAbsent", "two that count"],
    [{ looks: [60, 400] }, "wait unknown no_answer lookUp +480", "two, of which one counts"],
    [{ looks: [60, 400, 480] }, "resendAbsent", "two of three count"],
    [{ ...twice, scan: { whole: false } }, waitTwice, "the second saw a part"],
    [
      { looks: [400, 450, 500], scan: { whole: false } },
      "wait unknown no_answer lookUp +900",
      "two counted, but this one saw a part: look again before anything is sent",
    ],
    [{ ...twice, scan: { toMs: t0 + 1_000 } }, waitTwice, "the second was too narrow"],
    [{ looks: [400], entry: usedUp }, "review lookups_used_up by absence", "the schedule ends with one"],
    [{ looks: [60], entry: usedUp }, "review lookups_used_up by lookups", "the schedule ends with none"],
    [{ looks: [400, 500], entry: { looked: 8 } }, "resendAbsent", "the schedule ends with two"],

    [{ found: { weak: [stranger("captured")] } }, wait, "a stranger that looks like it (S14)"],
    [
      { found: { weak: [stranger("captured")] }, entry: usedUp },
      "review weak_match by feed_rows",
      "shown to a person (S14)",
    ],
    [
      { found: { weak: [stranger("captured")] }, ...twice },
      "review weak_match by feed_rows",
      "never sent again over it (S14)",
    ],
    [
      { found: { weak: [stranger("refused")] }, ...twice },
      "review weak_match by feed_rows",
      "whatever it says (S14)",
    ],
    [
      { found: { weak: [stranger("captured")] }, entry: { held }, ...twice },
      "review weak_match by feed_rows",
      "nor does a held answer end it (S14)",
    ],

    [{ entry: { held } }, wait, "a held answer waits for the second"],
    [{ entry: { held }, ...twice }, "settle declined_permanent by reply_and_absence", "and is confirmed"],
    [
      { entry: { held: { ...held, state: "declined_retryable" } }, ...twice },
      "settle declined_retryable by reply_and_absence",
      "as it was",
    ],
    [
      { entry: { held: { ...held, state: "request_error" } }, ...twice },
      "settle request_error by reply_and_absence",
      "as it was",
    ],
    [
      { entry: { held }, ...twice, now: 90_000 },
      "settle declined_permanent by reply_and_absence",
      "past the key life, too: nothing is sent",
    ],
    [
      { entry: { held, ids: { transactionId: "tx-1" } }, ...twice },
      "settle declined_permanent by reply_and_absence",
      "its ids are the answer's",
    ],

    [{ entry: { ids: { transactionId: "tx-1" } }, ...twice }, waitTwice, "the gateway named it: not absent"],
    [
      { entry: { ids: { orderId: "or-1" }, looked: 8 }, ...twice },
      "review contradiction by absence",
      "named and never seen: a person",
    ],
  ])("→ %2$s (%3$s)", (given, resolution) => {
    expect(told(resolved(given).resolution)).toBe(resolution);
  });

  test("the evidence names the searches", () => {
    expect(resolved({ entry: { held }, ...twice }).resolution).toMatchObject({
      ending: held.ending,
      evidence: { reply: held.evidence, searches: [search(400), search(500)] },
    });
    expect(resolved({ ...twice, policy: { afterAbsence: "review" } }).resolution).toMatchObject({
      evidence: { kind: "absence", searches: [search(400), search(500)] },
    });
  });

  test("or, without any that counts, what was tried", () => {
    const failed = noteLookUpFailure(unknown(usedUp), t0 + 50_000, "HTTP 500");
    const tried = { kind: "lookups", atMs: t0 + 60_000, made: 2, failed: 1 };
    const resolutionOf = (changes: Partial<UnknownEntry>) =>
      resolved({ entry: { ...failed, ...changes }, looks: [60] }).resolution;
    expect(resolutionOf({})).toMatchObject({
      reason: "lookups_used_up",
      evidence: { ...tried, lastSendAtMs: t0 },
    });
    expect(resolutionOf({ lastSendAtMs: t0 + 5_000 })).toMatchObject({
      evidence: { ...tried, lastSendAtMs: t0 + 5_000 },
    });
    expect(resolutionOf({ lastSendAtMs: undefined as never })).toMatchObject({
      evidence: { ...tried, lastSendAtMs: failed.openedAtMs },
    });
  });
});

describe("resolve: what an absence certificate allows", () => {
  const lifeEnd = 750;
  const newAttempt = { afterAbsence: "newAttempt" } as const;
  const toPerson = { afterAbsence: "review" } as const;
  test.each<[Given, resolution: string, reason: string]>([
    [{}, "resendAbsent", "the same request id, inside its life"],
    [{ now: lifeEnd }, "resendAbsent", "at its last moment"],
    [{ now: lifeEnd + 0.001 }, "review absent_past_key_life by absence", "and not after (S3)"],
    [{ entry: { openedAtMs: t0 - 9_000_000 }, now: lifeEnd }, "resendAbsent", "whenever it was opened"],
    [
      { entry: { firstSendAtMs: t0 - 1_000 }, now: lifeEnd, scan: { fromMs: t0 - 300_000 } },
      "wait unknown no_answer lookUp +810",
      "counted from the first send, for which the first look was too narrow",
    ],
    [{ policy: { requestIdLifeMs: 100_000 } }, "review absent_past_key_life by absence", "a short life"],
    [
      { policy: { requestIdLifeMs: 86_400_000 }, now: 5_000 },
      "resendAbsent",
      "a long one, where the gateway says so",
    ],
    [{ policy: newAttempt }, "newAttempt", "a new id, where the policy wants one"],
    [{ policy: newAttempt, now: lifeEnd }, "newAttempt", "at the key life's last moment"],
    [
      { policy: newAttempt, now: lifeEnd + 0.001 },
      "review absent_past_key_life by absence",
      "past it nobody would recognise the old one, if it was only stuck (S3)",
    ],
    [{ policy: newAttempt, entry: { attempt: 3 } }, "newAttempt", "the fourth of four"],
    [
      { policy: newAttempt, entry: { attempt: 4 } },
      "review absent_not_sendable by absence",
      "no attempt is left",
    ],
    [{ entry: { attempt: 4 } }, "resendAbsent", "the same id again is no new attempt"],
    [{ policy: toPerson }, "review absent by absence", "a person decides"],
    [
      { policy: toPerson, now: lifeEnd + 1 },
      "review absent_past_key_life by absence",
      "who should know why it cannot be sent",
    ],
    [{ entry: { notAfterMs: t0 + 500_000 } }, "resendAbsent", "may be sent until this moment"],
    [{ entry: { notAfterMs: t0 + 499_999 } }, "review absent_not_sendable by absence", "too late for it"],
    [
      { policy: newAttempt, entry: { notAfterMs: t0 + 499_999 } },
      "review absent_not_sendable by absence",
      "too late under any id",
    ],
    [
      { entry: { reason: "unlisted" } },
      "review unlisted_answer by absence",
      "refused in a word that no row knows: not sent again by a machine",
    ],
    [
      { entry: { reason: "unlisted" }, policy: newAttempt },
      "review unlisted_answer by absence",
      "under no id",
    ],
    [{ entry: { reason: "worker_lost" } }, "resendAbsent", "whoever sent it"],
    [{ entry: { reason: "gateway_fault" } }, "resendAbsent", "a fault that left nothing"],
  ])("→ %2$s (%3$s)", (given, resolution) => {
    expect(told(resolved({ ...twice, ...given }).resolution)).toBe(resolution);
  });
});

describe("noteLookUp", () => {
  const before = unknown({ lookups: 4, looked: 2, lookFailures: 3, absences: [search(380)] });
  const noted = (seen: Partial<Found>, one = scan()) =>
    noteLookUp(before, one, found(seen), policyOf(), timeoutMs);

  test("writes one line, and moves the schedule on", () => {
    const after = noted({ own: [row("refused")], otherAttempt: [row("refused", earlier)] });
    expect(after).toMatchObject({ lookups: 5, looked: 3, lookFailures: 0, absences: [search(380)] });
    expect(after.history).toStrictEqual([
      ...before.history,
      {
        e: "looked_up",
        at: t0 + 400_000,
        from: t0 - 120_000,
        to: t0 + 1_200_000,
        rows: 3,
        whole: true,
        found: 2,
      },
    ]);
  });

  test("says how many only look like it", () => {
    expect(noted({ weak: [stranger("captured")] }).history.at(-1)).toMatchObject({ found: 0, weak: 1 });
  });

  test.each<[Partial<Found>, Scan, absences: number, reason: string]>([
    [{}, scan(), 2, "nothing seen"],
    [{ weak: [stranger("captured")] }, scan(), 2, "a stranger is not this charge"],
    [{}, scan(400, { whole: false }), 1, "a part"],
    [{}, scan(329), 1, "too early"],
    [{ own: [row("unproven")] }, scan(), 1, "something seen"],
    [{ otherAttempt: [row("captured", earlier)] }, scan(), 1, "another attempt seen"],
    [{ reversals: [reversal()] }, scan(), 1, "something given back"],
    [{ own: [row("captured")], reversals: [reversal()] }, scan(), 1, "something taken and given back"],
  ])("%#: searches that count %3$i (%4$s)", (seen, one, absences) => {
    const after = noted(seen, one);
    expect(after.absences).toHaveLength(absences);
    if (absences === 2) expect(after.absences.at(-1)).toStrictEqual(search());
  });
});

describe("a look-up that could not be made", () => {
  test("is noted, and does not use up the schedule", () => {
    const before = unknown({ lookups: 4, looked: 2, lookFailures: 1, absences: [search()] });
    const after = noteLookUpFailure(before, t0 + 70_000, "x".repeat(500));
    expect(after).toMatchObject({ lookups: 5, looked: 2, lookFailures: 2, absences: [search()] });
    expect(after.history.at(-1)).toStrictEqual({ e: "lookup_failed", at: t0 + 70_000, why: "x".repeat(120) });
  });

  const day = 86_400;
  test.each<[Partial<UnknownEntry>, now: number, resolution: string, reason: string]>([
    [{ lookFailures: 1 }, 60, "wait unknown no_answer lookUp +75", "a quarter of the gap before the first"],
    [{ lookFailures: 2 }, 75, "wait unknown no_answer lookUp +105", "then twice as long"],
    [{ lookFailures: 3 }, 105, "wait unknown no_answer lookUp +165", "and twice again"],
    [{ lookFailures: 20 }, 1_000, "wait unknown no_answer lookUp +1864", "up to a hundredth of the schedule"],
    [{ lookFailures: 10_000 }, 1_000, "wait unknown no_answer lookUp +1864", "however often"],
    [{ looked: 1, lookFailures: 1 }, 360, "wait unknown no_answer lookUp +435", "a quarter of the next gap"],
    [{ looked: 9, lookFailures: 1 }, 43_200, "wait unknown no_answer lookUp +44064", "the last gap is long"],
    [{ looked: 10, lookFailures: 1 }, 80_000, "wait unknown no_answer lookUp +80001", "no gap is left: 1 s"],
    [{ lookFailures: 99 }, day - 1, "wait unknown no_answer lookUp +87263", "until the horizon"],
    [{ lookFailures: 2 }, day, "wait unknown no_answer lookUp +86430", "beyond it three are made"],
    [{ lookFailures: 3 }, day, "review lookups_used_up by lookups", "then a person (S6)"],
    [
      { lookFailures: 3, lastSendAtMs: t0 + 1 },
      day,
      "wait unknown no_answer lookUp +86460",
      "of the last send",
    ],
    [
      { ...accepted, lookFailures: 1 },
      60,
      "wait pending gateway_pending lookUp +75",
      "pending stays pending",
    ],
    [{ ...accepted, lookFailures: 3 }, day, "review lookups_used_up by lookups", "and is no decline (S6)"],
    [{ held, lookFailures: 3 }, day, "review lookups_used_up by lookups", "nor is what is held (S6)"],
  ])("%j at %i s → %s (%s)", (changes, now, resolution) => {
    expect(told(afterLookUpFailure(unknown(changes), policyOf(), t0 + now * 1_000))).toBe(resolution);
  });

  test("tells the person what was tried", () => {
    const entry = noteLookUpFailure(unknown({ lookups: 7, lookFailures: 2 }), t0 + day * 1_000, "HTTP 500");
    expect(afterLookUpFailure(entry, policyOf(), t0 + day * 1_000)).toMatchObject({
      evidence: { kind: "lookups", atMs: t0 + day * 1_000, made: 8, failed: 1, lastSendAtMs: t0 },
    });
  });

  test("a schedule of one moment is no endless loop", () => {
    const policy = policyOf({ lookupScheduleMs: [0] });
    expect(told(afterLookUpFailure(unknown({ lookFailures: 1 }), policy, t0))).toBe(
      "wait unknown no_answer lookUp +1",
    );
    expect(told(afterLookUpFailure(unknown({ lookFailures: 3 }), policy, t0))).toMatch(/^review/);
  });

  test("is always tried again later, and never ends a charge", () => {
    fc.assert(
      fc.property(
        fc.nat(12),
        fc.integer({ min: 1, max: 5_000 }),
        fc.nat(200_000_000),
        (looked, lookFailures, ms) => {
          const resolution = afterLookUpFailure(unknown({ looked, lookFailures }), policyOf(), t0 + ms);
          expect(["wait", "review"]).toContain(resolution.kind);
          if (resolution.kind === "wait") expect(resolution.atMs).toBeGreaterThanOrEqual(t0 + ms + 1_000);
        },
      ),
    );
  });
});

describe("resolveWithoutFeed", () => {
  const day = 86_400;
  const horizon = "wait unknown no_answer lookUp +86400";
  test.each<[Partial<UnknownEntry>, now: number, Partial<Policy>, resolution: string, reason: string]>([
    [{}, 60, {}, "resend", "the one resend that is documented"],
    [{ resends: 1 }, 60, {}, horizon, "it was made: wait for a notice"],
    [{}, 60, { resendsMax: 0 }, horizon, "the policy has none"],
    [{ resends: 1 }, 60, { resendsMax: 2 }, "resend", "the second of two"],
    [{}, 750, {}, "resend", "the key life's last moment"],
    [{}, 750.001, {}, horizon, "past the key life (S3)"],
    [{ firstSendAtMs: t0 - 1 }, 750, {}, horizon, "counted from the first send (S3)"],
    [{ held }, 60, {}, horizon, "answered: the resend would prove nothing"],
    [{ ids: { orderId: "or-1" } }, 60, {}, horizon, "the gateway named it: it arrived"],
    [accepted, 60, {}, "wait pending gateway_pending lookUp +86400", "accepted: never sent again"],
    [{ resends: 1 }, day - 1, {}, horizon, "to the schedule's end"],
    [{ resends: 1 }, day, {}, "review lookups_used_up by lookups", "then a person (S6)"],
    [{ held }, day, {}, "review lookups_used_up by lookups", "what is held does not end it (S6)"],
    [accepted, day, {}, "review lookups_used_up by lookups", "nor does time (S6)"],
    [
      { resends: 1, lastSendAtMs: t0 + 40_000 },
      day,
      {},
      "wait unknown no_answer lookUp +86440",
      "the last send",
    ],
  ])("%j at %s s, %j → %s (%s)", (changes, now, policy, resolution) => {
    expect(told(resolveWithoutFeed(unknown(changes), policyOf(policy), t0 + now * 1_000))).toBe(resolution);
  });

  test("tells the person what is known", () => {
    expect(
      resolveWithoutFeed(unknown({ resends: 1, lookups: 2 }), policyOf(), t0 + day * 1_000),
    ).toMatchObject({
      evidence: { kind: "lookups", atMs: t0 + day * 1_000, made: 2, failed: 0, lastSendAtMs: t0 },
    });
  });

  test("never resends past the key life (S3)", () => {
    fc.assert(
      fc.property(fc.nat(10_000_000), fc.nat(3_000_000), fc.nat(5), (life, ms, resends) => {
        const policy = policyOf({ requestIdLifeMs: life, resendsMax: 5 });
        if (resolveWithoutFeed(unknown({ resends }), policy, t0 + ms) === "resend")
          expect(t0 + ms).toBeLessThanOrEqual(keyLifeEndMs(policy, t0));
      }),
    );
  });
});

test("certified absent: no send is open any more, and the history says so", () => {
  const before = unknown({ openSends: 2 });
  const after = certifyAbsent(before, t0 + 500_000);
  expect(after).toStrictEqual({
    ...before,
    openSends: 0,
    history: [...before.history, { e: "absent", at: t0 + 500_000 }],
  });
});

describe("always", () => {
  const kinds = ["captured", "accepted", "refused", "unproven", "invalid"] as const;
  const anyRow = (changes: Partial<FeedRow> = {}) =>
    fc
      .tuple(fc.constantFrom(...kinds), fc.constantFrom("tx-1", "tx-2", "tx-3"), fc.nat(3))
      .map(([kind, transactionId, at]) =>
        row(kind, { transactionId, orderId: `or-of-${transactionId}`, atMs: t0 + at, ...changes }),
      );
  const seldom = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
    fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value });
  const rows = (one: fc.Arbitrary<FeedRow>) =>
    fc.oneof({ weight: 2, arbitrary: fc.constant<FeedRow[]>([]) }, fc.array(one, { maxLength: 3 }));
  const anyFound: fc.Arbitrary<Found> = fc.record({
    own: rows(fc.oneof(anyRow(), fc.constantFrom(conclusive, lapsed))),
    otherAttempt: rows(anyRow(earlier)),
    reversals: rows(fc.constant(reversal())),
    weak: rows(fc.constantFrom(stranger("captured"), stranger("refused"))),
  });
  const anyEntry = fc
    .record({
      state: fc.constantFrom("unknown" as const, "pending" as const),
      reason: fc.constantFrom<OpenReason>("no_answer", "worker_lost", "unlisted", "answer_to_confirm"),
      openSends: fc.nat(3),
      sends: fc.integer({ min: 1, max: 4 }),
      attempt: fc.integer({ min: 1, max: 5 }),
      looked: fc.nat(11),
      held: seldom(fc.constant(held)),
      ids: seldom(fc.constant({ transactionId: "tx-1" })),
      notAfterMs: seldom(fc.nat(2_000_000).map((ms) => t0 + ms)),
    })
    .map(
      (changes) =>
        Object.fromEntries(
          Object.entries(changes).filter(([, value]) => value !== undefined),
        ) as Partial<UnknownEntry>,
    );
  const anyGiven = fc.record({
    entry: anyEntry,
    found: fc.oneof(fc.constant(found()), anyFound),
    looks: fc.array(fc.integer({ min: 250, max: 1_500 }), { minLength: 1, maxLength: 4 }),
    scan: fc.record({ whole: fc.boolean() }),
    policy: fc.record({
      afterAbsence: fc.constantFrom<AfterAbsence>("resendWithinLife", "newAttempt", "review"),
      requestIdLifeMs: fc.constantFrom(0, 300_000, 900_000, 86_400_000),
    }),
    now: fc.integer({ min: 1, max: 2_000 }),
  });
  const holds = (claim: (given: Given & { readonly found: Found }, resolution: Resolution) => void): void =>
    fc.assert(
      fc.property(anyGiven, (given) => claim(given, resolved(given).resolution)),
      { numRuns: 300 },
    );
  const capturedIn = (seen: readonly FeedRow[]): boolean =>
    seen.some(({ reply }) => reply.kind === "captured");

  test("whatever was found ends in something that can be recorded", () => {
    fc.assert(
      fc.property(anyGiven, (given) => {
        const { entry, resolution } = resolved(given);
        if (resolution.kind === "resendAbsent" || resolution.kind === "newAttempt") return;
        const next = recordVerdict(entry, resolution, by(given.now));
        if (isFinal(next) || next.state === "review") expect(next.evidence).toBeDefined();
      }),
      { numRuns: 300 },
    );
  });

  test("nothing is approved without a captured row of its own (S4, S14)", () => {
    holds((given, resolution) => {
      if (resolution.kind === "settle" && resolution.state === "approved")
        expect(capturedIn(given.found.own)).toBe(true);
    });
  });

  test("a scan that is not whole settles no decline and certifies no absence (S5)", () => {
    holds((given, resolution) => {
      if (given.scan?.whole === true) return;
      expect(["resendAbsent", "newAttempt"]).not.toContain(resolution.kind);
      if (resolution.kind === "settle") expect(resolution.state).toBe("approved");
    });
  });

  test("nothing is sent again past the key life, or over a trace, or on fewer than two searches (S3, S5)", () => {
    fc.assert(
      fc.property(anyGiven, (given) => {
        const { entry, resolution } = resolved(given);
        if (resolution.kind !== "resendAbsent" && resolution.kind !== "newAttempt") return;
        expect(t0 + given.now * 1_000).toBeLessThanOrEqual(keyLifeEndMs(policyOf(given.policy), t0));
        expect(entry.absences.length).toBeGreaterThanOrEqual(2);
        expect(entry.state).toBe("unknown");
        const { own, reversals, weak, otherAttempt } = given.found;
        expect([...own, ...reversals, ...weak]).toStrictEqual([]);
        expect(otherAttempt.every(({ reply }) => reply.kind === "refused")).toBe(true);
        expect(entry.held).toBeUndefined();
        expect(entry.ids).toBeUndefined();
      }),
      { numRuns: 2_000 },
    );
  });

  test("two captures are a double charge, whatever else was seen (S13)", () => {
    fc.assert(
      fc.property(anyGiven, anyFound, (given, more) => {
        const own = [
          ...more.own.filter(({ transactionId }) => transactionId === "tx-3"),
          row("captured", { atMs: t0 + 99 }),
          row("captured", { atMs: t0 + 99, ...second }),
        ];
        const { resolution } = resolved({ ...given, found: { ...more, own } });
        expect(resolution).toMatchObject({ kind: "review", reason: "double_charge" });
      }),
    );
  });

  test("a capture is never declined, resent or waited out", () => {
    fc.assert(
      fc.property(anyGiven, (given) => {
        const own = [row("captured", { atMs: t0 + 99 })];
        const { resolution } = resolved({ ...given, found: { ...given.found, own } });
        expect(["settle", "review"]).toContain(resolution.kind);
        if (resolution.kind === "settle") expect(resolution.state).toBe("approved");
      }),
    );
  });

  test("a weak match alone closes nothing and sends nothing (S14)", () => {
    fc.assert(
      fc.property(anyGiven, fc.integer({ min: 1, max: 3 }), (given, count) => {
        const weak = Array.from({ length: count }, () => stranger("captured"));
        const { resolution } = resolved({ ...given, found: { weak } });
        expect(["wait", "review"]).toContain(resolution.kind);
      }),
    );
  });

  test("waiting is never in the past, and ends (S6)", () => {
    holds((given, resolution) => {
      if (resolution.kind === "wait") {
        expect(resolution.atMs).toBeGreaterThanOrEqual(t0 + (given.now ?? 0) * 1_000);
        expect((given.entry?.looked ?? 0) + (given.looks?.length ?? 0)).toBeLessThan(10);
      }
    });
  });
});

describe("what once went wrong", () => {
  // Rows that carried our references and no id of the gateway's were taken for one transaction: its last word hid
  // the capture (S13).
  const { transactionId: _transaction, ...nameless } = row("captured", { atMs: t0 + 1_000 });
  const { transactionId: _other, ...refusedLater } = row("refused", { atMs: t0 + 2_000 });
  test("a capture without an id of the gateway's is not hidden by another row without one", () => {
    const { resolution } = resolved({ found: { own: [nameless, refusedLater] } });
    expect(told(resolution)).not.toMatch(/^settle declined/);
  });
  test("two captures without an id of the gateway's are not one", () => {
    const { resolution } = resolved({ found: { own: [nameless, { ...nameless, atMs: t0 + 9_000 }] } });
    expect(told(resolution)).toMatch(/^review/);
  });

  // `pending` may not become `request_error`, and a conclusive row ends a charge with what was held.
  test("a held request error does not end what was accepted since then", () => {
    const { entry, resolution } = resolved({
      entry: { ...accepted, held: { ...held, state: "request_error", ending: { code: "http_401" } } },
      found: { own: [conclusive] },
    });
    if (resolution.kind === "settle") expect(() => recordVerdict(entry, resolution, by(400))).not.toThrow();
  });
});
