import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dynamodbReconciliation } from "../../lib/adapters/dynamodb-reconciliation.ts";
import { dynamodbSentCharges } from "../../lib/adapters/dynamodb-sent-charges.ts";
import { LedgerUnavailable } from "../../lib/adapters/ledger-call.ts";
import type { LeaseToken, RequestId } from "../../lib/core/charge.ts";
import { type LedgerEntry, openEntry } from "../../lib/core/ledger.ts";
import { recordVerdict } from "../../lib/core/verdict.ts";
import type { WindowRecord } from "../../lib/core/window-record.ts";
import type { SentOrder } from "../../lib/ports.ts";
import { chargeMessage, chargeOf } from "../doubles/samples.ts";
import { type FunctionStand, functionStand, type RunningFunction } from "./function-stand.ts";

const hour = 3_600_000;
/** The gateway's time, and the ledger's: far enough back for its window to be over. */
const agoMs = 14 * hour;

/** One turn of the schedule, until everything that it found due has been worked. */
type Turn = (stand: FunctionStand, reconcile: RunningFunction) => Promise<number>;

const throughItsQueue: Turn = async (stand, reconcile) => {
  const workers = [await stand.start("reconcile-window"), await stand.start("reconcile-window")];
  expect(await reconcile.process.invoke({ source: "aws.events" }, 60_000)).toMatchObject({
    kind: "returned",
  });
  const messages = await stand.receive("reconcile-windows", 100);
  // Each comes to two workers, which get them in another order.
  await Promise.all(
    workers.map(async (worker, index) => {
      for (const message of index === 0 ? messages : messages.toReversed())
        expect(await worker.invoke("reconcile-windows", [message], 120_000)).toEqual({
          batchItemFailures: [],
        });
    }),
  );
  await stand.remove("reconcile-windows", messages);
  return messages.length;
};

const byItself: Turn = async (stand, reconcile) => {
  const end = await reconcile.process.invoke({ source: "aws.scheduler" }, 120_000);
  expect(end).toMatchObject({ kind: "returned", result: { left: 0 } });
  expect(await stand.depth("reconcile-windows")).toEqual({ visible: 0, hidden: 0 });
  return (end as unknown as { result: { done: number } }).result.done;
};

describe.each<readonly [string, Turn, Readonly<Record<string, string>>]>([
  ["with its queue of windows", throughItsQueue, {}],
  ["with the contract's variables alone", byItself, { QUEUE_URL_RECONCILE_WINDOWS: "" }],
])("the deployed reconcile, %s", (_how, turn, more) => {
  let stand: FunctionStand;
  let reconcile: RunningFunction;
  let then: number;
  beforeAll(async () => {
    then = Date.now() - agoMs;
    stand = await functionStand({ now: () => then });
    reconcile = await stand.start("reconcile", more);
  });
  afterAll(() => stand.close());

  const pay = async (
    chargeId: string,
    requestId: string,
  ): Promise<{ transactionId: string; orderId: string }> => {
    const answer = await fetch(`${stand.sandbox.url}/payment`, {
      method: "POST",
      headers: { Authorization: "k", "Content-Type": "application/json", "X-Request-ID": requestId },
      body: JSON.stringify({
        paymentSource: { type: "consumer", value: "c" },
        consumer: { id: "c", ip: "192.0.2.1" },
        sku: {
          siteId: "site-4471",
          price: [{ offset: "0d", amount: 19.99, currency: "EUR", repeat: false }],
        },
        metadata: { chargeId, requestId },
      }),
    });
    const { payment } = (await answer.json()) as { payment: { transactionId: string; orderId: string } };
    return { transactionId: payment.transactionId, orderId: payment.orderId };
  };

  const enter = async (
    chargeId: string,
    as: "approved" | "unknown",
    ids: { transactionId: string; orderId: string } = { transactionId: "", orderId: "" },
  ): Promise<void> => {
    const by = { nowMs: then, token: `${chargeId}-1` as LeaseToken };
    const opened = openEntry(chargeOf(chargeMessage(chargeId)), {
      ...by,
      fingerprint: "f".repeat(64),
      requestId: `r-${chargeId}` as RequestId,
      leaseMs: 1_000,
    });
    await stand.ledger.open(opened);
    const sent = { ...opened, sends: 1, lastSendAtMs: then, openSends: as === "unknown" ? 1 : 0 };
    const next = { nowMs: then, token: `${chargeId}-2` as LeaseToken };
    const entry: LedgerEntry =
      as === "approved"
        ? recordVerdict(
            sent,
            {
              kind: "settle",
              state: "approved",
              ending: { code: "0" },
              evidence: { kind: "reply", atMs: then, status: 201, bodySha256: "a".repeat(64), ...ids },
              ids,
            },
            next,
          )
        : recordVerdict(
            sent,
            {
              kind: "wait",
              state: "unknown",
              reason: "no_answer",
              nextAct: "lookUp",
              atMs: then + 100 * hour,
            },
            next,
          );
    await stand.ledger.replace(opened.token, entry);
  };

  test("closes an unknown, finds a double charge and what is missing on either side, and keeps a record", async () => {
    await enter("r-agreed", "approved", await pay("r-agreed", "r-r-agreed"));
    await pay("r-late", "r-r-late");
    await enter("r-late", "unknown");
    await enter("r-twice", "approved", await pay("r-twice", "r-r-twice"));
    const second = await pay("r-twice", "r-again");
    await pay("r-nobody", "r-nobody");
    await enter("r-gone", "approved", { transactionId: "1", orderId: "2" });

    expect(await turn(stand, reconcile)).toBeGreaterThan(1);

    expect((await stand.ledger.read(["r-late" as never])).get("r-late" as never)).toMatchObject({
      state: "approved",
      evidence: { kind: "feed_row" },
    });
    const told = await stand.told("review");
    expect(told.map(({ reason, chargeId }) => `${reason} ${chargeId}`).sort()).toEqual([
      "double_charge r-twice",
      "missing_at_gateway r-gone",
      "missing_in_ledger r-nobody",
    ]);
    expect(told.find(({ reason }) => reason === "double_charge")).toMatchObject({
      refundProposal: [
        { gateway: "centrobill", transactionId: second.transactionId, amount: "1999", currency: "EUR" },
      ],
      finding: { by: "several_request_ids", next: "confirm_the_refund" },
    });

    const book = dynamodbReconciliation(stand.clients.dynamodb, stand.env["LEDGER_TABLE"] ?? "");
    const records = await book.windows("centrobill", then - 30 * hour);
    const runs = records.flatMap((record) => (record.state === "done" ? [record.run] : []));
    expect(runs.every(({ complete }) => complete)).toBe(true);
    expect(records.map(({ state, begun }) => `${state} ${begun}`)).toEqual(records.map(() => "done 1"));
    const [own] = runs.filter(({ window }) => window.fromMs <= then && then < window.toMs);
    expect(own).toMatchObject({
      closed: 1,
      findings: { double_charge: 1, late_outcome: 1, missing_at_gateway: 1, missing_in_ledger: 1 },
      money: { EUR: { matched: "3998", unmatched: "5997", unknown: "0" } },
    });
    const written = reconcile.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(written.some((line) => "ReconciliationLagMs" in line)).toBe(true);
  });

  test("a second turn has nothing to do, and tells how fresh it is all the same", async () => {
    const before = reconcile.lines.length;
    expect(await turn(stand, reconcile)).toBe(0);
    expect(reconcile.lines.slice(before).some((line) => line.includes("ReconciliationLagMs"))).toBe(true);
    expect(await stand.told("review")).toEqual([]);
  });

  test("the book's condition is the table's own", async () => {
    const book = dynamodbReconciliation(stand.clients.dynamodb, stand.env["LEDGER_TABLE"] ?? "");
    const record = (token: string): WindowRecord => ({
      v: 1,
      gateway: "centrapay",
      fromMs: 0,
      toMs: 1,
      pass: 0,
      token: token as LeaseToken,
      begun: 0,
      state: "waiting",
    });
    expect(await book.replace(undefined, record("a"))).toEqual({ kind: "replaced" });
    expect(await book.replace(undefined, record("a"))).toEqual({ kind: "replaced" });
    expect(await book.replace(undefined, record("b"))).toEqual({ kind: "lost" });
    expect(await book.replace("a" as LeaseToken, record("b"))).toEqual({ kind: "replaced" });
    expect(await book.replace("a" as LeaseToken, record("c"))).toEqual({ kind: "lost" });
    expect(await book.windows("centrapay", 0)).toEqual([record("b")]);
    expect(await book.windows("centrapay", 1)).toEqual([]);
  });

  test("charges are read by the time of their first send, each once, in either order, and nothing else", async () => {
    const table = stand.env["LEDGER_TABLE"] ?? "";
    const charges = dynamodbSentCharges(stand.clients.dynamodb, table);
    await stand.ledger.reject({ v: 1, bodySha256: "b", code: "invalid_message", problems: [], atMs: 0 });
    const read = async (fromMs: number, toMs: number, order: SentOrder): Promise<readonly string[]> => {
      const seen: string[] = [];
      for await (const { sides } of charges.read("centrobill", { fromMs, toMs }, order))
        seen.push(...sides.map(({ chargeId }) => chargeId));
      return seen;
    };
    expect((await read(then, then, "oldestFirst")).toSorted()).toEqual([
      "r-agreed",
      "r-gone",
      "r-late",
      "r-twice",
    ]);
    expect(await read(then - 1_000, then - 1, "oldestFirst")).toEqual([]);
    const early = ["s-0", "s-1", "s-2", "s-3", "s-4"];
    for (const [at, chargeId] of early.entries())
      await stand.ledger.open(
        openEntry(chargeOf(chargeMessage(chargeId)), {
          fingerprint: `${at}`.repeat(64),
          requestId: `${chargeId}-r` as RequestId,
          token: `${chargeId}-1` as LeaseToken,
          nowMs: 1_000 + at,
          leaseMs: 1,
        }),
      );
    expect(await read(0, 2_000, "oldestFirst")).toEqual(early);
    expect(await read(1_001, 1_003, "newestFirst")).toEqual(["s-3", "s-2", "s-1"]);
    const nowhere = dynamodbSentCharges({ send: () => Promise.reject(new Error("no")) } as never, "t", 50);
    const none = nowhere.read("centrobill", { fromMs: 0, toMs: 1 }, "oldestFirst");
    await expect(none[Symbol.asyncIterator]().next()).rejects.toThrow(LedgerUnavailable);
  });
});
