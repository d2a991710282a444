import { Duration } from "aws-cdk-lib";
import {
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  Stats,
  TextWidget,
} from "aws-cdk-lib/aws-cloudwatch";
import type { Construct } from "constructs";
import { backlogAges, backlogStates } from "../../lib/core/backlog.ts";
import { QUEUES } from "../../lib/core/queues.ts";
import { FUNCTIONS } from "../functions.ts";
import type { StackFunctions } from "./functions.ts";
import { backlogCharges, fiveMinutes, seriesOf } from "./metrics.ts";
import type { StackQueues } from "./queues.ts";

/** One page for the state of a stack: money first, then charges, gateways, queues, functions. */
export const dashboard = (
  scope: Construct,
  prefix: string,
  queues: StackQueues,
  functions: StackFunctions,
): Dashboard => {
  const ages = Object.keys(backlogAges) as (keyof typeof backlogAges)[];
  const rows: IWidget[][] = [
    [heading("Money (minor units of each currency)")],
    [
      graph("Money in unknown, by age", [seriesOf(prefix, "BacklogMoney", "Maximum", { state: "unknown" })]),
      graph("Money in review, by age", [seriesOf(prefix, "BacklogMoney", "Maximum", { state: "review" })]),
      graph("Money sent to review", [seriesOf(prefix, "MoneyToReview", "Sum")]),
    ],
    [
      ...backlogStates.map((state) =>
        graph(
          `Charges ${state}, by age`,
          ages.map((age) => backlogCharges(prefix, state, age)),
        ),
      ),
    ],
    [heading("Charges")],
    [
      graph("Outcomes", [seriesOf(prefix, "ChargeOutcome", "Sum")]),
      graph("Sends per charge", [seriesOf(prefix, "Sends", "Average")]),
      graph("Double charges; refused messages; not sent for a card's count", [
        seriesOf(prefix, "DoubleCharges", "Sum"),
        seriesOf(prefix, "Rejections", "Sum"),
        seriesOf(prefix, "BudgetRefusals", "Sum"),
      ]),
    ],
    [heading("Gateways")],
    [
      graph("Latency (ms)", [
        seriesOf(prefix, "GatewayLatencyMs", "p50"),
        seriesOf(prefix, "GatewayLatencyMs", "p99"),
      ]),
      graph("Resends, look-ups", [seriesOf(prefix, "Resends", "Sum"), seriesOf(prefix, "Lookups", "Sum")]),
      graph("Look-up lag (ms)", [seriesOf(prefix, "LookupLagMs", "p99")]),
      graph("Closed", [seriesOf(prefix, "GatewayClosed", "Sum"), seriesOf(prefix, "GatewayShut", "Maximum")]),
      graph("Notices", [seriesOf(prefix, "Notices", "Sum"), seriesOf(prefix, "NoticesRefused", "Sum")]),
    ],
    [heading("Reconciliation")],
    [
      graph("How far it lies back (ms)", [seriesOf(prefix, "ReconciliationLagMs", "Maximum")]),
      graph("Findings, incomplete runs", [
        seriesOf(prefix, "ReconciliationFindings", "Sum"),
        seriesOf(prefix, "ReconciliationIncomplete", "Sum"),
      ]),
    ],
    [heading("Later attempts")],
    [
      graph("Decisions", [seriesOf(prefix, "RetryDecisions", "Sum")]),
      graph("Released later than due (ms)", [seriesOf(prefix, "RetryLagMs", "Maximum")]),
    ],
    [heading("Queues")],
    [
      graph(
        "Messages waiting",
        QUEUES.map(({ name }) =>
          queues[name].queue.metricApproximateNumberOfMessagesVisible(of(Stats.MAXIMUM)),
        ),
      ),
      graph(
        "Age of the oldest (s)",
        QUEUES.map(({ name }) => queues[name].queue.metricApproximateAgeOfOldestMessage(of(Stats.MAXIMUM))),
      ),
      graph(
        "Dead letters",
        QUEUES.flatMap(
          ({ name }) =>
            queues[name].deadLetters?.metricApproximateNumberOfMessagesVisible(of(Stats.MAXIMUM)) ?? [],
        ),
      ),
    ],
    [heading("Functions")],
    [
      graph(
        "Invocations",
        each(functions, (one) => one.metricInvocations(of(Stats.SUM))),
      ),
      graph(
        "Errors",
        each(functions, (one) => one.metricErrors(of(Stats.SUM))),
      ),
      graph(
        "Throttles",
        each(functions, (one) => one.metricThrottles(of(Stats.SUM))),
      ),
      graph(
        "Duration (ms)",
        each(functions, (one) => one.metricDuration(of(Stats.MAXIMUM))),
      ),
      graph("Requests to AWS left to the SDK", [seriesOf(prefix, "QuickGivenUp", "Sum")]),
    ],
  ];
  return new Dashboard(scope, "dashboard", {
    dashboardName: `${prefix}money`,
    defaultInterval: Duration.days(1),
    widgets: rows,
  });
};

const of = (statistic: string) => ({ period: fiveMinutes, statistic });

const each = (
  functions: StackFunctions,
  metric: (one: NonNullable<StackFunctions[keyof StackFunctions]>) => IMetric,
): IMetric[] =>
  FUNCTIONS.flatMap(({ name }) => {
    const made = functions[name];
    return made === undefined ? [] : [metric(made)];
  });

const heading = (text: string): IWidget => new TextWidget({ markdown: `## ${text}`, width: 24, height: 1 });

const graph = (title: string, left: IMetric[]): IWidget =>
  new GraphWidget({ title, left, width: 6, height: 6 });
