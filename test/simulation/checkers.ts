import type { LedgerEntry, LedgerState } from "../../lib/core/ledger.ts";
import { finalStates } from "../../lib/core/ledger.ts";

/** The promises that every history has to keep, each with the rules of money safety that it watches. */
export const checkers = {
  noChargeTwice: "S1, S2, S3: one charge is captured at most once",
  noSendOnceTold:
    "S2, S15: once a notice that an attempt was captured after all has been worked, nothing of its charge is sent",
  noChargeLost: "S8: a message goes only when the ledger holds the outcome and its route was accepted",
  everyChargeEnds: "S6: once the faults stop, every charge is final or in review in bounded time",
  approvedMeansCaptured: "S9, S10: approved is said only of what was captured, in full",
  declinedMeansNotCaptured: "S6, S10, S11: a final no is said only of what was not captured",
  unknownIsNeverForgotten: "S6: an unknown always has a message that somebody will work",
  noResendPastKeyLife: "S3: no request id is sent after its life",
  onlyLeaseHolderRecords: "S7: an entry is replaced only by who knows its token",
  finalNeverChanges: "S4, S15: a final state stays as it is",
  evidenceForEveryFinal: "S4: a final state carries its evidence",
  routedExactlyOncePerId: "S8: a route id always tells the same, and every final charge is told",
  noSendWhileClosed:
    "S3, pace: nothing is sent before a Retry-After is over, and no charge while an account is closed, by a worker that could have known",
  sentOnlyUnderLease: "S1, S7: what may move money is sent only by who holds the lease in the ledger",
  everySendIsListed: "S13, S14: nothing is sent of a charge that reconciliation would not find",
  noSecondPaymentRequest: "S2: while a create is unanswered, none is made again before it was looked for",
  badCredentialBurnsLittle:
    "pace: a worker that heard the account refused so often in a row sends no more charges there",
  noDeadLetters: "S8: no message becomes a dead letter, however long a gateway is closed",
  reviewHasACause:
    "S6: a charge in review has lost a send or a worker of its own: an outage alone sends none there",
  noticeIsVerified: "S15: what nobody of the gateway signed is refused at the door",
  givenBackIsTold: "S15: a notice of money given back reaches a person, whatever state its charge is in",
  everyDecisionIsOnRecord:
    "S4, S7: what leaves review was decided, by two where two are wanted, and its chained record is whole",
  neverBeyondNetworkLimit: "S1: no attempt reaches an instrument beyond what its network allows",
  closedInstrumentIsNeverCharged: "S1: on an instrument that a decline closed no attempt is opened again",
  reconciliationNamesEveryDouble:
    "S13: reconciliation names every charge that was captured twice, and no other",
  reportsTellWhatIs:
    "S5: no report of reconciliation calls a time compared that was not, and none leaves a finding out",
  ledgerAgreesWithGateway:
    "S4, S5: what the gateway captured is approved or in review, and nothing else is approved",
} as const;
export type CheckerName = keyof typeof checkers;

/** A promise that was broken. */
export class Violation extends Error {
  override readonly name = "Violation";
  readonly checker: CheckerName;
  /** none where it is about an account */
  readonly chargeId: string | undefined;

  constructor(checker: CheckerName, chargeId: string | undefined, what: string) {
    super(`${checker} (${checkers[checker]}): ${chargeId === undefined ? "" : `${chargeId}: `}${what}`);
    this.checker = checker;
    this.chargeId = chargeId;
  }
}

const isFinalState = (state: LedgerState): boolean => (finalStates as readonly LedgerState[]).includes(state);

/** What one write of the ledger may be. */
export const checkWrite = (
  before: LedgerEntry | undefined,
  after: LedgerEntry,
  namedToken: string | undefined,
): void => {
  const fail = (checker: CheckerName, what: string): never => {
    throw new Violation(checker, after.chargeId, what);
  };
  if (before !== undefined) {
    if (isFinalState(before.state) && before.state !== "declined_retryable")
      fail("finalNeverChanges", `${before.state} became ${after.state}`);
    if (namedToken !== before.token)
      fail("onlyLeaseHolderRecords", `${before.state} was replaced without its token`);
  }
  if ((isFinalState(after.state) || after.state === "review") && !("evidence" in after && after.evidence))
    fail("evidenceForEveryFinal", `${after.state} without evidence`);
  if (
    after.state === "approved" &&
    !["reply", "feed_row", "feed_rows", "notice", "stated"].includes(after.evidence.kind)
  )
    fail("evidenceForEveryFinal", `approved on ${after.evidence.kind}`);
};
