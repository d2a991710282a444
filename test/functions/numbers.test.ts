import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type EventSource, startEventSource } from "../../infra/local/event-source.ts";
import { chargeMessage } from "../doubles/samples.ts";
import { until } from "../local/until.ts";
import { bundleOf, type FunctionStand, functionStand } from "./function-stand.ts";

/** What a charge costs in requests to AWS and to the gateway, counted on the wire. */
describe("what a charge costs", () => {
  let stand: FunctionStand;
  let source: EventSource | undefined;
  beforeAll(async () => {
    stand = await functionStand();
  });
  afterEach(async () => {
    await source?.stop();
    source = undefined;
  });
  afterAll(() => stand.close());

  const work = async (batchSize: number): Promise<EventSource> =>
    startEventSource({
      sqs: stand.clients.sqs,
      queueUrl: stand.urlOf("charges"),
      functionName: "submit-charges",
      bundle: bundleOf("submit-charges"),
      env: stand.env,
      workers: 1,
      batchSize,
      // As on Lambda, where a batch of more than ten is collected for a second at least.
      batchingWindowMs: batchSize > 10 ? 1_000 : 0,
      functionTimeoutMs: 20_000,
      onLog: () => {},
    });
  const bodies = (prefix: string, count: number): string[] =>
    Array.from({ length: count }, (_, index) => JSON.stringify(chargeMessage(`${prefix}-${index}`)));
  const reset = (): void => {
    stand.sqs.reset();
    stand.dynamodb.reset();
  };
  const sumOf = (counts: Readonly<Record<string, number>>): number =>
    Object.values(counts).reduce((sum, count) => sum + count, 0);

  // Ten, as SQS receives them, and what is deployed.
  test.each([
    [10, 2.1],
    [20, 2.05],
  ])(
    "240 approved charges in batches of %i: %d write units and no read each, at most 0.35 SQS requests",
    async (batchSize, units) => {
      const charges = 240;
      const before = stand.sandbox.truth();
      const prefix = `approved-${batchSize}`;
      await stand.send("charges", bodies(prefix, charges));
      reset();
      const startedAt = Date.now();
      source = await work(batchSize);
      await until(
        "all are deleted",
        () => (stand.sqs.counts()["DeleteMessageBatch"] ?? 0) === charges / 10,
        60_000,
      );
      const [sqs, dynamodb] = [stand.sqs.counts(), stand.dynamodb.counts()];
      expect(source.stats()).toMatchObject({ succeeded: charges, failed: 0 });
      // The pace of a gateway is read once a second by a worker, whatever the number of charges.
      const { GetItem: paceReads = 0, ...writes } = dynamodb;
      expect(paceReads).toBeLessThanOrEqual(1 + (Date.now() - startedAt) / 1_000);
      // The intents of a batch in one request; outcomes share theirs as they come, within milliseconds of each other.
      const { BatchExecuteStatement = 0, PutItem = 0, ...more } = writes;
      expect(more).toEqual({});
      // Two of each charge, and of each batch the page that names its charges for reconciliation.
      const pages = charges / batchSize;
      expect(stand.dynamodb.statements() + PutItem).toBe(2 * charges + pages);
      expect(stand.dynamodb.statements("INSERT")).toBe(charges + pages);
      expect(stand.dynamodb.writeUnits()).toBeCloseTo(units * charges, 6);
      expect(BatchExecuteStatement + PutItem).toBeLessThanOrEqual(1.1 * charges);
      // The event source asks once for its queue's address and visibility, whatever the number of charges.
      const { GetQueueAttributes: once = 0, ...perCharge } = sqs;
      expect(once).toBeLessThanOrEqual(1);
      expect(Object.keys(perCharge).sort()).toEqual([
        "DeleteMessageBatch",
        "ReceiveMessage",
        "SendMessageBatch",
      ]);
      expect(sumOf(perCharge) / charges).toBeLessThanOrEqual(0.35);
      console.log(
        `per approved charge: ${stand.dynamodb.writeUnits() / charges} write units in ${sumOf(writes) / charges} requests, 0 reads, ` +
          `${sumOf(perCharge) / charges} SQS requests (${JSON.stringify(perCharge)})`,
      );
      const { captures, sends, doubleCharges } = stand.sandbox.truth();
      expect([captures - before.captures, sends - before.sends, doubleCharges]).toEqual([
        charges,
        charges,
        [],
      ]);
      const told = (await stand.told("approved")).filter(({ chargeId }) =>
        chargeId?.startsWith(`${prefix}-`),
      );
      expect(told).toHaveLength(charges);
    },
  );

  test("an approved charge with an instrument: one read and one transaction that opens it, and its outcome's write", async () => {
    const submit = await stand.start("submit-charges");
    const cards = Array.from({ length: 5 }, (_, at) =>
      JSON.stringify(chargeMessage(`card-${at}`, { instrument: { ref: `card-${at}`, network: "visa" } })),
    );
    await stand.send("charges", cards);
    const messages = await stand.receive("charges", cards.length);
    reset();
    expect(await submit.invoke("charges", messages)).toEqual({ batchItemFailures: [] });
    const {
      GetItem = 0,
      TransactWriteItems,
      BatchExecuteStatement: _shared,
      PutItem: _own,
      ...more
    } = stand.dynamodb.counts();
    expect(more).toEqual({});
    expect(TransactWriteItems).toBe(cards.length);
    // Four of the transaction, one of the page and one of the outcome.
    expect(stand.dynamodb.writeUnits()).toBe(6 * cards.length);
    // And the pace of the gateway, once a second.
    expect(GetItem).toBeGreaterThanOrEqual(cards.length);
    expect(GetItem).toBeLessThanOrEqual(cards.length + 3);
    await stand.remove("charges", messages);
  });

  test("a duplicate delivery: one write, which is refused, no read, and no request to the gateway", async () => {
    const [body = ""] = bodies("twice", 1);
    const submit = await stand.start("submit-charges");
    await stand.send("charges", [body]);
    expect(await submit.invoke("charges", await stand.receive("charges"))).toEqual({ batchItemFailures: [] });
    await stand.send("charges", [body]);
    const again = await stand.receive("charges");
    const { sends } = stand.sandbox.truth();
    reset();
    expect(await submit.invoke("charges", again)).toEqual({ batchItemFailures: [] });
    const { GetItem: paceReads = 0, ...writes } = stand.dynamodb.counts();
    expect(paceReads).toBeLessThanOrEqual(1);
    expect(writes).toEqual({ PutItem: 1 });
    expect(stand.dynamodb.writeUnits()).toBe(1);
    expect(stand.sqs.counts()).toEqual({ SendMessageBatch: 1 });
    expect(stand.sandbox.truth().sends).toBe(sends);
    const told = (await stand.told("approved")).filter(({ chargeId }) => chargeId === "twice-0");
    expect(told.map(({ id }) => id)).toEqual(["twice-0#1#approved", "twice-0#1#approved"]);
  });

  test("an expired charge: one write, no request to the gateway; a refused message the same", async () => {
    const submit = await stand.start("submit-charges");
    const expired = JSON.stringify(chargeMessage("late", { notAfter: "2026-01-01T00:00:00Z" }));
    for (const body of [expired, "{"]) {
      await stand.send("charges", [body]);
      const messages = await stand.receive("charges");
      const { sends } = stand.sandbox.truth();
      reset();
      await submit.invoke("charges", messages);
      expect(stand.dynamodb.counts()).toEqual({ PutItem: 1 });
      expect(stand.sandbox.truth().sends).toBe(sends);
    }
  });
});
