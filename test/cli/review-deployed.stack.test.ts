import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import { GetQueueAttributesCommand, ReceiveMessageCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Stack, startStack } from "../../infra/local/stack.ts";
import { dynamodbLedger } from "../../lib/adapters/dynamodb-ledger.ts";
import type { LedgerEntry, ReviewEntry } from "../../lib/core/ledger.ts";
import { routeOfEntry } from "../../lib/core/route-message.ts";
import { recordVerdict } from "../../lib/core/verdict.ts";
import { chargeMessage, chargeOf, openedEntry } from "../doubles/samples.ts";
import { seededIds } from "../doubles/seeded-ids.ts";
import { runCommand, testFolder } from "./command.ts";

let stack: Stack;
let env: Record<string, string>;
beforeAll(async () => {
  stack = await startStack({ env: {}, bundlesDir: ".", functions: [] });
  env = Object.fromEntries(Object.entries(stack.env).filter(([name]) => name.startsWith("AWS_")));
});
afterAll(() => stack.close());

/** A stack of this test's own with a charge in review: in the ledger, and on the queue that told of it. */
const deployed = async (prefix: string) => {
  const envFile = join(testFolder(), "stack.env");
  await runCommand(["bootstrap", "--prefix", prefix, "--env-file", envFile], env);
  writeFileSync(envFile, `${readFileSync(envFile, "utf8")}CENTROBILL_API_KEY=test\n`);
  const urlOf = (name: string): string =>
    new RegExp(`^QUEUE_URL_${name}=(.*)$`, "m").exec(readFileSync(envFile, "utf8"))?.[1] ?? "";
  const ledger = dynamodbLedger(stack.dynamodb, `${prefix}ledger`);
  const ids = seededIds();
  const message = chargeMessage("dep-1");
  const opened = openedEntry(message, ids, Date.now() - 60_000);
  await ledger.open(opened);
  const entry = recordVerdict(
    { ...opened, sends: 1, openSends: 1, lastSendAtMs: opened.openedAtMs },
    {
      kind: "review",
      reason: "lookups_used_up",
      evidence: { kind: "lookups", atMs: Date.now(), made: 3, failed: 0, lastSendAtMs: opened.openedAtMs },
    },
    { token: ids.leaseToken(), nowMs: Date.now() - 30_000 },
  ) as ReviewEntry;
  await ledger.replace(opened.token, entry);
  await stack.sqs.send(
    new SendMessageCommand({
      QueueUrl: urlOf("REVIEW"),
      MessageBody: JSON.stringify(routeOfEntry(entry, chargeOf(message))?.message),
    }),
  );
  return {
    message,
    urlOf,
    review: (...args: readonly string[]) => runCommand(["review", ...args, "--env-file", envFile], env),
    standing: async (): Promise<LedgerEntry | undefined> =>
      (await ledger.read([entry.chargeId])).get(entry.chargeId),
    bodies: async (url: string): Promise<string[]> => {
      const answer = await stack.sqs.send(
        new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10, VisibilityTimeout: 0 }),
      );
      return (answer.Messages ?? []).map(({ Body = "" }) => Body);
    },
  };
};

test("a resend is decided by two, with the message that the queue review has, and put onto charges for later", async () => {
  const { review, standing, urlOf, bodies } = await deployed("desk-a-");
  expect((await review("list")).stdout).toMatch(/dep-1 +19\.99 EUR +0 min +centrobill +lookups_used_up/);
  const decide = ["decide", "dep-1", "resend", "--reason", "the network was down"];
  expect(await review(...decide, "--by", "Ann")).toMatchObject({ status: 1, stderr: "" });
  const decided = await review(...decide, "--by", "Bo", "--json");
  expect(decided).toMatchObject({ status: 0, stderr: "" });
  expect(JSON.parse(decided.stdout)).toMatchObject({
    verdict: { kind: "decides", effect: { kind: "resend" } },
    gateway: { says: "not_asked", why: "no_feed" },
    event: { e: "decided", by: "Bo" },
  });
  expect(await standing()).toMatchObject({ state: "unknown", nextAct: "resend" });
  const { Attributes } = await stack.sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: urlOf("CHARGES"),
      AttributeNames: ["ApproximateNumberOfMessagesDelayed"],
    }),
  );
  expect(Attributes?.ApproximateNumberOfMessagesDelayed).toBe("1");
  // It only notifies: nothing was taken from it.
  expect(await bodies(urlOf("REVIEW"))).toHaveLength(1);
  expect(await review("list")).toMatchObject({ status: 0, stdout: "nothing waits for a person\n" });
  expect(await review("verify")).toMatchObject({ status: 0 });
});

test("dead letters are put back as they are, and only with --go", async () => {
  const { review, urlOf, bodies, message } = await deployed("desk-b-");
  const dead = `${urlOf("CHARGES")}-dlq`;
  const other = JSON.stringify(chargeMessage("dep-2"));
  for (const body of [JSON.stringify(message), other])
    await stack.sqs.send(new SendMessageCommand({ QueueUrl: dead, MessageBody: body }));
  const dry = await review("redrive", "charges-dlq");
  expect(dry).toMatchObject({ status: 0, stderr: "" });
  expect(dry.stdout).toMatch(/1 +0 min +in review: told again/);
  expect(dry.stdout).toMatch(/1 +0 min +not in the ledger: sent for the first time/);
  expect(dry.stdout).toContain("nothing was done: --go puts them onto charges");
  expect(await bodies(dead)).toHaveLength(2);
  const gone = await review("redrive", "charges-dlq", "--charge", "dep-2", "--go", "--json");
  expect(JSON.parse(gone.stdout)).toMatchObject({ chargeId: "dep-2", end: "first_send", dryRun: false });
  expect(await bodies(urlOf("CHARGES"))).toEqual([other]);
  expect(await bodies(dead)).toEqual([JSON.stringify(message)]);
});

test("what cannot be read is named, and costs nothing else", async () => {
  const { review } = await deployed("desk-c-");
  const damage = (id: string, deskAt: string) =>
    stack.dynamodb.send(
      new PutItemCommand({
        TableName: "desk-c-ledger",
        Item: {
          pk: { S: `charge#${id}` },
          sk: { S: "charge" },
          deskShard: { S: "desk#3" },
          deskAt: { S: deskAt },
        },
      }),
    );
  await damage("dep-8", "v9 dep-8");
  await damage("dep-9", "001794700895458 mismatch centrobill 12,50 EUR dep-9\u001b[2J");
  for (const filter of [[], ["--older-than", "10s"]]) {
    const listed = await review("list", ...filter);
    expect(listed.status).toBe(1);
    expect(listed.stdout).toMatch(/dep-1 +19\.99 EUR/);
    expect(listed.stdout).toContain("1 wait: 19.99 EUR");
    expect(listed.stderr.split("\n").toSorted()).toEqual([
      "",
      "chargeonce: review list: 2 more cannot be read and are not in the list",
      "chargeonce: review list: desk#3: 001794700895458 mismatch centrobill 12,50 EUR dep-9?[2J",
      "chargeonce: review list: desk#3: v9 dep-8",
    ]);
  }
  const none = await review("list", "--gateway", "centrapay", "--json");
  expect(none.status).toBe(1);
  expect(JSON.parse(none.stdout)).toMatchObject({ count: 0, waiting: [], unreadable: { length: 2 } });
});
