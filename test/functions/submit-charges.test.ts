import type { IncomingMessage } from "node:http";
import { DeleteQueueCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ChargeId } from "../../lib/core/charge.ts";
import type { JsonObject } from "../../lib/core/json.ts";
import { chargeMessage } from "../doubles/samples.ts";
import { countingProxy } from "./counting-proxy.ts";
import { type FunctionStand, functionStand, type RunningFunction } from "./function-stand.ts";

const charge = (id: string, scenario?: string): JsonObject =>
  chargeMessage(id, scenario === undefined ? {} : { metadata: { scenario } });

describe("the deployed submit-charges", () => {
  let stand: FunctionStand;
  let submit: RunningFunction;
  beforeAll(async () => {
    stand = await functionStand();
    // Nothing is due while the test looks.
    const policy = { resendDelayMs: 100, lookupScheduleMs: [60_000, 120_000] };
    submit = await stand.start("submit-charges", { POLICY: JSON.stringify(policy) });
  });
  afterAll(() => stand.close());

  const deliver = async (...messages: readonly (JsonObject | string)[]) => {
    await stand.send(
      "charges",
      messages.map((message) => (typeof message === "string" ? message : JSON.stringify(message))),
    );
    return stand.receive("charges");
  };

  test("one batch, every outcome on its own queue, and the answer that Lambda asks for", async () => {
    const messages = await deliver(
      charge("a-approved"),
      charge("a-stolen", "decline-stolen"),
      charge("a-funds", "decline-insufficient-funds"),
      charge("a-bad", "bad-request"),
      charge("a-amount", "wrong-amount"),
      charge("a-pending", "pending-then-approved"),
      charge("a-lost", "timeout-twice-after-capture"),
      charge("a-late-answer", "timeout-after-capture"),
      "not JSON",
      chargeMessage("a-expired", { notAfter: "2026-01-01T00:00:00Z" }),
    );
    expect(messages).toHaveLength(10);
    expect(await submit.invoke("charges", messages)).toStrictEqual({ batchItemFailures: [] });
    const idsOf = async (queue: Parameters<FunctionStand["told"]>[0]) =>
      (await stand.told(queue)).map(({ id }) => id).sort();
    expect(await idsOf("approved")).toEqual(["a-approved#1#approved", "a-late-answer#1#approved"]);
    expect(await idsOf("permanent-declines")).toEqual(["a-stolen#1#declined_permanent"]);
    expect(await idsOf("retryable-declines")).toEqual(["a-funds#1#declined_retryable"]);
    expect(await idsOf("review")).toEqual(["a-amount#1#review"]);
    const errors = await idsOf("request-errors");
    expect(errors).toEqual([
      "a-bad#1#request_error",
      "a-expired#1#expired",
      expect.stringMatching(/^message\..*#0#/),
    ]);
    // Delivered when their next act is due, and not before.
    expect(await stand.depth("unknown-outcomes")).toEqual({ visible: 0, hidden: 2 });
    expect(stand.sandbox.truth().doubleCharges).toEqual([]);
    expect(stand.sandbox.capturesOf("a-late-answer")).toHaveLength(1);
  });

  test("names exactly the messages that are to come back, and hides them as long as was asked", async () => {
    // Two copies of one charge that takes a while: one of them finds the other's lease.
    const slow = charge("b-slow", "timeout-twice-after-capture");
    const messages = await deliver(charge("b-1"), slow, slow, charge("b-2"));
    const answer = await submit.invoke("charges", messages);
    expect(Object.keys(answer)).toEqual(["batchItemFailures"]);
    const slowIds = messages.filter(({ Body }) => Body?.includes("b-slow")).map(({ MessageId }) => MessageId);
    expect(answer.batchItemFailures).toEqual([{ itemIdentifier: expect.toBeOneOf(slowIds) }]);
    expect(await stand.receive("charges"), "hidden, not visible at once").toEqual([]);
    expect(stand.sandbox.truth().doubleCharges).toEqual([]);
  });

  test("an outcome queue that is gone fails its own charges alone, and a redelivery tells them", async () => {
    const gone = `${stand.urlOf("approved")}-gone`;
    const broken = await stand.start("submit-charges", { QUEUE_URL_APPROVED: gone });
    const messages = await deliver(charge("c-1"), charge("c-2", "decline-lost"), charge("c-3"));
    const idOf = (id: string) => messages.find(({ Body }) => Body?.includes(`"${id}"`))?.MessageId;
    const answer = await broken.invoke("charges", messages);
    expect(new Set(answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier))).toEqual(
      new Set([idOf("c-1"), idOf("c-3")]),
    );
    const { sends } = stand.sandbox.truth();
    const back = messages.filter(({ MessageId }) => MessageId !== idOf("c-2"));
    expect(await submit.invoke("charges", back)).toEqual({ batchItemFailures: [] });
    expect(stand.sandbox.truth().sends, "told again, not sent again").toBe(sends);
    const told = (await stand.told("approved")).map(({ id }) => id);
    expect(told).toEqual(expect.arrayContaining(["c-1#1#approved", "c-3#1#approved"]));
  });

  test("a ledger that is not there: nothing is sent, every message comes back", async () => {
    const broken = await stand.start("submit-charges", { LEDGER_TABLE: "no-such-table" });
    const messages = await deliver(charge("d-1"), charge("d-2"));
    const { sends } = stand.sandbox.truth();
    const answer = await broken.invoke("charges", messages);
    expect(answer.batchItemFailures).toHaveLength(2);
    expect(stand.sandbox.truth().sends).toBe(sends);
  });

  test("a gateway that refuses the connection: given back, never sent, sent by a later delivery", async () => {
    const broken = await stand.start("submit-charges", { CENTROBILL_URL: "http://127.0.0.1:9" });
    const messages = await deliver(charge("e-1"));
    expect((await broken.invoke("charges", messages)).batchItemFailures).toHaveLength(1);
    const entry = (await stand.ledger.read(["e-1" as ChargeId])).get("e-1" as ChargeId);
    expect(entry).toMatchObject({ state: "waiting", sends: 0 });
    expect(await submit.invoke("charges", messages)).toEqual({ batchItemFailures: [] });
    expect(stand.sandbox.capturesOf("e-1")).toHaveLength(1);
  });

  test("with too little time left it begins nothing: all go back untouched", async () => {
    const messages = await deliver(charge("f-1"), charge("f-2"));
    const { sends } = stand.sandbox.truth();
    stand.dynamodb.reset();
    const answer = await submit.invoke("charges", messages, 8_000);
    expect(answer.batchItemFailures).toHaveLength(2);
    expect(stand.dynamodb.counts()).toEqual({});
    expect(stand.sandbox.truth().sends).toBe(sends);
  });

  test("a queue that cannot hide them only means that they come back at its own time", async () => {
    const gone = stand.urlOf("charges").replace("/charges", "/no-charges");
    await stand.clients.sqs.send(new DeleteQueueCommand({ QueueUrl: gone })).catch(() => {});
    const broken = await stand.start("submit-charges", {
      QUEUE_URL_CHARGES: gone,
      LEDGER_TABLE: "no-such-table",
    });
    const messages = await deliver(charge("g-1"));
    expect((await broken.invoke("charges", messages)).batchItemFailures).toHaveLength(messages.length);
    expect(broken.lines.some((line) => line.includes("queue_failed"))).toBe(true);
  });

  test("what AWS does not take past the SDK goes by the SDK from then on: charged once, said once", async () => {
    const bySdk = (incoming: IncomingMessage): boolean => incoming.headers["user-agent"] !== "chargeonce";
    const [dynamodb, sqs] = await Promise.all(
      [stand.dynamodb, stand.sqs].map(({ endpoint }) =>
        countingProxy(endpoint, (incoming) => !bySdk(incoming)),
      ),
    );
    const distrusted = await stand.start("submit-charges", {
      AWS_ENDPOINT_URL_DYNAMODB: dynamodb?.endpoint ?? "",
      AWS_ENDPOINT_URL_SQS: sqs?.endpoint ?? "",
    });
    for (const id of ["h-1", "h-2"]) {
      const messages = await deliver(charge(id), charge(`${id}-b`));
      expect(await distrusted.invoke("charges", messages)).toEqual({ batchItemFailures: [] });
    }
    for (const id of ["h-1", "h-1-b", "h-2", "h-2-b"]) expect(stand.sandbox.capturesOf(id)).toHaveLength(1);
    const given = distrusted.lines
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
      .filter(({ event }) => event === "quick_given_up");
    expect(given.length).toBeGreaterThan(0);
    expect(new Set(given.map(({ reason }) => reason)).size, "each kind once").toBe(given.length);
    for (const one of given) expect(one).toMatchObject({ status: 403, code: "InvalidSignatureException" });
    expect(distrusted.lines.some((line) => line.includes('"QuickGivenUp":1'))).toBe(true);
    await Promise.all([dynamodb?.close(), sqs?.close()]);
  });

  test("where the environment does not say all of AWS's address, the SDK finds it, and charges go their way", async () => {
    const on = await stand.start("submit-charges", { AWS_USE_FIPS_ENDPOINT: "false" });
    const messages = await deliver(charge("i-1"), charge("i-2"));
    expect(await on.invoke("charges", messages)).toEqual({ batchItemFailures: [] });
    expect(stand.sandbox.capturesOf("i-1")).toHaveLength(1);
    expect(on.lines.join("\n")).not.toContain("quick_given_up");
  });

  test("log lines are JSON, one an event, and show neither key nor token nor any address", async () => {
    const text = submit.lines.join("\n");
    for (const line of submit.lines) expect(() => JSON.parse(line) as unknown).not.toThrow();
    expect(text).not.toContain("sandbox-key");
    expect(text).not.toContain("0bce192c-a476-4a84-b751-e1dfad1e4723");
    expect(text).not.toContain("lena@example.net");
    expect(text).toContain("a-approved");
  });
});
