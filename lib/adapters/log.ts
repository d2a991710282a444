import { maskCardNumbers } from "../core/card-number.ts";
import type { Log, LogEventName, LogMembers, MetricName } from "../ports.ts";

/** CloudWatch's namespace of every metric; alarms and dashboards name it. */
export const metricNamespace = "chargeonce";

type MetricForm = {
  readonly unit: "Count" | "Milliseconds" | "None";
  /** members that make series of their own, if the metric comes with them; few values each, never an id */
  readonly dimensions: readonly (keyof LogMembers)[];
  /** a level, not an amount: levels of several series have no sum, so there is none by function alone */
  readonly level?: true;
  /** one or more a charge: those of an invocation may be written together */
  readonly perCharge?: true;
};

/**
 * The metrics as CloudWatch sees them. Each is counted by `function` alone, so that an alarm needs no
 * other dimension, and by function and the dimensions named here. `function` is the function's deployed name.
 */
export const metrics: Readonly<Record<MetricName, MetricForm>> = {
  ChargeOutcome: { unit: "Count", dimensions: ["gateway", "outcome"], perCharge: true },
  GatewayLatencyMs: { unit: "Milliseconds", dimensions: ["gateway"], perCharge: true },
  // One value a charge that has ended: how often it was sent, over all its attempts.
  Sends: { unit: "Count", dimensions: ["gateway"], perCharge: true },
  Resends: { unit: "Count", dimensions: ["gateway"], perCharge: true },
  Lookups: { unit: "Count", dimensions: ["gateway"], perCharge: true },
  // Minor units: only within a currency is their sum an amount. By function alone it says that there is some.
  MoneyToReview: { unit: "None", dimensions: ["gateway", "currency"] },
  DoubleCharges: { unit: "Count", dimensions: ["gateway"] },
  Rejections: { unit: "Count", dimensions: ["gateway"] },
  // Attempts that were not sent, since a card's count was full or a network had closed it.
  BudgetRefusals: { unit: "Count", dimensions: ["gateway", "reason"], perCharge: true },
  // One a closing: of an outage or of a credential it is an alarm.
  GatewayClosed: { unit: "Count", dimensions: ["gateway", "reason"] },
  // 1 while it stays closed; nothing while it is open.
  GatewayShut: { unit: "None", dimensions: ["gateway", "reason"], level: true },
  // How much later than planned an unknown was looked up.
  LookupLagMs: { unit: "Milliseconds", dimensions: ["gateway"], perCharge: true },
  BacklogCharges: { unit: "Count", dimensions: ["state", "age"], level: true },
  // Minor units, one value a currency.
  BacklogMoney: { unit: "None", dimensions: ["state", "age", "currency"], level: true },
  // By what followed from each: `unmatched` that go on coming, or `tells`, are somebody's business.
  Notices: { unit: "Count", dimensions: ["gateway", "outcome"] },
  NoticesRefused: { unit: "Count", dimensions: ["gateway", "reason"] },
  // How far the reconciled time lies back. Without a point somebody has to look, too: silence is not health.
  ReconciliationLagMs: { unit: "Milliseconds", dimensions: ["gateway"] },
  ReconciliationFindings: { unit: "Count", dimensions: ["gateway", "reason"] },
  ReconciliationIncomplete: { unit: "Count", dimensions: ["gateway", "reason"] },
  // Later attempts that were scheduled, postponed or refused, and why.
  RetryDecisions: { unit: "Count", dimensions: ["gateway", "outcome", "reason"] },
  // How much later than due a later attempt was released.
  RetryLagMs: { unit: "Milliseconds", dimensions: ["gateway"] },
  // A kind of request to AWS that the SDK alone makes from now on, in one worker, and why.
  QuickGivenUp: { unit: "Count", dimensions: ["reason"] },
};

const eventNames: Readonly<Record<LogEventName, true>> = {
  started: true,
  feed_missing: true,
  charge_opened: true,
  charge_sent: true,
  charge_recorded: true,
  charge_routed: true,
  charge_rejected: true,
  charge_given_back: true,
  lease_lost: true,
  lease_taken_over: true,
  feed_scanned: true,
  feed_failed: true,
  ledger_failed: true,
  queue_failed: true,
  double_charge: true,
  message_failed: true,
  gateway_closed: true,
  gateway_opened: true,
  pace_unread: true,
  backlog_read: true,
  secret_unread: true,
  notice_kept: true,
  notice_refused: true,
  notice_applied: true,
  notice_failed: true,
  reconciled: true,
  reconciliation_failed: true,
  finding: true,
  report_written: true,
  report_failed: true,
  retry_decided: true,
  retry_released: true,
  quick_given_up: true,
  desk_failed: true,
};

/** The allow-list, as values: a type is gone when the code runs, and a cast goes past it before. */
const memberTypes: {
  readonly [Name in keyof Required<LogMembers>]: LogMembers[Name] extends string | undefined
    ? "string"
    : "number";
} = {
  chargeId: "string",
  requestId: "string",
  gateway: "string",
  attempt: "number",
  state: "string",
  age: "string",
  outcome: "string",
  category: "string",
  code: "string",
  reason: "string",
  day: "string",
  status: "number",
  cause: "string",
  durationMs: "number",
  delayMs: "number",
  amount: "string",
  currency: "string",
  queue: "string",
  messageId: "string",
  count: "number",
  pages: "number",
  rows: "number",
  error: "string",
};

const textLengthMax = 256;

/** Masked before it is cut: a number that was cut has no check digit to be known by. */
const safeText = (text: string): string => maskCardNumbers(text).slice(0, textLengthMax);

/** A number that reads as a card number goes out as masked text; one that JSON cannot write does not go out. */
const safeNumber = (value: number): string | number | undefined => {
  if (!Number.isFinite(value)) return undefined;
  const text = String(value);
  const masked = maskCardNumbers(text);
  return masked === text ? value : masked;
};

const safeMembers = (members: LogMembers): Record<string, string | number> => {
  const safe: Record<string, string | number> = {};
  for (const name of Object.keys(members)) {
    const value: unknown = members[name as keyof LogMembers];
    if (!Object.hasOwn(memberTypes, name) || typeof value !== memberTypes[name as keyof LogMembers]) continue;
    const written = typeof value === "string" ? safeText(value) : safeNumber(value as number);
    if (written !== undefined) safe[name] = written;
  }
  return safe;
};

export type JsonLogOptions = {
  /** takes one line, without its line end */
  write(line: string): void;
  nowMs(): number;
  /** the function that logs: the first dimension of every metric */
  readonly functionName: string;
  /** whether what comes once a charge is kept until `flush`, so that a batch's values share a line */
  readonly gathers?: boolean;
};

/** So many values CloudWatch takes of one metric in a line. */
const valuesMax = 100;

/** A log that may hold metrics back until it is flushed: at the end of each invocation. */
export type GatheringLog = Log & { flush(): void };

/**
 * A log of one JSON line an event, and of CloudWatch's embedded metric format for metrics (a log line that
 * CloudWatch counts by itself, so that no call is made for it).
 *
 * What may be in a line is an allow-list (S12): the events and members of `Log`, each of its type. Strings are
 * masked for card numbers and cut to 256 characters. Anything else is left out, and an event that is not on the
 * list is written as `unlisted_event`. A metric that is not on the list or has no finite value is not written.
 * Never throws: a charge does not end differently because of what could not be said about it.
 */
export const jsonLog = ({ write, nowMs, functionName, gathers }: JsonLogOptions): GatheringLog => {
  const writeLine = (line: () => object | undefined): void => {
    try {
      const written = line();
      if (written !== undefined) write(JSON.stringify(written));
    } catch {
      // Nowhere to say it.
    }
  };
  const name = safeText(functionName);

  /** A line of one metric, with one value or several. */
  const writeMetric = (
    metric: MetricName,
    value: number | readonly number[],
    safe: Readonly<Record<string, string | number>>,
  ): void =>
    writeLine(() => {
      const { unit, dimensions, level } = metrics[metric];
      // A dimension without a value would make CloudWatch drop the metric.
      const present = dimensions.filter((dimension) => (safe[dimension] ?? "") !== "");
      const alone = level === true ? [] : [["function"]];
      return {
        _aws: {
          Timestamp: nowMs(),
          CloudWatchMetrics: [
            {
              Namespace: metricNamespace,
              Dimensions: present.length === 0 ? [["function"]] : [...alone, ["function", ...present]],
              Metrics: [{ Name: metric, Unit: unit }],
            },
          ],
        },
        function: name,
        ...safe,
        [metric]: value,
      };
    });

  type Gathered = {
    readonly metric: MetricName;
    readonly safe: Record<string, string | number>;
    values: number[];
  };
  let gathered = new Map<string, Gathered>();

  /** Keeps a value beside those of the same series. What is no dimension of it, no sum could name. */
  const gather = (metric: MetricName, value: number, members: LogMembers): void => {
    const safe = Object.fromEntries(
      Object.entries(safeMembers(members)).filter(([member]) =>
        metrics[metric].dimensions.includes(member as keyof LogMembers),
      ),
    );
    const series = JSON.stringify([metric, safe]);
    const before = gathered.get(series);
    if (before === undefined) {
      gathered.set(series, { metric, safe, values: [value] });
      return;
    }
    before.values.push(value);
    if (before.values.length < valuesMax) return;
    gathered.delete(series);
    writeMetric(metric, before.values, safe);
  };

  return {
    event(event, members = {}) {
      writeLine(() => ({
        time: new Date(nowMs()).toISOString(),
        event: Object.hasOwn(eventNames, event) ? event : "unlisted_event",
        function: name,
        ...safeMembers(members),
      }));
    },
    metric(metric, value, members = {}) {
      if (!Object.hasOwn(metrics, metric) || !Number.isFinite(value)) return;
      if (gathers === true && metrics[metric].perCharge === true) gather(metric, value, members);
      else writeMetric(metric, value, safeMembers(members));
    },
    flush() {
      const all = [...gathered.values()];
      gathered = new Map();
      for (const { metric, safe, values } of all) writeMetric(metric, values, safe);
    },
  };
};
