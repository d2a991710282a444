import { fileURLToPath } from "node:url";
import { startEventSource } from "../../infra/local/event-source.ts";
import { chargeMessage } from "../doubles/samples.ts";
import { bundleOf, functionStand } from "../functions/function-stand.ts";
import { until } from "../local/until.ts";
import { type Cloud, startCloud, startDesign } from "./compare/running.ts";

const submitCharges = fileURLToPath(
  new URL("../../dist/functions/submit-charges/index.mjs", import.meta.url),
);
const batchSize = 10;
const chargesARun = 1_000;

const sumOf = (counts: Readonly<Record<string, number>>, names: readonly string[]): number =>
  names.reduce((sum, name) => sum + (counts[name] ?? 0), 0);

/** One process, more and more charges: what a charge costs, and what is left of it, must not grow with their number. */
const growByCharges = async (cloud: Cloud, marks: readonly number[]): Promise<void> => {
  cloud.set({ gatewayMs: 0, awsMs: 0 });
  const design = await startDesign({ bundle: submitCharges }, cloud.env, ["--expose-gc"]);
  console.log(
    "charges so far  CPU µs  DynamoDB  memory MB  in use MB   (one process; of the charges since the row before)",
  );
  await design.run({ batches: 40, batchSize, prefix: "warm" });
  let done = 0;
  for (const mark of marks) {
    await cloud.counts();
    const begun = done;
    let [cpu, memory, live] = [0, 0, 0];
    // The bench makes a run's messages beforehand: not so many at once that they would be the memory that is told.
    while (done < mark) {
      const charges = Math.min(chargesARun, mark - done);
      const isLast = done + charges === mark;
      const { cpuMicros, rssBytes, liveBytes, failures } = await design.run({
        batches: charges / batchSize,
        batchSize,
        prefix: `g${done}`,
        ...(isLast ? { live: true } : {}),
      });
      if (failures > 0) throw new Error(`${failures} charges failed`);
      cpu += cpuMicros;
      memory = Math.max(memory, rssBytes);
      live = liveBytes ?? 0;
      done += charges;
    }
    const { counts } = await cloud.counts();
    console.log(
      [
        String(mark).padEnd(14),
        (cpu / (mark - begun)).toFixed(0).padStart(7),
        (sumOf(counts, ["BatchExecuteStatement", "PutItem"]) / (mark - begun)).toFixed(2).padStart(9),
        (memory / 1_048_576).toFixed(0).padStart(10),
        (live / 1_048_576).toFixed(1).padStart(10),
      ].join(" "),
    );
  }
  design.close();
};

/** More and more charges that the gateway never answers: what the others cost, and what those do. */
const growByUnknowns = async (cloud: Cloud, charges: number): Promise<void> => {
  const design = await startDesign(
    { bundle: submitCharges },
    {
      ...cloud.env,
      GATEWAY_TIMEOUT_MS: "300",
      POLICY: JSON.stringify({ resendDelayMs: 50, closeAfterFaults: 1_000, concurrencyMin: 10 }),
    },
  );
  console.log(
    "\nunknown   CPU µs  DynamoDB  units   SQS  gateway   (per charge, unknowns sent once more and queued)",
  );
  cloud.set({ gatewayMs: 0, awsMs: 0 });
  await design.run({ batches: 40, batchSize, prefix: "warm" });
  for (const silentShare of [0, 0.01, 0.05, 0.1, 0.2]) {
    cloud.set({ gatewayMs: 0, awsMs: 0, silentShare });
    await cloud.counts();
    const { cpuMicros } = await design.run({
      batches: charges / batchSize,
      batchSize,
      prefix: `u${silentShare}`,
    });
    const { counts } = await cloud.counts();
    console.log(
      [
        `${(100 * silentShare).toFixed(0)} %`.padEnd(8),
        (cpuMicros / charges).toFixed(0).padStart(7),
        (sumOf(counts, ["BatchExecuteStatement", "PutItem"]) / charges).toFixed(2).padStart(9),
        (sumOf(counts, ["writeUnits"]) / charges).toFixed(2).padStart(6),
        (sumOf(counts, ["SendMessageBatch"]) / charges).toFixed(2).padStart(5),
        (sumOf(counts, ["payment"]) / charges).toFixed(2).padStart(8),
      ].join(" "),
    );
  }
  design.close();
};

/** More and more workers on the stand-ins: each charge is captured once, and costs no more requests. */
const growByWorkers = async (workers: readonly number[], charges: number): Promise<void> => {
  console.log("\nworkers  captured  twice  DynamoDB   SQS  seconds   (the stand-ins, per charge)");
  for (const many of workers) {
    const stand = await functionStand();
    const bodies = Array.from({ length: charges }, (_, n) => JSON.stringify(chargeMessage(`w${many}-${n}`)));
    await stand.send("charges", bodies);
    stand.sqs.reset();
    stand.dynamodb.reset();
    const beganMs = performance.now();
    const source = await startEventSource({
      sqs: stand.clients.sqs,
      queueUrl: stand.urlOf("charges"),
      functionName: "submit-charges",
      bundle: bundleOf("submit-charges"),
      // So many processes on few processors answer late: that is no outcome of the gateway's.
      env: { ...stand.env, GATEWAY_TIMEOUT_MS: "5000" },
      workers: many,
      batchSize,
      batchingWindowMs: 0,
      functionTimeoutMs: 29_000,
      onLog: () => {},
    });
    await until("all are done", () => source.stats().succeeded >= charges, 180_000);
    const seconds = (performance.now() - beganMs) / 1_000;
    const { captures, doubleCharges } = stand.sandbox.truth();
    const [dynamodb, sqs] = [stand.dynamodb.counts(), stand.sqs.counts()];
    console.log(
      [
        String(many).padEnd(7),
        String(captures).padStart(9),
        String(doubleCharges.length).padStart(6),
        (sumOf(dynamodb, ["BatchExecuteStatement", "PutItem"]) / charges).toFixed(2).padStart(9),
        (sumOf(sqs, ["SendMessageBatch", "DeleteMessageBatch"]) / charges).toFixed(2).padStart(5),
        seconds.toFixed(1).padStart(8),
      ].join(" "),
    );
    await source.stop();
    await stand.close();
  }
};

/**
 * What grows, and what does not, with charges, workers and unknowns.
 * @param chargesMax a million takes a quarter of an hour of two idle cores
 */
export const benchGrowth = async (chargesMax: number): Promise<void> => {
  const cloud = await startCloud({ tls: false });
  try {
    await growByCharges(
      cloud,
      [1_000, 10_000, 100_000, 300_000, 1_000_000].filter((charges) => charges <= chargesMax),
    );
    await growByUnknowns(cloud, 1_000);
  } finally {
    cloud.close();
  }
  await growByWorkers([1, 4, 16, 64], 1_000);
};
