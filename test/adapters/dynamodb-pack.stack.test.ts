import {
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  TransactWriteItemsCommand,
} from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bootstrap } from "../../infra/bootstrap.ts";
import { startDynamodbStandIn } from "../../infra/local/dynamodb-stand-in.ts";
import { type LocalClients, localClients } from "../../infra/local/local-clients.ts";
import { startSqsStandIn } from "../../infra/local/sqs-stand-in.ts";
import type { StandIn } from "../../infra/local/stand-in.ts";
import { dynamodbDeskIndex } from "../../lib/adapters/dynamodb-desk.ts";
import { dynamodbInstruments } from "../../lib/adapters/dynamodb-instruments.ts";
import { dynamodbLedger } from "../../lib/adapters/dynamodb-ledger.ts";
import { packWorklist } from "../../lib/adapters/dynamodb-pack.ts";
import { entryKey, itemOfEntry, worklistPageKey } from "../../lib/adapters/ledger-item.ts";
import type { ChargeId } from "../../lib/core/charge.ts";
import type { LedgerEntry, OpenedEntry, ReviewEntry } from "../../lib/core/ledger.ts";
import { recordDecision } from "../../lib/core/record-decision.ts";
import type { ReviewDecision } from "../../lib/core/review-decision.ts";
import { recordVerdict } from "../../lib/core/verdict.ts";
import { chargeMessage, openedEntry } from "../doubles/samples.ts";
import { sha256Of } from "../doubles/scripted-wire.ts";
import { seededIds } from "../doubles/seeded-ids.ts";

const startMs = Date.UTC(2026, 10, 22, 12);
const ids = seededIds(Math.floor(Math.random() * 2 ** 31));
let standIns: StandIn[];
let clients: LocalClients;
let table = "";
let count = 0;

beforeAll(async () => {
  const [dynamodb, sqs] = await Promise.all([startDynamodbStandIn(), startSqsStandIn()]);
  standIns = [dynamodb, sqs];
  clients = localClients({ dynamodb: dynamodb.endpoint, sqs: sqs.endpoint });
  table = (await bootstrap(clients, "pack-"))["LEDGER_TABLE"] ?? "";
});
afterAll(async () => {
  clients.destroy();
  await Promise.all(standIns.map((one) => one.close()));
});

const ledger = () => dynamodbLedger(clients.dynamodb, table);
const pack = (client: Pick<DynamoDBClient, "send"> = clients.dynamodb) =>
  packWorklist(client, table, { packFrom: 1 });
const listed = async (): Promise<readonly string[]> => {
  const { rows, unreadable } = await dynamodbDeskIndex(clients.dynamodb, table).waiting();
  expect(unreadable).toEqual([]);
  return rows.map(({ chargeId }) => String(chargeId)).toSorted();
};

const inReview = (entry: LedgerEntry, reason: "absent" | "mismatch" = "mismatch"): ReviewEntry =>
  recordVerdict(
    entry as OpenedEntry,
    {
      kind: "review",
      reason,
      evidence: { kind: "lookups", atMs: startMs, made: 1, failed: 0, lastSendAtMs: startMs },
    },
    { token: ids.leaseToken(), nowMs: startMs },
  ) as ReviewEntry;
const decided = (entry: ReviewEntry, decision: ReviewDecision, proposes = false): LedgerEntry =>
  recordDecision(
    entry,
    {
      kind: proposes ? "proposes" : "decides",
      effect:
        decision === "drop"
          ? { kind: "drop" }
          : { kind: "resend", requestId: entry.requestId, untilMs: startMs },
      why: "",
    },
    { decision, by: "Ann", reason: "so" },
    { says: "nothing", whole: true },
    { token: ids.leaseToken(), nowMs: startMs + 60_000, requestId: ids.requestId(), sha256: sha256Of },
  ).entry;

/** A charge that waits, as it stands in the ledger. */
const reviewed = async (): Promise<ReviewEntry> => {
  count += 1;
  const opened = openedEntry(chargeMessage(`pack-${count}`), ids);
  await ledger().open(opened);
  const entry = inReview(opened);
  await ledger().replace(opened.token, entry);
  return entry;
};
const several = (many: number): Promise<ReviewEntry[]> => Promise.all(Array.from({ length: many }, reviewed));
const rowOnPage = async (chargeId: ChargeId): Promise<boolean> => {
  const { Item } = await clients.dynamodb.send(
    new GetItemCommand({ TableName: table, Key: worklistPageKey(chargeId), ConsistentRead: true }),
  );
  return (Item?.["worklist"]?.S ?? "").split("\n").some((row) => row.includes(` ${chargeId}`));
};

/** A client whose `nth` transaction fails, before or after it has taken hold. */
const dying = (nth: number, after: boolean): Pick<DynamoDBClient, "send"> => {
  let sent = 0;
  return {
    send: (async (command: never, options: never) => {
      const isIt = (command as object) instanceof TransactWriteItemsCommand && ++sent === nth;
      if (isIt && !after) throw new Error("died");
      const answer = await clients.dynamodb.send(command, options);
      if (isIt) throw new Error("died");
      return answer;
    }) as never,
  };
};

describe("a worklist on pages", () => {
  test.each([
    [1, false],
    [1, true],
    [3, false],
    [3, true],
  ])(
    "the same list, wherever it was stopped while it was packed: transaction %i, taken hold: %s",
    async (nth, after) => {
      const entries = await several(8);
      const before = await listed();
      await expect(pack(dying(nth, after))).rejects.toThrow();
      expect(await listed()).toEqual(before);
      await pack();
      expect(await listed()).toEqual(before);
      for (const { chargeId } of entries) expect(await rowOnPage(chargeId)).toBe(true);
      expect(await pack()).toMatchObject({ packed: 0, removed: 0, left: 0 });
    },
  );

  test("a decision whose answer was lost is known for its own, and its charge is off the list", async () => {
    const [entry] = (await several(1)) as [ReviewEntry];
    await pack();
    const next = decided(entry, "drop");
    const cut = dynamodbLedger(dying(1, true), table);
    await expect(cut.replace(entry.token, next)).rejects.toThrow();
    expect(await listed()).not.toContain(entry.chargeId);
    expect(await rowOnPage(entry.chargeId)).toBe(false);
    expect(await ledger().replace(entry.token, next)).toEqual({ kind: "replaced" });
  });

  test("a decision that did not take hold leaves charge and page as they are", async () => {
    const [entry] = (await several(1)) as [ReviewEntry];
    await pack();
    await expect(
      dynamodbLedger(dying(1, false), table).replace(entry.token, decided(entry, "drop")),
    ).rejects.toThrow();
    expect(await listed()).toContain(entry.chargeId);
    expect((await ledger().read([entry.chargeId])).get(entry.chargeId)).toEqual(entry);
  });

  test("with an instrument's record, it is off the list in the same transaction, or not at all", async () => {
    const [entry, other] = (await several(2)) as [ReviewEntry, ReviewEntry];
    await pack();
    const book = dynamodbInstruments(clients.dynamodb, table);
    const record = (token: string) =>
      ({ v: 1, merchant: "all", ref: `card-${entry.chargeId}`, token, spends: [] }) as never;
    expect(
      await book.replace(entry.token, decided(entry, "drop"), { previous: undefined, record: record("r1") }),
    ).toEqual({
      kind: "replaced",
    });
    expect(await rowOnPage(entry.chargeId)).toBe(false);
    // The record is another one by now.
    expect(
      await book.replace(other.token, decided(other, "drop"), {
        previous: "r0" as never,
        record: record("r2"),
      }),
    ).toEqual({
      kind: "contended",
    });
    const rest = await listed();
    expect(rest).toContain(other.chargeId);
    expect(rest).not.toContain(entry.chargeId);
  });

  test("what a version before wrote over a charge on a page: seen at once where it waits, gone by the next turn where not", async () => {
    const [stays, leaves] = (await several(2)) as [ReviewEntry, ReviewEntry];
    await pack();
    const asBefore = (entry: LedgerEntry) =>
      clients.dynamodb.send(new PutItemCommand({ TableName: table, Item: itemOfEntry(entry) }));
    await asBefore(decided(stays, "resend", true));
    await asBefore(decided(leaves, "drop"));
    const { rows } = await dynamodbDeskIndex(clients.dynamodb, table).waiting();
    expect(rows.filter(({ chargeId }) => chargeId === stays.chargeId)).toMatchObject([
      { mark: { e: "proposed", decision: "resend" } },
    ]);
    expect(await pack()).toMatchObject({ packed: 1, removed: 1 });
    const after = await listed();
    expect(after).toContain(stays.chargeId);
    expect(after).not.toContain(leaves.chargeId);
  });

  test("a charge that its page has lost is put onto it again, however short the list is", async () => {
    const [entry] = (await several(1)) as [ReviewEntry];
    await pack();
    const key = worklistPageKey(entry.chargeId);
    await clients.dynamodb.send(
      new PutItemCommand({ TableName: table, Item: { ...key, worklist: { S: "" } } }),
    );
    await packWorklist(clients.dynamodb, table);
    expect(await listed()).toContain(entry.chargeId);
    expect(await rowOnPage(entry.chargeId)).toBe(true);
  });

  test("a row of a version to come stays on its page", async () => {
    const [entry] = (await several(1)) as [ReviewEntry];
    await pack();
    const key = worklistPageKey(entry.chargeId);
    const { Item } = await clients.dynamodb.send(new GetItemCommand({ TableName: table, Key: key }));
    const worklist = { S: `v9 a\nv9 b\n${Item?.["worklist"]?.S}` };
    await clients.dynamodb.send(new PutItemCommand({ TableName: table, Item: { ...key, worklist } }));
    await ledger().replace(entry.token, decided(entry, "drop"));
    await pack();
    const { unreadable } = await dynamodbDeskIndex(clients.dynamodb, table).waiting();
    expect(unreadable).toEqual([`${key.pk.S}: v9 a`, `${key.pk.S}: v9 b`]);
    await clients.dynamodb.send(
      new PutItemCommand({ TableName: table, Item: { ...key, worklist: { S: "" } } }),
    );
  });

  test("entry, what was replaced, and the rest of a charge's item stay what they were", async () => {
    const [entry] = (await several(1)) as [ReviewEntry];
    const item = async () =>
      (await clients.dynamodb.send(new GetItemCommand({ TableName: table, Key: entryKey(entry.chargeId) })))
        .Item;
    const { deskAt: _key, ...before } = (await item()) ?? {};
    await pack();
    const { deskAt, paged, ...after } = (await item()) ?? {};
    expect(after).toEqual(before);
    expect([deskAt?.S?.[0], paged]).toEqual(["+", { S: "1" }]);
    // A version before this one reads the same moment.
    expect(Number(deskAt?.S?.split(" ")[0])).toBe(startMs);
  });

  test("deciding, coming back, packing twice and listing at once: nothing that waits all the time is missing, nothing that was decided before comes", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom("propose", "drop", "back", "stay"), { minLength: 6, maxLength: 14 }),
        async (ways) => {
          const entries = await several(ways.length);
          if (ways.length % 2 === 0) await pack();
          const gone = (await several(2)).map((entry) => ({ entry, next: decided(entry, "drop") }));
          for (const { entry, next } of gone)
            expect(await ledger().replace(entry.token, next)).toEqual({ kind: "replaced" });
          const one = ledger();
          const work = entries.map(async (entry, at) => {
            const put = async (from: LedgerEntry, to: LedgerEntry) =>
              expect(await one.replace(from.token, to)).toEqual({ kind: "replaced" });
            if (ways[at] === "stay") return;
            if (ways[at] === "propose") {
              await put(entry, decided(entry, "resend", true));
              return;
            }
            const next = decided(entry, ways[at] === "drop" ? "drop" : "resend");
            await put(entry, next);
            if (ways[at] === "back") await put(next, inReview(next, "absent"));
          });
          const lists = [0, 1, 2].map(async (round) => {
            await new Promise((resolve) => setTimeout(resolve, round * 15));
            return listed();
          });
          await Promise.all([...work, pack(), pack()]);
          for (const list of await Promise.all(lists)) {
            for (const [at, { chargeId }] of entries.entries())
              if (ways[at] === "stay" || ways[at] === "propose") expect(list).toContain(chargeId);
            for (const { entry } of gone) expect(list).not.toContain(entry.chargeId);
            expect(new Set(list).size).toBe(list.length);
          }
          const last = async () => {
            const list = await listed();
            for (const [at, { chargeId }] of entries.entries())
              expect(list.includes(chargeId), `${ways[at]} ${chargeId}`).toBe(ways[at] !== "drop");
          };
          await last();
          await pack();
          await last();
        },
      ),
      { numRuns: 12 },
    );
  });
});
