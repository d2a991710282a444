import { readFileSync } from "node:fs";
import { BatchWriteItemCommand } from "@aws-sdk/client-dynamodb";
import { bootstrap } from "../../infra/bootstrap.ts";
import { startDynamodbStandIn } from "../../infra/local/dynamodb-stand-in.ts";
import { localClients } from "../../infra/local/local-clients.ts";
import { startSqsStandIn } from "../../infra/local/sqs-stand-in.ts";
import { dynamodbDeskIndex } from "../../lib/adapters/dynamodb-desk.ts";
import { itemOfEntry, waitingOfKey } from "../../lib/adapters/ledger-item.ts";
import type { LeaseToken } from "../../lib/core/charge.ts";
import { type ReviewReason, reviewReasons } from "../../lib/core/ledger.ts";
import { recordVerdict } from "../../lib/core/verdict.ts";
import { worklist } from "../../lib/core/worklist.ts";
import { chargeMessage, openedEntry } from "../doubles/samples.ts";
import { seededIds } from "../doubles/seeded-ids.ts";

const count = 100_000;
const nowMs = Date.UTC(2026, 10, 25);

/** Processor time that a process has used, by Linux's hundredths of a second; 0 elsewhere. */
const processorMsOf = (pid: number | null): number => {
  try {
    const words = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return (Number(words[11]) + Number(words[12])) * 10;
  } catch {
    return 0;
  }
};

/** `npm run bench -- review`: a worklist of a hundred thousand charges, by the ledger's index. */
export const benchReview = async (): Promise<void> => {
  const [dynamodb, sqs] = await Promise.all([startDynamodbStandIn(), startSqsStandIn()]);
  const clients = localClients({ dynamodb: dynamodb.endpoint, sqs: sqs.endpoint });
  try {
    const { LEDGER_TABLE: table = "" } = await bootstrap(clients, "bench-");
    const ids = seededIds();
    const items = Array.from({ length: count }, (_, n) => {
      const opened = openedEntry(
        chargeMessage(`wait-${n}`, { amount: String(1 + ((n * 7919) % 99_999)) }),
        ids,
      );
      const reason = reviewReasons[n % reviewReasons.length] as ReviewReason;
      return itemOfEntry(
        recordVerdict(
          opened,
          {
            kind: "review",
            reason,
            evidence: { kind: "lookups", atMs: 1, made: 10, failed: 0, lastSendAtMs: 1 },
          },
          { token: `t${n}` as LeaseToken, nowMs: nowMs - ((n * 104_729) % 864_000_000) },
        ),
      );
    });
    for (let from = 0; from < count; from += 1_000)
      await Promise.all(
        Array.from({ length: 40 }, (_, part) =>
          clients.dynamodb.send(
            new BatchWriteItemCommand({
              RequestItems: {
                [table]: items
                  .slice(from + part * 25, from + (part + 1) * 25)
                  .map((Item) => ({ PutRequest: { Item } })),
              },
            }),
          ),
        ),
      );
    const desk = dynamodbDeskIndex(clients.dynamodb, table, 30_000);
    const filter = { reasons: ["mismatch", "lookups_used_up"] as const, minMoney: "20.00" };
    for (let round = 1; round <= 3; round++) {
      const began = performance.now();
      const cpu = process.cpuUsage();
      const theirs = processorMsOf(dynamodb.pid);
      const waiting = await desk.waiting();
      const read = performance.now();
      const rows = worklist(waiting, filter, nowMs);
      const sorted = worklist(waiting, {}, nowMs);
      const done = performance.now();
      const { user } = process.cpuUsage(cpu);
      console.log(
        `${waiting.length} waiting: read ${(read - began).toFixed(0)} ms, filtered (${rows.length}) and sorted (${sorted.length}) ${(done - read).toFixed(0)} ms; processor: own ${(user / 1000).toFixed(0)} ms, the stand-in's ${(processorMsOf(dynamodb.pid) - theirs).toFixed(0)} ms`,
      );
    }
    const keys = items.map(({ deskAt }) => ({ deskAt }) as never);
    const began = performance.now();
    const parsed = keys.flatMap((key) => waitingOfKey(key) ?? []);
    const rows = worklist(parsed, {}, nowMs);
    console.log(
      `without the stand-in: ${rows.length} keys read, sorted in ${(performance.now() - began).toFixed(0)} ms`,
    );
  } finally {
    clients.destroy();
    await Promise.all([dynamodb.close(), sqs.close()]);
  }
};
