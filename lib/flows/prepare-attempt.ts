import { classify } from "../core/classify.ts";
import { endingOf } from "../core/decide.ts";
import type { HistoryEvent, OpenedEntry } from "../core/ledger.ts";
import { nextEntry } from "../core/ledger.ts";
import { maskedExcerpt } from "../core/masked-message.ts";
import type { FoundPrepared, Preparation, Prepared } from "../core/preparation.ts";
import type { Asked } from "../core/reply.ts";
import type { Transport } from "../core/transport.ts";
import type { RecordedVerdict } from "../core/verdict.ts";
import type { Worker } from "../ports.ts";
import { type Addressed, stamp } from "./charge-worker.ts";
import { pacedSend } from "./paced-send.ts";
import { replaceEntry } from "./replace-entry.ts";

/** An attempt that may be sent now, one that ends before it was sent, or one that another worker has. */
export type PreparedAttempt =
  | { readonly kind: "ready"; readonly entry: OpenedEntry }
  | { readonly kind: "ended"; readonly entry: OpenedEntry; readonly verdict: RecordedVerdict }
  | { readonly kind: "lost" };

/** Pages that are read to find what was made: more are not of one charge. */
const foundPagesMax = 20;

/** What has less than this left may be over when the charge arrives. */
const leftMinMs = 10_000;

/**
 * Whether what was made can no longer be charged, and nothing was ever sent on it: a charge that was held back
 * for so long gets another one, and is not declined for having waited.
 */
const isOver = ({ expiresAtMs }: Prepared, entry: OpenedEntry, nowMs: number): boolean =>
  expiresAtMs !== undefined && entry.lastSendAtMs === undefined && nowMs > expiresAtMs - leftMinMs;

const noted = (entry: OpenedEntry, event: HistoryEvent): OpenedEntry => ({
  ...entry,
  history: [...entry.history, event],
});

/** Gives the attempt back unsent; what may have been made meanwhile is remembered. */
const unsent = (
  entry: OpenedEntry,
  atMs: number,
  why: { readonly at: number; readonly text: string; readonly lostAtMs?: number },
): PreparedAttempt => {
  const failed = noted(entry, { e: "prepare_failed", at: why.at, why: why.text });
  return {
    kind: "ended",
    entry: why.lostAtMs === undefined ? failed : { ...failed, preparation: { lostAtMs: why.lostAtMs } },
    verdict: { kind: "sendAgain", atMs },
  };
};

/**
 * Makes what the gateway wants to exist before the charge is sent, and keeps its id in the ledger before
 * anything is sent on it: a crash between the two finds it again, and never pays on two of them. Making moves
 * no money, so that a `make` whose answer is lost is looked for and not an unknown outcome.
 */
export const prepareAttempt = async (
  entry: OpenedEntry,
  { charge, gateway }: Addressed,
  worker: Worker,
): Promise<PreparedAttempt> => {
  const preparation = gateway.preparationOf?.(charge);
  if (preparation === undefined) return { kind: "ready", entry };
  const prepared = entry.preparation?.prepared;
  if (prepared !== undefined) {
    if (!isOver(prepared, entry, worker.clock.nowMs())) return { kind: "ready", entry };
    return make(entry, preparation, { charge, gateway }, worker);
  }
  const lostAtMs = entry.preparation?.lostAtMs;
  if (lostAtMs !== undefined) {
    const nowMs = worker.clock.nowMs();
    // Another worker, with another clock, may have made it.
    const harmlessAtMs =
      lostAtMs +
      (preparation.findAfterMs === undefined ? 0 : preparation.findAfterMs + worker.policy.clockSkewMs);
    if (nowMs < harmlessAtMs)
      return { kind: "ended", entry, verdict: { kind: "sendAgain", atMs: harmlessAtMs } };
    const found = await find(entry, preparation, { charge, gateway }, worker);
    if ("failure" in found) return unsent(entry, nowMs, { at: nowMs, text: found.failure });
    const paid = found.find(({ state }) => state === "charged" || state === "unlisted");
    if (paid !== undefined)
      return {
        kind: "ended",
        entry,
        verdict: {
          kind: "review",
          // Nothing of ours was ever sent on it.
          reason: "contradiction",
          evidence: {
            kind: "lookups",
            atMs: nowMs,
            made: entry.lookups + 1,
            failed: 0,
            lastSendAtMs: entry.openedAtMs,
          },
        },
      };
    const open = found.findLast(({ state }) => state === "open");
    if (open !== undefined) return keep(entry, open.prepared, worker);
  }
  return make(entry, preparation, { charge, gateway }, worker);
};

const make = async (
  entry: OpenedEntry,
  preparation: Preparation,
  { charge, gateway }: Addressed,
  worker: Worker,
): Promise<PreparedAttempt> => {
  const atMs = worker.clock.nowMs();
  const { transport } = await pacedSend(
    gateway,
    "charge",
    preparation.make(charge),
    {
      timeoutMs: worker.gatewayTimeoutMs,
      notAfterMs: Math.min(entry.leaseUntilMs, charge.notAfterMs ?? Number.POSITIVE_INFINITY),
    },
    worker,
  );
  const nowMs = worker.clock.nowMs();
  if (transport.kind === "neverSent") return unsent(entry, nowMs, { at: atMs, text: transport.cause });
  if (transport.kind === "replied" && gateway.rules.statuses[transport.status]?.meaning === "read") {
    const read = preparation.readMade(transport);
    if (read.kind === "made") return keep(entry, read.prepared, worker);
  }
  const refusal = refusalOf(transport, preparation, { charge, gateway }, entry);
  if (refusal !== undefined)
    return {
      kind: "ended",
      entry,
      verdict: {
        kind: "settle",
        ...refusal,
        evidence: {
          kind: "reply",
          atMs: nowMs,
          status: transport.kind === "replied" ? transport.status : 0,
          ...(refusal.ending.code === undefined ? {} : { code: refusal.ending.code }),
          bodySha256: transport.kind === "replied" ? transport.bodySha256 : "",
        },
      },
    };
  const text = transport.kind === "replied" ? `HTTP ${transport.status}` : transport.cause;
  return unsent(entry, nowMs, { at: atMs, text, lostAtMs: nowMs });
};

/** The ending of an answer that refuses to make it: nothing was made, so nothing can be charged. */
const refusalOf = (
  transport: Transport,
  preparation: Preparation,
  { charge, gateway }: Addressed,
  entry: OpenedEntry,
) => {
  const asked: Asked = {
    chargeId: charge.chargeId,
    requestId: entry.requestId,
    amountMinor: charge.money.amountMinor,
    currency: charge.money.currency,
  };
  const outcome = classify(transport, asked, {
    ...gateway.rules,
    readReply: (reply) => {
      const read = preparation.readMade(reply);
      return read.kind === "made" ? { kind: "unproven", why: "contradiction", ids: {} } : read;
    },
  });
  if (outcome.kind !== "declined" && outcome.kind !== "requestError") return undefined;
  const ended = endingOf(outcome);
  const { description } = ended.ending;
  return description === undefined
    ? ended
    : {
        ...ended,
        ending: {
          ...ended.ending,
          description: maskedExcerpt(description, gateway.secretsOf(charge), 200),
        },
      };
};

/** Writes what was made into the ledger, if the lease is still ours (S7). */
const keep = async (entry: OpenedEntry, prepared: Prepared, worker: Worker): Promise<PreparedAttempt> => {
  const by = stamp(worker);
  const { leaseUntilMs } = entry;
  const next = nextEntry<OpenedEntry>(
    noted(entry, { e: "prepared", at: by.nowMs, id: prepared.id }),
    { state: "opened", leaseUntilMs },
    { preparation: { prepared } },
    by,
  );
  return (await replaceEntry(entry, next, worker)) ? { kind: "ready", entry: next } : { kind: "lost" };
};

/**
 * Looks for what was made for the charge. Not beyond the lease: whoever holds the next one may have made something
 * since, and a look may be all that it takes to have that paid.
 */
const find = async (
  { leaseUntilMs }: OpenedEntry,
  preparation: Preparation,
  { charge, gateway }: Addressed,
  worker: Worker,
): Promise<readonly FoundPrepared[] | { readonly failure: string }> => {
  const found: FoundPrepared[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < foundPagesMax; page++) {
    const { transport } = await pacedSend(
      gateway,
      "lookUp",
      preparation.find(charge, cursor),
      { timeoutMs: worker.gatewayTimeoutMs, notAfterMs: leaseUntilMs },
      worker,
    );
    if (transport.kind !== "replied") return { failure: `looking for it: ${transport.cause}` };
    const read = preparation.readFound(transport);
    if (read.kind === "unreadable") return { failure: `looking for it: ${read.why}` };
    found.push(...read.found);
    if (read.next === undefined || read.next === cursor) return found;
    cursor = read.next;
  }
  return { failure: "looking for it: pages without end" };
};
