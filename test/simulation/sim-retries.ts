import type { ChargeId } from "../../lib/core/charge.ts";
import type { JsonObject } from "../../lib/core/json.ts";
import type { RetryRecord } from "../../lib/core/retry-record.ts";
import type { RouteMessage } from "../../lib/core/route-message.ts";
import { releaseRetries } from "../../lib/flows/release-retries.ts";
import { scheduleRetries } from "../../lib/flows/schedule-retries.ts";
import type { RetryBook, RetryReleaser } from "../../lib/ports.ts";
import type { Random } from "./random.ts";
import { type Appointment, type Schedule, still } from "./schedule.ts";
import type { SimTable } from "./sim-ledger.ts";
import type { SimWorker } from "./world.ts";

export type SimRetriesParts = {
  readonly schedule: Schedule;
  readonly random: Random;
  readonly table: Pick<SimTable, "entryOf" | "replace">;
  /** a worker in a process of its own: it may die or stand still, and none takes its place */
  workerOf(name: string): SimWorker;
  /** puts a charge's message back, with the faults that a queue has */
  readonly sendCharge: (name: string, charge: JsonObject) => Promise<void>;
  crashed(error: unknown): void;
};

/** A decline that was not dealt with comes again then. */
const visibilityMs = 360_000;
const everyMs = 300_000;
/** Later ones would be under way when the world ends. */
const releasesUntilMs = 7 * 86_400_000;

/** Both functions of later attempts: SQS delivers each decline until it is done, and the clock calls the other. */
export const startRetries = ({ schedule, random, table, workerOf, sendCharge, crashed }: SimRetriesParts) => {
  const records = new Map<string, RetryRecord>();
  const isDue = ({ state, dueMs }: RetryRecord, byMs: number): boolean =>
    state === "scheduled" && dueMs !== undefined && dueMs <= byMs;
  const dueAt = (byMs: number): readonly RetryRecord[] =>
    [...records.values()]
      .filter((record) => isDue(record, byMs))
      .sort((a, b) => (a.dueMs ?? 0) - (b.dueMs ?? 0));
  const isAnyDue = (byMs: number): boolean => {
    for (const record of records.values()) if (isDue(record, byMs)) return true;
    return false;
  };
  const bookOf = ({ effect }: Pick<SimWorker, "effect">): RetryBook => ({
    read: (chargeId) => effect("read retry", () => records.get(chargeId)),
    replace: (previous, record) =>
      effect("write retry", () => {
        const standing = records.get(record.chargeId);
        if (standing?.token === record.token) return { kind: "replaced" };
        if (standing?.token !== previous) return { kind: "lost" };
        records.set(record.chargeId, record);
        planTurn();
        return { kind: "replaced" };
      }),
  });
  let invocations = 0;
  const releaseOf =
    ({ effect }: Pick<SimWorker, "effect">): RetryReleaser["release"] =>
    (previous, entry, record) =>
      // One after the other, and nothing between: a transaction.
      effect(`release ${record.chargeId}`, () => {
        const isOwn = table.entryOf(entry.chargeId)?.token === entry.token;
        if (!isOwn && records.get(record.chargeId)?.token !== previous.record) return { kind: "lost" };
        if (table.replace(previous.entry, entry).kind === "lost") return { kind: "lost" };
        if (!isOwn) records.set(record.chargeId, record);
        return { kind: "released" };
      });
  const clerkOf = (): RetryReleaser => {
    const name = `r${++invocations}`;
    const worker = workerOf(name);
    return {
      ...worker,
      retries: bookOf(worker),
      release: releaseOf(worker),
      due: (byMs, most) =>
        worker.effect("due retries", () =>
          dueAt(byMs)
            .slice(0, most)
            .map(({ chargeId }): ChargeId => chargeId),
        ),
      sendCharge: (charge) => sendCharge(name, charge),
    };
  };

  const deliver = (message: RouteMessage, receives: number, afterMs: number): void => {
    schedule.after(afterMs, () => {
      let isHidden = true;
      const again = schedule.after(visibilityMs, () => {
        isHidden = false;
        deliver(message, receives + 1, 0);
      });
      const messageId = `${message.id} ${receives}`;
      scheduleRetries([{ messageId, body: JSON.stringify(message), receives }], clerkOf())
        .then((ends) => {
          // Who answers later than that has an old receipt, which moves nothing.
          if (!isHidden) return;
          again.cancel();
          const end = ends.get(messageId);
          if (end?.kind !== "done") deliver(message, receives + 1, end?.delayMs ?? 0);
        })
        .catch(crashed);
    });
  };

  /** An invocation that could not read the index ends, and the next one comes by the clock. */
  const failed = (error: unknown): void => {
    if (!(error instanceof Error) || error.name !== "LedgerUnavailable") crashed(error);
  };
  const release = (): typeof still | undefined => {
    turn = undefined;
    const found = isAnyDue(schedule.nowMs() + everyMs);
    if (found) releaseRetries(clerkOf()).catch(failed);
    planTurn();
    return found ? undefined : still;
  };
  const startMs = schedule.nowMs();
  let turn: { readonly atMs: number; readonly appointment: Appointment } | undefined;
  /** The clock has turns all the time; one at which nothing can be found is not taken: of two thousand, a few are left. */
  const planTurn = (): void => {
    let dueMs = Number.POSITIVE_INFINITY;
    for (const record of records.values())
      if (record.state === "scheduled") dueMs = Math.min(dueMs, record.dueMs ?? dueMs);
    const sinceMs = schedule.nowMs() - startMs;
    const nth = Math.max(Math.floor(sinceMs / everyMs) + 1, Math.ceil((dueMs - startMs) / everyMs) - 1);
    const atMs = nth * everyMs;
    if (atMs >= releasesUntilMs || (turn !== undefined && turn.atMs <= atMs)) return;
    turn?.appointment.cancel();
    turn = { atMs, appointment: schedule.after(atMs - sinceMs, release) };
  };

  return {
    /** the records, with the faults that a worker's effects have */
    bookOf,
    /** a retryable decline was put onto its queue */
    hear: (message: RouteMessage) => deliver(message, 1, random.between(50, 5_000)),
    waits: (chargeId: string): boolean => records.get(chargeId)?.state === "scheduled",
  };
};
