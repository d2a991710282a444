import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { itemOfPage } from "../../lib/adapters/dynamodb-pages.ts";
import { dynamodbSentCharges } from "../../lib/adapters/dynamodb-sent-charges.ts";
import { entryKey, itemOfEntry, type LedgerItem } from "../../lib/adapters/ledger-item.ts";
import type { ChargeId, LeaseToken } from "../../lib/core/charge.ts";
import type { LedgerEntry } from "../../lib/core/ledger.ts";
import { pagesOf, type SentMark } from "../../lib/core/sent-page.ts";
import type { SentOrder } from "../../lib/ports.ts";
import { chargeMessage, openedEntry } from "../doubles/samples.ts";
import { seededIds } from "../doubles/seeded-ids.ts";

/** A table that gives a few items at a time, as its limits make DynamoDB do, and keeps some of them back at first. */
const tableOf = (items: readonly LedgerItem[], pageSize: number) => {
  const sorted = items.toSorted((a, b) => ((a["sk"]?.S ?? "") < (b["sk"]?.S ?? "") ? -1 : 1));
  return {
    async send({ input }: { readonly input: Record<string, unknown> }) {
      if ("RequestItems" in input) {
        const keys = (input["RequestItems"] as { t: { Keys: readonly LedgerItem[] } }).t.Keys;
        const names = keys.map(({ pk }) => pk?.S);
        expect(new Set(names).size, "a key may be named once").toBe(names.length);
        const found = items.filter(({ pk, sk }) => sk?.S === "charge" && names.includes(pk?.S));
        return { Responses: { t: found } };
      }
      const { ":pk": pk, ":from": from, ":to": to } = input["ExpressionAttributeValues"] as LedgerItem;
      const isForward = input["ScanIndexForward"] === true;
      const after = (input["ExclusiveStartKey"] as LedgerItem | undefined)?.["sk"]?.S;
      const due = (isForward ? sorted : sorted.toReversed())
        .filter((item) => item["pk"]?.S === pk?.S)
        .filter(({ sk }) => (sk?.S ?? "") >= (from?.S ?? "") && (sk?.S ?? "") <= (to?.S ?? ""))
        .filter(
          ({ sk }) => after === undefined || (isForward ? (sk?.S ?? "") > after : (sk?.S ?? "") < after),
        );
      const page = due.slice(0, pageSize);
      return { Items: page, ...(due.length > page.length ? { LastEvaluatedKey: page.at(-1) } : {}) };
    },
  };
};

const ids = seededIds();
const base = openedEntry(chargeMessage("c"), ids);
const entryAt = (chargeId: string, firstSendAtMs: number): LedgerEntry => ({
  ...base,
  chargeId: chargeId as ChargeId,
  firstSendAtMs,
});
let tokens = 0;
const markAt = (chargeId: string, atMs: number): SentMark => ({
  gateway: "centrobill",
  chargeId: chargeId as ChargeId,
  atMs,
  token: `t${tokens++}` as LeaseToken,
});

const read = async (
  items: readonly LedgerItem[],
  order: SentOrder,
  window = { fromMs: 10_000, toMs: 20_000 },
  pageSize = 3,
) => {
  const seen: { readonly id: string; readonly atMs: number }[] = [];
  let unreadable = 0;
  const charges = dynamodbSentCharges(tableOf(items, pageSize) as never, "t");
  for await (const batch of charges.read("centrobill", window, order)) {
    seen.push(...batch.sides.map(({ chargeId, firstSentAtMs }) => ({ id: chargeId, atMs: firstSentAtMs })));
    unreadable += batch.unreadable;
  }
  return { seen, unreadable };
};

describe("charges by the pages that name them", () => {
  test("each once and in order, whatever pages they are on, and whatever else those name", async () => {
    const charge = fc.record({
      atMs: fc.integer({ min: 8_500, max: 21_500 }),
      // What a version before or after it, or one that never was, left on pages.
      others: fc.array(fc.integer({ min: 8_500, max: 21_500 }), { maxLength: 2 }),
      again: fc.boolean(),
      opened: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(charge, { maxLength: 60 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom<SentOrder>("oldestFirst", "newestFirst"),
        async (charges, batchSize, pageSize, order) => {
          const marks = charges.flatMap(({ atMs, others, again }, nth) => [
            markAt(`c${nth}`, atMs),
            ...others.map((other) => markAt(`c${nth}`, other)),
            ...(again ? [markAt(`c${nth}`, atMs)] : []),
          ]);
          const batches = Array.from({ length: Math.ceil(marks.length / batchSize) }, (_, nth) =>
            marks.slice(nth * batchSize, (nth + 1) * batchSize),
          );
          const items = [
            ...batches.flatMap((batch) => pagesOf(batch).map(itemOfPage)),
            ...charges.flatMap(({ atMs, opened }, nth) =>
              opened ? [itemOfEntry(entryAt(`c${nth}`, atMs))] : [],
            ),
          ];
          const { seen, unreadable } = await read(items, order, undefined, pageSize);
          const expected = charges.flatMap(({ atMs, opened }, nth) =>
            opened && atMs >= 10_000 && atMs <= 20_000 ? [{ id: `c${nth}`, atMs }] : [],
          );
          const byTime = (a: { atMs: number }, b: { atMs: number }): number =>
            order === "oldestFirst" ? a.atMs - b.atMs : b.atMs - a.atMs;
          expect(seen.map(({ atMs }) => atMs)).toEqual(expected.toSorted(byTime).map(({ atMs }) => atMs));
          expect(seen.map(({ id }) => id).toSorted()).toEqual(expected.map(({ id }) => id).toSorted());
          expect(unreadable).toBe(0);
        },
      ),
      { numRuns: 200 },
    );
  });

  test("a page, or an entry, of a later version is counted as unreadable", async () => {
    const [page] = pagesOf([markAt("a", 15_000), markAt("b", 15_001)]);
    if (page === undefined) throw new Error("no page");
    const items = [
      itemOfPage(page),
      itemOfEntry(entryAt("a", 15_000)),
      { ...entryKey("b"), entry: { S: '{"v":2}' } },
      { ...itemOfPage(page), sk: { S: "000000000012000#t" }, page: { S: '{"v":2}' } },
    ];
    expect(await read(items, "oldestFirst")).toEqual({ seen: [{ id: "a", atMs: 15_000 }], unreadable: 2 });
  });

  test("none, where there is none", async () => {
    expect(await read([], "newestFirst")).toEqual({ seen: [], unreadable: 0 });
  });
});
