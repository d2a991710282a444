import { Duration } from "aws-cdk-lib";
import { MathExpression, Metric } from "aws-cdk-lib/aws-cloudwatch";
import { metricNamespace, metrics } from "../../lib/adapters/log.ts";
import type { BacklogAge, BacklogState } from "../../lib/core/backlog.ts";
import type { MetricName } from "../../lib/ports.ts";
import { FUNCTIONS, type FunctionName } from "../functions.ts";

export const fiveMinutes = Duration.minutes(5);

/** Series of one deployed function's metric, by the dimensions that it is told with. */
export const metricOf = (
  prefix: string,
  functionName: FunctionName,
  name: MetricName,
  dimensions: Readonly<Record<string, string>>,
  statistic: string,
): Metric =>
  new Metric({
    namespace: metricNamespace,
    metricName: name,
    dimensionsMap: { function: `${prefix}${functionName}`, ...dimensions },
    statistic,
    period: fiveMinutes,
  });

/** All series of a metric of these functions, one line for each set of its dimensions. */
export const seriesOf = (
  prefix: string,
  name: MetricName,
  statistic: string,
  only: Readonly<Record<string, string>> = {},
): MathExpression => {
  const schema = [metricNamespace, "function", ...metrics[name].dimensions].join(",");
  const functions = FUNCTIONS.map((row) => `function="${prefix}${row.name}"`).join(" OR ");
  const filters = Object.entries(only).map(([dimension, value]) => ` ${dimension}="${value}"`);
  return new MathExpression({
    expression: `SEARCH('{${schema}} MetricName="${name}" (${functions})${filters.join("")}', '${statistic}', 300)`,
    usingMetrics: {},
    period: fiveMinutes,
    label: "",
  });
};

/** Charges that wait in a state, `age` and older. */
export const backlogCharges = (prefix: string, state: BacklogState, age: BacklogAge): Metric =>
  metricOf(prefix, "gauge-money", "BacklogCharges", { state, age }, "Maximum");

/** Their money in one currency, in minor units. */
export const backlogMoney = (
  prefix: string,
  state: BacklogState,
  age: BacklogAge,
  currency: string,
): Metric => metricOf(prefix, "gauge-money", "BacklogMoney", { state, age, currency }, "Maximum");
