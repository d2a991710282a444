import { afterAll, beforeAll, expect, test } from "vitest";
import { chargeMessage } from "../doubles/samples.ts";
import { until } from "../local/until.ts";
import { type FunctionStand, functionStand } from "./function-stand.ts";

let stand: FunctionStand;
beforeAll(async () => {
  stand = await functionStand();
});
afterAll(() => stand.close());

const POLICY = JSON.stringify({ retryScheduleMs: [1], attemptsMax: 2 });

/** What a function of later attempts needs, and nothing else: no gateway, no credential. */
const alone = () => ({
  ...Object.fromEntries(
    Object.keys(stand.env)
      .filter((name) => /^(QUEUE|CENTRO)/.test(name))
      .map((name) => [name, ""]),
  ),
  QUEUE_URL_CHARGES: stand.env["QUEUE_URL_CHARGES"] ?? "",
  QUEUE_URL_PERMANENT_DECLINES: stand.env["QUEUE_URL_PERMANENT_DECLINES"] ?? "",
  QUEUE_URL_RETRYABLE_DECLINES: stand.env["QUEUE_URL_RETRYABLE_DECLINES"] ?? "",
  POLICY,
});

test("the deployed functions schedule a decline, release it when it is due, and tell when it was the last", async () => {
  const submit = await stand.start("submit-charges");
  const schedule = await stand.start("schedule-retries", alone());
  const release = await stand.start("release-retries", alone());
  const message = chargeMessage("retry-1", {
    instrument: { ref: "card-1", network: "visa" },
    metadata: { scenario: "decline-insufficient-funds" },
  });
  await stand.send("charges", [JSON.stringify(message)]);
  const submitOne = async () => {
    const charges = await stand.receive("charges", 1);
    expect(charges).toHaveLength(1);
    expect(await submit.invoke("charges", charges)).toEqual({ batchItemFailures: [] });
    await stand.remove("charges", charges);
  };
  const scheduleOne = async () => {
    const declines = await stand.receive("retryable-declines", 1);
    expect(declines).toHaveLength(1);
    expect(await schedule.invoke("retryable-declines", declines)).toEqual({ batchItemFailures: [] });
    await stand.remove("retryable-declines", declines);
  };
  await submitOne();
  await scheduleOne();
  await until("it is due, and the index has it", async () => {
    const end = await release.process.invoke({}, 60_000);
    return JSON.stringify(end).includes('"released":1');
  });
  await submitOne();
  const entry = (await stand.ledger.read(["retry-1" as never])).get("retry-1" as never);
  expect(entry).toMatchObject({ state: "declined_retryable", attempt: 2, sends: 2 });
  await scheduleOne();
  expect(await stand.told("permanent-declines")).toMatchObject([
    { id: "retry-1#2#declined_retryable", reason: "attempts_used_up", retry: { advice: "never" } },
  ]);
  expect(await stand.depth("retryable-declines")).toEqual({ visible: 0, hidden: 0 });
});

test("a setting that is missing or wrong is named, and the function does not start", async () => {
  await expect(stand.start("release-retries", { ...alone(), LEDGER_TABLE: "" })).rejects.toThrow(
    "exit status 1",
  );
  await expect(
    stand.start("schedule-retries", { ...alone(), POLICY: '{"retryScheduleMs":[-1]}' }),
  ).rejects.toThrow("exit status 1");
});
