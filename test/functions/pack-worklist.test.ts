import { afterAll, beforeAll, expect, test } from "vitest";
import { dynamodbDeskIndex } from "../../lib/adapters/dynamodb-desk.ts";
import { recordVerdict } from "../../lib/core/verdict.ts";
import { chargeMessage, openedEntry } from "../doubles/samples.ts";
import { seededIds } from "../doubles/seeded-ids.ts";
import { type FunctionStand, functionStand } from "./function-stand.ts";

let stand: FunctionStand;
beforeAll(async () => {
  stand = await functionStand();
});
afterAll(() => stand.close());

test("the deployed pack-worklist needs the table alone, puts a long list onto pages, and leaves the list the same", async () => {
  const ids = seededIds();
  const { LEDGER_TABLE = "" } = stand.env;
  const many = 2_100;
  for (let from = 0; from < many; from += 300)
    await Promise.all(
      Array.from({ length: 300 }, async (_, n) => {
        const opened = openedEntry(chargeMessage(`w-${from + n}`), ids);
        await stand.ledger.open(opened);
        const verdict = {
          kind: "review",
          reason: "absent",
          evidence: { kind: "lookups", atMs: 1, made: 1, failed: 0, lastSendAtMs: 1 },
        } as const;
        const reviewed = recordVerdict(opened, verdict, { token: ids.leaseToken(), nowMs: Date.now() });
        await stand.ledger.replace(opened.token, reviewed);
      }),
    );
  const idsOf = async () => {
    const { rows, unreadable } = await dynamodbDeskIndex(stand.clients.dynamodb, LEDGER_TABLE).waiting();
    expect(unreadable).toEqual([]);
    return rows.map(({ chargeId }) => String(chargeId)).toSorted();
  };
  const before = await idsOf();
  expect(before).toHaveLength(many);
  const pack = await stand.start("pack-worklist", {
    ...Object.fromEntries(
      Object.keys(stand.env)
        .filter((name) => /QUEUE|CENTRO/.test(name))
        .map((name) => [name, ""]),
    ),
    LEDGER_TABLE,
  });
  for (const packed of [many, 0]) {
    expect(await pack.process.invoke({}, 120_000)).toMatchObject({ kind: "returned" });
    expect(JSON.parse(pack.lines.at(-1) ?? "")).toMatchObject({
      event: "backlog_read",
      count: many,
      rows: packed,
    });
    expect(await idsOf()).toEqual(before);
  }
});

test("without a table it does not start, and says so", async () => {
  await expect(stand.start("pack-worklist", { LEDGER_TABLE: "" })).rejects.toThrow("exit status 1");
});
