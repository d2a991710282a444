import type { GatewayName } from "../../lib/core/charge.ts";
import type { PaceRecord } from "../../lib/core/pace.ts";
import type { Asking } from "./sim-gateway.ts";
import type { SimProcess } from "./sim-process.ts";

/** How often a worker reads the shared record at the most. */
const readEveryMs = 1_000;
/** What a read may take on top: two calls to the ledger, and one that was just on its way. */
const readSlackMs = 100;
/** How long whoever hears a 429 may take to write it down: twelve tries against others. */
const shareMs = 400;

/** A Retry-After that a worker heard. Its end is by that worker's clock: the record carries it to the others. */
type Pause = {
  readonly by: SimProcess;
  readonly heardAtMs: number;
  /** in the world's time */
  readonly endsAtMs: number;
  /** when the shared record began to say it */
  writtenAtMs?: number;
};

type Shut = { readonly because: "outage" | "credential"; readonly sinceMs: number; readonly by: SimProcess };

type Account = {
  pauses: Pause[];
  shut: Shut | undefined;
  /** when each process last heard an answer to a look-up that disproves the one and the other closing */
  readonly disproved: Readonly<Record<Shut["because"], Map<SimProcess, number>>>;
  /** charges refused for the account in a row, as each process heard them */
  readonly refused: Map<SimProcess, { readonly inRow: number; readonly lastAtMs: number }>;
};

/**
 * Watches that nothing is sent to a closed account by a worker that could have known.
 *
 * A worker knows of a 429 from the moment it hears it, and of one that another heard when the shared record has
 * said so for a second (a record is read no more often), whoever was to write it having had the time to. A
 * worker that froze, or that the ledger failed, gets that second anew. What was handed to the wire before is
 * allowed; the end of a pause is by the worker's own clock, which is all it can tell. The same goes for an
 * account that is closed for an outage or a credential, which only a look-up may open: until then no charge.
 */
export type Closings = {
  /** a request is handed to the wire; says what is wrong with that */
  begins(process: SimProcess, gateway: GatewayName, asking: Asking): string | undefined;
  /** the answer has reached the worker; `undefined`: none came */
  hears(
    process: SimProcess,
    gateway: GatewayName,
    asking: Asking,
    heard: { readonly status: number; readonly retryAfterMs?: number } | undefined,
  ): void;
  /** the shared record was replaced; says what is wrong with that */
  written(process: SimProcess, gateway: GatewayName, record: PaceRecord): string | undefined;
  /**
   * Charges that this process heard refused for the account in a row. None where the ledger has failed it
   * since: what it could not write down is in force with it alone, and not for long.
   */
  refusedInRow(process: SimProcess, gateway: GatewayName): number;
};

export const closingsOf = (
  nowMs: () => number,
  refusesAccount: (gateway: GatewayName, status: number) => boolean,
): Closings => {
  const accounts = new Map<GatewayName, Account>();
  const accountOf = (gateway: GatewayName): Account => {
    const account = accounts.get(gateway) ?? {
      pauses: [],
      shut: undefined,
      disproved: { outage: new Map(), credential: new Map() },
      refused: new Map(),
    };
    accounts.set(gateway, account);
    return account;
  };

  /** From when on a process could have known what another has written at that moment. */
  const knownFrom = (process: SimProcess, writtenAtMs: number): number =>
    Math.max(writtenAtMs, process.frozenUntilMs, process.ledgerFailedAtMs) + readEveryMs + readSlackMs;

  const knows = (process: SimProcess, { by, heardAtMs, writtenAtMs }: Pause, now: number): boolean => {
    if (process === by) return now > heardAtMs;
    const shared = writtenAtMs ?? (by.troubledAtMs >= heardAtMs ? undefined : heardAtMs + shareMs);
    return shared !== undefined && now > knownFrom(process, shared);
  };

  return {
    begins(process, gateway, { kind }) {
      const account = accountOf(gateway);
      const now = nowMs();
      account.pauses = account.pauses.filter(({ endsAtMs }) => endsAtMs + 120_000 > now);
      const pause = account.pauses.find((one) => {
        const endsAtMs = one.endsAtMs + one.by.skewMs - process.skewMs;
        return now < endsAtMs && knows(process, one, now);
      });
      if (pause !== undefined)
        return `${kind} sent by ${process.name} to ${gateway} ${pause.endsAtMs - now} ms before the end of the Retry-After that ${pause.by.name} heard ${now - pause.heardAtMs} ms ago`;
      const { shut } = account;
      if (shut === undefined || (kind !== "charge" && kind !== "make")) return undefined;
      const known = process === shut.by ? now > shut.sinceMs : now > knownFrom(process, shut.sinceMs);
      return known
        ? `${kind} sent by ${process.name} to ${gateway}, closed for ${shut.because} ${now - shut.sinceMs} ms ago`
        : undefined;
    },

    hears(process, gateway, { kind }, heard) {
      const account = accountOf(gateway);
      const now = nowMs();
      if (heard === undefined) return;
      const { status, retryAfterMs } = heard;
      if (status === 429) {
        if (retryAfterMs !== undefined)
          account.pauses.push({ by: process, heardAtMs: now, endsAtMs: now + retryAfterMs });
        return;
      }
      const refuses = refusesAccount(gateway, status);
      if (kind === "charge" || kind === "make") {
        const { inRow = 0 } = account.refused.get(process) ?? {};
        if (refuses) account.refused.set(process, { inRow: inRow + 1, lastAtMs: now });
        else if (status < 500) account.refused.delete(process);
      } else if (status < 500) {
        // A host that refuses the key is there.
        account.disproved.outage.set(process, now);
        if (!refuses) account.disproved.credential.set(process, now);
      }
    },

    written(process, gateway, { closing }) {
      const account = accountOf(gateway);
      const now = nowMs();
      const open = closing === undefined || closing.openedAtMs !== undefined;
      // An outage lets look-ups through: of a Retry-After it says something by the pause within it alone.
      const pausedUntilMs =
        open || closing.because === "rate_limited" ? closing?.untilMs : closing.pausedUntilMs;
      // Whoever finds a pause over by its own clock may leave it out of what it writes: nobody else knows of it then.
      const isLeftOut = ({ writtenAtMs, endsAtMs, by }: Pause): boolean =>
        writtenAtMs !== undefined &&
        (closing?.pausedUntilMs ?? pausedUntilMs ?? 0) < endsAtMs + by.skewMs &&
        now + process.skewMs >= endsAtMs + by.skewMs;
      account.pauses = account.pauses.filter((pause) => !isLeftOut(pause));
      if (!open && pausedUntilMs !== undefined)
        for (const pause of account.pauses)
          if (pause.writtenAtMs === undefined && pausedUntilMs >= pause.endsAtMs + pause.by.skewMs)
            pause.writtenAtMs = now;
      const { shut } = account;
      if (shut === undefined) {
        if (!open && closing.because !== "rate_limited")
          account.shut = { because: closing.because, sinceMs: now, by: process };
        return undefined;
      }
      if (!open && closing.because !== "rate_limited") return undefined;
      account.shut = undefined;
      account.refused.clear();
      const looked = account.disproved[shut.because].get(process);
      return looked === undefined || looked < shut.sinceMs
        ? `${gateway}, closed for ${shut.because}, is opened by ${process.name} without a look-up that went well`
        : undefined;
    },

    refusedInRow(process, gateway) {
      const refused = accountOf(gateway).refused.get(process);
      return refused === undefined || process.ledgerFailedAtMs >= refused.lastAtMs ? 0 : refused.inRow;
    },
  };
};
