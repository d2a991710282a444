import type { LedgerEntry } from "../../../lib/core/ledger.ts";
import type { Desk } from "../../../lib/ports.ts";
import type { Mutant } from "./mutant.ts";

const replacing = (sound: Desk, change: (entry: LedgerEntry) => LedgerEntry): Desk => ({
  ...sound,
  ledger: { ...sound.ledger, replace: (previous, entry) => sound.ledger.replace(previous, change(entry)) },
});

/** Mistakes of a review desk. */
export const decisions: readonly Mutant[] = [
  {
    name: "decided-on-any-version",
    what: "a decision is written over whatever stands, and not over the version that it was made on",
    caughtBy: ["finalNeverChanges", "everyDecisionIsOnRecord", "noChargeTwice"],
    desk: (sound) => ({
      ...sound,
      ledger: {
        ...sound.ledger,
        async replace(_previous, entry) {
          const standing = (await sound.ledger.read([entry.chargeId])).get(entry.chargeId);
          return sound.ledger.replace(standing?.token ?? entry.token, entry);
        },
      },
    }),
  },
  {
    name: "resend-begins-a-new-life",
    what: "a resend that a person decides counts its key life from that moment on",
    caughtBy: ["noResendPastKeyLife"],
    desk: (sound) => ({
      ...replacing(sound, (entry) =>
        entry.state === "unknown" ? { ...entry, firstSendAtMs: entry.updatedAtMs } : entry,
      ),
      policy: { ...sound.policy, requestIdLifeMs: 365 * 86_400_000 },
    }),
  },
  {
    name: "not-found-is-absent",
    what: "a look that finds no row with our reference is taken for a certificate of absence",
    caughtBy: ["noChargeTwice", "declinedMeansNotCaptured"],
    look: (sound) => async (entry, charge, worker) => {
      const word = await sound(entry, charge, worker);
      return word.says === "nothing" || word.says === "not_asked" || word.says === "weak"
        ? { says: "absent", searches: [] }
        : word;
    },
  },
  {
    name: "one-person-decides",
    what: "who proposes a decision may carry it out",
    caughtBy: ["everyDecisionIsOnRecord"],
    desk: (sound) => ({ ...sound, policy: { ...sound.policy, secondPersonFor: [] } }),
  },
  {
    name: "charge-not-put-back",
    what: "a decision to send is written, and the charge's message is put onto no queue",
    caughtBy: ["everyChargeEnds", "unknownIsNeverForgotten", "routedExactlyOncePerId", "noChargeLost"],
    desk: (sound) => ({ ...sound, charges: { async send() {} } }),
  },
  {
    name: "decision-off-the-record",
    what: "a decision changes the charge and leaves nothing in its history",
    caughtBy: ["everyDecisionIsOnRecord"],
    desk: (sound) =>
      replacing(sound, (entry) => ({ ...entry, history: entry.history.filter(({ e }) => e !== "decided") })),
  },
];
