import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { entryOfItem, itemOfEntry, type LedgerItem } from "../../lib/adapters/ledger-item.ts";
import type { LedgerEntry, OpenedEntry } from "../../lib/core/ledger.ts";
import { recordVerdict } from "../../lib/core/verdict.ts";
import { chargeMessage, openedEntry } from "../doubles/samples.ts";
import { seededIds } from "../doubles/seeded-ids.ts";

/** An item's size as DynamoDB bills it: the bytes of its attributes' names and values. */
const bytesOf = (item: LedgerItem): number =>
  Object.entries(item).reduce(
    (sum, [name, value]) =>
      sum + Buffer.byteLength(name) + (value.B?.length ?? Buffer.byteLength(value.S ?? value.N ?? "")),
    0,
  );

const ids = seededIds();
const opened = openedEntry(chargeMessage("order-1"), ids);
const excerpt =
  "code=0 description=Success action=charge mode=sale status=success amount=19.99 currency=EUR " +
  "orderId=4000000001 transactionId=4000000001";

/** A charge as it is after an answer that approved it. */
const approved = (entry: OpenedEntry, more: string): LedgerEntry =>
  recordVerdict(
    {
      ...entry,
      sends: 1,
      lastSendAtMs: entry.openedAtMs,
      consumerMarks: ["d74336a50b32", "e1dfad1e4723"],
      ids: { transactionId: "4000000001", orderId: "4000000001" },
      history: [
        ...entry.history,
        { e: "replied", at: 1, ms: 300, status: 201, code: "0", sha256: "9f".repeat(32), excerpt: more },
      ],
    },
    {
      kind: "settle",
      state: "approved",
      ending: { code: "0" },
      evidence: {
        kind: "reply",
        atMs: entry.openedAtMs + 300,
        status: 201,
        code: "0",
        bodySha256: "5a".repeat(32),
        transactionId: "4000000001",
        orderId: "4000000001",
      },
    },
    { token: ids.leaseToken(), nowMs: entry.openedAtMs + 300 },
  );

describe("an entry's item", () => {
  test.each<[string, LedgerEntry]>([
    ["opened", opened],
    ["approved", approved(opened, excerpt)],
    [
      "approved, with the longest id and the longest excerpt",
      approved(
        openedEntry(chargeMessage("Abc.9:-_".repeat(8)), ids),
        `${excerpt} ${"kqzxv wjhgy ".repeat(9)}`.slice(0, 240),
      ),
    ],
  ])("%s costs one write unit, and is read as it was written", (_, entry) => {
    const item = itemOfEntry(entry);
    expect(bytesOf(item)).toBeLessThanOrEqual(1_024);
    expect(entryOfItem(item)).toEqual(entry);
  });

  test("small ones stay readable by eye", () => {
    expect(itemOfEntry(opened)["entry"]).toEqual({ S: JSON.stringify(opened) });
  });

  test("whatever it holds, it is read as it was written", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 2_000 }), (text) => {
        const entry = { ...opened, instrumentRef: text };
        expect(entryOfItem(itemOfEntry(entry))).toEqual(JSON.parse(JSON.stringify(entry)));
      }),
    );
  });

  test.each<[string, LedgerItem]>([
    ["bytes that are not packed", { entry: { B: Buffer.from("not packed") } }],
    ["no entry", {}],
    ["a later version", { entry: { S: '{"v":2}' } }],
  ])("%s is an error that names the item", (_, item) => {
    expect(() => entryOfItem({ pk: { S: "charge#x" }, ...item })).toThrow(/^charge#x: not an entry/);
  });
});
