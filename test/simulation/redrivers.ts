import type { ChargeId } from "../../lib/core/charge.ts";
import { gatewayNames } from "../../lib/core/charge.ts";
import { type RedriveFilter, redriveQueue } from "../../lib/flows/redrive-queue.ts";
import type { HeldMessage, RedriveQueue } from "../../lib/ports.ts";
import type { Mutant } from "./mutants/mutant.ts";
import type { Random } from "./random.ts";
import type { Schedule } from "./schedule.ts";
import type { SimMessage, SimQueue } from "./sim-queue.ts";
import type { Story } from "./story.ts";
import type { SimWorker } from "./world.ts";

/** One queue's dead letters, as a person's command holds them, and both halves of putting one back. */
export type DeadLetters = Pick<RedriveQueue, "receive" | "giveBack"> & {
  /** rejects where the other queue has not accepted it, or has and nobody was told */
  send(held: HeldMessage, body: string): Promise<void>;
  drop(held: HeldMessage): Promise<void>;
};

export type RedriverParts = {
  readonly schedule: Schedule;
  readonly random: Random;
  readonly story: Story;
  readonly chargeIds: readonly string[];
  readonly queues: readonly SimQueue[];
  /** a worker in a process of its own: it may die or stand still, and none takes its place */
  workerOf(name: string): SimWorker;
  /** sends to a queue with the faults that a queue has */
  readonly send: (name: string, queue: SimQueue, message: SimMessage, body: string) => Promise<void>;
  /** deletes a dead letter, and looks whether something else still stands for its charge */
  readonly drop: (name: string, queue: SimQueue, message: SimMessage) => Promise<void>;
  readonly mutant: Mutant | undefined;
  readonly crashed: (error: unknown) => void;
};

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** Nobody puts anything back later than that: what was begun has to come to its end. */
const lastMs = 8 * 24 * hourMs;
/** How long a command hides what it holds. */
const hideMs = 5 * minuteMs;

/**
 * A person who puts dead letters back by the shipped command: a dry run first, by any filter, from minutes to days
 * after they died, by commands that die between the copy and the delete.
 */
export const startRedrivers = (parts: RedriverParts): void => {
  const { schedule, random, story, chargeIds, queues, crashed } = parts;
  let commands = 0;

  const lettersOf = (name: string, queue: SimQueue): DeadLetters => {
    const held = new Map<string, SimMessage>();
    const messageOf = ({ receipt }: HeldMessage): SimMessage => held.get(receipt) as SimMessage;
    return {
      async receive() {
        return queue.receiveDead(10, hideMs).map((message): HeldMessage => {
          const receipt = `${message.id}/${message.receipt}`;
          held.set(receipt, message);
          return { messageId: message.id, body: message.body, receipt, firstSentAtMs: message.sentAtMs };
        });
      },
      send: (one, body) => parts.send(name, queue, messageOf(one), body),
      drop: (one) => parts.drop(name, queue, messageOf(one)),
      async giveBack(messages) {
        for (const one of messages)
          if (one.receipt === `${one.messageId}/${messageOf(one).receipt}`) queue.showDead(messageOf(one));
      },
    };
  };
  const redriveQueueOf = (letters: DeadLetters): RedriveQueue => ({
    ...letters,
    async putBack(held, body) {
      await letters.send(held, body);
      await letters.drop(held);
    },
  });

  const filter = (): RedriveFilter => ({
    ...(random.chance(0.2) ? { gateway: random.pick(gatewayNames) } : {}),
    ...(random.chance(0.2)
      ? { chargeIds: [random.pick(chargeIds), random.pick(chargeIds)] as ChargeId[] }
      : {}),
    ...(random.chance(0.2) ? { olderThanMs: random.between(0, 24 * hourMs) } : {}),
  });

  const command = async (queue: SimQueue, chosen: RedriveFilter, dryRun: boolean): Promise<void> => {
    commands += 1;
    const name = `redrive${commands}`;
    const letters = lettersOf(name, queue);
    const ends: string[] = [];
    const ended = await redriveQueue(
      chosen,
      { most: random.between(1, 100), perSecond: 5, dryRun, bodyOf: "message" },
      { ...parts.workerOf(name), queue: parts.mutant?.redriver?.(letters) ?? redriveQueueOf(letters) },
      ({ messageId, end }) => ends.push(`${messageId} ${end}`),
    ).then(
      () => "done",
      (error: unknown) => {
        if (!(error instanceof Error) || error.name !== "LedgerUnavailable") crashed(error);
        return "no answer";
      },
    );
    const what = `redrives ${queue.name}${dryRun ? " (dry run)" : ""}: ${ends.join(", ") || "nothing"}; ${ended}`;
    story.tell(() => ({ who: name, what }));
  };

  const visit = async (queue: SimQueue): Promise<void> => {
    const chosen = filter();
    await command(queue, chosen, true);
    await command(queue, random.chance(0.8) ? chosen : filter(), false);
  };

  const startMs = schedule.nowMs();
  const next = (): void => {
    const sinceMs = schedule.nowMs() - startMs;
    if (sinceMs > lastMs) return;
    for (const queue of queues) if (queue.deadLetters() > 0) visit(queue).catch(crashed);
    schedule.after(random.between(10 * minuteMs, sinceMs < 24 * hourMs ? 2 * hourMs : 8 * hourMs), next);
  };
  schedule.after(random.between(10 * minuteMs, 2 * hourMs), next);
};
