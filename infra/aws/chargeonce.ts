import type { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import type { Alarm } from "aws-cdk-lib/aws-cloudwatch";
import type { Table } from "aws-cdk-lib/aws-dynamodb";
import type { Bucket } from "aws-cdk-lib/aws-s3";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { QueueName } from "../../lib/core/queues.ts";
import { alarmTopic } from "./alarm-topic.ts";
import { stackAlarms } from "./alarms.ts";
import { dashboard } from "./dashboard.ts";
import { deskUrl } from "./desk-url.ts";
import { egressNetwork } from "./egress.ts";
import { eventSources, visibilityOf } from "./event-sources.ts";
import { addressVariables, checkedSettings } from "./function-settings.ts";
import { type StackFunctions, stackFunctions } from "./functions.ts";
import { httpEntry } from "./http-entry.ts";
import { ledgerTable } from "./ledger-table.ts";
import type { ChargeonceProps } from "./props.ts";
import { stackQueues } from "./queues.ts";
import { reportBucket } from "./report-bucket.ts";
import { schedules } from "./schedules.ts";

/**
 * Everything that chargeonce is in an account: queues, ledger, functions, schedules, alarms, dashboard. Throws
 * `WrongProps`, with every problem and its place, where the props cannot be worked with.
 */
export class Chargeonce extends Construct {
  readonly ledger: Table;
  readonly functions: StackFunctions;
  readonly reports: Bucket;
  readonly alarmTopic: ITopic;
  readonly alarms: readonly Alarm[];
  readonly httpEntry: HttpApi | undefined;
  /** What a command on this stack reads with `--env-file`: the addresses of its queues and table. */
  readonly variables: Readonly<Record<string, string>>;
  readonly #queues: ReturnType<typeof stackQueues>;

  constructor(scope: Construct, id: string, props: ChargeonceProps) {
    super(scope, id);
    const { prefix } = props;
    const { durations, lookupsEndMs, atWork } = checkedSettings(props);
    this.#queues = stackQueues(this, { prefix, visibilityOf: (name) => visibilityOf(name, durations) });
    this.ledger = ledgerTable(this, prefix);
    this.reports = reportBucket(this);
    this.functions = stackFunctions(this, {
      props,
      durations,
      table: this.ledger,
      queues: this.#queues,
      reports: this.reports,
      network: egressNetwork(this, props.egress),
    });
    eventSources(this, this.functions, this.#queues, props, { durations, atWork });
    schedules(this, this.functions, prefix);
    this.httpEntry = httpEntry(this, this.functions, props);
    deskUrl(this, this.functions);
    this.alarmTopic = props.alarmTopic ?? alarmTopic(this, prefix);
    this.alarms = stackAlarms(this, {
      props,
      lookupsEndMs,
      atWork,
      topic: this.alarmTopic,
      queues: this.#queues,
      functions: this.functions,
      table: this.ledger,
      httpEntry: this.httpEntry,
    });
    dashboard(this, prefix, this.#queues, this.functions);
    this.variables = addressVariables(this.ledger.tableName, (name) => this.queue(name).queueUrl);
  }

  /** A queue by its name: `grantSendMessages` on `charges`, `grantConsumeMessages` on an outcome's. */
  queue(name: QueueName): IQueue {
    return this.#queues[name].queue;
  }

  /** The dead-letter queue of a queue that a function works. */
  deadLettersOf(name: QueueName): IQueue | undefined {
    return this.#queues[name].deadLetters;
  }
}
