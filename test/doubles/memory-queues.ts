import { CallFailed } from "../../lib/adapters/deadline.ts";
import type { QueueName } from "../../lib/core/queues.ts";
import type { RouteMessage } from "../../lib/core/route-message.ts";
import type { Queues } from "../../lib/ports.ts";

/** What the real adapter throws under this name, without its SDK. */
export class QueueUnavailable extends CallFailed {
  override readonly name = "QueueUnavailable";
}

export type Accepted = {
  readonly queue: QueueName;
  readonly message: RouteMessage;
  /** the message as text, as a consumer receives it */
  readonly body: string;
  readonly delayMs: number;
};

/** `refused`: the queue does not have it. `untold`: the queue has it, and the sender hears that it failed. */
export type QueueFault = "refused" | "untold";

export type MemoryQueuesOptions = {
  /** Asked for each message on its own; what it throws, that message's sender gets, and nothing was kept. */
  readonly fault?: (
    queue: QueueName,
    message: RouteMessage,
  ) => QueueFault | undefined | Promise<QueueFault | undefined>;
  /** Called after a message was kept; what it throws, its sender gets. */
  readonly done?: (accepted: Accepted) => void | Promise<void>;
  /** milliseconds of real time that a message waits for others, unless `flush` comes first */
  readonly lingerMs?: number;
};

export type MemoryQueues = Queues & {
  /** everything that was kept, in order */
  readonly accepted: readonly Accepted[];
  /** messages of each request that went out */
  readonly requests: readonly number[];
  on(queue: QueueName): RouteMessage[];
  failBy(fault: MemoryQueuesOptions["fault"]): void;
};

const batchMax = 10;
const messageBytesMax = 262_144;

/** Outcome queues in memory, held to the same contract as the SQS adapter: a message waits for others first. */
export const memoryQueues = (options: MemoryQueuesOptions = {}): MemoryQueues => {
  const accepted: Accepted[] = [];
  const requests: number[] = [];
  const waiting = new Map<QueueName, (() => void)[]>();
  let fault = options.fault;
  let timer: NodeJS.Timeout | undefined;

  const flushOne = (queue: QueueName): void => {
    const batch = waiting.get(queue) ?? [];
    waiting.delete(queue);
    if (waiting.size === 0) {
      clearTimeout(timer);
      timer = undefined;
    }
    if (batch.length > 0) requests.push(batch.length);
    for (const deliver of batch) deliver();
  };
  const flush = (): void => {
    for (const queue of [...waiting.keys()]) flushOne(queue);
  };

  const deliver = async (one: Accepted): Promise<void> => {
    const wrong = await fault?.(one.queue, one.message);
    if (wrong === "refused") throw new QueueUnavailable(`send to ${one.queue}: refused`);
    if (Buffer.byteLength(one.body) > messageBytesMax)
      throw new QueueUnavailable(`send to ${one.queue}: too large`);
    accepted.push(one);
    await options.done?.(one);
    if (wrong === "untold") throw new QueueUnavailable(`send to ${one.queue}: kept, and nobody was told`);
  };

  return {
    accepted,
    requests,
    send: (queue, message, delayMs = 0) => {
      if (!(delayMs >= 0 && delayMs <= 900_000))
        return Promise.reject(new QueueUnavailable(`send to ${queue}: a delay of ${delayMs} ms`));
      const body = JSON.stringify(message);
      return new Promise((resolve, reject) => {
        const batch = waiting.get(queue) ?? [];
        batch.push(() => {
          deliver({ queue, message: JSON.parse(body) as RouteMessage, body, delayMs }).then(resolve, reject);
        });
        waiting.set(queue, batch);
        if (batch.length >= batchMax) flushOne(queue);
        else timer ??= setTimeout(flush, options.lingerMs ?? 250);
      });
    },
    flush,
    on: (queue) => accepted.filter((one) => one.queue === queue).map(({ message }) => message),
    failBy: (next) => {
      fault = next;
    },
  };
};
