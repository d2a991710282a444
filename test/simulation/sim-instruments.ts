import type { LedgerEntry } from "../../lib/core/ledger.ts";
import type { CheckerName } from "./checkers.ts";
import type { Random } from "./random.ts";

/** A few cards, so that charges meet on them; the word for the network may be missing. */
const cards = [
  { ref: "card-1", network: "mastercard" },
  { ref: "card-2", network: "visa" },
  { ref: "card-3" },
] as const;

/** Most are on the first, so that its day's count is used up in most histories. */
const drawn = [cards[0], cards[0], cards[0], cards[1], cards[2]];

/** The message of a charge on one of them. */
export const onCard = (body: string, random: Random): string =>
  JSON.stringify({ ...(JSON.parse(body) as object), instrument: random.pick(drawn) });

const dayMs = 86_400_000;
/** Written down once more, by hand: the shipped tables must not be what they are checked by. */
const limits = [
  { networks: ["mastercard", undefined], max: 10, perMs: dayMs, byAmount: false },
  { networks: ["mastercard", undefined], max: 35, perMs: 30 * dayMs, byAmount: true },
  { networks: ["visa", undefined], max: 20, perMs: 30 * dayMs, byAmount: true },
] as const;
const neverAgain = new Set("04 07 12 14 15 41 43 46 57 R0 R1 R3".split(" "));

type Attempt = { atMs: number; readonly money: string };

/** Watches what reaches each instrument, by the networks' rules and not by the ledger's counts. */
export const instrumentWatch = (fail: (checker: CheckerName, chargeId: string, what: string) => void) => {
  const attempts = new Map<string, Map<string, Attempt>>();
  const closed = new Map<string, string>();
  return {
    /** The first byte of a charge left, the first one of its request id or another. */
    sent(
      { chargeId, requestId, instrumentRef, instrumentNetwork, amount, currency }: LedgerEntry,
      atMs: number,
    ): void {
      if (instrumentRef === undefined) return;
      const own = attempts.get(instrumentRef) ?? new Map<string, Attempt>();
      attempts.set(instrumentRef, own);
      // Sent again it may be this time that it arrives.
      own.set(requestId, { atMs, money: `${amount} ${currency}` });
      for (const { networks, max, perMs, byAmount } of limits) {
        if (!(networks as readonly (string | undefined)[]).includes(instrumentNetwork)) continue;
        const count = [...own.values()].filter(
          (one) => one.atMs > atMs - perMs && (!byAmount || one.money === `${amount} ${currency}`),
        ).length;
        if (count > max)
          fail(
            "neverBeyondNetworkLimit",
            chargeId,
            `attempt ${count} on ${instrumentRef}, and ${max} are allowed`,
          );
      }
    },
    wrote(before: LedgerEntry | undefined, after: LedgerEntry): void {
      const { instrumentRef, instrumentNetwork, chargeId } = after;
      if (instrumentRef === undefined) return;
      const begins =
        after.state === "opened" &&
        (before === undefined || before.state === "waiting" || before.requestId !== after.requestId);
      const by = closed.get(instrumentRef);
      if (begins && by !== undefined)
        fail("closedInstrumentIsNeverCharged", chargeId, `opened on ${instrumentRef}, which ${by} closed`);
      const declined = after.state === "declined_permanent" || after.state === "declined_retryable";
      const code = declined ? after.ending.networkCode : undefined;
      if (code !== undefined && neverAgain.has(code) && instrumentNetwork !== "mastercard")
        closed.set(instrumentRef, `${chargeId}'s ${code}`);
    },
  };
};
