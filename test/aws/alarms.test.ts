import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { runbookSections } from "../../infra/aws/runbook.ts";
import { FUNCTIONS, type FunctionRow, isWorked } from "../../infra/functions.ts";
import { metricNamespace } from "../../lib/adapters/log.ts";
import { gatewayNames } from "../../lib/core/charge.ts";
import { defaultPolicy } from "../../lib/core/policy.ts";
import { deadLetterNameOf, isConsumed, QUEUES } from "../../lib/core/queues.ts";
import type { MetricName } from "../../lib/ports.ts";
import { everything, type Resource, type Synthesized, synthesized } from "./synthesized.ts";

const rows: readonly FunctionRow[] = FUNCTIONS;
const prefix = "chargeonce-prod-";
let on: Synthesized;
let alarms: readonly Resource[];
beforeAll(() => {
  on = synthesized(everything);
  alarms = Object.values(on.of("AWS::CloudWatch::Alarm"));
});

type Dimension = { readonly Name: string; readonly Value: unknown };

/** The one alarm on a metric of exactly these dimensions. */
const alarmOn = (metric: string, dimensions: Readonly<Record<string, unknown>>) => {
  const text = (pairs: readonly (readonly [string, unknown])[]) => JSON.stringify(pairs.toSorted());
  const found = alarms.filter(
    ({ Properties }) =>
      Properties["MetricName"] === metric &&
      text(Properties["Dimensions"].map(({ Name, Value }: Dimension) => [Name, Value])) ===
        text(Object.entries(dimensions)),
  );
  expect(found, `${metric} ${JSON.stringify(dimensions)}`).toHaveLength(1);
  return found[0]?.Properties ?? {};
};

const idOf = (type: string, property: string, name: string): string => {
  const found = Object.entries(on.of(type)).find(
    ([, { Properties }]) => Properties[property] === `${prefix}${name}`,
  );
  expect(found, name).toBeDefined();
  return found?.[0] ?? "";
};
const ofQueue = (name: string) => ({
  QueueName: { "Fn::GetAtt": [idOf("AWS::SQS::Queue", "QueueName", name), "QueueName"] },
});
const ofFunction = (name: string) => ({
  FunctionName: { Ref: idOf("AWS::Lambda::Function", "FunctionName", name) },
});

const raised = {
  Threshold: 1,
  ComparisonOperator: "GreaterThanOrEqualToThreshold",
  TreatMissingData: "notBreaching",
};

describe("alarms", () => {
  test("each says what it means, and names a section of the runbook that is there", () => {
    const headings = readFileSync(new URL("../../RUNBOOK.md", import.meta.url), "utf8")
      .split("\n")
      .filter((line) => line.startsWith("## "))
      .map((line) => line.slice(3));
    const named = new Set<string>();
    for (const { Properties } of alarms) {
      const [, says, section = ""] = /^(.+\.) RUNBOOK\.md: (.+)$/.exec(Properties["AlarmDescription"]) ?? [];
      expect(says, Properties["AlarmName"]).toBeDefined();
      expect(headings).toContain(section);
      expect(Properties["AlarmActions"]).toHaveLength(1);
      expect(Properties["OKActions"]).toHaveLength(1);
      named.add(section);
    }
    for (const section of runbookSections) expect(headings).toContain(section);
    // No section without an alarm, but for the HTTP entry's while no function answers one.
    const answers = rows.some(({ trigger }) => trigger.kind === "http");
    expect([...named].toSorted()).toEqual(
      runbookSections.filter((section) => answers || section !== "HTTP entry errors").toSorted(),
    );
  });

  test.each(QUEUES.filter(isConsumed))("$name and its dead-letter queue both have one", ({ name }) => {
    alarmOn("ApproximateAgeOfOldestMessage", ofQueue(name));
    expect(alarmOn("ApproximateNumberOfMessagesVisible", ofQueue(deadLetterNameOf(name)))).toMatchObject(
      raised,
    );
  });

  test("of a queue that nobody here works, a week without a reader is one", () => {
    const merchants = QUEUES.filter((queue) => !isWorked(queue.name, { retrySchedule: true }));
    expect(merchants.map(({ name }) => name)).toContain("permanent-declines");
    for (const { name } of merchants)
      expect(alarmOn("ApproximateAgeOfOldestMessage", ofQueue(name))["Threshold"]).toBe(7 * 86_400);
  });

  test("an unknown may stay on its queue until its last look-up", () => {
    expect(
      alarmOn("ApproximateAgeOfOldestMessage", ofQueue("unknown-outcomes"))["Threshold"],
    ).toBeGreaterThan((defaultPolicy.lookupScheduleMs.at(-1) ?? 0) / 1_000);
  });

  test.each(rows)("$name has one for errors and one for throttles", ({ name }) => {
    for (const metric of ["Errors", "Throttles"])
      expect(alarmOn(metric, ofFunction(name))).toMatchObject(raised);
  });

  test("every schedule has one for its silence, which no value is, too", () => {
    for (const { name, trigger } of rows)
      if (trigger.kind === "schedule")
        expect(alarmOn("Invocations", ofFunction(name))).toMatchObject({
          Threshold: 1,
          ComparisonOperator: "LessThanThreshold",
          TreatMissingData: "breaching",
          Period: trigger.everyMinutes * 60 * 3,
        });
  });

  test("a reconciliation that is late, or of which nothing is heard, is one, for each feed that there is", () => {
    const late = (stage: Parameters<typeof synthesized>[0]) =>
      Object.values(synthesized(stage).of("AWS::CloudWatch::Alarm")).filter(
        ({ Properties }) => Properties["MetricName"] === "ReconciliationLagMs",
      );
    const settings = { CENTROBILL_FEED_URL: "https://feed.test", CENTRAPAY_MERCHANT_ID: "m-1" };
    const some = late({ ...everything, settings });
    expect(some.map(({ Properties }) => Properties["AlarmName"]).toSorted()).toEqual([
      `${prefix}reconciliation-late-centrapay`,
      `${prefix}reconciliation-late-centrobill`,
    ]);
    for (const { Properties } of some)
      expect(Properties).toMatchObject({
        Threshold: 10 * 3_600_000,
        ComparisonOperator: "GreaterThanOrEqualToThreshold",
        TreatMissingData: "breaching",
        Statistic: "Minimum",
        Period: 3_600,
        EvaluationPeriods: 2,
      });
    expect(late({ ...everything, settings: {} })).toEqual([]);
  });

  test("one double charge is one too many, whoever finds it", () => {
    for (const { name } of rows.filter(({ callsGateways }) => callsGateways))
      expect(alarmOn("DoubleCharges", { function: `${prefix}${name}` })).toMatchObject({
        ...raised,
        Namespace: metricNamespace,
        EvaluationPeriods: 1,
        Statistic: "Sum",
      });
  });

  test.each<[state: string, age: string, currency: string, from: number, reason: string]>([
    ["unknown", "over_1h", "EUR", 100_000, "1000.00 EUR in cents"],
    ["unknown", "over_1h", "JPY", 100_000, "100000 JPY, which has no cents"],
    ["review", "all", "EUR", 500_000, "5000.00 EUR wait for a person"],
    ["review", "all", "JPY", 1, "one yen"],
  ])("money %s %s in %s from %d minor units on: %s", (state, age, currency, from) => {
    expect(alarmOn("BacklogMoney", { function: `${prefix}gauge-money`, state, age, currency })).toMatchObject(
      { ...raised, Threshold: from, Statistic: "Maximum" },
    );
  });

  test.each([
    ["unknown", "over_6h"],
    ["pending", "over_24h"],
    ["review", "over_24h"],
  ])("any charge %s %s, whatever its currency", (state, age) => {
    expect(alarmOn("BacklogCharges", { function: `${prefix}gauge-money`, state, age })).toMatchObject(raised);
  });

  test("a gateway closed by an outage or a credential: at once, and while it stays so", () => {
    for (const gateway of gatewayNames)
      for (const reason of ["outage", "credential"]) {
        for (const { name } of rows.filter(({ callsGateways }) => callsGateways))
          expect(alarmOn("GatewayClosed", { function: `${prefix}${name}`, gateway, reason })).toMatchObject(
            raised,
          );
        alarmOn("GatewayShut", { function: `${prefix}gauge-money`, gateway, reason });
      }
  });

  test("a ledger that is throttled is one, whichever operation asked", () => {
    const table = { TableName: { Ref: idOf("AWS::DynamoDB::Table", "TableName", "ledger") } };
    for (const metric of ["WriteThrottleEvents", "ReadThrottleEvents"])
      expect(alarmOn(metric, table)).toMatchObject({ ...raised, Statistic: "Sum", EvaluationPeriods: 2 });
  });

  test("a slower pace that a gateway asks for wakes nobody", () => {
    expect(JSON.stringify(alarms)).not.toContain("rate_limited");
  });

  test("are told to the topic, and from there by mail", () => {
    on.template.hasResourceProperties("AWS::SNS::Subscription", {
      Protocol: "email",
      Endpoint: "on-call@merchant.test",
    });
  });
});

test("the dashboard shows money first, and every metric that there is", () => {
  const [board] = Object.values(on.of("AWS::CloudWatch::Dashboard"));
  const text = JSON.stringify(board);
  const shown: Readonly<Record<MetricName, true>> = {
    ChargeOutcome: true,
    GatewayLatencyMs: true,
    Sends: true,
    Resends: true,
    Lookups: true,
    LookupLagMs: true,
    MoneyToReview: true,
    DoubleCharges: true,
    Rejections: true,
    BudgetRefusals: true,
    GatewayClosed: true,
    GatewayShut: true,
    Notices: true,
    NoticesRefused: true,
    BacklogCharges: true,
    BacklogMoney: true,
    ReconciliationLagMs: true,
    ReconciliationFindings: true,
    ReconciliationIncomplete: true,
    RetryDecisions: true,
    RetryLagMs: true,
    QuickGivenUp: true,
  };
  for (const metric of Object.keys(shown)) expect(text).toContain(metric);
  expect(text.indexOf("Money in unknown")).toBeLessThan(text.indexOf("ChargeOutcome"));
});
