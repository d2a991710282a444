import {
  CreateTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  type KeySchemaElement,
  ResourceInUseException,
  ResourceNotFoundException,
  type TableDescription,
} from "@aws-sdk/client-dynamodb";
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  type QueueAttributeName,
  SetQueueAttributesCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { ledgerTable as drawn } from "../lib/adapters/ledger-item.ts";
import {
  type ConsumedQueueName,
  deadLetterNameOf,
  isConsumed,
  QUEUES,
  type Queue,
} from "../lib/core/queues.ts";
import {
  MAX_RECEIVE_COUNT,
  MESSAGE_RETENTION_SECONDS,
  RECEIVE_WAIT_SECONDS,
  VISIBILITY_TIMEOUTS,
} from "./queue-limits.ts";

/** Visibility of a consumed queue unless the caller says otherwise, for a function time-out of 60 s. */
const VISIBILITY_SECONDS = VISIBILITY_TIMEOUTS * 60;

const CALL_DEADLINE_MS = 15_000;
const TABLE_ACTIVE_DEADLINE_MS = 120_000;

export interface BootstrapClients {
  readonly sqs: SQSClient;
  readonly dynamodb: DynamoDBClient;
}

export interface BootstrapOptions {
  /** Visibility time-out of consumed queues, in seconds; `VISIBILITY_SECONDS` where not given. */
  readonly visibilitySeconds?: Partial<Record<ConsumedQueueName, number>>;
}

/** What stands on the endpoint is not what chargeonce needs, and cannot be changed in place. */
export class BootstrapConflict extends Error {
  override readonly name = "BootstrapConflict";
}

/**
 * Creates the queues, their dead-letter queues and the ledger table on whatever endpoint the clients point
 * at, waits until the table is ACTIVE, and answers the environment variables of the deployed functions
 * (LEDGER_TABLE, QUEUE_URL_…).
 *
 * Idempotent: what exists is left alone; queue attributes are set only where they differ. Throws
 * `BootstrapConflict` when a table of that name has other keys or no `work` index, and what the SDK throws
 * otherwise (every call has a deadline of 15 s; the table may take 120 s).
 */
export async function bootstrap(
  clients: BootstrapClients,
  prefix: string,
  options: BootstrapOptions = {},
): Promise<Record<string, string>> {
  const ledgerTable = `${prefix}ledger`;
  const [, queueUrls] = await Promise.all([
    ensureLedger(clients.dynamodb, ledgerTable),
    Promise.all(QUEUES.map((queue) => ensureQueueWithDeadLetters(clients.sqs, queue, prefix, options))),
  ]);
  const variables: Record<string, string> = { LEDGER_TABLE: ledgerTable };
  for (const [queue, url] of queueUrls) variables[queue.variable] = url;
  return variables;
}

type Attributes = Partial<Record<QueueAttributeName, string>>;

const COMMON_ATTRIBUTES: Attributes = {
  MessageRetentionPeriod: String(MESSAGE_RETENTION_SECONDS),
  ReceiveMessageWaitTimeSeconds: String(RECEIVE_WAIT_SECONDS),
  SqsManagedSseEnabled: "true",
};

async function ensureQueueWithDeadLetters(
  sqs: SQSClient,
  queue: Queue,
  prefix: string,
  options: BootstrapOptions,
): Promise<readonly [Queue, string]> {
  const name = `${prefix}${queue.name}`;
  if (!isConsumed(queue)) return [queue, await ensureQueue(sqs, name, COMMON_ATTRIBUTES)];

  const deadLetterUrl = await ensureQueue(sqs, deadLetterNameOf(name), COMMON_ATTRIBUTES);
  const { QueueArn: deadLetterArn } = await attributesOf(sqs, deadLetterUrl, ["QueueArn"]);
  if (!deadLetterArn) throw new BootstrapConflict(`${deadLetterNameOf(name)}: the endpoint gives no ARN`);
  const url = await ensureQueue(sqs, name, {
    ...COMMON_ATTRIBUTES,
    VisibilityTimeout: String(options.visibilitySeconds?.[queue.name] ?? VISIBILITY_SECONDS),
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: deadLetterArn, maxReceiveCount: MAX_RECEIVE_COUNT }),
  });
  return [queue, url];
}

/** The queue's address; created with the attributes, or brought to them where they differ. */
async function ensureQueue(sqs: SQSClient, name: string, wanted: Attributes): Promise<string> {
  const existing = await queueUrlOf(sqs, name);
  if (existing === undefined) {
    return withoutEncryptionIfRefused(wanted, async (accepted) => {
      const created = await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes: accepted }), {
        abortSignal: AbortSignal.timeout(CALL_DEADLINE_MS),
      });
      if (!created.QueueUrl) throw new BootstrapConflict(`${name}: the endpoint gives no address`);
      return created.QueueUrl;
    });
  }
  const present = await attributesOf(sqs, existing, ["All"]);
  const differing = Object.fromEntries(
    Object.entries(wanted).filter(
      ([attribute, value]) => !sameAttribute(attribute, present[attribute as QueueAttributeName], value),
    ),
  ) as Attributes;
  if (Object.keys(differing).length === 0) return existing;
  return withoutEncryptionIfRefused(differing, async (accepted) => {
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl: existing, Attributes: accepted }), {
      abortSignal: AbortSignal.timeout(CALL_DEADLINE_MS),
    });
    return existing;
  });
}

async function queueUrlOf(sqs: SQSClient, name: string): Promise<string | undefined> {
  try {
    const found = await sqs.send(new GetQueueUrlCommand({ QueueName: name }), {
      abortSignal: AbortSignal.timeout(CALL_DEADLINE_MS),
    });
    return found.QueueUrl;
  } catch (error) {
    // AWS and its stand-ins spell it QueueDoesNotExist or AWS.SimpleQueueService.NonExistentQueue.
    if (/QueueDoesNotExist|NonExistentQueue/.test(errorName(error))) return undefined;
    throw error;
  }
}

async function attributesOf(
  sqs: SQSClient,
  url: string,
  names: (QueueAttributeName | "All")[],
): Promise<Attributes> {
  const answer = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: names }), {
    abortSignal: AbortSignal.timeout(CALL_DEADLINE_MS),
  });
  return answer.Attributes ?? {};
}

/** Endpoints that do not know SqsManagedSseEnabled get everything else; AWS itself always takes it. */
async function withoutEncryptionIfRefused<T>(
  attributes: Attributes,
  call: (accepted: Attributes) => Promise<T>,
): Promise<T> {
  try {
    return await call(attributes);
  } catch (error) {
    const refused = /InvalidAttribute|UnsupportedOperation/.test(errorName(error));
    const { SqsManagedSseEnabled: encryption, ...rest } = attributes;
    if (!refused || encryption === undefined) throw error;
    return call(rest);
  }
}

function sameAttribute(name: string, present: string | undefined, wanted: string): boolean {
  if (name !== "RedrivePolicy" || present === undefined) return present === wanted;
  // AWS gives the policy back in its own key order, and the count as it was written (number or string).
  const [a, b] = [parsePolicy(present), parsePolicy(wanted)];
  return a.target === b.target && a.count === b.count;
}

function parsePolicy(json: string): { target: string; count: number } {
  try {
    const policy = JSON.parse(json) as { deadLetterTargetArn?: string; maxReceiveCount?: number | string };
    return { target: policy.deadLetterTargetArn ?? "", count: Number(policy.maxReceiveCount) };
  } catch {
    return { target: "", count: Number.NaN };
  }
}

const keys = [drawn.key, ...drawn.indexes.map(({ key }) => key)];

type Key = (typeof keys)[number];

function schemaOf({ partition, sort }: Key): KeySchemaElement[] {
  return [
    { AttributeName: partition.name, KeyType: "HASH" },
    { AttributeName: sort.name, KeyType: "RANGE" },
  ];
}

async function ensureLedger(dynamodb: DynamoDBClient, table: string): Promise<void> {
  if ((await describe(dynamodb, table)) === undefined) {
    try {
      await dynamodb.send(
        new CreateTableCommand({
          TableName: table,
          BillingMode: "PAY_PER_REQUEST",
          AttributeDefinitions: keys.flatMap(({ partition, sort }) =>
            [partition, sort].map(({ name, type }) => ({ AttributeName: name, AttributeType: type })),
          ),
          KeySchema: schemaOf(drawn.key),
          GlobalSecondaryIndexes: drawn.indexes.map(({ name, key }) => ({
            IndexName: name,
            KeySchema: schemaOf(key),
            Projection: { ProjectionType: "KEYS_ONLY" },
          })),
        }),
        { abortSignal: AbortSignal.timeout(CALL_DEADLINE_MS) },
      );
    } catch (error) {
      // Two bootstraps at once: the other one created it, which is what this one wanted.
      if (!(error instanceof ResourceInUseException)) throw error;
    }
  }
  refuseOtherShape(table, await untilActive(dynamodb, table));
}

async function describe(dynamodb: DynamoDBClient, table: string): Promise<TableDescription | undefined> {
  try {
    const answer = await dynamodb.send(new DescribeTableCommand({ TableName: table }), {
      abortSignal: AbortSignal.timeout(CALL_DEADLINE_MS),
    });
    return answer.Table;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}

async function untilActive(dynamodb: DynamoDBClient, table: string): Promise<TableDescription> {
  const deadline = Date.now() + TABLE_ACTIVE_DEADLINE_MS;
  for (let waitMs = 25; ; waitMs = Math.min(waitMs * 2, 2_000)) {
    const description = await describe(dynamodb, table);
    const indexesActive = (description?.GlobalSecondaryIndexes ?? []).every(
      (index) => (index.IndexStatus ?? "ACTIVE") === "ACTIVE",
    );
    if (description?.TableStatus === "ACTIVE" && indexesActive) return description;
    if (Date.now() > deadline) {
      throw new Error(
        `table ${table} is ${description?.TableStatus ?? "absent"} after ${TABLE_ACTIVE_DEADLINE_MS} ms`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

function refuseOtherShape(table: string, description: TableDescription): void {
  const present = keysOf(description.KeySchema);
  const wanted = keysOf(schemaOf(drawn.key));
  if (present !== wanted)
    throw new BootstrapConflict(`table ${table} exists with the keys ${present}, not ${wanted}`);
  for (const { name, key } of drawn.indexes) {
    const index = description.GlobalSecondaryIndexes?.find(({ IndexName }) => IndexName === name);
    const indexed = keysOf(index?.KeySchema);
    if (indexed !== keysOf(schemaOf(key)))
      throw new BootstrapConflict(
        `table ${table} exists with ${index ? `index ${name} on ${indexed}` : `no index ${name}`}, ` +
          `not ${keysOf(schemaOf(key))}`,
      );
  }
}

function keysOf(schema: { AttributeName?: string | undefined; KeyType?: string | undefined }[] = []): string {
  return schema.map((key) => `${key.AttributeName}:${key.KeyType}`).join(" ");
}

function errorName(error: unknown): string {
  return error instanceof Error ? `${error.name} ${(error as { Code?: string }).Code ?? ""}` : "";
}
