/** A message on a queue of the world. */
export type SimMessage = {
  readonly id: string;
  readonly body: string;
  readonly chargeId: string;
  receives: number;
  visibleAtMs: number;
  /** grows with each delivery: an old delivery's receipt cannot hide the message of a newer one */
  receipt: number;
  deleted: boolean;
};

/** A standard queue: at least once, in no order, hidden while received, a dead letter after too many receives. */
export type SimQueue = {
  readonly name: string;
  send(body: string, chargeId: string, delayMs: number): SimMessage;
  /** takes up to `max` visible messages and hides them */
  receive(max: number, hideMs: number): readonly SimMessage[];
  delete(message: SimMessage): void;
  hide(message: SimMessage, ms: number): void;
  /** messages of a charge that are not deleted, dead letters among them */
  live(chargeId: string): number;
  size(): number;
  redriveDeadLetters(): number;
};

export const simQueue = (
  name: string,
  nowMs: () => number,
  maxReceives: number,
  /** told when a message will be visible */
  onVisible: (atMs: number) => void,
): SimQueue => {
  let messages: SimMessage[] = [];
  let dead: SimMessage[] = [];
  let made = 0;
  const liveByCharge = new Map<string, number>();
  const count = (chargeId: string, by: number): void => {
    liveByCharge.set(chargeId, (liveByCharge.get(chargeId) ?? 0) + by);
  };
  return {
    name,
    send(body, chargeId, delayMs) {
      made += 1;
      const message = {
        id: `${name}-${made}`,
        body,
        chargeId,
        receives: 0,
        visibleAtMs: nowMs() + delayMs,
        receipt: 0,
        deleted: false,
      };
      messages.push(message);
      count(chargeId, 1);
      onVisible(message.visibleAtMs);
      return message;
    },
    receive(max, hideMs) {
      const now = nowMs();
      const taken: SimMessage[] = [];
      const left: SimMessage[] = [];
      for (const message of messages) {
        if (taken.length >= max || message.visibleAtMs > now) left.push(message);
        else if (message.receives >= maxReceives) dead.push(message);
        else {
          message.receives += 1;
          message.receipt += 1;
          message.visibleAtMs = now + hideMs;
          taken.push(message);
          left.push(message);
          onVisible(message.visibleAtMs);
        }
      }
      messages = left;
      return taken;
    },
    delete(message) {
      if (message.deleted) return;
      message.deleted = true;
      messages = messages.filter((one) => one !== message);
      count(message.chargeId, -1);
    },
    hide(message, ms) {
      if (message.deleted) return;
      message.visibleAtMs = nowMs() + ms;
      onVisible(message.visibleAtMs);
    },
    live: (chargeId) => liveByCharge.get(chargeId) ?? 0,
    size: () => messages.length,
    redriveDeadLetters() {
      const back = dead;
      dead = [];
      for (const message of back) {
        message.receives = 0;
        message.visibleAtMs = nowMs();
        messages.push(message);
        onVisible(message.visibleAtMs);
      }
      return back.length;
    },
  };
};
