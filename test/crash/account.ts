import type { SandboxCentrobill } from "../../infra/local/sandbox-centrobill/server.ts";
import type { ChargeId } from "../../lib/core/charge.ts";
import { finalStates, type LedgerEntry } from "../../lib/core/ledger.ts";
import type { Ledger } from "../../lib/ports.ts";
import type { CrashMessage } from "./messages.ts";
import type { Outcomes } from "./outcomes.ts";

export type Account = {
  readonly states: Readonly<Record<string, number>>;
  readonly rejected: number;
  readonly captures: number;
  /** charges in review, those of them that were captured, and those that a person was owed in any case */
  readonly inReview: number;
  readonly capturedInReview: number;
  readonly reviewReasons: Readonly<Record<string, number>>;
  /** what must never be, in words */
  readonly violations: readonly string[];
};

const atOnce = 100;

/** Compares what the ledger holds and what was told with what the gateway truly did. */
export const takeAccount = async (
  sent: readonly CrashMessage[],
  ledger: Ledger,
  outcomes: Outcomes,
  sandbox: Pick<SandboxCentrobill, "truth" | "capturesOf">,
): Promise<Account> => {
  const violations: string[] = [];
  const states: Record<string, number> = {};
  const reviewReasons: Record<string, number> = {};
  let capturedInReview = 0;
  let rejected = 0;

  for (const { chargeId, transactions } of sandbox.truth().doubleCharges)
    violations.push(`${chargeId}: captured ${transactions.length} times`);

  const checkRejected = ({ chargeId }: CrashMessage): void => {
    rejected += 1;
    const told = outcomes.toldOf(chargeId);
    if (told.length !== 1 || told[0]?.outcome !== "request_error")
      violations.push(
        `${chargeId}: is no charge, and was told as ${told.map(({ id }) => id).join(", ") || "nothing"}`,
      );
    if (sandbox.capturesOf(chargeId).length > 0)
      violations.push(`${chargeId}: is no charge, and was captured`);
  };

  /** What is wrong with a charge, in words. */
  const wrongsOf = (chargeId: string, entry: LedgerEntry | undefined): readonly string[] => {
    if (entry === undefined) return ["lost: the ledger does not know it"];
    const { state } = entry;
    states[state] = (states[state] ?? 0) + 1;
    if (!(finalStates as readonly string[]).includes(state) && state !== "review")
      return [`is still ${state}`];
    if (!("evidence" in entry)) return [`${state} without evidence (S4)`];
    const wrongs: string[] = [];
    const id = `${chargeId}#${entry.attempt}#${state}`;
    const told = outcomes.toldOf(chargeId).map((message) => message.id);
    if (!told.includes(id)) wrongs.push(`${state}, and nobody was told (S8)`);
    if (told.some((other) => other !== id)) wrongs.push(`told as ${told.join(" and as ")}`);
    const captures = sandbox.capturesOf(chargeId);
    const [capture] = captures;
    if (state === "review") {
      const { reason } = entry as Extract<LedgerEntry, { state: "review" }>;
      reviewReasons[reason] = (reviewReasons[reason] ?? 0) + 1;
      if (captures.length > 0) capturedInReview += 1;
    } else if (state !== "approved") {
      if (captures.length > 0) wrongs.push(`${state}, and captured`);
    } else if (captures.length !== 1) wrongs.push(`approved, and captured ${captures.length} times`);
    else if (capture?.amountMinor !== entry.amount || capture.currency !== entry.currency)
      wrongs.push("approved, and another amount was captured (S9)");
    return wrongs;
  };

  for (const message of sent) if (!message.valid) checkRejected(message);
  const charges = sent.filter(({ valid }) => valid);
  for (let from = 0; from < charges.length; from += atOnce) {
    const some = charges.slice(from, from + atOnce);
    const entries = await ledger.read(some.map(({ chargeId }) => chargeId as ChargeId));
    for (const { chargeId } of some)
      for (const wrong of wrongsOf(chargeId, entries.get(chargeId as ChargeId)))
        violations.push(`${chargeId}: ${wrong}`);
  }
  return {
    states,
    rejected,
    captures: sandbox.truth().captures,
    inReview: states["review"] ?? 0,
    capturedInReview,
    reviewReasons,
    violations,
  };
};
