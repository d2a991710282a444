import { Duration } from "aws-cdk-lib";
import type { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import { Alarm, ComparisonOperator, type IMetric, Stats, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { Table } from "aws-cdk-lib/aws-dynamodb";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";
import { type GatewayName, gatewayNames } from "../../lib/core/charge.ts";
import { closeReasons } from "../../lib/core/pace.ts";
import { deadLetterNameOf, QUEUES, type QueueName } from "../../lib/core/queues.ts";
import { passesAfterMs, windowMs } from "../../lib/core/window-plan.ts";
import { type AtWork, FUNCTIONS, type FunctionRow, isWorked } from "../functions.ts";
import { minorOf } from "./function-settings.ts";
import type { StackFunctions } from "./functions.ts";
import { backlogCharges, backlogMoney, fiveMinutes, metricOf } from "./metrics.ts";
import type { ChargeonceProps } from "./props.ts";
import type { StackQueues } from "./queues.ts";
import type { RunbookSection } from "./runbook.ts";

export type AlarmedParts = {
  readonly props: ChargeonceProps;
  /** when the last look-up of an unknown is due */
  readonly lookupsEndMs: number;
  readonly atWork: AtWork;
  readonly topic: ITopic;
  readonly queues: StackQueues;
  readonly functions: StackFunctions;
  readonly table: Table;
  readonly httpEntry: HttpApi | undefined;
};

type AlarmForm = {
  readonly id: string;
  /** what it means, for the person who is woken by it */
  readonly says: string;
  readonly section: RunbookSection;
  readonly metric: IMetric;
  /** raised from this value on */
  readonly from: number;
  /** periods of the metric in a row */
  readonly periods?: number;
  /** raised where there is no value, and where it is below `from` */
  readonly onSilence?: true;
  /** raised where there is no value, too */
  readonly orSilence?: true;
};

/** Every alarm of a stack. Each says which section of RUNBOOK.md it is about. */
export const stackAlarms = (scope: Construct, parts: AlarmedParts): readonly Alarm[] => {
  const action = new SnsAction(parts.topic);
  return [
    ...doubleChargeAlarms(parts),
    ...backlogAlarms(parts),
    ...gatewayAlarms(parts),
    ...queueAlarms(parts),
    ...functionAlarms(parts),
    ...scheduleAlarms(parts),
    ...reconciliationAlarms(parts),
    ...ledgerAlarms(parts),
    ...httpAlarms(parts),
  ].map(({ id, says, section, metric, from, periods = 1, onSilence, orSilence }) => {
    const alarm = new Alarm(scope, `${id}-alarm`, {
      alarmName: `${parts.props.prefix}${id}`,
      alarmDescription: `${says} RUNBOOK.md: ${section}`,
      metric,
      threshold: from,
      evaluationPeriods: periods,
      datapointsToAlarm: periods,
      comparisonOperator:
        onSilence === true
          ? ComparisonOperator.LESS_THAN_THRESHOLD
          : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData:
        onSilence === true || orSilence === true
          ? TreatMissingData.BREACHING
          : TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(action);
    alarm.addOkAction(action);
    return alarm;
  });
};

/** Functions that move charges, and may tell of what went wrong with one. */
const workersOf = (functions: StackFunctions) =>
  FUNCTIONS.filter(({ callsGateways, name }) => callsGateways && functions[name] !== undefined);

// One a function, without arithmetic over several series: of a sum with one series missing nothing is left.
const doubleChargeAlarms = ({ props, functions }: AlarmedParts): AlarmForm[] =>
  workersOf(functions).map(({ name }) => ({
    id: `double-charge-${name}`,
    says: "The gateway took the money of a charge twice.",
    section: "Double charge",
    metric: metricOf(props.prefix, name, "DoubleCharges", {}, Stats.SUM),
    from: 1,
  }));

const backlogAlarms = ({ props: { prefix, moneyLimits = {} } }: AlarmedParts): AlarmForm[] => [
  {
    id: "unknown-over-6h",
    says: "Of some charges nobody knows for six hours whether the money was taken.",
    section: "Money in unknown",
    metric: backlogCharges(prefix, "unknown", "over_6h"),
    from: 1,
  },
  {
    id: "pending-over-24h",
    says: "A gateway accepted charges a day ago and has not said its last word.",
    section: "Money in unknown",
    metric: backlogCharges(prefix, "pending", "over_24h"),
    from: 1,
  },
  {
    id: "review-over-24h",
    says: "Charges wait for a person for a day.",
    section: "Review backlog",
    metric: backlogCharges(prefix, "review", "over_24h"),
    from: 1,
  },
  ...Object.entries(moneyLimits).flatMap(([currency, limit]): AlarmForm[] => [
    {
      id: `unknown-money-${currency}`,
      says: `${limit.unknown} ${currency} or more is unknown for over an hour.`,
      section: "Money in unknown",
      metric: backlogMoney(prefix, "unknown", "over_1h", currency),
      from: minorOf(limit.unknown, currency),
    },
    {
      id: `review-money-${currency}`,
      says: `${limit.review} ${currency} or more waits for a person.`,
      section: "Review backlog",
      metric: backlogMoney(prefix, "review", "all", currency),
      from: minorOf(limit.review, currency),
    },
  ]),
];

/** Reasons that somebody has to know of; a gateway that asks for a slower pace gets it, and nobody is woken. */
const gravely = {
  outage: { section: "Gateway closed: outage", says: "does not answer, or only with faults of its own" },
  credential: { section: "Gateway closed: credential", says: "refuses our key or our address" },
  rate_limited: undefined,
} as const satisfies Record<
  (typeof closeReasons)[number],
  { readonly section: RunbookSection; readonly says: string } | undefined
>;

const gatewayAlarms = ({ props: { prefix }, functions }: AlarmedParts): AlarmForm[] =>
  gatewayNames.flatMap((gateway) =>
    closeReasons.flatMap((reason): AlarmForm[] => {
      const grave = gravely[reason];
      if (grave === undefined) return [];
      const says = `${gateway} ${grave.says}: its charges wait.`;
      return [
        ...workersOf(functions).map(({ name }) => ({
          id: `closed-${gateway}-${reason}-${name}`,
          says,
          section: grave.section,
          metric: metricOf(prefix, name, "GatewayClosed", { gateway, reason }, Stats.SUM),
          from: 1,
        })),
        {
          id: `shut-${gateway}-${reason}`,
          says: `${says} For a quarter of an hour already.`,
          section: grave.section,
          metric: metricOf(prefix, "gauge-money", "GatewayShut", { gateway, reason }, Stats.MAXIMUM),
          from: 1,
          periods: 3,
        },
      ];
    }),
  );

/** A worked queue's messages are this old at the most, unless its function does not get to them. */
const workedWithinMs = 900_000;
/** Half of how long SQS keeps a message: time to find out who should have read it. */
const readWithinMs = 7 * 86_400_000;
/** How long a message may stay on its queue though its function works. */
const staysOnQueueMs = (name: QueueName, lookupsEndMs: number): number => {
  // An unknown until its last look-up.
  if (name === "unknown-outcomes") return lookupsEndMs;
  // A window until its worker's time-outs are over, if it died; the schedule plans it again much earlier.
  if (name === "reconcile-windows") return windowStaysMs;
  return 0;
};
const windowStaysMs = 2 * 3_600_000;
/** SQS holds at most 120,000 received messages of a queue back, and gives out no other then. */
const inFlightFrom = 100_000;

const queueAlarms = ({ queues, lookupsEndMs, atWork }: AlarmedParts): AlarmForm[] =>
  QUEUES.flatMap(({ name }): AlarmForm[] => {
    const { queue, deadLetters } = queues[name];
    const worked = isWorked(name, atWork);
    const staysMs = staysOnQueueMs(name, lookupsEndMs);
    const withinMs = worked ? staysMs + workedWithinMs : readWithinMs;
    return [
      {
        id: `${name}-age`,
        says: worked
          ? `Messages on ${name} are older than they can be while its function works.`
          : `Nobody has read ${name} for a week; after another one SQS forgets what is on it.`,
        section: worked ? "Queue not worked" : "Queue not read",
        metric: queue.metricApproximateAgeOfOldestMessage({ period: fiveMinutes, statistic: Stats.MAXIMUM }),
        from: withinMs / 1_000,
      },
      ...(worked
        ? [
            {
              id: `${name}-in-flight`,
              says: `${name} nearly holds back as many messages as SQS allows; then it gives out none.`,
              section: "Too many messages in flight" as const,
              metric: queue.metricApproximateNumberOfMessagesNotVisible({
                period: fiveMinutes,
                statistic: Stats.MAXIMUM,
              }),
              from: inFlightFrom,
            },
          ]
        : []),
      ...(deadLetters === undefined
        ? []
        : [
            {
              id: deadLetterNameOf(name),
              says: `Messages of ${name} were given up after every receive.`,
              section: "Dead letters" as const,
              metric: deadLetters.metricApproximateNumberOfMessagesVisible({
                period: fiveMinutes,
                statistic: Stats.MAXIMUM,
              }),
              from: 1,
            },
          ]),
    ];
  });

const functionAlarms = ({ functions, props }: AlarmedParts): AlarmForm[] =>
  FUNCTIONS.flatMap((row): AlarmForm[] => {
    const { name, writesReports }: FunctionRow = row;
    const made = functions[row.name];
    if (made === undefined) return [];
    return [
      {
        id: `${name}-errors`,
        says: `${name} ended with an error, ran out of time, or does not start.`,
        section: writesReports === true ? "Reports not written" : "Function errors",
        metric: made.metricErrors({ period: fiveMinutes, statistic: Stats.SUM }),
        from: 1,
      },
      {
        id: `${name}-throttles`,
        says: `${props.prefix}${name} was not allowed to run: the account's concurrency is used up.`,
        section: "Function throttled",
        metric: made.metricThrottles({ period: fiveMinutes, statistic: Stats.SUM }),
        from: 1,
      },
    ];
  });

/** Turns that a schedule may miss before somebody is told. */
const turnsMissed = 3;

const scheduleAlarms = ({ functions }: AlarmedParts): AlarmForm[] =>
  FUNCTIONS.flatMap(({ name, trigger }): AlarmForm[] => {
    const made = functions[name];
    return trigger.kind === "schedule" && made !== undefined
      ? [
          {
            id: `${name}-silent`,
            says: `${name} did not run when it should have: what it measures or does is not known.`,
            section: "Schedule did not run",
            metric: made.metricInvocations({
              period: Duration.minutes(trigger.everyMinutes * turnsMissed),
              statistic: Stats.SUM,
            }),
            from: 1,
            onSilence: true,
          },
        ]
      : [];
  });

/** Longer than a window and its wait take: a run is late then, or failed, or never was. */
const reconciledWithinMs = windowMs + (passesAfterMs[0] ?? 0) + 3 * 3_600_000;

/** Gateways whose feed the settings name. */
const reconciledGateways = ({ settings }: ChargeonceProps): readonly GatewayName[] => [
  ...(settings?.CENTROBILL_FEED_URL === undefined ? [] : (["centrobill"] as const)),
  ...(settings?.CENTRAPAY_MERCHANT_ID === undefined ? [] : (["centrapay"] as const)),
];

const reconciliationAlarms = ({ props }: AlarmedParts): AlarmForm[] =>
  reconciledGateways(props).map((gateway) => ({
    id: `reconciliation-late-${gateway}`,
    says: `Ledger and ${gateway} were last compared, whole, for a time that is ${reconciledWithinMs / 3_600_000} hours ago, or nobody says.`,
    section: "Reconciliation late",
    // Of what the invocations of an hour tell, the least came last.
    metric: metricOf(props.prefix, "reconcile", "ReconciliationLagMs", { gateway }, Stats.MINIMUM).with({
      period: Duration.hours(1),
    }),
    from: reconciledWithinMs,
    periods: 2,
    orSilence: true,
  }));

// The table's own count, of every operation: of a batch of statements those that were refused one by one, too.
const ledgerAlarms = ({ table }: AlarmedParts): AlarmForm[] =>
  (["Write", "Read"] as const).map((kind) => ({
    id: `ledger-throttled-${kind.toLowerCase()}s`,
    says: "The ledger's table refuses requests: charges wait.",
    section: "Ledger throttled",
    metric: table.metric(`${kind}ThrottleEvents`, { period: fiveMinutes, statistic: Stats.SUM }),
    from: 1,
    periods: 2,
  }));

const httpAlarms = ({ httpEntry }: AlarmedParts): AlarmForm[] =>
  httpEntry === undefined
    ? []
    : [
        {
          id: "http-entry-5xx",
          says: "Notices of gateways are not taken: they come again, or are lost.",
          section: "HTTP entry errors",
          metric: httpEntry.metricServerError({ period: fiveMinutes, statistic: Stats.SUM }),
          from: 1,
        },
      ];
