import { setMaxListeners } from "node:events";
import { Agent, request } from "node:http";
import { setTimeout as wait } from "node:timers/promises";

/** When a sandbox's notice of a transaction comes, and what comes with it. */
export type NoticeManner =
  /** before the answer to the charge */
  | "early"
  /** when everything else may be over */
  | "late"
  /** and once more */
  | "twice"
  /** after one that nobody of the gateway signed */
  | "forged";

export const noticeManners: readonly NoticeManner[] = ["early", "late", "twice", "forged"];

/** A notice as it goes out: made when it is sent, for its token has a time in it. */
export interface OutgoingNotice {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface NoticeCounts {
  /** Genuine notices, copies not counted, by how they came. */
  readonly sent: Readonly<Record<NoticeManner, number>>;
  /** Requests that were answered with 200. */
  readonly believed: number;
  /** Requests that were answered with 401. */
  readonly refused: number;
  /** Forged requests that were not answered with 401: there must be none. */
  readonly forgedAndNotRefused: number;
}

export interface NoticeSender {
  /** Sends a notice in its manner. `forge` makes the one that is not genuine. */
  send(manner: NoticeManner, genuine: () => OutgoingNotice, forge: () => OutgoingNotice): void;
  counts(): NoticeCounts;
  /** Ends every wait; what was not sent by then never comes. */
  close(): Promise<void>;
}

/** "Late" is after the look-ups of a run's first unknowns, and before its last. */
const lateMs = 3_000;
const againMs = 400;
/** Centrobill's own number of tries (docs, find-out-transaction-status); its pauses are not documented. */
const triesMax = 5;
const retryMs = 700;
const timeoutMs = 5_000;

/** What a sandbox tells a merchant by itself, at an address of this machine. */
export function startNoticeSender(baseUrl: string): NoticeSender {
  const agent = new Agent({ keepAlive: true });
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const sent = { early: 0, late: 0, twice: 0, forged: 0 };
  let [believed, refused, forgedAndNotRefused] = [0, 0, 0];
  const underWay = new Set<Promise<void>>();

  const post = ({ path, headers, body }: OutgoingNotice): Promise<number> =>
    new Promise((resolve) => {
      const exchange = request(
        `${baseUrl}${path}`,
        {
          method: "POST",
          agent,
          timeout: timeoutMs,
          headers: { "Content-Type": "application/json", ...headers },
        },
        (answer) => {
          answer.resume();
          answer.on("end", () => resolve(answer.statusCode ?? 0));
          answer.on("error", () => resolve(0));
        },
      );
      exchange.on("timeout", () => exchange.destroy());
      exchange.on("error", () => resolve(0));
      exchange.end(body);
    });

  /** Tries until somebody says yes or no. */
  const deliver = async (make: () => OutgoingNotice, isForged: boolean): Promise<void> => {
    for (let tried = 0; tried < triesMax; tried++) {
      closing.signal.throwIfAborted();
      const status = await post(make());
      if (status === 200) believed += 1;
      if (status === 401) refused += 1;
      if (isForged && status === 200) forgedAndNotRefused += 1;
      if (status === 200 || status === 401) return;
      await wait(retryMs, undefined, { signal: closing.signal });
    }
  };

  const come = async (
    manner: NoticeManner,
    genuine: () => OutgoingNotice,
    forge: () => OutgoingNotice,
  ): Promise<void> => {
    if (manner === "late") await wait(lateMs, undefined, { signal: closing.signal });
    if (manner === "forged") await deliver(forge, true);
    sent[manner] += 1;
    await deliver(genuine, false);
    if (manner !== "twice") return;
    await wait(againMs, undefined, { signal: closing.signal });
    await deliver(genuine, false);
  };

  return {
    send(manner, genuine, forge) {
      if (closing.signal.aborted) return;
      const one = come(manner, genuine, forge)
        // It was ended: nobody waits for it any more.
        .catch(() => {})
        .finally(() => underWay.delete(one));
      underWay.add(one);
    },
    counts: () => ({ sent: { ...sent }, believed, refused, forgedAndNotRefused }),
    async close() {
      closing.abort();
      agent.destroy();
      await Promise.all(underWay);
    },
  };
}
