import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ChargeId, RequestId } from "../../lib/core/charge.ts";
import type { NotedNotice, Notice } from "../../lib/core/notice.ts";
import type { NoticeBook } from "../../lib/ports.ts";

export type NoticesSubject = { readonly notices: NoticeBook; close?(): Promise<void> };

/** What every `NoticeBook` must do (lib/ports.ts). Run on the real adapter and on its double alike. */
export const noticesContract = (name: string, make: () => Promise<NoticesSubject>): void => {
  describe(`the notices contract: ${name}`, () => {
    let subject: NoticesSubject;
    beforeAll(async () => {
      subject = await make();
    });
    afterAll(async () => {
      await subject.close?.();
    });

    const run = Math.random().toString(36).slice(2, 8);
    let names = 0;
    const notice = (changes: Partial<Notice> = {}): Notice => ({
      v: 1,
      gateway: "centrobill",
      id: "1.success.charge.sale",
      reference: `${run}-${names++}`,
      receivedAtMs: 1_000,
      bodySha256: "c".repeat(64),
      kind: "charge",
      words: "charge sale success",
      reply: { kind: "captured", echo: { amount: "19.99" }, ids: { transactionId: "1" }, code: "0" },
      chargeId: "order-1" as ChargeId,
      signed: "reference_and_status",
      ...changes,
    });
    const noted = (chargeId: string, changes: Partial<NotedNotice> = {}): NotedNotice => ({
      v: 1,
      id: "1.success.credit.refund",
      chargeId: chargeId as ChargeId,
      gateway: "centrobill",
      atMs: 1_000,
      attempt: 1,
      requestId: "request-1" as RequestId,
      state: "approved",
      reason: "refunded_or_charged_back",
      words: "credit refund success",
      evidence: { kind: "notice", atMs: 1_000, id: "1.success.credit.refund", bodySha256: "c".repeat(64) },
      ...changes,
    });

    test("what was kept is read whole, under its name and no other", async () => {
      const one = notice();
      await subject.notices.keep(one);
      expect(await subject.notices.read("centrobill", one.reference)).toEqual({ notices: [one] });
      expect(await subject.notices.read("centrapay", one.reference)).toEqual({ notices: [] });
      expect(await subject.notices.read("centrobill", `${one.reference}0`)).toEqual({ notices: [] });
    });

    test("of one id the first stands, whatever a later one says", async () => {
      const first = notice();
      await subject.notices.keep(first);
      await subject.notices.keep({ ...first, chargeId: "order-2" as ChargeId, receivedAtMs: 2_000 });
      expect((await subject.notices.read("centrobill", first.reference)).notices).toEqual([first]);
    });

    test("several ids under one name are all there", async () => {
      const first = notice();
      const others = Array.from({ length: 20 }, (_, n) => ({ ...first, id: `1.fail.other.${n}` }));
      await Promise.all([first, ...others].map((one) => subject.notices.keep(one)));
      const { notices } = await subject.notices.read("centrobill", first.reference);
      expect(notices.map(({ id }) => id).sort()).toEqual([first, ...others].map(({ id }) => id).sort());
    });

    test("a name remembers the first charge that it was given, and is no notice", async () => {
      const { reference } = notice();
      await subject.notices.refer("centrapay", reference, "order-1" as ChargeId);
      await subject.notices.refer("centrapay", reference, "order-2" as ChargeId);
      expect(await subject.notices.read("centrapay", reference)).toEqual({
        notices: [],
        chargeId: "order-1",
      });
    });

    test("what was noted first is what comes back for ever", async () => {
      const first = noted(`${run}-noted`);
      expect(await subject.notices.note(first)).toEqual(first);
      const later = { ...first, attempt: 2, reason: "contradiction" } as const;
      expect(await subject.notices.note(later)).toEqual(first);
    });
  });
};
