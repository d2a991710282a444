import { describe, expect, test } from "vitest";
import { type ChargeId, parseCharge } from "../../lib/core/charge.ts";
import { chainProblems } from "../../lib/core/decision-chain.ts";
import type { GatewayWord } from "../../lib/core/gateway-word.ts";
import type { JsonObject } from "../../lib/core/json.ts";
import type { LedgerEntry } from "../../lib/core/ledger.ts";
import { type NotedNotice, wakeUpOf } from "../../lib/core/notice.ts";
import type { Policy } from "../../lib/core/policy.ts";
import type { ReviewDecision, Wish } from "../../lib/core/review-decision.ts";
import {
  type AskedDecision,
  decideReview,
  NotThisCharge,
  showReview,
} from "../../lib/flows/decide-review.ts";
import { resolveUnknowns } from "../../lib/flows/resolve-unknowns.ts";
import { parseRequest } from "../../lib/gateways/centrobill/charge-request.ts";
import type { Desk } from "../../lib/ports.ts";
import { final, policyOf, review, t0, unknown } from "../core/builders.ts";
import { decideOn, words } from "../core/decided.ts";
import { captureNotice, chargeMessage, chargeOf } from "../doubles/samples.ts";
import { declines, pays, paysUnheard, swallows } from "../doubles/scripted-bank.ts";
import { sha256Of } from "../doubles/scripted-wire.ts";
import { testGateway } from "../doubles/worker.ts";
import { deskOn } from "./desk-on.ts";
import { type Stage, type StageOptions, stage } from "./stage.ts";

const minute = 60_000;
const message = chargeMessage("order-1");
const charge = chargeOf(message);
const chargeId = "order-1" as ChargeId;

/** A charge that nobody answered, looked up until the schedule was over. */
const inReview = async (options: StageOptions = {}): Promise<Stage> => {
  const on = stage({
    bank: (_, nth) => (nth <= 2 ? swallows : pays()),
    policy: { afterAbsence: "review" },
    ...options,
  });
  on.send(message);
  await on.run();
  expect(on.entry()?.state).toBe("review");
  return on;
};

const wish = (decision: ReviewDecision, by = "Ann", terms: Partial<Wish> = {}): Wish => ({
  decision,
  by,
  reason: "looked into it",
  ...terms,
});
const ask = (decision: Wish, more: Partial<AskedDecision> = {}): AskedDecision => ({
  chargeId,
  wish: decision,
  charge,
  dryRun: false,
  ...more,
});
/** Proposed by one, and confirmed by another. */
const byTwo = async (
  on: Stage,
  decision: ReviewDecision,
  terms: Partial<Wish> = {},
  more: Partial<AskedDecision> = {},
) => {
  expect((await decideReview(ask(wish(decision, "Ann", terms), more), deskOn(on))).verdict.kind).toBe(
    "proposes",
  );
  return decideReview(ask(wish(decision, "Bo"), more), deskOn(on));
};
const outcomes = (on: Stage): string[] => on.told().map(({ id }) => id);
const whole = (on: Stage): void => {
  const entry = on.entry();
  if (entry === undefined) throw new Error("no entry");
  expect(chainProblems(entry, sha256Of)).toEqual([]);
};

describe("a decision that leads to a send", () => {
  test("resend: the same request id goes out once more, by a worker, and its outcome is told once", async () => {
    const on = await inReview();
    const first = on.wire.posts().length;
    const made = await byTwo(on, "resend");
    expect(made).toMatchObject({ verdict: { kind: "decides", effect: { kind: "resend" } }, lost: false });
    expect(on.wire.posts()).toHaveLength(first);
    await on.run();
    expect(on.entry()).toMatchObject({ state: "approved", attempt: 1 });
    expect(on.wire.posts()).toHaveLength(first + 1);
    const ids = on.wire.posts().map(({ headers }) => headers["x-request-id"] ?? headers["X-Request-ID"]);
    expect(new Set(ids).size).toBe(1);
    expect(outcomes(on)).toEqual(["order-1#1#review", "order-1#1#approved"]);
    expect(on.told().at(-1)?.charge).toEqual(message);
    whole(on);
  });

  test("resend: a worker that comes past the key life looks up, and sends nothing (S3)", async () => {
    const on = await inReview();
    const first = on.wire.posts().length;
    await byTwo(on, "resend");
    on.clock.set(on.clock.nowMs() + 60 * minute);
    await on.run();
    expect(on.wire.posts()).toHaveLength(first);
    expect(on.entry()).toMatchObject({ state: "review", reason: "absent_past_key_life" });
    expect(outcomes(on)).toEqual(["order-1#1#review", "order-1#1#review#2"]);
    whole(on);
  });

  test("new-attempt: another request id, after a certificate and past the key life", async () => {
    const on = await inReview({ policy: { afterAbsence: "review" } });
    on.clock.set(on.clock.nowMs() + 60 * minute);
    expect((await decideReview(ask(wish("resend")), deskOn(on))).verdict).toMatchObject({
      kind: "refused",
      rule: "S3",
    });
    await byTwo(on, "new-attempt");
    expect(on.entry()).toMatchObject({ state: "waiting", attempt: 2, sends: 2 });
    await on.run();
    expect(on.entry()).toMatchObject({ state: "approved", attempt: 2 });
    expect(outcomes(on)).toEqual(["order-1#1#review", "order-1#2#approved"]);
    whole(on);
  });

  test("new-attempt: what the gateway shows by now refuses it, though the ledger has a certificate", async () => {
    const on = await inReview({
      bank: (_, nth) => (nth === 1 ? paysUnheard({ madeAfterMs: 600_000 }) : swallows),
    });
    on.clock.set(on.clock.nowMs() + 60 * minute);
    const made = await decideReview(ask(wish("new-attempt")), deskOn(on));
    expect(made.verdict).toMatchObject({ kind: "refused", rule: "S13" });
    expect((await decideReview(ask(wish("settle-as-approved")), deskOn(on))).verdict).toMatchObject({
      kind: "decides",
      effect: { state: "approved", evidence: { kind: "feed_row" } },
    });
    await on.run();
    expect(outcomes(on)).toEqual(["order-1#1#review", "order-1#1#approved"]);
  });

  test("without the charge's message nothing can be sent, and nothing is written", async () => {
    const on = await inReview();
    const before = on.entry();
    const { charge: _none, ...without } = ask(wish("resend"));
    expect((await decideReview(without, deskOn(on))).verdict).toMatchObject({ kind: "refused", rule: "S12" });
    expect(on.entry()).toEqual(before);
  });

  test("another message than the charge's own is refused before anything else", async () => {
    const on = await inReview();
    const other = chargeOf(chargeMessage("order-1", { amount: "2000" }));
    await expect(decideReview(ask(wish("resend"), { charge: other }), deskOn(on))).rejects.toBeInstanceOf(
      NotThisCharge,
    );
    await expect(showReview("order-9" as ChargeId, undefined, deskOn(on))).rejects.toBeInstanceOf(
      NotThisCharge,
    );
  });
});

describe("a decision that settles", () => {
  test("as declined, on a certificate: told once, with its evidence and by whom", async () => {
    const on = await inReview();
    await byTwo(on, "settle-as-declined");
    await on.run();
    expect(on.told().at(-1)).toMatchObject({
      id: "order-1#1#declined_permanent",
      outcome: "declined_permanent",
      evidence: { kind: "absence" },
      decided: { decision: "settle-as-declined", by: "Bo" },
      charge: message,
    });
    whole(on);
  });

  test("on a person's word, where nobody can be asked: labelled as one", async () => {
    const on = await inReview({ gateway: testGateway({ feed: false }) });
    const stated = { stated: "mail of the gateway, case 4711", transactionId: "tx-5" };
    expect((await decideReview(ask(wish("settle-as-approved")), deskOn(on))).verdict).toMatchObject({
      rule: "S4",
    });
    await byTwo(on, "settle-as-approved", stated);
    await on.run();
    expect(on.told().at(-1)).toMatchObject({
      outcome: "approved",
      evidence: { kind: "stated", by: ["Ann", "Bo"], ...stated },
    });
  });

  test("without the charge's message: the desk tells it, without the charge", async () => {
    const on = await inReview();
    const { charge: _none, ...without } = ask(wish("settle-as-declined"));
    await decideReview(without, deskOn(on));
    await decideReview({ ...without, wish: wish("settle-as-declined", "Bo") }, deskOn(on));
    expect(on.waiting("charges")).toEqual([]);
    expect(on.told().at(-1)).toMatchObject({ id: "order-1#1#declined_permanent" });
    expect(on.told().at(-1)).not.toHaveProperty("charge");
  });

  test("as declined is refused while the gateway shows a capture", async () => {
    const on = await inReview({
      bank: (_, nth) => (nth === 1 ? paysUnheard({ madeAfterMs: 600_000 }) : swallows),
    });
    on.clock.set(on.clock.nowMs() + 60 * minute);
    expect((await decideReview(ask(wish("settle-as-declined")), deskOn(on))).verdict).toMatchObject({
      rule: "S13",
    });
  });
});

describe("a decision that ends with no outcome", () => {
  test("refund: told with its transaction; the charge stays in review until a person says what holds", async () => {
    const on = await inReview({ bank: (_, nth) => paysUnheard({ payment: { transactionId: `tx-${nth}` } }) });
    expect(on.entry()).toMatchObject({ reason: "double_charge" });
    expect((await decideReview(ask(wish("settle-as-approved")), deskOn(on))).verdict).toMatchObject({
      rule: "S13",
    });
    await byTwo(on, "refund");
    expect(on.entry()?.state).toBe("review");
    const { refundProposal, id } = on.told().at(-1) ?? {};
    expect(id).toMatch(/^order-1#1#review#refund#[0-9a-f]{16}$/);
    expect(refundProposal).toHaveLength(1);
    await byTwo(on, "settle-as-approved");
    await on.run();
    expect(on.told().at(-1)).toMatchObject({ outcome: "approved", evidence: { kind: "feed_rows" } });
    whole(on);
  });

  test("drop: nobody waits for it any more, and no outcome is told", async () => {
    const on = await inReview();
    expect((await decideReview(ask(wish("drop")), deskOn(on))).verdict.kind).toBe("decides");
    await on.run();
    expect(on.entry()).toMatchObject({ state: "review", droppedAtMs: expect.any(Number) });
    expect(outcomes(on).at(-1)).toMatch(/^order-1#1#review#drop#/);
    whole(on);
  });
});

describe("deciding twice, at once, and on facts that changed", () => {
  test("a dry run says what would be done, and does nothing", async () => {
    const on = await inReview();
    const before = [on.entry(), on.told().length];
    for (const decision of ["resend", "new-attempt", "settle-as-declined", "drop"] as const) {
      const made = await decideReview(ask(wish(decision), { dryRun: true }), deskOn(on));
      expect(made.verdict.kind, decision).toMatch(/proposes|decides/);
    }
    expect([on.entry(), on.told().length]).toEqual(before);
    expect(on.waiting("charges")).toEqual([]);
  });

  test("two desks at once: one holds, the other is told that the facts changed", async () => {
    const on = await inReview({ policy: { afterAbsence: "review", secondPersonFor: [] } });
    const posts = on.wire.posts().length;
    const both = await Promise.all([
      decideReview(ask(wish("resend", "Ann")), deskOn(on)),
      decideReview(ask(wish("new-attempt", "Bo")), deskOn(on)),
      decideReview(ask(wish("settle-as-declined", "Cy")), deskOn(on)),
    ]);
    expect(both.filter(({ event }) => event !== undefined)).toHaveLength(1);
    expect(both.filter(({ lost }) => lost)).toHaveLength(2);
    await on.run();
    expect(on.wire.posts().length - posts).toBeLessThanOrEqual(1);
    expect(new Set(outcomes(on)).size).toBe(2);
    whole(on);
  });

  test("the same again changes nothing, and tells the same again", async () => {
    const on = await inReview();
    await byTwo(on, "new-attempt");
    await on.run();
    const posts = on.wire.posts().length;
    const entry = on.entry();
    for (const by of ["Ann", "Bo", "Cy"]) {
      const made = await decideReview(ask(wish("new-attempt", by)), deskOn(on));
      expect(made.verdict.kind).toBe("already");
    }
    await on.run();
    expect(on.wire.posts()).toHaveLength(posts);
    expect(on.entry()).toEqual(entry);
    expect(new Set(outcomes(on)).size).toBe(2);
  });

  test("on a version that is gone it is refused", async () => {
    const on = await inReview();
    const shown = on.entry()?.token ?? "";
    await decideReview(ask(wish("drop")), deskOn(on));
    const made = await decideReview(ask(wish("settle-as-declined"), { on: shown }), deskOn(on));
    expect(made.verdict).toMatchObject({ kind: "refused", rule: "version" });
  });

  test.each(["before", "after"] as const)(
    "a ledger that fails %s the write leaves nothing half done",
    async (when) => {
      let fails = false;
      const on = await inReview({
        policy: { afterAbsence: "review", secondPersonFor: [] },
        ledgerFault: () => (fails ? when : undefined),
      });
      fails = true;
      await expect(decideReview(ask(wish("resend")), deskOn(on))).rejects.toThrow();
      fails = false;
      await on.run();
      // Written, it is carried out by the message that was put there first; not written, that message found nothing.
      expect(on.entry()?.state).toBe(when === "after" ? "approved" : "review");
      const made = await decideReview(ask(wish("resend")), deskOn(on));
      expect(made.verdict.kind).toBe(when === "after" ? "already" : "decides");
      await on.run();
      whole(on);
    },
  );

  test("a desk that stands still between message and write puts the message there again", async () => {
    const on = await inReview({ policy: { afterAbsence: "review", secondPersonFor: [] } });
    const desk = deskOn(on);
    const slow: Desk = {
      ...desk,
      ledger: {
        ...desk.ledger,
        async replace(previous, entry) {
          await on.run(minute);
          return desk.ledger.replace(previous, entry);
        },
      },
    };
    await decideReview(ask(wish("resend")), slow);
    await on.run();
    expect(desk.put.map(({ delayMs }) => delayMs)).toEqual([10_000, 0]);
    expect(on.entry()?.state).toBe("approved");
  });
});

describe("a notice that comes while somebody decides", () => {
  const twoDecide: readonly ReviewDecision[] = ["new-attempt", "settle-as-declined"];
  const heardOn = async (on: Stage) => {
    const notice = captureNotice(on.entry() as LedgerEntry);
    await on.notices.keep(notice);
    return { messageId: "w", body: JSON.stringify(wakeUpOf(notice)), receives: 1 };
  };

  test.each(twoDecide)(
    "after the charge was read, and before %s is written: it is refused (S15)",
    async (decision) => {
      const on = await inReview();
      await decideReview(ask(wish(decision)), deskOn(on));
      const wakeUp = await heardOn(on);
      const look = async () => {
        expect((await resolveUnknowns([wakeUp], on.worker())).get("w")).toEqual({ kind: "done" });
        return words.absent;
      };
      const made = await decideReview(ask(wish(decision, "Bo")), deskOn(on), look);
      expect(made).toMatchObject({ verdict: { kind: "decides" }, lost: true });
      expect(on.entry()).toMatchObject({ state: "review", attempt: 1 });
      const again = await decideReview(ask(wish(decision, "Bo")), deskOn(on), async () => words.absent);
      expect(again.verdict).toMatchObject({ kind: "refused", rule: "S15" });
      expect(on.queues.on("review").at(-1)).toMatchObject({ reason: "contradiction" });
      await on.run();
      expect(on.bank.capturesOf("order-1")).toBe(0);
      whole(on);
    },
  );

  test("judged before a new attempt was written, and kept after: it calls the attempt back", async () => {
    const on = await inReview();
    await decideReview(ask(wish("new-attempt")), deskOn(on));
    const wakeUp = await heardOn(on);
    const { note } = on.notices;
    const worker = on.worker();
    const crossed = {
      ...worker,
      notices: {
        ...on.notices,
        async note(noted: NotedNotice) {
          const made = await decideReview(
            ask(wish("new-attempt", "Bo")),
            deskOn(on),
            async () => words.absent,
          );
          expect(made).toMatchObject({ verdict: { kind: "decides" }, lost: false });
          return note(noted);
        },
      },
    };
    expect((await resolveUnknowns([wakeUp], crossed)).get("w")).toEqual({ kind: "giveBack", delayMs: 1_000 });
    expect((await resolveUnknowns([wakeUp], worker)).get("w")).toEqual({ kind: "done" });
    await on.run();
    expect(on.bank.capturesOf("order-1")).toBe(0);
    expect(on.entry()).toMatchObject({ state: "review", attempt: 2, reason: "captured_by_earlier_attempt" });
    expect(on.told().at(-1)).toMatchObject({ id: "order-1#2#review", charge: { chargeId: "order-1" } });
    whole(on);
  });
});

describe("step by step", () => {
  const one = policyOf({ secondPersonFor: [] });
  const { canonical } = charge;
  const entryOf = (entry: LedgerEntry): LedgerEntry => ({ ...entry, fingerprint: sha256Of(canonical) });
  /** A desk over one charge; each write of the ledger takes so long, or comes too late. */
  const deskOver = (
    entry: LedgerEntry | undefined,
    options: { writeMs?: number; lost?: boolean; policy?: Policy } = {},
  ) => {
    let nowMs = t0 + 10 * minute;
    const put: [message: JsonObject, delayMs: number][] = [];
    const told: [queue: string, message: unknown][] = [];
    const desk = {
      ...stage().worker(),
      policy: options.policy ?? one,
      clock: { nowMs: () => nowMs, sleep: async () => {} },
      recordOf: async () => ({ entry, notices: [] }),
      ledger: {
        replace: async () => {
          nowMs += options.writeMs ?? 0;
          return { kind: options.lost === true ? "lost" : "replaced" };
        },
      },
      charges: { send: async (body: string, delayMs: number) => void put.push([JSON.parse(body), delayMs]) },
      queues: {
        send: async (queue: string, body: unknown) => void told.push([queue, body]),
        flush: () => {},
      },
    } as unknown as Desk;
    return { desk, put, told };
  };
  const says = (word: GatewayWord) => async () => word;
  const inReviewNow = entryOf(review());

  test("a charge that the ledger has not, or a message of another one, is said", async () => {
    await expect(showReview(chargeId, charge, deskOver(undefined).desk)).rejects.toMatchObject({
      name: "NotThisCharge",
      message: "order-1: the ledger has no such charge",
    });
    await expect(showReview(chargeId, charge, deskOver(review()).desk)).rejects.toMatchObject({
      message: "order-1: the message has another content than the charge in the ledger",
    });
  });

  test("of what is not in review nobody is asked", async () => {
    const { word } = await showReview(
      chargeId,
      charge,
      deskOver(entryOf(unknown())).desk,
      says(words.captured),
    );
    expect(word).toEqual({ says: "not_asked", why: "failed", text: "not in review" });
  });

  const settled = decideOn(inReviewNow, wish("settle-as-approved"), words.captured, one, 5).entry;
  const resent = decideOn(inReviewNow, wish("resend"), words.nothing, one, 5).entry;
  const refunded = (terms: Partial<Wish>) =>
    decideOn(inReviewNow, wish("refund", "Ann", terms), words.twice, one, 5).entry;
  const tx2 = { gateway: "centrobill", transactionId: "tx-2" };
  // biome-ignore format: one row a line
  test.each<[string, LedgerEntry, Wish, GatewayWord, charge: boolean, put: number[], told: object[]]>([
    ["a proposal tells nobody", entryOf(review()), wish("refund"), words.twice, true, [], []],
    ["an outcome is told by the charge's own message", inReviewNow, wish("settle-as-approved"), words.captured, true, [10_000], []],
    ["or without it here", inReviewNow, wish("settle-as-approved"), words.captured, false, [], [{ id: "order-1#1#approved" }]],
    ["a refund is told here, with its transaction", inReviewNow, wish("refund"), words.twice, true, [], [{ refundProposal: [tx2] }]],
    ["and how much of it", inReviewNow, wish("refund", "Ann", { transactionId: "tx-2", amount: "500" }), words.twice, true, [], [{ refundProposal: [{ ...tx2, amount: "500", currency: "EUR" }] }]],
    ["a drop is told as one", inReviewNow, wish("drop"), words.nothing, true, [], [{ decided: { decision: "drop" } }]],
    ["a resend is told by whoever sends it", inReviewNow, wish("resend"), words.nothing, true, [10_000], []],
    ["decided before: told once more", settled, wish("settle-as-approved"), words.captured, true, [0], []],
    ["without its message, too", settled, wish("settle-as-approved"), words.captured, false, [], [{ id: "order-1#1#approved" }]],
    ["what is to be sent again is told by nobody else", resent, wish("resend"), words.nothing, false, [], []],
    ["nor when it has been, and was declined", { ...final("declined_retryable"), history: resent.history }, wish("resend"), words.nothing, false, [], []],
    ["a refund that was decided is told once more", refunded({}), wish("refund"), words.twice, true, [], [{ refundProposal: [tx2] }]],
  ])("%s", async (what, entry, wanted, word, has, put, told) => {
    const over = deskOver(entry, what.includes("proposal") ? { policy: policyOf() } : {});
    const { charge: _charge, ...bare } = ask(wanted);
    const made = await decideReview(has ? ask(wanted) : bare, over.desk, says(word));
    expect(made.verdict.kind).not.toBe("refused");
    expect(over.put).toEqual(put.map((delayMs) => [message, delayMs]));
    expect(over.told).toHaveLength(told.length);
    expect(over.told.map(([, body]) => body)).toMatchObject(told);
    for (const [, body] of over.told)
      expect("refundProposal" in (body as object)).toBe(wanted.decision === "refund");
  });

  test("proposed before: nobody is told", async () => {
    const proposed = decideOn(
      inReviewNow,
      wish("drop"),
      words.nothing,
      policyOf({ secondPersonFor: ["drop"] }),
      5,
    ).entry;
    const over = deskOver(proposed, { policy: policyOf({ secondPersonFor: ["drop"] }) });
    const made = await decideReview(ask(wish("drop")), over.desk, says(words.nothing));
    expect([made.verdict.kind, over.put, over.told]).toEqual(["already", [], []]);
  });

  test.each<[writeMs: number, put: number[]]>([
    [9_999, [10_000]],
    [10_000, [10_000, 0]],
  ])("a write that took %i ms: the message is put there with %j", async (writeMs, put) => {
    const over = deskOver(inReviewNow, { writeMs });
    await decideReview(ask(wish("resend")), over.desk, says(words.nothing));
    expect(over.put.map(([, delayMs]) => delayMs)).toEqual(put);
  });

  test("whoever comes second has decided nothing, and tells nothing", async () => {
    for (const policy of [one, policyOf({ secondPersonFor: ["drop"] })]) {
      const over = deskOver(inReviewNow, { lost: true, policy });
      const made = await decideReview(ask(wish("drop")), over.desk, says(words.nothing));
      expect([made.lost, made.event, over.told]).toEqual([true, undefined, []]);
    }
  });
});

describe("what the gateway says now", () => {
  test("a decline that came late", async () => {
    const on = await inReview({
      bank: (_, nth) =>
        nth === 1
          ? ({
              makes: { status: "fail", code: 5051, madeAfterMs: 600_000 },
              says: { kind: "sentUnanswered", cause: "timeout" },
            } as never)
          : swallows,
      policy: { afterAbsence: "review", resendsMax: 0 },
    });
    on.clock.set(on.clock.nowMs() + 60 * minute);
    expect((await showReview(chargeId, charge, deskOn(on))).word).toMatchObject({ says: "declined" });
  });

  test("is not asked of what is not in review", async () => {
    const on = stage({ bank: [declines(5051)] });
    on.send(message);
    await on.run();
    const asked = on.wire.gets().length;
    expect((await showReview(chargeId, charge, deskOn(on))).word).toMatchObject({ says: "not_asked" });
    expect(on.wire.gets()).toHaveLength(asked);
  });

  test("a row that only looks like it is known by its marks, without the charge's message (S14)", async () => {
    const stranger: JsonObject = {
      payment: {
        status: "success",
        action: "charge",
        mode: "sale",
        code: 0,
        amount: 19.99,
        currency: "EUR",
        transactionId: "tx-elsewhere",
        timestamp: new Date(Date.UTC(2026, 10, 22, 12)).toISOString(),
      },
      consumer: { externalId: "user-of-order-1" },
      metadata: {},
    };
    const on = await inReview({ strangers: [stranger] });
    expect((await showReview(chargeId, undefined, deskOn(on))).word).toMatchObject({ says: "weak" });
    const refused = await decideReview(ask(wish("new-attempt")), deskOn(on));
    expect(refused.verdict).toMatchObject({ rule: "S14" });
    await byTwo(on, "new-attempt", { stated: "that is order 778 of the same customer" });
    await on.run();
    expect(on.entry()).toMatchObject({ state: "approved", attempt: 2 });
    whole(on);
  });
});

test("the message that is put back is one that every worker reads as the same charge", () => {
  const parsed = parseCharge(JSON.stringify(charge.message), { centrobill: parseRequest });
  expect(parsed.ok && parsed.charge.message).toEqual(message);
});
