import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { costPerMillion } from "./prices.ts";
import { type Cloud, firstCall, type RunningDesign, startCloud, startDesign } from "./running.ts";
import { bundleSubjects, type Subject } from "./subjects.ts";

/** As it is deployed where nothing else is said (`infra/functions.ts`), and for all alike. */
const batchSize = 20;
const gatewayMs = [0, 50, 500] as const;
const firstCalls = 20;
const rounds = 8;
const batchesARound = 40;

export const quantile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
};
const median = (values: readonly number[]): number => quantile(values, 0.5);

type Measured = {
  readonly subject: Subject;
  cpuMicros: number;
  dynamodbCalls: number;
  writeUnits: number;
  sqsCalls: number;
  rssMb: number;
  gzipKb: number;
  firstMs: number;
  firstCpuMs: number;
  readonly batchMs: Map<number, { readonly p50: number; readonly p99: number }>;
};

const sqsOperations = ["SendMessageBatch", "SendMessage", "ChangeMessageVisibilityBatch"];
/** What is read once a second, whatever the number of charges. */
const byTheClock = ["GetItem"];

/** What is deployed: the bundle, or all of its folder where that is one design's own. */
const gzipKbOf = ({ bundle }: Subject): number => {
  const folder = dirname(bundle);
  const files = bundle.endsWith("/index.mjs")
    ? readdirSync(folder).map((name) => join(folder, name))
    : [bundle];
  return files.reduce((sum, file) => sum + gzipSync(readFileSync(file), { level: 9 }).length, 0) / 1_000;
};

/** There and back again, so that nobody always comes after the same one. */
const inTurn = <T>(all: readonly T[], round: number): readonly T[] =>
  round % 2 === 0 ? all : all.toReversed();

/** Processor time and requests: rounds in turn, so that what the machine does meanwhile meets all alike. */
const measureWork = async (cloud: Cloud, running: ReadonlyMap<Measured, RunningDesign>): Promise<void> => {
  cloud.set({ gatewayMs: 0, awsMs: 0 });
  const cpu = new Map<Measured, number[]>();
  for (let round = 0; round <= rounds; round++)
    for (const [measured, design] of inTurn([...running], round)) {
      await cloud.counts();
      const { cpuMicros, charges, rssBytes, failures } = await design.run({
        batches: batchesARound,
        batchSize,
        prefix: `${process.pid}-${round}`,
      });
      if (failures > 0) throw new Error(`${measured.subject.name}: ${failures} charges failed`);
      const { writeUnits = 0, payment = 0, ...calls } = (await cloud.counts()).counts;
      if (payment !== charges) throw new Error(`${measured.subject.name}: ${payment} payments of ${charges}`);
      // The first round is there to get warm.
      if (round === 0) continue;
      cpu.set(measured, [...(cpu.get(measured) ?? []), cpuMicros / charges]);
      const sumOf = (wanted: (name: string) => boolean): number =>
        Object.entries(calls).reduce((sum, [name, many]) => (wanted(name) ? sum + many : sum), 0) / charges;
      measured.sqsCalls = sumOf((name) => sqsOperations.includes(name));
      measured.dynamodbCalls = sumOf((name) => !sqsOperations.includes(name) && !byTheClock.includes(name));
      measured.writeUnits = writeUnits / charges;
      measured.rssMb = rssBytes / 1_048_576;
    }
  for (const [measured, micros] of cpu) measured.cpuMicros = median(micros);
};

const measureLatency = async (cloud: Cloud, running: ReadonlyMap<Measured, RunningDesign>): Promise<void> => {
  for (const ms of gatewayMs) {
    cloud.set({ gatewayMs: ms, awsMs: 4 });
    await Promise.all(
      [...running].map(async ([measured, design], nth) => {
        // With nothing to wait for they would wait for each other's processor: one at a time.
        if (ms === 0) return;
        const batches =
          measured.subject.bundle.includes("plain-loop") && ms === 500 ? 2 : ms === 500 ? 12 : 30;
        const { batchMs } = await design.run({ batches, batchSize, prefix: `l${ms}-${process.pid}-${nth}` });
        measured.batchMs.set(ms, { p50: median(batchMs), p99: quantile(batchMs, 0.99) });
      }),
    );
    if (ms > 0) continue;
    for (const [measured, design] of running) {
      const { batchMs } = await design.run({ batches: 100, batchSize, prefix: `l0-${process.pid}` });
      measured.batchMs.set(0, { p50: median(batchMs), p99: quantile(batchMs, 0.99) });
    }
  }
};

const measureFirstCalls = (cloud: Cloud, all: readonly Measured[]): void => {
  cloud.set({ gatewayMs: 0, awsMs: 0 });
  const took = new Map(all.map((measured) => [measured, { ms: [] as number[], cpuMs: [] as number[] }]));
  for (let nth = 0; nth <= firstCalls; nth++)
    for (const measured of inTurn(all, nth)) {
      const { tookMs, cpuMs } = firstCall(measured.subject, cloud.env);
      // The first one reads the files from the disk.
      if (nth === 0) continue;
      took.get(measured)?.ms.push(tookMs);
      took.get(measured)?.cpuMs.push(cpuMs);
    }
  for (const [measured, { ms, cpuMs }] of took) {
    measured.firstMs = median(ms);
    measured.firstCpuMs = median(cpuMs);
  }
};

const table = (rows: readonly (readonly string[])[]): string => {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join("  "),
    )
    .join("\n");
};

const costOf = ({ writeUnits, sqsCalls, cpuMicros, subject }: Measured): number =>
  costPerMillion(
    {
      writeUnits,
      sqsRequests: sqsCalls,
      cpuMicros,
      together: !subject.bundle.includes("plain-loop"),
      batchSize,
    },
    300,
  );

/** Ours beside what people would use instead, in one run: ratios are to Powertools with an outcome row. */
export const benchCompare = async (): Promise<void> => {
  const { subjects, remove } = await bundleSubjects();
  const cloud = await startCloud();
  const all = subjects.map(
    (subject): Measured => ({
      subject,
      cpuMicros: 0,
      dynamodbCalls: 0,
      writeUnits: 0,
      sqsCalls: 0,
      rssMb: 0,
      gzipKb: gzipKbOf(subject),
      firstMs: 0,
      firstCpuMs: 0,
      batchMs: new Map(),
    }),
  );
  const running = new Map<Measured, RunningDesign>();
  try {
    measureFirstCalls(cloud, all);
    for (const measured of all) running.set(measured, await startDesign(measured.subject, cloud.env));
    await measureWork(cloud, running);
    await measureLatency(cloud, running);
  } finally {
    for (const design of running.values()) design.close();
    cloud.close();
    remove();
  }
  const [ours, powertools] = all as [Measured, Measured];
  const bare = Math.min(...all.slice(-2).map(({ cpuMicros }) => cpuMicros));
  const ratio = (value: number, to: number): string => (value / to).toFixed(2);
  console.log(
    table([
      [
        `per charge, batches of ${batchSize}`,
        "CPU µs",
        "ratio",
        "above bare",
        "DynamoDB",
        "units",
        "SQS",
        "memory MB",
      ],
      ...all.map((one) => [
        one.subject.name,
        one.cpuMicros.toFixed(0),
        ratio(one.cpuMicros, powertools.cpuMicros),
        (one.cpuMicros - bare).toFixed(0),
        one.dynamodbCalls.toFixed(2),
        one.writeUnits.toFixed(2),
        one.sqsCalls.toFixed(2),
        one.rssMb.toFixed(0),
      ]),
    ]),
  );
  console.log(
    `above the bare call: ${ratio(ours.cpuMicros - bare, powertools.cpuMicros - bare)} of Powertools'`,
  );
  console.log(
    `\n${table([
      [`a batch of ${batchSize}, ms`, ...gatewayMs.flatMap((ms) => [`p50 at ${ms}`, "p99"])],
      ...all.map((one) => [
        one.subject.name,
        ...gatewayMs.flatMap((ms) => {
          const { p50, p99 } = one.batchMs.get(ms) ?? { p50: Number.NaN, p99: Number.NaN };
          return [p50.toFixed(1), p99.toFixed(1)];
        }),
      ]),
    ])}`,
  );
  console.log(
    `\n${table([
      ["", "gzip KB", "first call ms", "ratio", "its CPU ms", "ratio", "USD a million", "ratio"],
      ...all.map((one) => [
        one.subject.name,
        one.gzipKb.toFixed(0),
        one.firstMs.toFixed(0),
        ratio(one.firstMs, powertools.firstMs),
        one.firstCpuMs.toFixed(0),
        ratio(one.firstCpuMs, powertools.firstCpuMs),
        costOf(one).toFixed(2),
        ratio(costOf(one), costOf(powertools)),
      ]),
    ])}`,
  );
};
