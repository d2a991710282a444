import pLimit from "p-limit";
import { defaultPolicy, type Policy } from "../../lib/core/policy.ts";
import { gatewayPaces } from "../../lib/flows/gateway-pace.ts";
import { submitCharges } from "../../lib/flows/submit-charge.ts";
import type { Clock, PaceBook, Worker } from "../../lib/ports.ts";
import { manualClock } from "../doubles/manual-clock.ts";
import { memoryLedger } from "../doubles/memory-ledger.ts";
import { memoryLog } from "../doubles/memory-log.ts";
import { paceTable } from "../doubles/memory-pace.ts";
import { chargeMessage } from "../doubles/samples.ts";
import { sha256Of } from "../doubles/scripted-wire.ts";
import { seededFractions, seededIds } from "../doubles/seeded-ids.ts";
import { gatewayTimeoutMs, testGateway } from "../doubles/worker.ts";
import { type LimitedAccount, limitedAccount } from "./limited-account.ts";

type Rate = { readonly requests: number; readonly perMs: number };
type Experiment = {
  readonly name: string;
  readonly workers: number;
  readonly rate: Rate;
  readonly forMs: number;
  readonly design: "shared turns" | "each worker learns" | "Retry-After alone";
};

const bookMs = 8;
const batch = 10;
const concurrency = 10;
const functionMs = 150_000;
const retryAfterMs = (rate: Rate): number => Math.max(1_000, rate.perMs / 10);

/** The pace records with the time that DynamoDB takes. */
const slowBook = (clock: Clock): PaceBook => {
  const table = paceTable();
  return {
    async read(gateway) {
      await clock.sleep(bookMs);
      return table.read(gateway);
    },
    async replace(gateway, previous, record) {
      await clock.sleep(bookMs / 2);
      const answer = table.replace(gateway, previous, record);
      await clock.sleep(bookMs / 2);
      return answer;
    },
  };
};

/** A backlog of so many charges: what comes back is served when it is visible, and new ones otherwise. */
const backlogOf = (many: number, clock: Clock) => {
  const back: { readonly nth: number; readonly visibleAtMs: number; readonly receives: number }[] = [];
  let made = 0;
  let receivesMax = 0;
  return {
    receivesMax: () => receivesMax,
    take(): { readonly nth: number; readonly receives: number } | undefined {
      const due = back.findIndex(({ visibleAtMs }) => visibleAtMs <= clock.nowMs());
      const [one] = due === -1 ? [] : back.splice(due, 1);
      if (one === undefined && made === many) return undefined;
      const receives = (one?.receives ?? 0) + 1;
      receivesMax = Math.max(receivesMax, receives);
      return { nth: one?.nth ?? ++made, receives };
    },
    giveBack(nth: number, receives: number, delayMs: number): void {
      back.push({ nth, receives, visibleAtMs: clock.nowMs() + Math.ceil(delayMs / 1_000) * 1_000 });
    },
  };
};

/** The shipped flow on so many workers, each with its own process's state. */
const shipped = (experiment: Experiment, account: LimitedAccount, clock: Clock, endMs: number) => {
  const { rate, forMs } = experiment;
  // More than the account can take, so that whoever has a turn has a charge.
  const queue = backlogOf(Math.ceil((1.3 * rate.requests * forMs) / rate.perMs), clock);
  const book = slowBook(clock);
  const policy: Policy = {
    ...defaultPolicy,
    rateLimits: experiment.design === "shared turns" ? { centrobill: rate } : {},
  };
  const log = memoryLog();
  const quiet = { event() {}, metric: log.metric };
  const ledger = memoryLedger();
  const work = async (number: number): Promise<void> => {
    const ids = seededIds(number + 1);
    const limit = () => pLimit(concurrency);
    const paces = gatewayPaces({ book, clock, ids, log: quiet, policy, limit });
    while (clock.nowMs() < endMs) {
      const startedMs = clock.nowMs();
      const worker: Worker = {
        clock,
        ids,
        sha256: sha256Of,
        wire: account.wire,
        ledger,
        instruments: ledger.instruments,
        queues: { async send() {}, flush() {} },
        log: quiet,
        limit: limit(),
        paces,
        gateways: { centrobill: testGateway() },
        policy,
        gatewayTimeoutMs,
        remainingMs: () => functionMs - (clock.nowMs() - startedMs),
      };
      const held = Array.from({ length: batch }, () => queue.take()).filter((one) => one !== undefined);
      const ends = await submitCharges(
        held.map(({ nth, receives }) => ({
          messageId: String(nth),
          body: JSON.stringify(chargeMessage(`c-${nth}`)),
          receives,
        })),
        worker,
      );
      for (const { nth, receives } of held) {
        const end = ends.get(String(nth));
        if (end?.kind === "giveBack") queue.giveBack(nth, receives, end.delayMs);
      }
      // A long poll, where there was nothing.
      await clock.sleep(held.length === 0 ? 1_000 : 20);
    }
  };
  return {
    run: Promise.all(Array.from({ length: experiment.workers }, (_, n) => work(n))),
    receivesMax: queue.receivesMax,
  };
};

/** What many write: a fixed number at once, and after a 429 everyone waits what it says. No jitter, nothing shared. */
const retryAfterAlone = (experiment: Experiment, account: LimitedAccount, clock: Clock, endMs: number) => {
  let made = 0;
  const body = () =>
    JSON.stringify({
      sku: { price: [{ amount: 1, currency: "EUR" }] },
      metadata: { chargeId: `c-${++made}` },
    });
  const work = async (): Promise<void> => {
    let pausedUntilMs = 0;
    const one = async (): Promise<void> => {
      while (clock.nowMs() < endMs) {
        if (pausedUntilMs > clock.nowMs()) await clock.sleep(pausedUntilMs - clock.nowMs());
        const reply = await account.wire.send(
          { method: "POST", url: "", headers: {}, body: body() },
          { timeoutMs: gatewayTimeoutMs },
        );
        if (reply.kind === "replied" && reply.status === 429)
          pausedUntilMs = clock.nowMs() + Number(reply.headers["retry-after"]) * 1_000;
      }
    };
    await Promise.all(Array.from({ length: concurrency }, one));
  };
  return { run: Promise.all(Array.from({ length: experiment.workers }, work)), receivesMax: () => 1 };
};

const measure = async (experiment: Experiment): Promise<string> => {
  const clock = manualClock();
  const { rate, design, forMs } = experiment;
  const account = limitedAccount(clock, rate, retryAfterMs(rate), seededFractions(7));
  const startMs = clock.nowMs();
  const endMs = startMs + forMs;
  const subject =
    design === "Retry-After alone"
      ? retryAfterAlone(experiment, account, clock, endMs)
      : shipped(experiment, account, clock, endMs);
  await subject.run;
  const seconds = (clock.nowMs() - startMs) / 1_000;
  const allowed = (rate.requests / rate.perMs) * 1_000 * seconds;
  const asked = account.taken() + account.limited();
  const late = account.inPause().filter((ms) => ms > 1_000).length;
  return [
    experiment.name.padEnd(44),
    design.padEnd(20),
    (account.taken() / allowed).toFixed(2).padStart(5),
    `${((100 * account.limited()) / asked).toFixed(1)} %`.padStart(8),
    String(account.inPause().length).padStart(8),
    String(late).padStart(8),
    String(subject.receivesMax()).padStart(9),
  ].join("  ");
};

const perSecond: Rate = { requests: 200, perMs: 1_000 };
const perMinute: Rate = { requests: 200, perMs: 60_000 };
const designs = ["shared turns", "each worker learns", "Retry-After alone"] as const;
const experiments: readonly Experiment[] = [20, 100].flatMap((workers) =>
  designs.flatMap((design): Experiment[] => [
    { name: `200 a second, ${workers} workers`, workers, rate: perSecond, forMs: 30_000, design },
    { name: `200 a minute, ${workers} workers`, workers, rate: perMinute, forMs: 300_000, design },
  ]),
);

/** The shipped pace beside what people would write, in virtual time: the same figures on every machine. */
export const benchPace = async (): Promise<void> => {
  console.log(
    `${"account, workers".padEnd(44)}  ${"design".padEnd(20)}   used   429s  in pause  after 1 s  receives`,
  );
  for (const experiment of [...experiments].sort((a, b) => a.name.localeCompare(b.name)))
    console.log(await measure(experiment));
};
