import { describe, expect, test } from "vitest";
import { backoffMs } from "../../lib/core/backoff.ts";
import type { ChargeId } from "../../lib/core/charge.ts";
import type { LedgerEntry, UnknownEntry } from "../../lib/core/ledger.ts";
import { type Notice, wakeUpOf } from "../../lib/core/notice.ts";
import { applyNotice } from "../../lib/flows/apply-notice.ts";
import type { Worker } from "../../lib/ports.ts";
import { captureNotice, chargeMessage, openedEntry } from "../doubles/samples.ts";
import { paysUnheard, swallows } from "../doubles/scripted-bank.ts";
import { seededIds } from "../doubles/seeded-ids.ts";
import { testGateway } from "../doubles/worker.ts";
import { type Stage, stage } from "./stage.ts";

const fraction = 0.25;
const noFeed = testGateway({ feed: false });
const money = { amount: "19.99", currency: "EUR" };

/** A charge on a stage, whose ledger holds it as `changes` have it, and a worker that applies one notice to it. */
const scene = async (changes: Partial<UnknownEntry> = {}, more: Partial<Worker> = {}) => {
  const s: Stage = stage({
    bank: [paysUnheard({ payment: { transactionId: "1001", orderId: "2001" } }), swallows],
    policy: { resendsMax: 0 },
  });
  s.send(chargeMessage("order-1"));
  await s.round();
  const { receipt: _receipt, ...unknown } = s.entry() as UnknownEntry;
  await s.ledger.replace(unknown.token, { ...unknown, ...changes, token: "set" } as UnknownEntry);
  const base = s.worker();
  const woken: string[] = [];
  const worker: Worker = {
    ...base,
    ids: { ...base.ids, fraction: () => fraction },
    wake: async (receipt) => void woken.push(receipt),
    ...more,
  };
  const entry = (): UnknownEntry => s.entry() as UnknownEntry;
  const notice = (own: Partial<Notice> = {}): Notice =>
    captureNotice(entry(), { id: "1001.success", receivedAtMs: s.clock.nowMs(), signed: "whole", ...own });
  s.effects.length = 0;
  s.log.events.length = 0;
  s.log.metrics.length = 0;
  return {
    s,
    entry,
    notice,
    woken,
    keep: (one: Notice) => s.notices.keep(one),
    apply: (one: Notice, receives = 1) =>
      applyNotice({ messageId: "w", body: "", receives }, wakeUpOf(one), worker),
    applied: () => s.log.eventsOf("notice_applied"),
    counted: () => s.log.metrics.filter(({ name }) => name === "Notices"),
  };
};
const unnamed = ({ chargeId: _chargeId, ...rest }: Notice): Notice => rest;

describe("what this worker cannot read is given back for later", () => {
  test.each<[string, Partial<Notice>, Partial<Worker>, kept: boolean, error: string]>([
    [
      "of a gateway it has not",
      { gateway: "centrapay" },
      {},
      true,
      "a notice of a gateway that this worker has not",
    ],
    ["that is not kept", {}, {}, false, "no such notice"],
    ["at a worker without notices", {}, { notices: undefined as never }, true, "no such notice"],
  ])("a notice %s", async (_, own, more, kept, error) => {
    const on = await scene({}, more);
    const one = on.notice(own);
    await on.keep(on.notice({ ...own, id: "another" }));
    if (kept) await on.keep(one);
    expect(await on.apply(one)).toStrictEqual({ kind: "giveBack", delayMs: 900_000 });
    expect(on.s.log.eventsOf("message_failed")).toStrictEqual([{ messageId: "w", error }]);
    expect(on.counted()).toEqual([]);
  });
});

describe("whose notice it is", () => {
  test.each<[string, (on: Awaited<ReturnType<typeof scene>>) => Promise<Notice>]>([
    ["names no charge", async ({ notice }) => unnamed(notice())],
    ["names one that is not there", async ({ notice }) => notice({ chargeId: "other-1" as ChargeId })],
    [
      "names one of another gateway",
      async ({ s, entry, notice }) => {
        await s.ledger.replace(entry().token, {
          ...entry(),
          gateway: "centrapay",
          token: "t",
        } as UnknownEntry);
        return notice();
      },
    ],
  ])("nobody's, if it %s: looked for three times, and then counted and kept", async (_, make) => {
    const on = await scene();
    const one = await make(on);
    await on.keep(one);
    on.s.effects.length = 0;
    for (const receives of [1, 2, 3])
      expect(await on.apply(one, receives)).toStrictEqual({
        kind: "giveBack",
        delayMs: backoffMs(receives, fraction),
      });
    expect(on.counted()).toEqual([]);
    expect(await on.apply(one, 4)).toStrictEqual({ kind: "done" });
    expect(on.applied()).toStrictEqual([
      { gateway: "centrobill", outcome: "unmatched", code: "charge sale success" },
    ]);
    expect(on.counted()).toStrictEqual([
      { name: "Notices", value: 1, members: { gateway: "centrobill", outcome: "unmatched" } },
    ]);
    if (one.chargeId === undefined) expect(on.s.effects).not.toContain("ledger read");
  });

  const refund: Partial<Notice> = {
    kind: "reversal",
    id: "3.refund",
    reference: "3",
    transactionId: "3",
    parentReference: "1001",
  };
  test("the charge's of the first notice about what is given back", async () => {
    const on = await scene();
    await on.keep(on.notice({ id: "late", receivedAtMs: 9, chargeId: "other-1" as ChargeId }));
    await on.keep(on.notice({ id: "early", receivedAtMs: 5 }));
    const one = unnamed(on.notice(refund));
    await on.keep(one);
    expect(await on.apply(one)).toMatchObject({ kind: "route" });
    expect(on.s.notices.notedOf("order-1")).toHaveLength(1);
  });

  test("or the charge's to which the gateway's name was given when it was sent", async () => {
    const on = await scene();
    await on.s.notices.refer("centrobill", "1001", "order-1" as ChargeId);
    const one = unnamed(on.notice(refund));
    await on.keep(one);
    expect(await on.apply(one)).toMatchObject({ kind: "route" });
  });

  test("what gives nothing back has no other transaction to ask for", async () => {
    const on = await scene();
    const one = unnamed(on.notice());
    await on.keep(one);
    let reads = 0;
    on.s.notices.failBy((op) => {
      if (op === "read") reads += 1;
      return false;
    });
    await on.apply(one);
    expect(reads).toBe(1);
  });

  test("still this one's, though a later notice names another for the same transaction", async () => {
    const on = await scene();
    const one = on.notice({ receivedAtMs: 5 });
    await on.keep(one);
    await on.keep(on.notice({ id: "x", receivedAtMs: 9, chargeId: "other-1" as ChargeId }));
    expect(await on.apply(one)).toStrictEqual({ kind: "done" });
    expect(on.s.entry()?.state).toBe("approved");
  });
});

describe("a worker has the charge in hand", () => {
  test.each<[leaseMs: number, receives: number, delayMs: number, why: string]>([
    [72_000, 1, 1_000, "it may be through in a second"],
    [72_000, 3, 3_000, "later each time"],
    [72_000, 500, 73_000, "until its lease is over, and a second"],
    [1, 500, 1_001, "which may be at once"],
    [0, 2, backoffMs(2, fraction), "over: the charge's own message takes it up"],
    [-5, 2, backoffMs(2, fraction), "long over"],
  ])("a lease of %i ms, receive %i: back in %i ms (%s)", async (leaseMs, receives, delayMs) => {
    const on = await scene();
    const opened = openedEntry(chargeMessage("order-2"), seededIds(9), on.s.clock.nowMs(), leaseMs);
    await on.s.ledger.open(opened);
    const one = on.notice({ chargeId: opened.chargeId });
    await on.keep(one);
    expect(await on.apply(one, receives)).toStrictEqual({ kind: "giveBack", delayMs });
    expect([on.applied(), on.counted()]).toEqual([[], []]);
  });
});

describe("what a notice proves", () => {
  test("is recorded, and the hidden message of the charge woken by its receipt", async () => {
    const on = await scene({ receipt: "r-1" });
    const one = on.notice();
    await on.keep(one);
    expect(await on.apply(one)).toStrictEqual({ kind: "done" });
    expect(on.entry()).toMatchObject({ state: "approved" });
    expect(on.entry()).not.toHaveProperty("receipt");
    expect(on.woken).toEqual(["r-1"]);
    expect(on.applied()).toStrictEqual([
      {
        chargeId: "order-1",
        state: "unknown",
        gateway: "centrobill",
        outcome: "moves",
        code: "charge sale success",
      },
    ]);
  });

  const pending = (on: Awaited<ReturnType<typeof scene>>): Notice =>
    on.notice({
      reply: {
        kind: "accepted",
        code: "0",
        echo: { ...money, chargeId: "order-1", requestId: on.entry().requestId },
        ids: {},
      },
    });
  test("a charge that goes on waiting keeps its receipt; one that had none has none", async () => {
    for (const receipt of ["r-1", undefined]) {
      const on = await scene(receipt === undefined ? {} : { receipt });
      const one = pending(on);
      await on.keep(one);
      await on.apply(one);
      expect(on.entry().state).toBe("pending");
      expect(Object.hasOwn(on.entry(), "receipt")).toBe(receipt !== undefined);
      expect(on.entry().receipt).toBe(receipt);
      expect(on.woken).toEqual(receipt === undefined ? [] : [receipt]);
    }
  });

  test("a worker that cannot wake a message leaves it to its own time", async () => {
    const on = await scene({ receipt: "r-1" }, { wake: undefined as never });
    const one = on.notice();
    await on.keep(one);
    expect(await on.apply(one)).toStrictEqual({ kind: "done" });
  });
});

describe("what it does not prove", () => {
  const doubtful = (on: Awaited<ReturnType<typeof scene>>): Notice =>
    on.notice({
      reply: { kind: "unproven", why: "contradiction", ids: {} },
    });

  test.each<[UnknownEntry["nextAct"], nextMs: number, atMs: number, why: string]>([
    ["lookUp", 90_000, 0, "the gateway is asked now"],
    ["lookUp", -5, -5, "it is due already"],
    ["resend", 90_000, 90_000, "a resend that it asked for keeps its time"],
  ])("next a %s in %i ms: in %i ms (%s)", async (nextAct, nextMs, atMs) => {
    const on = await scene({ nextAct });
    const base = on.s.clock.nowMs();
    await on.s.ledger.replace(on.entry().token, {
      ...on.entry(),
      nextAtMs: base + nextMs,
      receipt: "r-1",
      token: "u",
    } as UnknownEntry);
    const one = doubtful(on);
    await on.keep(one);
    expect(await on.apply(one)).toStrictEqual({ kind: "done" });
    expect(on.entry()).toMatchObject({ state: "unknown", nextAtMs: base + atMs, receipt: "r-1" });
    expect(on.woken).toEqual(["r-1"]);
    expect(on.applied()).toMatchObject([{ outcome: "lookUp" }]);
  });

  test("a gateway that has no feed may still be asked for one charge", async () => {
    const on = await scene(
      {},
      { gateways: { centrobill: { ...noFeed, lookUpOf: (() => undefined) as never } } },
    );
    const one = doubtful(on);
    await on.keep(one);
    expect(await on.apply(one)).toStrictEqual({ kind: "done" });
    expect(on.applied()).toMatchObject([{ outcome: "lookUp" }]);
  });

  test.each<[string, (on: Awaited<ReturnType<typeof scene>>) => Notice]>([
    ["a doubt", doubtful],
    ["money given back", ({ notice }) => notice({ kind: "reversal" })],
    ["a capture", ({ notice }) => notice()],
  ])("%s whose charge another worker has just written comes back in a second", async (_, make) => {
    const on = await scene();
    const one = make(on);
    await on.keep(one);
    const { ledger } = on.s;
    const standing: LedgerEntry = on.entry();
    const lost = await scene(
      {},
      {
        ledger: {
          ...ledger,
          read: ledger.read,
          replace: async () => ({ kind: "lost", entry: standing }),
        } as Worker["ledger"],
        notices: on.s.notices,
      },
    );
    expect(await lost.apply(one)).toStrictEqual({ kind: "giveBack", delayMs: 1_000 });
    expect(lost.applied()).toEqual([]);
  });
});

describe("what a person has to know", () => {
  test("is kept beside the charge, told, and the gateway asked now", async () => {
    const on = await scene();
    const one = on.notice({ kind: "reversal", id: "3.refund" });
    await on.keep(one);
    expect(await on.apply(one)).toMatchObject({ kind: "route", route: { queue: "review" } });
    expect(on.s.notices.notedOf("order-1")).toStrictEqual([
      {
        v: 1,
        id: "3.refund",
        chargeId: "order-1",
        gateway: "centrobill",
        atMs: one.receivedAtMs,
        attempt: 1,
        requestId: on.entry().requestId,
        state: "unknown",
        reason: "refunded_or_charged_back",
        words: "charge sale success",
        evidence: {
          kind: "notice",
          atMs: one.receivedAtMs,
          id: "3.refund",
          code: "0",
          bodySha256: "b0",
          transactionId: "1001",
        },
      },
    ]);
    expect(on.entry().nextAtMs).toBe(on.s.clock.nowMs());
    expect(on.applied()).toMatchObject([{ outcome: "tells" }]);
  });

  test("with both values, where it tells of others", async () => {
    const on = await scene({}, { gateways: { centrobill: noFeed } });
    const one = on.notice({
      signed: "reference_and_status",
      reply: {
        kind: "captured",
        code: "0",
        echo: { ...money, amount: "25.00", chargeId: "order-1", requestId: on.entry().requestId },
        ids: {},
      },
    });
    await on.keep(one);
    const before = on.entry();
    expect(await on.apply(one)).toMatchObject({ kind: "route" });
    // Nobody can be asked, so nothing is brought forward.
    expect(on.entry()).toEqual(before);
    expect(on.s.notices.notedOf("order-1")).toMatchObject([
      { reason: "mismatch", mismatch: { field: "amount", asked: "1999", got: "2500" } },
    ]);
  });
});
