import type { Evidence, FeedRowEvidence, Search } from "./evidence.ts";
import type { FeedRow } from "./feed.ts";
import { lastWords } from "./last-words.ts";
import type { Ending, ReviewEntry, ReviewReason, UnknownEntry } from "./ledger.ts";
import type { Found } from "./matching.ts";
import type { Mismatch } from "./outcome.ts";
import type { Policy } from "./policy.ts";
import type { Asked, GatewayIds, GatewayRules } from "./reply.ts";
import {
  certifiesAbsence,
  noteLookUp,
  type Resolution,
  resolve,
  type Scan,
  searchesForAbsence,
} from "./resolution.ts";

/** Why a gateway was not asked about a charge, or could not be. */
export type NotAskedWhy =
  /** it has nothing that could be asked */
  | "no_feed"
  /** asking may set the charge off: then it is a send, and never only a look */
  | "asking_moves_money"
  /** what has to be asked stands in the charge's own message, which is not at hand */
  | "no_charge_message"
  | "failed";

/** What a gateway says of a charge now, as far as it proves something. */
export type GatewayWord =
  | { readonly says: "not_asked"; readonly why: NotAskedWhy; readonly text?: string }
  /** taken once, and exactly as asked */
  | {
      readonly says: "captured";
      readonly evidence: FeedRowEvidence;
      readonly code: string;
      readonly ids: GatewayIds;
    }
  /** money was taken, or taken and given back, and not as asked */
  | {
      readonly says: "captured_otherwise";
      readonly reason: ReviewReason;
      readonly rows: readonly FeedRowEvidence[];
      readonly mismatch?: Mismatch;
    }
  /** refused, and that covers every send */
  | { readonly says: "declined"; readonly evidence: Evidence; readonly ending: Ending }
  /** accepted; its last word is to come */
  | { readonly says: "pending" }
  /** certified absent (S5), this look-up among the searches */
  | { readonly says: "absent"; readonly searches: readonly Search[] }
  /** only rows that look like it, without our reference (S14); `absent`: and otherwise it is certified absent */
  | {
      readonly says: "weak";
      readonly rows: readonly FeedRowEvidence[];
      readonly absent: boolean;
      readonly searches: readonly Search[];
    }
  /** asked, and nothing is proved */
  | { readonly says: "nothing"; readonly whole: boolean };

/** A charge in review as it was while it was looked for: what a look-up is weighed against. */
export const asUnknown = (entry: ReviewEntry): UnknownEntry => {
  const {
    reason,
    evidence: _evidence,
    finalAtMs: _finalAtMs,
    ending: _ending,
    mismatch: _mismatch,
    droppedAtMs: _droppedAtMs,
    ...base
  } = entry;
  const waited = entry.history.findLast(
    (event) => event.e === "recorded" && (event.state === "unknown" || event.state === "pending"),
  );
  return {
    ...base,
    // What the gateway has accepted is never taken for absent.
    state: waited?.e === "recorded" && waited.state === "pending" ? "pending" : "unknown",
    reason: reason === "unlisted_answer" ? "unlisted" : "no_answer",
    nextAtMs: entry.updatedAtMs,
    nextAct: "lookUp",
  };
};

export type LookedAt = {
  readonly found: Found;
  readonly scan: Scan;
  readonly rowSha256: (row: FeedRow) => string;
};

/** What a look-up says of a charge in review. The ledger is not changed by it. Total. */
export const wordOfLook = (
  entry: ReviewEntry,
  { found, scan, rowSha256 }: LookedAt,
  rules: GatewayRules,
  policy: Policy,
  gatewayTimeoutMs: number,
  nowMs: number,
): GatewayWord => {
  const asked: Asked = {
    chargeId: entry.chargeId,
    requestId: entry.requestId,
    amountMinor: BigInt(entry.amount),
    currency: entry.currency,
  };
  const noted = noteLookUp(asUnknown(entry), scan, found, policy, gatewayTimeoutMs);
  const resolution = resolve(
    { entry: noted, found, scan, rowSha256 },
    asked,
    rules,
    policy,
    gatewayTimeoutMs,
    nowMs,
  );
  if (resolution.kind === "settle") {
    const { state, ending, evidence } = resolution;
    if (state !== "approved") return { says: "declined", ending, evidence };
    return evidence.kind === "feed_row"
      ? { says: "captured", evidence, code: ending.code ?? "", ids: resolution.ids ?? {} }
      : { says: "nothing", whole: scan.whole };
  }
  const evidenceOf = (row: FeedRow): FeedRowEvidence => ({
    kind: "feed_row",
    atMs: scan.atMs,
    ...("code" in row.reply ? { code: row.reply.code } : {}),
    rowSha256: rowSha256(row),
    ...(row.transactionId === undefined ? {} : { transactionId: row.transactionId }),
    ...(row.orderId === undefined ? {} : { orderId: row.orderId }),
  });
  const rowsOf = (evidence: Evidence): readonly FeedRowEvidence[] =>
    evidence.kind === "feed_rows" ? evidence.rows : evidence.kind === "feed_row" ? [evidence] : [];
  const own = lastWords(found.own, (row) => row.reply.kind === "captured");
  const isCaptured = [...own, ...found.otherAttempt].some((row) => row.reply.kind === "captured");
  if (resolution.kind === "review" && isCaptured)
    return {
      says: "captured_otherwise",
      reason: resolution.reason,
      rows: rowsOf(resolution.evidence),
      ...(resolution.mismatch === undefined ? {} : { mismatch: resolution.mismatch }),
    };
  if (own.some((row) => row.reply.kind === "accepted")) return { says: "pending" };
  if (resolution.kind === "review" && resolution.reason === "unlisted_answer" && scan.whole) {
    const { evidence } = resolution;
    // It ended unpaid, and nothing can be taken on it any more: no is its last word, whatever the first was.
    if (evidence.kind === "feed_row")
      return {
        says: "declined",
        evidence,
        ending: evidence.code === undefined ? {} : { code: evidence.code },
      };
  }
  if (found.weak.length > 0 && own.length === 0)
    return {
      says: "weak",
      rows: found.weak.slice(0, 8).map(evidenceOf),
      absent:
        noted.absences.length >= searchesForAbsence &&
        certifiesAbsence(noted, scan, policy, gatewayTimeoutMs),
      searches: noted.absences,
    };
  return isCertifiedBy(resolution)
    ? { says: "absent", searches: noted.absences }
    : { says: "nothing", whole: scan.whole };
};

const afterCertificate: readonly ReviewReason[] = [
  "absent",
  "absent_past_key_life",
  "absent_not_sendable",
  "unlisted_answer",
];

/** The certificate is complete where the machine would act on it, or leaves what follows to a person. */
const isCertifiedBy = (resolution: Resolution): boolean =>
  resolution.kind === "resendAbsent" ||
  resolution.kind === "newAttempt" ||
  (resolution.kind === "review" &&
    resolution.evidence.kind === "absence" &&
    afterCertificate.includes(resolution.reason));

/** A word as it is kept in a decision, and shown: what was said, and no more of it than its name. */
export const wordText = (word: GatewayWord): string => {
  switch (word.says) {
    case "not_asked":
      return `not asked: ${word.why}${word.text === undefined ? "" : ` (${word.text})`}`.slice(0, 160);
    case "captured":
      return `captured${idText([word.evidence])}`;
    case "captured_otherwise":
      return `captured, but ${word.reason}${idText(word.rows)}`;
    case "declined":
      return `declined${word.ending.code === undefined ? "" : `, code ${word.ending.code}`}`.slice(0, 160);
    case "pending":
      return "pending: its last word is to come";
    case "absent":
      return `absent by ${word.searches.length} searches`;
    case "weak":
      return `only like it${idText(word.rows)}`;
    case "nothing":
      return word.whole ? "nothing that proves an outcome" : "nothing, and not all could be read";
  }
};

const idText = (rows: readonly FeedRowEvidence[]): string => {
  const ids = rows.flatMap(({ transactionId }) => transactionId ?? []);
  return ids.length === 0 ? "" : `: ${ids.join(", ")}`.slice(0, 120);
};
