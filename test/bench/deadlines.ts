import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SQSClient } from "@aws-sdk/client-sqs";
import { clientLimits, sqsClientLimits } from "../../lib/adapters/deadline.ts";
import { dynamodbLedger } from "../../lib/adapters/dynamodb-ledger.ts";
import { httpWire } from "../../lib/adapters/http-wire.ts";
import { hideMessages, sqsQueues } from "../../lib/adapters/sqs-queues.ts";
import { hangs, startHanging } from "../doubles/hanging-server.ts";
import { quickClientsOf } from "../doubles/quick-clients.ts";
import { chargeMessage, openedEntry } from "../doubles/samples.ts";
import { seededIds } from "../doubles/seeded-ids.ts";

const deadlineMs = 500;
const times = 4;

/** How much later than its deadline each kind of call ends, as functions make it, against servers that hang. */
export const benchDeadlines = async (): Promise<void> => {
  const ids = seededIds();
  const entryOf = (nth: number) => openedEntry(chargeMessage(`order-${nth}`), ids);
  const entry = entryOf(0);
  const quiet = { event() {}, metric() {} };
  const worst = new Map<string, number>();
  for (const hang of Object.values(hangs)) {
    const { url, close } = await startHanging(hang);
    const settings = {
      endpoint: url,
      region: "us-east-1",
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
    };
    const dynamodb = new DynamoDBClient({ ...clientLimits, ...settings });
    const sqs = new SQSClient({ ...sqsClientLimits, ...settings });
    const quick = quickClientsOf({ dynamodb, sqs }, { dynamodb: url, sqs: url });
    const ledger = dynamodbLedger(quick.dynamodb, "ledger", deadlineMs);
    const queues = sqsQueues({ client: quick.sqs, urlOf: () => `${url}/q`, lingerMs: 0, deadlineMs });
    const wire = httpWire({ clock: { nowMs: () => Date.now() } });
    const message = {
      v: 1,
      id: "1",
      attempt: 1,
      outcome: "approved",
      at: "2026-11-22T12:00:00.000Z",
    } as const;
    const calls: Readonly<Record<string, (nth: number) => Promise<unknown>>> = {
      "ledger: intents together": (nth) =>
        Promise.allSettled(Array.from({ length: 10 }, (_, n) => ledger.open(entryOf(10 * nth + n)))),
      "ledger: an outcome": () => ledger.replace(entry.token, entry),
      "ledger: a read": () => ledger.read([entry.chargeId]),
      "queue: send": () => queues.send("approved", message),
      "queue: hide": () =>
        hideMessages(quick.sqs, `${url}/q`, [{ receiptHandle: "h", delayMs: 0 }], quiet, deadlineMs),
      gateway: () => wire.send({ method: "POST", url, headers: {}, body: "{}" }, { timeoutMs: deadlineMs }),
    };
    for (const [name, call] of Object.entries(calls))
      for (let nth = 0; nth < times; nth++) {
        const beganMs = performance.now();
        await call(nth).catch(() => undefined);
        const lateMs = performance.now() - beganMs - deadlineMs;
        worst.set(name, Math.max(worst.get(name) ?? Number.NEGATIVE_INFINITY, lateMs));
      }
    wire.close();
    quick.close();
    dynamodb.destroy();
    sqs.destroy();
    await close();
  }
  console.log(
    `deadline ${deadlineMs} ms, ${Object.keys(hangs).length} ways to hang, ${times} calls each: later at the worst, ms`,
  );
  for (const [name, lateMs] of worst) console.log(`  ${name.padEnd(26)} ${lateMs.toFixed(0).padStart(4)}`);
};
