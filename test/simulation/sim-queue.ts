import { heapOf } from "./heap.ts";

/** A message on a queue of the world. */
export type SimMessage = {
  readonly id: string;
  readonly body: string;
  readonly chargeId: string;
  readonly sentAtMs: number;
  receives: number;
  visibleAtMs: number;
  /** grows with each delivery: an old delivery's receipt cannot hide the message of a newer one */
  receipt: number;
  state: "live" | "dead" | "deleted";
};

/** A standard queue: at least once, in no order, hidden while received, a dead letter after too many receives. */
export type SimQueue = {
  readonly name: string;
  send(body: string, chargeId: string, delayMs: number): SimMessage;
  /** takes up to `max` visible messages and hides them */
  receive(max: number, hideMs: number): readonly SimMessage[];
  delete(message: SimMessage): void;
  find(id: string): SimMessage | undefined;
  hide(message: SimMessage, ms: number): void;
  /** messages of a charge that are not deleted, dead letters among them */
  live(chargeId: string): number;
  redriveDeadLetters(): number;
  deadLetters(): number;
  /** takes up to `max` dead letters that nobody holds, and hides them */
  receiveDead(max: number, hideMs: number): readonly SimMessage[];
  showDead(message: SimMessage): void;
};

export type SimQueueEvents = {
  /** told when the next message will be visible, whenever that is sooner than was told, and after a receive */
  readonly onVisible: (atMs: number) => void;
  readonly onDead?: (message: SimMessage) => void;
};

/** A message where it stood when it was hidden; one that has moved since is found at its new place. */
type Place = { readonly message: SimMessage; readonly atMs: number; readonly order: 0 };

export const simQueue = (
  name: string,
  nowMs: () => number,
  maxReceives: number,
  { onVisible, onDead }: SimQueueEvents,
): SimQueue => {
  const places = heapOf<Place>();
  let dead: SimMessage[] = [];
  const sent = new Map<string, SimMessage>();
  const liveByCharge = new Map<string, number>();
  const count = (chargeId: string, by: number): void => {
    liveByCharge.set(chargeId, (liveByCharge.get(chargeId) ?? 0) + by);
  };
  let toldMs: number | undefined;
  const tell = (atMs: number): void => {
    toldMs = atMs;
    onVisible(atMs);
  };
  const place = (message: SimMessage, atMs: number): void => {
    message.visibleAtMs = atMs;
    places.push({ message, atMs, order: 0 });
    if (toldMs === undefined || atMs < toldMs || toldMs <= nowMs()) tell(atMs);
  };
  const stands = ({ message, atMs }: Place): boolean =>
    message.state === "live" && message.visibleAtMs === atMs;
  return {
    name,
    send(body, chargeId, delayMs) {
      const message: SimMessage = {
        id: `${name}-${sent.size + 1}`,
        body,
        chargeId,
        sentAtMs: nowMs(),
        receives: 0,
        visibleAtMs: 0,
        receipt: 0,
        state: "live",
      };
      sent.set(message.id, message);
      count(chargeId, 1);
      place(message, nowMs() + delayMs);
      return message;
    },
    receive(max, hideMs) {
      const now = nowMs();
      const taken: SimMessage[] = [];
      while (taken.length < max) {
        const first = places.first();
        if (first === undefined || (first.atMs > now && stands(first))) break;
        places.pop();
        if (!stands(first)) continue;
        const { message } = first;
        if (message.receives >= maxReceives) {
          message.state = "dead";
          dead.push(message);
          onDead?.(message);
          continue;
        }
        message.receives += 1;
        message.receipt += 1;
        taken.push(message);
      }
      for (const message of taken) place(message, now + hideMs);
      const next = places.first();
      if (next !== undefined && next.atMs > now) tell(next.atMs);
      return taken;
    },
    find: (id) => sent.get(id),
    delete(message) {
      if (message.state === "deleted") return;
      if (message.state === "dead") dead = dead.filter((one) => one !== message);
      message.state = "deleted";
      count(message.chargeId, -1);
    },
    hide(message, ms) {
      if (message.state === "live") place(message, nowMs() + ms);
    },
    deadLetters: () => dead.length,
    receiveDead(max, hideMs) {
      const now = nowMs();
      const taken = dead.filter(({ visibleAtMs }) => visibleAtMs <= now).slice(0, max);
      for (const message of taken) {
        message.visibleAtMs = now + hideMs;
        message.receipt += 1;
      }
      return taken;
    },
    showDead(message) {
      if (message.state === "dead") message.visibleAtMs = nowMs();
    },
    live: (chargeId) => liveByCharge.get(chargeId) ?? 0,
    redriveDeadLetters() {
      const back = dead;
      dead = [];
      for (const message of back) {
        message.receives = 0;
        message.state = "live";
        place(message, nowMs());
      }
      return back.length;
    },
  };
};
