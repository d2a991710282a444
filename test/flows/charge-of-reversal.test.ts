import { describe, expect, test } from "vitest";
import type { Feed, FeedPage, FeedRow } from "../../lib/core/feed.ts";
import type { LedgerEntry } from "../../lib/core/ledger.ts";
import type { Notice } from "../../lib/core/notice.ts";
import type { GatewaySide } from "../../lib/core/sides.ts";
import { chargeOfReversal, isNamelessReversal } from "../../lib/flows/charge-of-reversal.ts";
import type { NoticeBook } from "../../lib/ports.ts";
import { chargeIdOf, row as feedRow, final } from "../core/builders.ts";
import { manualClock } from "../doubles/manual-clock.ts";
import { memoryLedger } from "../doubles/memory-ledger.ts";
import { memoryQueues } from "../doubles/memory-queues.ts";
import { replied, type Scripted, scriptedWire } from "../doubles/scripted-wire.ts";
import { testGateway, testWorker } from "../doubles/worker.ts";

const reversal = (changes: Partial<GatewaySide> = {}): GatewaySide => ({
  kind: "reversal",
  says: "unproven",
  consumers: [],
  ...changes,
});

describe("a row of money given back that names no charge", () => {
  const charge: GatewaySide = { ...reversal(), kind: "charge", says: "captured" };
  test.each<[GatewaySide[], boolean, reason: string]>([
    [[reversal()], true, "it is one"],
    [[reversal(), reversal()], true, "so are several"],
    [[], false, "there is none"],
    [[reversal({ chargeId: "order-1" })], false, "it names one"],
    [[charge], false, "nothing was given back"],
    [[reversal(), charge], false, "something was taken, too"],
    [[reversal(), reversal({ chargeId: "order-1" })], false, "one of them names one"],
  ])("%j: %s (%s)", (rows, expected) => {
    expect(isNamelessReversal(rows)).toBe(expected);
  });
});

type Kept = Awaited<ReturnType<NoticeBook["read"]>>;
type Parts = {
  readonly entries?: readonly LedgerEntry[];
  /** what the notices remember under a name; absent: there are no notices */
  readonly kept?: Readonly<Record<string, Kept>>;
  /** the gateway's own rows of the transaction, in its answer */
  readonly page?: FeedPage;
  readonly answer?: Scripted;
  readonly idRequest?: Feed["idRequest"];
};

/** Whose money a row gives back, and whom it took to know. */
const ask = async (rows: readonly GatewaySide[], { entries = [], kept, page, answer, idRequest }: Parts) => {
  const clock = manualClock();
  const ledger = memoryLedger();
  for (const entry of entries) ledger.plant(entry.chargeId, JSON.stringify(entry));
  const names: string[] = [];
  const ids: object[] = [];
  const feed: Feed = {
    firstCursor: 7,
    pagesMax: 1,
    pageRequest: () => ({ method: "GET", url: "https://feed.test/page", headers: {} }),
    readPage(reply, cursor) {
      expect([reply.body, cursor]).toEqual(["its rows", 7]);
      return page ?? { kind: "page", rows: [], unreadRows: 0 };
    },
    idRequest(id) {
      ids.push(id);
      return (idRequest ?? (() => ({ method: "GET", url: "https://feed.test/one", headers: {} })))(id);
    },
  };
  const wire = scriptedWire({ clock, script: () => answer ?? replied(200, "its rows") });
  const notices = {
    async read(gateway: string, name: string): Promise<Kept> {
      expect(gateway).toBe("centrobill");
      names.push(name);
      return kept?.[name] ?? { notices: [] };
    },
  } as NoticeBook;
  const worker = testWorker({
    clock,
    wire,
    ledger,
    queues: memoryQueues(),
    ...(kept === undefined ? {} : { notices }),
  });
  const found = await chargeOfReversal(rows, { gateway: testGateway(), feed }, worker, 0);
  const read = ledger.calls.flatMap(({ chargeIds }) => chargeIds);
  return { found: found?.chargeId, read, names, ids, sent: wire.sent.length };
};

const entry = (chargeId: string, changes: object = {}): LedgerEntry =>
  ({ ...final(), chargeId, ids: {}, ...changes }) as LedgerEntry;
const paid = entry("order-1", { ids: { transactionId: "tx-1", orderId: "or-1" } });
const remembered = (chargeId: string): Kept => ({ notices: [], chargeId: chargeIdOf(chargeId) });
const noticed = (...chargeIds: (string | undefined)[]): Kept => ({
  notices: chargeIds.map((chargeId) => (chargeId === undefined ? {} : { chargeId }) as Notice),
});
const own = (changes: Partial<FeedRow> = {}): Extract<FeedPage, { kind: "page" }> => ({
  kind: "page",
  rows: [feedRow("captured", { transactionId: "tx-1", ...changes })],
  unreadRows: 0,
});
const back = reversal({ transactionId: "cb-1", parentTransactionId: "tx-1" });

describe("whose money was given back is what the notices remember", () => {
  const prepared = entry("order-1", { preparation: { prepared: { id: "pr-1" } } });
  const unmade = entry("order-1", { preparation: {} });
  const byOrder = reversal({ orderId: "or-1" });
  // biome-ignore format: one row a line
  test.each<[string, GatewaySide, LedgerEntry[], Parts["kept"] & object, found: boolean]>([
    ["under the transaction", back, [paid], { "tx-1": remembered("order-1") }, true],
    ["by a notice of the transaction", back, [paid], { "tx-1": noticed("order-1") }, true],
    ["by one of its notices", back, [paid], { "tx-1": noticed(undefined, "order-9", "order-1") }, true],
    ["under the order", byOrder, [paid], { "or-1": remembered("order-1") }, true],
    ["under the order, where the transaction is nobody's", { ...back, orderId: "or-1" }, [paid], { "or-1": remembered("order-1") }, true],
    ["under what was made before it was sent", reversal({ orderId: "pr-1" }), [prepared], { "pr-1": remembered("order-1") }, true],
    ["but not of a charge with another transaction", reversal({ parentTransactionId: "tx-2" }), [paid], { "tx-2": remembered("order-1") }, false],
    ["nor with another order", reversal({ orderId: "or-2" }), [paid], { "or-2": remembered("order-1") }, false],
    ["nor of one of several confirmations of a Payment Request", byOrder, [{ ...paid, gateway: "centrapay" } as LedgerEntry], { "or-1": remembered("order-1") }, false],
    ["nor where nothing was made", reversal({ orderId: "pr-1" }), [unmade], { "pr-1": remembered("order-1") }, false],
    ["nor of one that has neither, though the row says only an order", byOrder, [entry("order-1")], { "or-1": remembered("order-1") }, false],
    ["nor of one that has neither, though the row says only a transaction", back, [entry("order-1")], { "tx-1": remembered("order-1") }, false],
    ["nor of one that the ledger does not have, by its order", byOrder, [], { "or-1": remembered("order-1") }, false],
    ["nor of a charge that the ledger does not have", back, [], { "tx-1": remembered("order-1") }, false],
    ["whatever it is asked by", byOrder, [], { "or-1": remembered("order-1") }, false],
  ])("%s", async (_what, row, entries, kept, found) => {
    const one = await ask([row], { entries, kept });
    expect(one.found).toBe(found ? "order-1" : undefined);
    // Who is known needs no question to the gateway.
    if (found) expect(one.sent).toBe(0);
  });

  test("names and charges that are not there are not asked for", async () => {
    const none = await ask([reversal()], { kept: {} });
    expect(none).toEqual({ found: undefined, read: [], names: [], ids: [], sent: 0 });
    const some = await ask([back], { kept: { "tx-1": noticed(undefined) } });
    expect(some).toMatchObject({ read: [], names: ["tx-1"] });
    expect(await ask([], { kept: {} })).toMatchObject({ found: undefined, names: [] });
  });
});

describe("else what the gateway's own row of the transaction says", () => {
  // biome-ignore format: one row a line
  test.each<[string, Parts, found: boolean]>([
    ["of a charge that has it", { page: own() }, true],
    ["though the notices know nothing", { page: own(), kept: {} }, true],
    ["though the notices name another charge", { page: own(), kept: { "tx-1": remembered("order-9") } }, true],
    ["among others", { page: { ...own(), rows: [feedRow("captured", { transactionId: "tx-2", chargeId: "order-9" }), ...own().rows] } }, true],
    ["but not of another transaction", { page: own({ transactionId: "tx-2" }) }, false],
    ["nor of a charge that has another", { page: own(), entries: [entry("order-1", { ids: { transactionId: "tx-2" } })] }, false],
    ["nor without a charge", { page: own({ chargeId: undefined as never }) }, false],
    ["nor of what is no charge id", { page: own({ chargeId: "no id" }) }, false],
    ["nor where nobody can read it", { page: { kind: "unreadable", why: "odd" } }, false],
    ["nor where there is none", {}, false],
    ["nor without an answer", { page: own(), answer: replied(500) }, false],
    ["nor where it cannot be asked for", { page: own(), idRequest: () => undefined }, false],
  ])("%s", async (_what, parts, found) => {
    const one = await ask([back], { entries: [paid], ...parts });
    expect(one.found).toBe(found ? "order-1" : undefined);
    expect(one.ids).toEqual([{ transactionId: "tx-1" }]);
    if (parts.idRequest !== undefined) expect(one.sent).toBe(0);
  });

  test("which an order alone does not lead to", async () => {
    const one = await ask([reversal({ orderId: "or-1" })], { entries: [paid], page: own() });
    expect(one).toEqual({ found: undefined, read: [], names: [], ids: [], sent: 0 });
  });

  test("is asked for twice, where it does not come at once", async () => {
    expect((await ask([back], { entries: [paid], answer: replied(500) })).sent).toBe(2);
  });
});
