import {
  type DynamoDBClient,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from "@aws-sdk/client-dynamodb";
import type { ChargeId } from "../core/charge.ts";
import { readItems } from "./dynamodb-items.ts";
import { pageWrite, readPage } from "./dynamodb-off-page.ts";
import { conditionOf } from "./dynamodb-put.ts";
import { everyKey, worklistReader } from "./dynamodb-worklist.ts";
import { ledgerCall } from "./ledger-call.ts";
import {
  chargeIdOfKey,
  chargeIdOfRow,
  entryKey,
  type LedgerItem,
  pagedMark,
  rowOfKey,
  rowsOfPage,
  waitingOfKey,
  worklistPageKey,
} from "./ledger-item.ts";

export type Packed = {
  /** charges that wait, as the index has them */
  readonly waiting: number;
  /** charges whose rows are on pages now, and were not */
  readonly packed: number;
  /** rows that were on pages of charges that did not wait any more */
  readonly removed: number;
  /** pages that somebody else wrote meanwhile, or for which no time was left: the next time's */
  readonly left: number;
};

export type PackOptions = {
  /** as many charges on no page are read as fast as pages are: fewer stay as they are */
  readonly packFrom?: number;
  readonly deadlineMs?: number;
  /** asked before each page */
  hasTime?(): boolean;
};

/** DynamoDB takes 100 items a transaction: the page, and its charges. */
const chargesMax = 99;

/**
 * Puts the rows of a long worklist onto its pages, each page with the charges of which it has the rows in one
 * transaction: whoever is stopped between two of them, or does it twice, or beside another, leaves a worklist that says
 * the same. A page that has a row of a charge that waits no more loses it: a version before this one knew no pages. One
 * page after the other, so that whoever works charges is in nobody's way.
 * @throws `LedgerUnavailable`
 */
export const packWorklist = async (
  client: Pick<DynamoDBClient, "send">,
  table: string,
  { packFrom = 2_000, deadlineMs = 10_000, hasTime = () => true }: PackOptions = {},
): Promise<Packed> => {
  const reader = worklistReader(client, table, deadlineMs, 3_000);
  const call = ledgerCall(deadlineMs);
  const [onPage, inIndex] = [new Map<string, string>(), new Map<string, string>()];
  await reader.pages(undefined, (text) => {
    for (const row of rowsOfPage(text)) onPage.set(chargeIdOfRow(row), row);
  });
  await reader.keys(everyKey, undefined, (key) => {
    // What this version cannot read it leaves where it is.
    const row = rowOfKey(key);
    if (waitingOfKey(row) !== undefined) inIndex.set(chargeIdOfRow(row), key);
  });
  const loose = [...inIndex].filter(([id, key]) => key !== `${pagedMark}${onPage.get(id)}`);
  const gone = [...onPage.keys()].filter((id) => id !== "" && !inIndex.has(id));
  const touched = new Map<string, { readonly key: LedgerItem; readonly ids: string[] }>();
  // Of what is on no page, though the index says so, there is never too little: no list would have it.
  const wanted = loose.length < packFrom ? loose.filter(([, key]) => key.startsWith(pagedMark)) : loose;
  for (const id of [...wanted.map(([id]) => id), ...gone]) {
    const key = worklistPageKey(id);
    const page = touched.get(key.sk.S) ?? { key, ids: [] as string[] };
    page.ids.push(id);
    touched.set(key.sk.S, page);
  }
  let [packed, removed, left] = [0, 0, 0];

  /** Brings charges and their page to what the charges themselves say. */
  const pack = async (key: LedgerItem, ids: readonly string[]): Promise<boolean> => {
    const before = await call("worklist page", (abortSignal) => readPage(client, table, key, abortSignal));
    const items = await readItems(
      client,
      table,
      ids.map((id) => entryKey(id)),
      call,
    );
    const named = new Set(ids);
    const others = rowsOfPage(before).filter((row) => !named.has(chargeIdOfRow(row)));
    const rows: string[] = [];
    const puts: TransactWriteItem[] = [];
    const standing = new Map(items.map((item) => [chargeIdOfKey(item), item]));
    for (const id of ids) {
      const item = standing.get(id as ChargeId);
      // The sort key alone may have stayed behind.
      if (item?.["deskShard"] === undefined) continue;
      const row = rowOfKey(item["deskAt"]?.S ?? "");
      rows.push(row);
      puts.push({
        Put: {
          TableName: table,
          Item: { ...item, deskAt: { S: pagedMark + row }, paged: { S: "1" } },
          ...conditionOf(item["token"]?.S ?? ""),
        },
      });
    }
    const text = [...others, ...rows].join("\n");
    // A charge whose row stands there already is written again, too: so nobody decides it meanwhile.
    if (puts.length === 0 && text === (before ?? "")) return true;
    try {
      await call("pack", (abortSignal) =>
        client.send(
          new TransactWriteItemsCommand({ TransactItems: [pageWrite(table, key, before, text), ...puts] }),
          { abortSignal },
        ),
      );
    } catch (error) {
      if (error instanceof Error && error.message.includes("TransactionCanceledException")) return false;
      throw error;
    }
    const stays = new Set(rows.map(chargeIdOfRow));
    packed += rows.length;
    removed += rowsOfPage(before).filter((row) => {
      const id = chargeIdOfRow(row);
      return named.has(id) && !stays.has(id);
    }).length;
    return true;
  };

  for (const { key, ids } of touched.values())
    for (let from = 0; from < ids.length; from += chargesMax)
      if (!hasTime() || !(await pack(key, ids.slice(from, from + chargesMax)))) left += 1;
  return { waiting: inIndex.size, packed, removed, left };
};
