import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BatchWriteItemCommand } from "@aws-sdk/client-dynamodb";
import { deskDoor } from "../../cli/desk-door.ts";
import { startDeskServer } from "../../cli/desk-server.ts";
import { bootstrap } from "../../infra/bootstrap.ts";
import { startDynamodbStandIn } from "../../infra/local/dynamodb-stand-in.ts";
import { localClients } from "../../infra/local/local-clients.ts";
import { startSqsStandIn } from "../../infra/local/sqs-stand-in.ts";
import { dynamodbDeskIndex, smallPageKeys } from "../../lib/adapters/dynamodb-desk.ts";
import { dynamodbLedger, readChargeRecord } from "../../lib/adapters/dynamodb-ledger.ts";
import { packWorklist } from "../../lib/adapters/dynamodb-pack.ts";
import { itemOfEntry, waitingOfKey } from "../../lib/adapters/ledger-item.ts";
import type { ChargeId, LeaseToken } from "../../lib/core/charge.ts";
import { type ReviewReason, reviewReasons } from "../../lib/core/ledger.ts";
import { recordVerdict } from "../../lib/core/verdict.ts";
import { worklist } from "../../lib/core/worklist.ts";
import { keptIndex } from "../../lib/desk/kept-index.ts";
import type { DeskSite } from "../../lib/desk/site.ts";
import type { DeskIndex } from "../../lib/ports.ts";
import { chargeMessage, openedEntry } from "../doubles/samples.ts";
import { seededIds } from "../doubles/seeded-ids.ts";
import { testWorker } from "../doubles/worker.ts";

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

/** Processor time of the processes that this one has started and seen end. */
const processorMsOfChildren = (): number => {
  try {
    const words = readFileSync("/proc/self/stat", "utf8").split(") ")[1]?.split(" ") ?? [];
    return (Number(words[13]) + Number(words[14])) * 10;
  } catch {
    return 0;
  }
};

/** What the built command prints. */
const commandOf = (...words: readonly string[]): Promise<string> =>
  new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      ["--", fileURLToPath(new URL("../../dist/cli/chargeonce.mjs", import.meta.url)), ...words],
      {
        stdio: ["ignore", "pipe", "inherit"],
        env: { ...process.env, AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "k", AWS_SECRET_ACCESS_KEY: "s" },
      },
    );
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    child.once("close", () => resolve(text));
  });

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
    const folder = mkdtempSync(join(tmpdir(), "chargeonce-bench-"));
    const envFile = join(folder, "env");
    writeFileSync(envFile, `LEDGER_TABLE=${table}\nAWS_ENDPOINT_URL_DYNAMODB=${dynamodb.endpoint}\n`);
    const measure = async (how: string): Promise<void> => {
      for (let round = 1; round <= 3; round++) {
        const began = performance.now();
        const cpu = process.cpuUsage();
        const theirs = processorMsOf(dynamodb.pid);
        const { rows: waiting } = await desk.waiting();
        const read = performance.now();
        const rows = worklist(waiting, filter, nowMs);
        const sorted = worklist(waiting, {}, nowMs);
        const done = performance.now();
        const { user } = process.cpuUsage(cpu);
        console.log(
          `${how}: ${waiting.length} waiting: read ${(read - began).toFixed(0)} ms, filtered (${rows.length}) and sorted (${sorted.length}) ${(done - read).toFixed(0)} ms; processor: own ${(user / 1000).toFixed(0)} ms, the stand-in's ${processorMsOf(dynamodb.pid) - theirs} ms`,
        );
      }
      for (let round = 1; round <= 5; round++) {
        const began = performance.now();
        const theirs = processorMsOf(dynamodb.pid);
        const own = processorMsOfChildren();
        const words = await commandOf("review", "list", "--env-file", envFile, "--min-money", "20.00");
        console.log(
          `${how}: chargeonce review list, a process of its own: ${(performance.now() - began).toFixed(0)} ms; processor: own ${processorMsOfChildren() - own} ms, the stand-in's ${processorMsOf(dynamodb.pid) - theirs} ms (${words.split("\n").at(-2)})`,
        );
      }
    };
    await measure("on no page");
    const packing = performance.now();
    const { packed, left } = await packWorklist(clients.dynamodb, table, { deadlineMs: 30_000 });
    console.log(
      `put onto pages: ${packed} (${left} pages left) in ${(performance.now() - packing).toFixed(0)} ms`,
    );
    await measure("on pages");
    rmSync(folder, { recursive: true });
    const worker = testWorker({
      clock: { nowMs: () => nowMs, sleep: async () => {} },
      wire: { send: async () => ({ kind: "neverSent", cause: "refused" }) },
      ledger: dynamodbLedger(clients.dynamodb, table),
      queues: { send: async () => {}, flush() {} },
    });
    const recordOf = (chargeId: ChargeId) => readChargeRecord(clients.dynamodb, table, chargeId);
    let sinceMs = nowMs;
    let reading: Promise<unknown> = Promise.resolve();
    const isRead = () => reading;
    const paged = dynamodbDeskIndex(clients.dynamodb, table, 30_000, smallPageKeys);
    const noted: DeskIndex = {
      waiting(...how) {
        const rows = paged.waiting(...how);
        reading = rows;
        return rows;
      },
    };
    const index = keptIndex(noted, { nowMs: () => sinceMs }, 5_000, 60_000);
    const site: DeskSite = {
      desk: { ...worker, recordOf, charges: { send: async () => {} } },
      index,
      recordOf,
      messageOf: async () => undefined,
      unknowns: async () => ({ entries: [], notRead: 0 }),
      depths: async () => [],
      trouble: (error) => console.error(error),
    };
    const door = deskDoor();
    const server = await startDeskServer({ site, door, port: 0, person: "Ann" });
    try {
      const entered = await fetch(server.link, { redirect: "manual" });
      const headers = { cookie: entered.headers.get("set-cookie")?.split(";")[0] ?? "" };
      const load = async (address: string): Promise<{ readonly ms: number; readonly body: string }> => {
        const from = performance.now();
        const answer = await fetch(`${server.origin}${door.folder}${address}`, { headers });
        const body = await answer.text();
        if (answer.status !== 200) throw new Error(`${address}: ${answer.status}`);
        return { ms: performance.now() - from, body };
      };
      let chosen = 0;
      /** Opens charges, one after the other, until this is over. */
      const openWhile = async (over: Promise<unknown>): Promise<string> => {
        const opened: number[] = [];
        let isOver = false;
        void over.finally(() => {
          isOver = true;
        });
        while (!isOver) opened.push((await load(`charge?id=wait-${(chosen++ * 7_919) % count}`)).ms);
        opened.sort((a, b) => a - b);
        return `${opened.length} charges opened, median ${opened[opened.length >> 1]?.toFixed(0)} ms, slowest ${opened.at(-1)?.toFixed(0)} ms`;
      };
      for (let round = 1; round <= 5; round++) {
        // Older than what is kept: the first page waits for a reading.
        sinceMs += 100_000;
        const alone = await load("?reason=mismatch&min-money=20.00");
        const next = await load("?reason=mismatch&min-money=20.00&page=2");
        sinceMs += 100_000;
        const page = load("");
        const opened = await openWhile(page);
        const cold = await page;
        // As good as new no more: it is shown, and read anew meanwhile.
        sinceMs += 10_000;
        const all = await load("");
        const meanwhile = await openWhile(isRead());
        console.log(
          `the page: read, filtered and sorted ${alone.ms.toFixed(0)} ms; its next page ${next.ms.toFixed(0)} ms; read while charges are opened ${cold.ms.toFixed(0)} ms (${opened}); all of them, while it is read anew, ${all.ms.toFixed(0)} ms (${(all.body.length / 1024).toFixed(0)} KB; ${meanwhile})`,
        );
      }
    } finally {
      await server.close();
    }
    const keys = items.map(({ deskAt }) => deskAt?.S ?? "");
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
