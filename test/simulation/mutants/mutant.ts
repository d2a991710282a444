import type { Look } from "../../../lib/flows/decide-review.ts";
import type { Desk, PaceBook, Reconciler, RedriveQueue, Worker } from "../../../lib/ports.ts";
import type { CheckerName } from "../checkers.ts";
import type { DeadLetters } from "../redrivers.ts";
import type { ChargeWay } from "../sim-charges.ts";
import type { Flows } from "../world.ts";

/** A deliberate mistake in the order of effects: what a checker that cannot fail would not see. */
export type Mutant = {
  readonly name: string;
  /** the mistake, in a few words */
  readonly what: string;
  /** the checkers of which one has to find it */
  readonly caughtBy: readonly CheckerName[];
  /** the ways of charging that it is about; all by default */
  readonly ways?: readonly ChargeWay[];
  /** the shipped flows with the mistake around them */
  readonly flows?: (shipped: Flows) => Flows;
  /** what one invocation works with, with the mistake in it */
  readonly worker?: (sound: Worker) => Worker;
  /** what a review desk works with, with the mistake in it; people decide in each of its histories then */
  readonly desk?: (sound: Desk) => Desk;
  /** how a desk asks a gateway, with the mistake in it; people decide in each of its histories then */
  readonly look?: (sound: Look) => Look;
  /** how a dead letter is put back, with the mistake in it; messages die in each of its histories then */
  readonly redriver?: (sound: DeadLetters) => RedriveQueue;
  /** its charges name instruments, and later attempts are made */
  readonly onCards?: true;
  /** what a run of reconciliation works with, with the mistake in it; each of its histories is reconciled then */
  readonly reconciler?: (sound: Reconciler) => Reconciler;
  /** whether only what reconciliation finds is checked: the mistakes before it are there to be found by it */
  readonly forReconciliation?: true;
  /** what one process keeps of the pace that all share, with the mistake in it */
  readonly book?: (shared: PaceBook) => PaceBook;
};
