import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ChargeQueueName } from "../../lib/core/queues.ts";
import type { RouteMessage } from "../../lib/core/route-message.ts";
import type { Queues } from "../../lib/ports.ts";

/** Queues under test, and what the suite has to do to them from outside. */
export type QueuesSubject = {
  readonly queues: Queues;
  /** the same queues, where single messages are refused though their request goes through */
  refusing(isRefused: (message: RouteMessage) => boolean): Queues;
  /** the same queues, where nothing is accepted at all */
  unreachable(): Queues;
  /** takes what becomes visible within so many milliseconds off a queue */
  receive(queue: ChargeQueueName, withinMs: number): Promise<readonly RouteMessage[]>;
  close?(): Promise<void>;
};

/** What every `Queues` must do (lib/ports.ts). Run on the real adapter and on its double alike. */
export const queuesContract = (name: string, make: () => Promise<QueuesSubject>): void => {
  describe(`the queues contract: ${name}`, () => {
    let subject: QueuesSubject;
    beforeAll(async () => {
      subject = await make();
    });
    afterAll(async () => {
      await subject.close?.();
    });

    const messageOf = (id: string, description = ""): RouteMessage => ({
      v: 1,
      id,
      attempt: 1,
      outcome: "approved",
      description,
      at: "2026-11-22T12:00:00.000Z",
    });
    const idsOf = (messages: readonly RouteMessage[]): string[] => messages.map(({ id }) => id).sort();
    const many = (prefix: string, count: number, description = ""): RouteMessage[] =>
      Array.from({ length: count }, (_, index) =>
        messageOf(`${prefix}-${String(index).padStart(3, "0")}`, description),
      );

    test("what was accepted is on its queue, whole, and on no other", async () => {
      const message = messageOf("whole", 'quotes " and \\ and \n lines, Zürich, 東京, 🎫');
      const sent = subject.queues.send("approved", message);
      subject.queues.flush();
      await sent;
      expect(await subject.receive("approved", 200)).toEqual([message]);
      expect(await subject.receive("review", 50)).toEqual([]);
    });

    test("without a flush a message goes out by itself, soon", async () => {
      await subject.queues.send("approved", messageOf("by itself"));
      expect(idsOf(await subject.receive("approved", 200))).toEqual(["by itself"]);
    });

    test("a flush of nothing is nothing", () => {
      subject.queues.flush();
      subject.queues.flush();
    });

    test("twenty-five at once, over three queues, all arrive where they belong", async () => {
      const queues = ["approved", "permanent-declines", "review"] as const;
      const messages = many("spread", 25);
      const sent = messages.map((message, index) =>
        subject.queues.send(queues[index % 3] as ChargeQueueName, message),
      );
      subject.queues.flush();
      await Promise.all(sent);
      for (const [at, queue] of queues.entries())
        expect(idsOf(await subject.receive(queue, 200))).toEqual(
          idsOf(messages.filter((_, index) => index % 3 === at)),
        );
    });

    test("messages of 90 KB each, more than one request holds, all arrive", async () => {
      const messages = many("large", 7, "é".repeat(45_000));
      const sent = messages.map((message) => subject.queues.send("approved", message));
      subject.queues.flush();
      await Promise.all(sent);
      expect(idsOf(await subject.receive("approved", 300))).toEqual(idsOf(messages));
    });

    test("a refused message harms none of its neighbours", async () => {
      const queues = subject.refusing(({ id }) => id === "near-004" || id === "near-011");
      const messages = many("near", 13);
      const sent = messages.map((message) => queues.send("approved", message));
      queues.flush();
      const ends = await Promise.allSettled(sent);
      const refused = messages.filter((_, index) => ends[index]?.status === "rejected");
      expect(idsOf(refused)).toEqual(["near-004", "near-011"]);
      for (const end of ends)
        if (end.status === "rejected") expect(end.reason).toMatchObject({ name: "QueueUnavailable" });
      const accepted = messages.filter((message) => !refused.includes(message));
      expect(idsOf(await subject.receive("approved", 200))).toEqual(idsOf(accepted));
    });

    test("a message that is too large for any queue is refused, its neighbours are not", async () => {
      const sent = [
        subject.queues.send("approved", messageOf("before")),
        subject.queues.send("approved", messageOf("huge", "x".repeat(1_100_000))),
        subject.queues.send("approved", messageOf("after")),
      ];
      subject.queues.flush();
      const ends = await Promise.allSettled(sent);
      expect(ends.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
      expect(idsOf(await subject.receive("approved", 200))).toEqual(["after", "before"]);
    });

    test("where nothing is accepted every sender hears of it, and can send again", async () => {
      const queues = subject.unreachable();
      const sent = many("gone", 3).map((message) => queues.send("approved", message));
      queues.flush();
      for (const end of await Promise.allSettled(sent)) {
        expect(end.status).toBe("rejected");
        if (end.status === "rejected") expect(end.reason).toMatchObject({ name: "QueueUnavailable" });
      }
      const again = subject.queues.send("approved", messageOf("gone-000"));
      subject.queues.flush();
      await again;
      expect(idsOf(await subject.receive("approved", 200))).toEqual(["gone-000"]);
    });

    test("a delayed message is accepted at once and comes when its time has come", async () => {
      const sent = subject.queues.send("unknown-outcomes", messageOf("delayed"), 1_200);
      subject.queues.flush();
      await sent;
      expect(await subject.receive("unknown-outcomes", 100)).toEqual([]);
      expect(idsOf(await subject.receive("unknown-outcomes", 3_000))).toEqual(["delayed"]);
    });

    test("a delay of 900 s is taken", async () => {
      const sent = subject.queues.send("unknown-outcomes", messageOf("much later"), 900_000);
      subject.queues.flush();
      await sent;
      expect(await subject.receive("unknown-outcomes", 100)).toEqual([]);
    });
  });
};
