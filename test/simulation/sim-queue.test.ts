import { expect, test } from "vitest";
import { simQueue } from "./sim-queue.ts";

const queueAt = (maxReceives = 3) => {
  const world = { nowMs: 0, wakes: [] as number[], dead: [] as string[] };
  const queue = simQueue("charges", () => world.nowMs, maxReceives, {
    onVisible: (atMs) => world.wakes.push(atMs),
    onDead: ({ chargeId }) => world.dead.push(chargeId),
  });
  return { world, queue };
};

test("hides what was received, and gives it again when its time is over", () => {
  const { world, queue } = queueAt();
  queue.send("body", "c1", 0);
  expect(queue.receive(10, 500)).toHaveLength(1);
  expect(queue.receive(10, 500)).toEqual([]);
  world.nowMs = 500;
  expect(queue.receive(10, 500).map(({ receives }) => receives)).toEqual([2]);
});

test("holds a delayed message back, and says when it will be there", () => {
  const { world, queue } = queueAt();
  queue.send("body", "c1", 900);
  expect(world.wakes).toEqual([900]);
  expect(queue.receive(10, 500)).toEqual([]);
  world.nowMs = 900;
  expect(queue.receive(10, 500)).toHaveLength(1);
});

test("gives at most what is asked for", () => {
  const { queue } = queueAt();
  for (let n = 0; n < 5; n++) queue.send("body", `c${n}`, 0);
  expect(queue.receive(2, 500)).toHaveLength(2);
  expect(queue.receive(10, 500)).toHaveLength(3);
});

test("what is deleted is gone; what is a dead letter is not, and comes back when it is redriven", () => {
  const { world, queue } = queueAt(1);
  const deleted = queue.send("body", "c1", 0);
  queue.delete(deleted);
  queue.delete(deleted);
  expect(queue.live("c1")).toBe(0);
  queue.send("body", "c2", 0);
  queue.receive(10, 100);
  world.nowMs = 100;
  expect(queue.receive(10, 100)).toEqual([]);
  expect(world.dead).toEqual(["c2"]);
  expect(queue.live("c2")).toBe(1);
  expect(queue.redriveDeadLetters()).toBe(1);
  expect(queue.receive(10, 100)).toHaveLength(1);
});
