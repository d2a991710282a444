import { submitCharges } from "../../lib/flows/submit-charge.ts";
import type { Clock, Ledger, Wire } from "../../lib/ports.ts";
import { manualClock } from "../doubles/manual-clock.ts";
import { memoryLedger } from "../doubles/memory-ledger.ts";
import { chargeMessage } from "../doubles/samples.ts";
import { sha256Of } from "../doubles/scripted-wire.ts";
import { testWorker } from "../doubles/worker.ts";

const charges = 1_000;
const ledgerMs = 4;

/** A gateway that approves each charge after so long, and counts how many it has at once. */
const steadyGateway = (clock: Clock, latencyMs: number) => {
  let inFlight = 0;
  let most = 0;
  const wire: Wire = {
    async send({ body = "{}" }) {
      most = Math.max(most, ++inFlight);
      await clock.sleep(latencyMs);
      inFlight -= 1;
      const { sku, metadata } = JSON.parse(body) as { sku: { price: [object] }; metadata: object };
      const ids = { transactionId: "1", orderId: "1" };
      const text = JSON.stringify({
        payment: { code: 0, status: "success", action: "charge", mode: "sale", ...sku.price[0], ...ids },
        metadata,
      });
      return { kind: "replied", status: 201, headers: {}, body: text, bodySha256: sha256Of(text) };
    },
  };
  return { wire, most: () => most };
};

const slowLedger = (clock: Clock): Ledger => {
  const ledger = memoryLedger();
  const after = async <T>(answer: Promise<T>): Promise<T> => {
    await clock.sleep(ledgerMs);
    return answer;
  };
  return {
    open: (entry) => after(ledger.open(entry)),
    replace: (previous, entry) => after(ledger.replace(previous, entry)),
    read: (ids) => after(ledger.read(ids)),
    reject: (rejection) => after(ledger.reject(rejection)),
  };
};

export type Throughput = {
  readonly done: number;
  readonly seconds: number;
  /** of what so many at once could do, were there nothing but the gateway */
  readonly share: number;
  readonly mostInFlight: number;
};

/** One invocation with a thousand charges, in virtual time: what the order of effects alone costs. */
export const measureThroughput = async (latencyMs: number, concurrency: number): Promise<Throughput> => {
  const clock = manualClock();
  const gateway = steadyGateway(clock, latencyMs);
  const worker = testWorker({
    clock,
    wire: gateway.wire,
    ledger: slowLedger(clock),
    queues: { send: () => clock.sleep(ledgerMs), flush() {} },
    concurrency,
  });
  const beganMs = clock.nowMs();
  const ends = await submitCharges(
    Array.from({ length: charges }, (_, n) => ({
      messageId: String(n),
      body: JSON.stringify(chargeMessage(`c-${n}`)),
      receives: 1,
    })),
    worker,
  );
  const seconds = (clock.nowMs() - beganMs) / 1_000;
  return {
    done: [...ends.values()].filter(({ kind }) => kind === "done").length,
    seconds,
    share: charges / seconds / ((concurrency / latencyMs) * 1_000),
    mostInFlight: gateway.most(),
  };
};

export const benchThroughput = async (): Promise<void> => {
  for (const latencyMs of [50, 500]) {
    const { done, seconds, share, mostInFlight } = await measureThroughput(latencyMs, 50);
    console.log(
      `gateway ${latencyMs} ms, 50 at once, ledger ${ledgerMs} ms: ${done} charges in ${seconds.toFixed(3)} s, ` +
        `${share.toFixed(3)} of concurrency / latency; at most ${mostInFlight} in flight`,
    );
  }
};
