import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { dynamodbDeskIndex } from "../../lib/adapters/dynamodb-desk.ts";
import { LedgerUnavailable } from "../../lib/adapters/ledger-call.ts";
import { deskShards } from "../../lib/adapters/ledger-item.ts";

type Asked = {
  /** absent: of the table itself, where the pages are */
  readonly IndexName?: string;
  readonly KeyConditionExpression: string;
  readonly ExpressionAttributeValues: {
    readonly ":partition": { readonly S: string };
    readonly ":from"?: { readonly S: string };
    readonly ":to"?: { readonly S: string };
  };
  readonly ExclusiveStartKey?: { readonly at: { readonly S: string } };
  readonly Limit: number;
};
type Said = { readonly status: number; readonly body: string };

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A client whose queries this answers; never, where it answers nothing. */
const clientOn = async (answer: (asked: Asked) => Said | undefined): Promise<DynamoDBClient> => {
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const piece of request) text += String(piece);
    const said = answer(JSON.parse(text) as Asked);
    if (said !== undefined)
      response.writeHead(said.status, { "content-type": "application/x-amz-json-1.0" }).end(said.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const client = new DynamoDBClient({
    region: "us-east-1",
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    credentials: { accessKeyId: "k", secretAccessKey: "s" },
    maxAttempts: 3,
  });
  closers.push(() => {
    client.destroy();
    server.closeAllConnections();
    server.close();
  });
  return client;
};

const answerOf = (items: readonly object[], next?: string): Said => ({
  status: 200,
  body: JSON.stringify({
    Count: items.length,
    Items: items,
    ...(next === undefined ? {} : { LastEvaluatedKey: { at: { S: next } } }),
  }),
});
const pageOf = (keys: readonly string[], hasMore = false): Said =>
  answerOf(
    keys.map((key) => ({ deskAt: { S: key } })),
    hasMore ? keys.at(-1) : undefined,
  );
const throttled: Said = {
  status: 400,
  body: JSON.stringify({
    __type: "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
  }),
};

/** What an index answers that has these keys in its shards, and a table with these rows on a page of its own each. */
const indexOf =
  (
    keysIn: ReadonlyMap<string, readonly string[]>,
    rowsIn: ReadonlyMap<string, readonly string[]> = new Map(),
  ) =>
  ({ IndexName, ExpressionAttributeValues, ExclusiveStartKey, Limit }: Asked): Said => {
    const { ":partition": partition, ":from": from, ":to": to } = ExpressionAttributeValues;
    const after = ExclusiveStartKey?.at.S;
    const left = ((IndexName === undefined ? rowsIn : keysIn).get(partition.S) ?? [])
      .filter((key) => (from === undefined || key >= from.S) && (to === undefined || key <= to.S))
      .filter((key) => after === undefined || key > after);
    const found = left.slice(0, Limit);
    return answerOf(
      found.map((key) => (IndexName === undefined ? { worklist: { S: key } } : { deskAt: { S: key } })),
      left.length > Limit ? found.at(-1) : undefined,
    );
  };

const keyOf = (id: string, mark = ""): string =>
  `001794700895458 mismatch centrobill 1234 EUR ${id}${mark === "" ? "" : ` ${mark}`}`;
const inFirstShard = (key: string) => new Map([[deskShards[0] ?? "", [key]]]);

describe("the desk's index, whatever DynamoDB answers", () => {
  test("nothing that waits is missing, and nothing comes twice, however it is spread over shards and pages", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(
          fc.record({
            id: fc.stringMatching(/^[A-Za-z0-9._:-]{1,64}$/),
            shard: fc.constantFrom(...deskShards),
            mark: fc.constantFrom("", "proposed resend", "decided refund"),
            // A row that is on a page, too, may be older than its own key.
            where: fc.constantFrom("index", "page", "both"),
          }),
          { selector: ({ id }) => id, maxLength: 40 },
        ),
        fc.integer({ min: 1, max: 9 }),
        async (charges, pageKeys) => {
          const keysIn = new Map(
            deskShards.map((shard) => [
              shard,
              charges
                .filter((one) => one.shard === shard)
                .map(({ id, mark, where }) => (where === "page" ? "+" : "") + keyOf(id, mark))
                .sort(),
            ]),
          );
          const rowsIn = new Map(
            deskShards.map((shard) => [
              shard.replace("desk", "worklist"),
              charges
                .filter((one) => one.shard === shard && one.where !== "index")
                .map(({ id, mark, where }) => keyOf(id, where === "both" ? "" : mark))
                .sort(),
            ]),
          );
          const client = await clientOn(indexOf(keysIn, rowsIn));
          const { rows } = await dynamodbDeskIndex(client, "t", 5_000, pageKeys).waiting();
          expect(rows.map(({ chargeId }) => String(chargeId)).sort()).toEqual(
            charges.map(({ id }) => id).sort(),
          );
          for (const { id, mark } of charges) {
            const [e, decision] = mark.split(" ");
            expect(rows.find(({ chargeId }) => chargeId === id)).toEqual({
              chargeId: id,
              gateway: "centrobill",
              reason: "mismatch",
              sinceMs: 1_794_700_895_458,
              amount: "1234",
              currency: "EUR",
              ...(decision === undefined ? {} : { mark: { e, decision } }),
            });
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  test("a throttled page is asked for again", async () => {
    const index = indexOf(inFirstShard(keyOf("inv-1")));
    let asked = 0;
    const client = await clientOn((one) => {
      asked += 1;
      return asked <= 2 ? throttled : index(one);
    });
    expect((await dynamodbDeskIndex(client, "t").waiting()).rows).toMatchObject([{ chargeId: "inv-1" }]);
  });

  const damaged: readonly (readonly [string, (asked: Asked) => Said | undefined, string])[] = [
    ["throttled for good", () => throttled, "ProvisionedThroughputExceededException"],
    ["no answer before the deadline", () => undefined, "AbortError"],
    ["an answer cut short", () => ({ status: 200, body: '{"Items":[{"deskAt":' }), "SyntaxError"],
    ["an answer without a list", () => ({ status: 200, body: "{}" }), "an answer without its keys"],
    ["no list at its name", () => ({ status: 200, body: '{"Items":7}' }), ""],
  ];
  test.each(damaged)("%s: no list, rather than one that hides a charge", async (name, answer, why) => {
    const deadlineMs = name.startsWith("no answer") ? 200 : 20_000;
    const reading = dynamodbDeskIndex(await clientOn(answer), "t", deadlineMs).waiting();
    await expect(reading).rejects.toThrow(LedgerUnavailable);
    await expect(reading).rejects.toThrow(why);
  });

  test.each([
    ["v9 inv-2", "of another version"],
    ["", "without a text"],
    ["soon mismatch centrobill 1234 EUR inv-2", "since no moment"],
    [" mismatch centrobill 1234 EUR inv-2", "without a moment"],
    [
      "001794700895458 mismatch centrobill 12.50 EUR inv-2",
      "with an amount that is no number of minor units",
    ],
    ["001794700895458 mismatch centrobill  EUR inv-2", "without an amount"],
    ["001794700895458 mismatch centrobill 1234 EUR ", "of no charge"],
  ])("the key %j is named, and the others are listed: it is one %s", async (key) => {
    const place = key === "" ? "a key without a text" : key;
    const client = await clientOn(
      ({
        IndexName,
        ExpressionAttributeValues: {
          ":partition": { S: partition },
          ":to": to,
        },
      }) =>
        IndexName === undefined
          ? answerOf(partition === "worklist#1" ? [{ worklist: { S: `${key}\n${keyOf("inv-4")}` } }] : [])
          : pageOf(to !== undefined ? [] : partition === "desk#1" ? [key, keyOf("inv-3")] : []),
    );
    const { rows, unreadable } = await dynamodbDeskIndex(client, "t").waiting();
    expect(rows.map(({ chargeId }) => String(chargeId)).toSorted()).toEqual(["inv-3", "inv-4"]);
    // A page's empty line is no row.
    expect(unreadable).toEqual([`desk#1: ${place}`, ...(key === "" ? [] : [`worklist#1: ${place}`])]);
  });

  test.each([
    ["!v9 inv-2", "before every moment and every mark"],
    ["+v9 inv-2", "with the mark of a page, and no moment"],
    ["v9 inv-2", "behind every moment"],
  ])("a key that nobody knows how to read is named whatever is asked for: %j, %s", async (key) => {
    const client = await clientOn(indexOf(inFirstShard(key)));
    for (const untilMs of [undefined, 0, 1_794_700_895_458])
      expect(await dynamodbDeskIndex(client, "t").waiting(untilMs)).toEqual({
        rows: [],
        unreadable: [`desk#0: ${key}`],
      });
  });

  test("an item without its key is one that cannot be read", async () => {
    const client = await clientOn(
      ({
        ExpressionAttributeValues: {
          ":partition": { S: partition },
          ":to": to,
        },
      }) =>
        partition === "desk#2" && to === undefined ? { status: 200, body: '{"Items":[{}]}' } : pageOf([]),
    );
    expect(await dynamodbDeskIndex(client, "t").waiting()).toEqual({
      rows: [],
      unreadable: ["desk#2: a key without a text"],
    });
  });

  test("nobody there: it says so", async () => {
    const client = await clientOn(() => undefined);
    for (const close of closers.splice(0)) close();
    await expect(dynamodbDeskIndex(client, "t").waiting()).rejects.toThrow("desk: ECONNREFUSED");
  });

  test("where one shard cannot be read, the rest is not read to its end", async () => {
    const asked = new Set<string>();
    const client = await clientOn((one) => {
      const shard = one.ExpressionAttributeValues[":partition"].S;
      asked.add(shard);
      return shard === deskShards[0]
        ? { status: 200, body: "{}" }
        : pageOf([keyOf(`${shard.slice(-1)}-${asked.size}`)], true);
    });
    await expect(dynamodbDeskIndex(client, "t").waiting()).rejects.toThrow(LedgerUnavailable);
    expect(asked).not.toContain(deskShards.at(-1));
  });
});
