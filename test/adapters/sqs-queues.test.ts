import {
  ChangeMessageVisibilityBatchCommand,
  SendMessageBatchCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { describe, expect, test } from "vitest";
import { hideMessages, sqsQueues } from "../../lib/adapters/sqs-queues.ts";
import type { RouteMessage } from "../../lib/core/route-message.ts";
import { memoryLog } from "../doubles/memory-log.ts";

type Entry = { readonly Id: string; readonly MessageBody: string; readonly DelaySeconds?: number };
type Answer = {
  readonly Successful?: readonly { readonly Id: string }[];
  readonly Failed?: readonly { readonly Id: string }[];
};

const messageOf = (id: string, description?: string): RouteMessage => ({
  v: 1,
  id,
  attempt: 1,
  outcome: "approved",
  ...(description === undefined ? {} : { description }),
  at: "2026-11-22T12:00:00.000Z",
});

/** Queues over a client that answers each request by `answer` and keeps what it was sent. */
const queuesWith = (answer: (entries: readonly Entry[], request: number) => Answer | Error) => {
  const requests: { readonly url: string; readonly entries: readonly Entry[] }[] = [];
  const client = {
    send: async (command: unknown) => {
      if (!(command instanceof SendMessageBatchCommand)) throw new Error("not a send");
      const entries = command.input.Entries as unknown as readonly Entry[];
      requests.push({ url: command.input.QueueUrl ?? "", entries });
      const answered = answer(entries, requests.length);
      if (answered instanceof Error) throw answered;
      return answered;
    },
  } as unknown as SQSClient;
  const queues = sqsQueues({ client, urlOf: (queue) => `https://sqs.test/${queue}`, lingerMs: 20 });
  const sendAll = (messages: readonly RouteMessage[]) => {
    const sent = messages.map((message) => queues.send("approved", message));
    queues.flush();
    return Promise.allSettled(sent);
  };
  return { queues, requests, sendAll };
};

const takesAll = (entries: readonly Entry[]): Answer => ({ Successful: entries.map(({ Id }) => ({ Id })) });
const many = (count: number): RouteMessage[] =>
  Array.from({ length: count }, (_, index) => messageOf(String(index)));
const statuses = (ends: readonly PromiseSettledResult<void>[]): string =>
  ends.map(({ status }) => (status === "fulfilled" ? "+" : "-")).join("");

describe("requests", () => {
  test("ten messages are one request, the eleventh begins another", async () => {
    const { requests, sendAll } = queuesWith(takesAll);
    await sendAll(many(23));
    expect(requests.map(({ entries }) => entries.length)).toEqual([10, 10, 3]);
  });

  test("ten go out without a flush or a wait", async () => {
    const { queues, requests } = queuesWith(takesAll);
    await Promise.all(many(10).map((message) => queues.send("approved", message)));
    expect(requests).toHaveLength(1);
  });

  test("queues do not share requests", async () => {
    const { queues, requests } = queuesWith(takesAll);
    const sent = [queues.send("approved", messageOf("1")), queues.send("review", messageOf("2"))];
    queues.flush();
    await Promise.all(sent);
    expect(requests.map(({ url }) => url)).toEqual(["https://sqs.test/approved", "https://sqs.test/review"]);
  });

  test("no request holds more than 256 KiB, by bytes and not by characters", async () => {
    const { requests, sendAll } = queuesWith(takesAll);
    const ends = await sendAll(
      Array.from({ length: 9 }, (_, index) => messageOf(String(index), "東".repeat(25_000))),
    );
    expect(statuses(ends)).toBe("+++++++++");
    expect(requests.map(({ entries }) => entries.length)).toEqual([3, 3, 3]);
    for (const { entries } of requests)
      expect(
        entries.reduce((sum, { MessageBody }) => sum + Buffer.byteLength(MessageBody), 0),
      ).toBeLessThanOrEqual(262_144);
  });

  test.each([
    [0, undefined],
    [1, 1],
    [1_000, 1],
    [1_001, 2],
    [900_000, 900],
  ])("a delay of %i ms is %s s, never less than was asked for", async (delayMs, seconds) => {
    const { queues, requests } = queuesWith(takesAll);
    const sent = queues.send("unknown-outcomes", messageOf("1"), delayMs);
    queues.flush();
    await sent;
    expect(requests[0]?.entries[0]?.DelaySeconds).toBe(seconds);
  });

  test("characters that SQS does not take are escaped, and read the same", async () => {
    const { requests, sendAll } = queuesWith(takesAll);
    const text = "\u0000\u0001\b\u001f\ufffe\uffff\ud800 \udfff 🎫\u007f";
    await sendAll([messageOf("1", text)]);
    const body = requests[0]?.entries[0]?.MessageBody ?? "";
    // AWS documents #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF; fauxqs lacks the last.
    expect(body).toMatch(/^[\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}]*$/u);
    expect((JSON.parse(body) as RouteMessage).description).toBe(text);
  });
});

describe("a request that goes through in part", () => {
  test("what it refused is sent once more, alone", async () => {
    const { requests, sendAll } = queuesWith((entries, request) =>
      request === 1
        ? { Successful: entries.filter(({ Id }) => Id !== "3"), Failed: [{ Id: "3" }] }
        : takesAll(entries),
    );
    expect(statuses(await sendAll(many(10)))).toBe("++++++++++");
    expect(requests.map(({ entries }) => entries.length)).toEqual([10, 1]);
  });

  test("what it refuses again is refused, and nothing else", async () => {
    const { sendAll } = queuesWith((entries) => {
      const bad = (entry: Entry) => entry.MessageBody.includes('"id":"3"');
      return { Successful: entries.filter((entry) => !bad(entry)), Failed: entries.filter(bad) };
    });
    const ends = await sendAll(many(10));
    expect(statuses(ends)).toBe("+++-++++++");
    expect(ends[3]).toMatchObject({ reason: { name: "QueueUnavailable" } });
  });

  test("a message that the answer does not name was not accepted", async () => {
    const { sendAll } = queuesWith((entries) => ({ Successful: entries.slice(1) }));
    // Each request leaves out its first: the second request leaves out the only one.
    expect(statuses(await sendAll(many(3)))).toBe("-++");
  });

  test("an empty answer accepts nothing", async () => {
    const { sendAll } = queuesWith(() => ({}));
    expect(statuses(await sendAll(many(2)))).toBe("--");
  });

  test("what was accepted stays accepted when the second request fails whole", async () => {
    const { sendAll } = queuesWith((entries, request) =>
      request === 1 ? { Successful: entries.slice(0, 2) } : new Error("gone"),
    );
    const ends = await sendAll(many(4));
    expect(statuses(ends)).toBe("++--");
    expect(ends[2]).toMatchObject({ reason: { name: "QueueUnavailable" } });
  });

  test("a request that fails whole refuses all of its messages, and none of another's", async () => {
    const { sendAll } = queuesWith((entries, request) =>
      request === 1 ? new Error("gone") : takesAll(entries),
    );
    expect(statuses(await sendAll(many(12)))).toBe("----------++");
  });

  test("what the endpoint said does not ride in the error: it may hold anything (S12)", async () => {
    const { sendAll } = queuesWith(() => new Error("4111111111111111"));
    expect(JSON.stringify((await sendAll(many(1)))[0])).not.toContain("4111");
  });
});

describe("hiding messages", () => {
  const hide = async (
    delays: readonly number[],
    answer: (entries: readonly { readonly Id?: string | undefined }[]) => object,
  ) => {
    const requests: { readonly VisibilityTimeout?: number | undefined }[][] = [];
    const log = memoryLog();
    const client = {
      send: async (command: unknown) => {
        if (!(command instanceof ChangeMessageVisibilityBatchCommand)) throw new Error("not a change");
        requests.push(command.input.Entries ?? []);
        return answer(command.input.Entries ?? []);
      },
    } as unknown as SQSClient;
    await hideMessages(
      client,
      "https://sqs.test/charges",
      delays.map((delayMs, index) => ({ receiptHandle: `handle-${index}`, delayMs })),
      log,
    );
    return { requests, log };
  };

  test("none is no request", async () => {
    expect((await hide([], () => ({}))).requests).toEqual([]);
  });

  test("ten a request, in whole seconds, never shorter than was asked for", async () => {
    const { requests, log } = await hide([0, 1, 999, 1_001, ...Array(8).fill(5_000)], () => ({}));
    expect(requests.map((entries) => entries.length)).toEqual([10, 2]);
    expect(requests[0]?.slice(0, 4).map(({ VisibilityTimeout }) => VisibilityTimeout)).toEqual([0, 1, 1, 2]);
    expect(log.events).toEqual([]);
  });

  test("what fails is told to the log and not to the caller", async () => {
    const inPart = await hide([0, 0], ([first]) => ({ Failed: [{ Id: first?.Id }] }));
    expect(inPart.log.eventsOf("queue_failed")).toMatchObject([{ count: 1 }]);
    const whole = await hide([0, 0], () => {
      throw new Error("gone");
    });
    expect(whole.log.eventsOf("queue_failed")).toMatchObject([{ count: 2 }]);
  });
});
