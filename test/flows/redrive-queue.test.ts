import { describe, expect, test } from "vitest";
import { type Redriven, redriveQueue } from "../../lib/flows/redrive-queue.ts";
import type { HeldMessage, RedriveQueue } from "../../lib/ports.ts";
import { chargeMessage } from "../doubles/samples.ts";
import { declines, pays, paysUnheard, swallows } from "../doubles/scripted-bank.ts";
import { type Stage, type StageOptions, stage } from "./stage.ts";

const dayMs = 86_400_000;

/** A queue of dead letters whose messages go onto the stage's own. */
const deadLetters = (on: Stage, bodies: readonly string[], to: "charges" | "unknown-outcomes") => {
  const state = bodies.map((body, n) => ({ id: `dead-${n + 1}`, body, hidden: false, gone: false }));
  const putAtMs: number[] = [];
  const queue: RedriveQueue = {
    async receive() {
      const batch = state.filter(({ hidden, gone }) => !hidden && !gone).slice(0, 3);
      for (const one of batch) one.hidden = true;
      return batch.map(
        ({ id, body }): HeldMessage => ({ messageId: id, body, receipt: id, firstSentAtMs: on.startMs }),
      );
    },
    async putBack({ messageId }, body) {
      putAtMs.push(on.clock.nowMs());
      on.send(body, to);
      for (const one of state) if (one.id === messageId) one.gone = true;
    },
    async giveBack(messages) {
      for (const one of state) if (messages.some(({ messageId }) => messageId === one.id)) one.hidden = false;
    },
  };
  return {
    queue,
    putAtMs,
    left: () => state.filter(({ gone }) => !gone),
    visible: () => state.filter(({ gone, hidden }) => !gone && !hidden),
  };
};

const redrive = async (
  on: Stage,
  queue: RedriveQueue,
  filter: Parameters<typeof redriveQueue>[0] = {},
  limits: Partial<Parameters<typeof redriveQueue>[1]> = {},
): Promise<Redriven[]> => {
  const told: Redriven[] = [];
  await redriveQueue(
    filter,
    { most: 1_000, perSecond: 10, dryRun: false, bodyOf: "message", ...limits },
    { ...on.worker(), queue },
    (one) => told.push(one),
  );
  return told;
};

/** A charge whose unknown's message died on its way: the ledger has it as unknown, and nobody works it. */
const dead = async (options: StageOptions): Promise<Stage> => {
  const on = stage(options);
  on.send(chargeMessage("order-1"));
  await on.round();
  return on;
};

describe("redrive", () => {
  test("days later an unknown is looked up, and never sent (S3)", async () => {
    const on = await dead({ bank: [paysUnheard(), swallows] });
    const posts = on.wire.posts().length;
    const body = on.waiting("unknown-outcomes")[0]?.body ?? "";
    on.clock.set(on.clock.nowMs() + 5 * dayMs);
    const { queue } = deadLetters(on, [body], "unknown-outcomes");
    expect(await redrive(on, queue)).toMatchObject([{ end: "looked_up", firstSentAtMs: on.startMs }]);
    await on.run();
    expect(on.wire.posts()).toHaveLength(posts);
    expect(on.entry()).toMatchObject({ state: "approved", evidence: { kind: "feed_row" } });
  });

  test("days later the charge's own message sends nothing either, and a person decides", async () => {
    const on = await dead({ bank: [swallows, swallows] });
    const posts = on.wire.posts().length;
    on.clock.set(on.clock.nowMs() + 5 * dayMs);
    const { queue } = deadLetters(on, [JSON.stringify(chargeMessage("order-1"))], "charges");
    expect(await redrive(on, queue)).toMatchObject([{ end: "looked_up" }]);
    await on.run();
    expect(on.wire.posts()).toHaveLength(posts);
    expect(on.entry()?.state).toBe("review");
  });

  test("a declined charge is told again under the same id, and not attempted again", async () => {
    const on = stage({ bank: [declines(5051), pays()] });
    on.send(chargeMessage("order-1"));
    await on.run();
    const [told] = on.told();
    const { queue, left } = deadLetters(on, [JSON.stringify(told)], "charges");
    expect(await redrive(on, queue, {}, { bodyOf: "charge" })).toMatchObject([{ end: "told_again" }]);
    await on.run();
    expect(left()).toEqual([]);
    expect(on.wire.posts()).toHaveLength(1);
    expect(on.told()).toEqual([told, told]);
  });

  test("a dry run says what would follow, and gives every message back", async () => {
    const on = await dead({ bank: [swallows, swallows] });
    const bodies = ["order-1", "order-2", "order-3", "order-4"].map((id) =>
      JSON.stringify(chargeMessage(id)),
    );
    const { queue, visible } = deadLetters(on, bodies, "charges");
    const told = await redrive(on, queue, {}, { dryRun: true });
    expect(told.map(({ end }) => end)).toEqual([
      "found_out_in_key_life",
      "first_send",
      "first_send",
      "first_send",
    ]);
    expect(visible()).toHaveLength(4);
    expect(on.waiting("charges")).toEqual([expect.objectContaining({})].slice(1));
  });

  test("filters choose, and what they leave stays visible", async () => {
    const on = stage({ bank: () => pays() });
    const bodies = ["a", "b", "c"].map((id) => JSON.stringify(chargeMessage(id)));
    const { queue, left, visible } = deadLetters(on, [...bodies, "{"], "charges");
    expect(await redrive(on, queue, { chargeIds: ["b"] })).toHaveLength(1);
    expect(await redrive(on, queue, { gateway: "centrapay" })).toEqual([]);
    expect(await redrive(on, queue, { olderThanMs: dayMs })).toEqual([]);
    expect(await redrive(on, queue, { code: "5051" })).toEqual([]);
    expect(await redrive(on, queue, {}, { most: 1 })).toHaveLength(1);
    expect(left()).toHaveLength(2);
    expect(visible()).toHaveLength(2);
    expect((await redrive(on, queue)).map(({ end }) => end).sort()).toEqual([
      "first_send",
      "left_unreadable",
    ]);
    expect(left().map(({ body }) => body)).toEqual(["{"]);
  });

  // biome-ignore format: one row a line
  test.each<[filter: Parameters<typeof redriveQueue>[0], chosen: string[], reason: string]>([
    [{}, ["a", "b", "c", "notice", "unreadable"], "no filter"],
    [{ gateway: "centrobill" }, ["a", "b", "notice"], "of one gateway: what cannot be read is nobody's"],
    [{ gateway: "centrapay" }, ["c"], "of another"],
    [{ chargeIds: ["a", "c"] }, ["a", "c"], "these charges: a notice is none"],
    [{ code: "5051" }, ["a"], "of a code, which only what tells of a charge has"],
    [{ code: "5051", gateway: "centrapay" }, [], "all of it has to fit"],
    [{ olderThanMs: 1_000 }, ["a", "b", "c", "notice", "unreadable"], "as old as that"],
    [{ olderThanMs: 1_001 }, [], "not old enough"],
  ])("%j chooses %j (%s)", async (filter, chosen) => {
    const on = stage({ bank: () => pays() });
    const messages = {
      a: { v: 1, chargeId: "a", code: "5051", charge: chargeMessage("a") },
      b: chargeMessage("b"),
      c: chargeMessage("c", { gateway: "centrapay" }),
      notice: { v: 1, kind: "notice", gateway: "centrobill", reference: "7", notice: "7.success" },
      unreadable: "{",
    };
    const { queue } = deadLetters(on, Object.values(messages).map((one) => JSON.stringify(one)), "charges");
    on.clock.set(on.startMs + 1_000);
    const told = await redrive(on, queue, filter, { dryRun: true });
    expect(told.map(({ messageId }) => Object.keys(messages)[Number(messageId.slice(5)) - 1])).toEqual(chosen);
  });

  test("who comes again, because it was hidden for too long, is not put back again", async () => {
    const on = stage({ bank: () => pays() });
    const { queue, putAtMs } = deadLetters(
      on,
      ["a", "b"].map((id) => JSON.stringify(chargeMessage(id))),
      "charges",
    );
    const all = await queue.receive();
    let receives = 0;
    const again: RedriveQueue = { ...queue, receive: async () => (++receives === 1 ? all.slice(0, 1) : all) };
    expect(await redrive(on, again)).toHaveLength(2);
    expect([putAtMs.length, receives]).toEqual([2, 3]);
  });

  test("an entry that cannot be read leaves its message where it is", async () => {
    const on = stage({ bank: () => pays() });
    on.ledger.plant("a", JSON.stringify({ v: 99 }));
    const { queue, visible } = deadLetters(
      on,
      ["a", "b"].map((id) => JSON.stringify(chargeMessage(id))),
      "charges",
    );
    expect((await redrive(on, queue)).map(({ end }) => end)).toEqual(["left_unreadable", "first_send"]);
    expect(visible().map(({ id }) => id)).toEqual(["dead-1"]);
  });

  test("what is no charge goes back as it is, though the charges of others go by themselves", async () => {
    const on = stage({ bank: () => pays() });
    const notice = { v: 1, kind: "notice", gateway: "centrobill", reference: "7", notice: "7.success" };
    const { queue } = deadLetters(on, [JSON.stringify(notice)], "unknown-outcomes");
    await redrive(on, queue, {}, { bodyOf: "charge" });
    expect(on.waiting("unknown-outcomes").map(({ body }) => JSON.parse(body))).toEqual([notice]);
  });

  test("so many a second, and no more", async () => {
    const on = stage({ bank: () => pays() });
    const bodies = Array.from({ length: 7 }, (_, n) => JSON.stringify(chargeMessage(`r-${n}`)));
    const { queue, putAtMs } = deadLetters(on, bodies, "charges");
    await redrive(on, queue, {}, { perSecond: 2 });
    expect(putAtMs.map((atMs) => atMs - on.startMs)).toEqual([0, 500, 1_000, 1_500, 2_000, 2_500, 3_000]);
  });

  test("a message that the other queue does not take stays where it is", async () => {
    const on = stage({ bank: () => pays() });
    const { queue, visible } = deadLetters(on, [JSON.stringify(chargeMessage("a"))], "charges");
    const broken: RedriveQueue = { ...queue, putBack: () => Promise.reject(new Error("no answer")) };
    await expect(redrive(on, broken)).rejects.toThrow("no answer");
    expect(visible()).toHaveLength(1);
  });
});
