import { type ChargeId, parseChargeId } from "../core/charge.ts";
import type { FeedRow } from "../core/feed.ts";
import type { LedgerEntry } from "../core/ledger.ts";
import { type GatewaySide, ledgerSideOf } from "../core/sides.ts";
import type { Worker } from "../ports.ts";
import { ask, type FeedOf } from "./scan-feed.ts";

/** A row of money given back that names no charge of ours: of which, its transaction alone tells. */
export const isNamelessReversal = (rows: readonly GatewaySide[]): boolean =>
  rows.length > 0 && rows.every(({ kind, chargeId }) => kind === "reversal" && chargeId === undefined);

/**
 * Whose money a row gives back, where that was taken so long ago that the run does not read its charge: as the
 * notices or the ledger remember the transaction, else as the gateway's own row of it says. It is believed only
 * of a charge that the ledger has under that very transaction or order.
 */
export const chargeOfReversal = async (
  [row]: readonly GatewaySide[],
  of: FeedOf,
  worker: Worker,
  reserveMs: number,
): Promise<LedgerEntry | undefined> => {
  if (row === undefined) return undefined;
  const ofLedger = async (chargeId: ChargeId | undefined): Promise<LedgerEntry | undefined> => {
    if (chargeId === undefined) return undefined;
    const entry = (await worker.ledger.read([chargeId])).get(chargeId);
    if (entry === undefined) return undefined;
    const { transactionId, orderId, preparedId } = ledgerSideOf(entry);
    const isSame =
      (transactionId !== undefined && transactionId === row.parentTransactionId) ||
      (row.orderId !== undefined && [orderId, preparedId].includes(row.orderId));
    return isSame ? entry : undefined;
  };
  for (const name of [row.parentTransactionId, row.orderId]) {
    if (name === undefined) continue;
    const kept = await worker.notices?.read(of.gateway.name, name);
    for (const chargeId of [kept?.chargeId, ...(kept?.notices ?? []).map((notice) => notice.chargeId)]) {
      const entry = await ofLedger(chargeId);
      if (entry !== undefined) return entry;
    }
  }
  const { parentTransactionId } = row;
  const request =
    parentTransactionId === undefined ? undefined : of.feed.idRequest({ transactionId: parentTransactionId });
  if (request === undefined) return undefined;
  const reply = await ask(of.gateway, request, worker, reserveMs, 2);
  const page = "failure" in reply ? undefined : of.feed.readPage(reply, of.feed.firstCursor);
  const rows: readonly FeedRow[] = page?.kind === "page" ? page.rows : [];
  const own = rows.find(({ transactionId }) => transactionId === parentTransactionId);
  return ofLedger(own?.chargeId === undefined ? undefined : parseChargeId(own.chargeId));
};
