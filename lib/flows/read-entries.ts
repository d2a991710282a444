import type { ChargeId } from "../core/charge.ts";
import type { LedgerEntry } from "../core/ledger.ts";
import type { Ledger } from "../ports.ts";

/**
 * The entries of these charges. One that this version cannot read fails the read of all: then they are read by
 * halves, until it stands alone, with the error in its place.
 */
export const readEntries = async (
  chargeIds: readonly ChargeId[],
  ledger: Pick<Ledger, "read">,
): Promise<ReadonlyMap<ChargeId, LedgerEntry | Error>> => {
  try {
    return await ledger.read(chargeIds);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "UnreadableItem") throw error;
    if (chargeIds.length <= 1) return new Map(chargeIds.map((chargeId) => [chargeId, error]));
    const middle = Math.floor(chargeIds.length / 2);
    const halves = [chargeIds.slice(0, middle), chargeIds.slice(middle)];
    return new Map(
      (await Promise.all(halves.map((half) => readEntries(half, ledger)))).flatMap((half) => [...half]),
    );
  }
};
