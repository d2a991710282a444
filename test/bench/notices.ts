import { fileURLToPath } from "node:url";
import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { bootstrap } from "../../infra/bootstrap.ts";
import { startDynamodbStandIn } from "../../infra/local/dynamodb-stand-in.ts";
import { type FunctionThread, startFunctionThread } from "../../infra/local/function-thread.ts";
import { LOCAL_CREDENTIALS, LOCAL_REGION, localClients } from "../../infra/local/local-clients.ts";
import { centrobillSignature } from "../../infra/local/notice-signing.ts";
import { startSqsStandIn } from "../../infra/local/sqs-stand-in.ts";
import { centrobillPayload } from "../gateways/notices.ts";

const secret = "s-code-example";

const eventOf = (transactionId: string, signedBy = secret, pad = ""): object => ({
  version: "2.0",
  rawPath: "/notices/centrobill",
  headers: { "x-signature": centrobillSignature(signedBy, transactionId, "success") },
  requestContext: { http: { method: "POST" } },
  body: JSON.stringify({ ...centrobillPayload({ transactionId }), pad }),
  isBase64Encoded: false,
});

/** Milliseconds of each of so many calls, one after another, sorted. */
const timesOf = async (count: number, call: (n: number) => Promise<unknown>): Promise<readonly number[]> => {
  const times: number[] = [];
  for (let n = 0; n < count; n++) {
    const startedAt = performance.now();
    await call(n);
    times.push(performance.now() - startedAt);
  }
  return times.sort((a, b) => a - b);
};
const at = (times: readonly number[], share: number): string =>
  (times[Math.floor(times.length * share)] ?? 0).toFixed(2);

const measure = async (receiver: FunctionThread, pair: (n: number) => Promise<unknown>): Promise<void> => {
  const statusOf = async (event: object): Promise<number> =>
    ((await receiver.invoke(event)) as { statusCode: number }).statusCode;
  // Both sides warm.
  await timesOf(200, (n) => statusOf(eventOf(String(1_000 + n))));
  await timesOf(200, pair);
  const bare = await timesOf(1_000, (n) => pair(1_000 + n));
  const kept = await timesOf(1_000, (n) => statusOf(eventOf(String(100_000 + n))));
  const flood = await timesOf(5_000, () => statusOf(eventOf("100000")));
  const forged = await timesOf(5_000, (n) => statusOf(eventOf(String(200_000 + n), "guessed")));
  const before = process.memoryUsage().rss;
  const large = await timesOf(300, (n) => statusOf(eventOf(String(n), secret, "x".repeat(1_048_576))));
  const grownMb = (process.memoryUsage().rss - before) / 1_048_576;
  console.log(
    [
      `a genuine notice, kept and queued: median ${at(kept, 0.5)} ms, 99 % within ${at(kept, 0.99)} ms`,
      `  the same write and the same send by themselves: median ${at(bare, 0.5)} ms; ratio ${(Number(at(kept, 0.5)) / Number(at(bare, 0.5))).toFixed(2)}`,
      `a copy of it: median ${at(flood, 0.5)} ms; one that nobody signed: ${at(forged, 0.5)} ms; 1 MiB: ${at(large, 0.5)} ms, memory ${grownMb.toFixed(0)} MB more after 300 of them`,
    ].join("\n"),
  );
};

/** What the door of notices takes: the built function in a thread, on the stand-ins. */
export const benchNotices = async (): Promise<void> => {
  const [dynamodb, sqs] = await Promise.all([startDynamodbStandIn(), startSqsStandIn()]);
  const clients = localClients({ dynamodb: dynamodb.endpoint, sqs: sqs.endpoint });
  try {
    const variables = await bootstrap(clients, "");
    const receiver = await startFunctionThread({
      functionName: "receive-notices",
      bundle: fileURLToPath(new URL("../../dist/functions/receive-notices/index.mjs", import.meta.url)),
      env: {
        ...variables,
        CENTROBILL_IPN_SECRET: secret,
        AWS_ENDPOINT_URL_DYNAMODB: dynamodb.endpoint,
        AWS_ENDPOINT_URL_SQS: sqs.endpoint,
        AWS_REGION: LOCAL_REGION,
        AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
      },
      onLog: () => {},
    });
    const pair = async (n: number): Promise<void> => {
      const item = JSON.stringify(centrobillPayload({ transactionId: String(n) }));
      await clients.dynamodb.send(
        new PutItemCommand({
          TableName: variables["LEDGER_TABLE"],
          Item: { pk: { S: `bare#${n}` }, sk: { S: "bare" }, entry: { S: item } },
          ConditionExpression: "attribute_not_exists(pk)",
        }),
      );
      await clients.sqs.send(
        new SendMessageCommand({ QueueUrl: variables["QUEUE_URL_UNKNOWN_OUTCOMES"], MessageBody: String(n) }),
      );
    };
    await measure(receiver, pair);
    await receiver.stop();
  } finally {
    clients.destroy();
    await Promise.all([dynamodb.close(), sqs.close()]);
  }
};
