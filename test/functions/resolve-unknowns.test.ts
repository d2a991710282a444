import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EventSource, startEventSource } from "../../infra/local/event-source.ts";
import type { JsonObject } from "../../lib/core/json.ts";
import { chargeMessage } from "../doubles/samples.ts";
import { until } from "../local/until.ts";
import { bundleOf, type FunctionStand, functionStand, type RunningFunction } from "./function-stand.ts";

const charge = (id: string, scenario: string): JsonObject => chargeMessage(id, { metadata: { scenario } });

describe("the deployed resolve-unknowns", () => {
  let stand: FunctionStand;
  let submit: RunningFunction;
  beforeAll(async () => {
    stand = await functionStand({ pendingMs: 1_200 });
    submit = await stand.start("submit-charges", { CONCURRENCY: "50" });
  });
  afterAll(() => stand.close());

  const submitAll = async (messages: readonly JsonObject[]): Promise<void> => {
    await stand.send(
      "charges",
      messages.map((message) => JSON.stringify(message)),
    );
    expect(await submit.invoke("charges", await stand.receive("charges", messages.length))).toEqual({
      batchItemFailures: [],
    });
  };

  test("parks what it cannot work, names it, and leaves its neighbours alone", async () => {
    const resolve = await stand.start("resolve-unknowns");
    await submitAll([charge("a-captured", "timeout-twice-after-capture")]);
    await until(
      "the unknown is due",
      async () => (await stand.depth("unknown-outcomes")).visible === 1,
      10_000,
    );
    await stand.send("unknown-outcomes", ["{", JSON.stringify({ v: 1, chargeId: "x" })]);
    const messages = await stand.receive("unknown-outcomes");
    expect(messages).toHaveLength(3);
    const answer = await resolve.invoke("unknown-outcomes", messages);
    const poison = messages
      .filter(({ Body }) => !Body?.includes("a-captured"))
      .map(({ MessageId }) => MessageId);
    expect(new Set(answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier))).toEqual(
      new Set(poison),
    );
    expect(await stand.told("approved")).toMatchObject([
      { id: "a-captured#1#approved", evidence: { kind: "feed_row" } },
    ]);
    expect(stand.sandbox.capturesOf("a-captured")).toHaveLength(1);
  });

  test("a hundred unknowns of one outage: one page of the feed and one read of the ledger", async () => {
    const resolve = await stand.start("resolve-unknowns");
    const many = 100;
    const charges = Array.from({ length: many }, (_, index) =>
      charge(`b-${index}`, "timeout-twice-after-capture"),
    );
    // In their own stretch of the feed: nothing before may fill its pages.
    for (let from = 0; from < many; from += 50) await submitAll(charges.slice(from, from + 50));
    await until("all are due", async () => (await stand.depth("unknown-outcomes")).visible >= many, 20_000);
    const messages = (await stand.receive("unknown-outcomes", many + 10)).filter(({ Body }) =>
      Body?.includes('"b-'),
    );
    expect(messages).toHaveLength(many);
    stand.dynamodb.reset();
    expect(await resolve.invoke("unknown-outcomes", messages)).toEqual({ batchItemFailures: [] });
    // One `GetItem` is the gateway's pace: a worker that was idle reads it before it asks anything.
    const { GetItem: paceReads = 0, ...counts } = stand.dynamodb.counts();
    expect(paceReads).toBeLessThanOrEqual(1);
    // What leaves the index `work` may leave another with it, and so each outcome is put whole, by itself.
    expect(counts).toEqual({ BatchGetItem: 1, PutItem: many });
    const scans = resolve.lines
      .filter((line) => line.includes('"feed_scanned"'))
      .map((line) => JSON.parse(line));
    expect(scans).toHaveLength(1);
    expect(scans[0]).toMatchObject({ pages: expect.toSatisfy((pages: number) => pages <= 3) });
    expect((await stand.told("approved")).filter(({ chargeId }) => chargeId?.startsWith("b-"))).toHaveLength(
      many,
    );
  });

  test("works its queue to the end: pending, faults, absent, all by visibility and its own schedule", async () => {
    const scenarios = {
      "c-pending": "pending-then-approved",
      "c-pending-no": "pending-then-declined",
      "c-fault": "fault-after-capture",
      "c-429": "rate-limited",
      "c-absent": "timeout-twice-never-processed",
      "c-html": "html-502-after-capture",
    };
    const env = {
      ...stand.env,
      POLICY: JSON.stringify({
        resendDelayMs: 100,
        faultResendDelayMs: 1_000,
        lookupScheduleMs: [1_000, 2_500, 4_000, 6_000, 9_000],
        feedLagMs: 500,
        clockSkewMs: 1_000,
      }),
    };
    const source: EventSource = await startEventSource({
      sqs: stand.clients.sqs,
      queueUrl: stand.urlOf("unknown-outcomes"),
      functionName: "resolve-unknowns",
      bundle: bundleOf("resolve-unknowns"),
      env,
      workers: 1,
      batchSize: 100,
      batchingWindowMs: 100,
      functionTimeoutMs: 25_000,
      onLog: () => {},
    });
    const own = await stand.start("submit-charges", { POLICY: env.POLICY });
    await stand.send(
      "charges",
      Object.entries(scenarios).map(([id, scenario]) => JSON.stringify(charge(id, scenario))),
    );
    await own.invoke("charges", await stand.receive("charges"));
    const told = new Map<string, string>();
    await until(
      "each has its end",
      async () => {
        for (const queue of ["approved", "permanent-declines", "retryable-declines", "review"] as const)
          for (const { chargeId = "", outcome } of await stand.told(queue)) told.set(chargeId, outcome);
        return Object.keys(scenarios).every((id) => told.has(id));
      },
      45_000,
    );
    await source.stop();
    expect(Object.fromEntries(Object.keys(scenarios).map((id) => [id, told.get(id)]))).toEqual({
      "c-pending": "approved",
      "c-pending-no": "declined_retryable",
      "c-fault": "approved",
      "c-429": "approved",
      "c-absent": "approved",
      "c-html": "approved",
    });
    expect(stand.sandbox.truth().doubleCharges).toEqual([]);
  });
});
