import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LOCAL_CREDENTIALS, LOCAL_REGION } from "../../infra/local/local-clients.ts";
import { type S3Server, s3Server } from "../doubles/s3-server.ts";
import { type FunctionStand, functionStand, type RunningFunction } from "./function-stand.ts";

const hour = 3_600_000;
/** Far enough back for its window to be over, and looked at. */
const agoMs = 14 * hour;
const rows = 70;
const card = "4111111111111111";

describe("the deployed write-reports", () => {
  let stand: FunctionStand;
  let bucket: S3Server;
  let writer: RunningFunction;
  let alone: Readonly<Record<string, string>>;
  beforeAll(async () => {
    stand = await functionStand({ now: () => Date.now() - agoMs });
    bucket = await s3Server(LOCAL_CREDENTIALS, LOCAL_REGION);
    // It needs the table and the bucket and nothing else: no queue, no credential of a gateway.
    alone = {
      ...Object.fromEntries(
        Object.keys(stand.env)
          .filter((name) => /QUEUE|CENTRO/.test(name))
          .map((name) => [name, ""]),
      ),
      REPORTS_URL: bucket.url,
    };
    writer = await stand.start("write-reports", alone);
  });
  afterAll(() => Promise.all([stand.close(), bucket.close()]));

  const days = (): readonly string[] => [...bucket.kept.keys()].filter((name) => name.endsWith(".json"));
  const textOf = (form: string): string =>
    days()
      .map((name) => bucket.kept.get(name.replace(/json$/, form))?.text ?? "")
      .join("");

  test("tells what the schedule's runs found, all of it, and writes nothing again that has not changed", async () => {
    // Charges of a system that is not this one: each is a finding.
    for (let nth = 0; nth < rows; nth++)
      await fetch(`${stand.sandbox.url}/payment`, {
        method: "POST",
        headers: { Authorization: "k", "Content-Type": "application/json", "X-Request-ID": `r-${nth}` },
        body: JSON.stringify({
          paymentSource: { type: "consumer", value: "c" },
          consumer: { id: "c", email: "lena@example.net", ip: "192.0.2.1" },
          sku: {
            siteId: "site-4471",
            price: [{ offset: "0d", amount: 19.99, currency: "EUR", repeat: false }],
          },
          metadata: { chargeId: nth === 0 ? card : `stranger-${nth}`, requestId: `r-${nth}` },
        }),
      });
    const reconcile = await stand.start("reconcile", { QUEUE_URL_RECONCILE_WINDOWS: "" });
    expect(await reconcile.process.invoke({}, 120_000)).toMatchObject({ kind: "returned" });
    const end = await writer.process.invoke({ source: "aws.events" }, 300_000);
    expect(end).toMatchObject({ kind: "returned", result: { left: 0 } });
    expect(days().length).toBeGreaterThan(0);
    for (const name of days()) expect(name).toMatch(/^reconciliation\/centrobill\/20\d\d-\d\d-\d\d\.json$/);
    const lines = textOf("ndjson")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { kind: string; id: string });
    const found = lines.filter(({ kind }) => kind === "missing_in_ledger");
    expect(new Set(found.map(({ id }) => id)).size).toBe(rows);
    expect(found).toHaveLength(rows);
    expect(textOf("csv").match(/,missing_in_ledger,/g)).toHaveLength(rows);
    // The first day began before anybody reconciled, or this one goes on: neither is clean.
    expect(lines.some(({ kind }) => kind === "incomplete")).toBe(true);
    expect(textOf("html")).toContain("Not complete");
    for (const [, { text }] of bucket.kept) expect(text).not.toMatch(/4111111111111111|lena@|sandbox-key/);
    const before = bucket.requests.length;
    expect(await writer.process.invoke({}, 300_000)).toMatchObject({ result: { written: 0, left: 0 } });
    expect(bucket.requests.length).toBe(before);
  });

  test("that is refused by its bucket fails, names the report and the reason, and writes it when its turn comes", async () => {
    const other = await s3Server({ ...LOCAL_CREDENTIALS, secretAccessKey: "another" }, LOCAL_REGION);
    const refused = await stand.start("write-reports", { ...alone, REPORTS_URL: other.url });
    // Another ledger's days would be due; here the record of what was written is taken away.
    const { DeleteItemCommand, QueryCommand } = await import("@aws-sdk/client-dynamodb");
    const table = stand.env["LEDGER_TABLE"] ?? "";
    const { Items = [] } = await stand.clients.dynamodb.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: "pk = :pk AND begins_with(sk, :sk)",
        ExpressionAttributeValues: { ":pk": { S: "reconciliation#centrobill" }, ":sk": { S: "report#" } },
      }),
    );
    for (const { pk, sk } of Items)
      if (pk !== undefined && sk !== undefined)
        await stand.clients.dynamodb.send(new DeleteItemCommand({ TableName: table, Key: { pk, sk } }));
    expect(await refused.process.invoke({}, 300_000)).toMatchObject({ kind: "threw" });
    expect(refused.lines.join("\n")).toMatch(/"event":"report_failed".*HTTP 403 SignatureDoesNotMatch/);
    await other.close();
  });

  test("without its settings does not start, and names each", async () => {
    await expect(
      stand.start("write-reports", { ...alone, REPORTS_URL: "", LEDGER_TABLE: "" }),
    ).rejects.toThrow("exit status 1");
  });
});
