import { describe, expect, test } from "vitest";
import { queuesContract } from "../adapters/queues-contract.ts";
import { memoryQueues } from "./memory-queues.ts";

queuesContract("in memory", async () => {
  // The suite runs in real time; who uses the double reads `delayMs` and keeps time as it likes.
  const due: { readonly queue: string; readonly atMs: number; readonly body: string }[] = [];
  const options = {
    lingerMs: 5,
    done: (one: { readonly queue: string; readonly body: string; readonly delayMs: number }) => {
      due.push({ queue: one.queue, atMs: Date.now() + one.delayMs, body: one.body });
    },
  };
  return {
    queues: memoryQueues(options),
    refusing: (isRefused) =>
      memoryQueues({ ...options, fault: (_, message) => (isRefused(message) ? "refused" : undefined) }),
    unreachable: () => memoryQueues({ ...options, fault: () => "refused" }),
    receive: async (queue, withinMs) => {
      const endMs = Date.now() + withinMs;
      const isVisible = (one: (typeof due)[number]) => one.queue === queue && one.atMs <= Date.now();
      while (!due.some(isVisible) && Date.now() < endMs) await new Promise((next) => setTimeout(next, 5));
      const visible = due.filter(isVisible);
      for (const one of visible) due.splice(due.indexOf(one), 1);
      return visible.map(({ body }) => JSON.parse(body));
    },
  };
});

describe("what can go wrong with the queues in memory", () => {
  const message = {
    v: 1,
    id: "1",
    attempt: 1,
    outcome: "approved",
    at: "2026-11-22T12:00:00.000Z",
  } as const;

  test("`untold`: the queue has the message, and its sender hears that it failed", async () => {
    const queues = memoryQueues({ fault: () => "untold" });
    const sent = queues.send("approved", message);
    queues.flush();
    await expect(sent).rejects.toMatchObject({ name: "QueueUnavailable" });
    expect(queues.on("approved")).toEqual([message]);
  });

  test("counts requests as the real one makes them", async () => {
    const queues = memoryQueues();
    const sent = Array.from({ length: 23 }, () => queues.send("approved", message));
    queues.flush();
    await Promise.all(sent);
    expect(queues.requests).toEqual([10, 10, 3]);
  });
});
