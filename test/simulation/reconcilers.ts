import { type ChargeId, type GatewayName, gatewayNames, type LeaseToken } from "../../lib/core/charge.ts";
import type { Finding } from "../../lib/core/finding.ts";
import type { LedgerEntry } from "../../lib/core/ledger.ts";
import type { SentMark } from "../../lib/core/sent-page.ts";
import { planWindows } from "../../lib/flows/plan-windows.ts";
import { feedOf, reconcileWindow } from "../../lib/flows/reconcile-window.ts";
import { workWindowMessages } from "../../lib/flows/work-window-messages.ts";
import type { Reconciler } from "../../lib/ports.ts";
import { writeReports } from "../../lib/reports/write-reports.ts";
import { memoryLog } from "../doubles/memory-log.ts";
import { memoryReports } from "../doubles/memory-reports.ts";
import { sentChargesOf } from "../doubles/memory-sent-charges.ts";
import { memorySpills } from "../doubles/memory-spills.ts";
import { memoryWindows } from "../doubles/memory-windows.ts";
import { Violation } from "./checkers.ts";
import type { Mutant } from "./mutants/mutant.ts";
import type { Random } from "./random.ts";
import type { Schedule } from "./schedule.ts";
import type { Capture } from "./sim-gateway.ts";
import type { Story } from "./story.ts";
import type { SimWorker } from "./world.ts";

const hour = 3_600_000;
/** When the schedule starts an invocation, from the world's first moment on. */
const turnsMs = [7.5 * hour, 13.5 * hour];

export type Reconcilers = {
  /** What is wrong with what the runs found, when the last of them is over. */
  check(): readonly Violation[];
  /** charges of which the runs said that they were captured twice */
  doubles(): ReadonlySet<string>;
};

/**
 * Reconciles the world's gateways with its ledger: by hand at two moments while faults strike, by the schedule
 * when windows are due, and over the whole of it at its end.
 */
export const startReconcilers = (world: {
  readonly schedule: Schedule;
  readonly random: Random;
  readonly story: Story;
  readonly startMs: number;
  /** when the faults stop, and when the world ends; from its first moment on */
  readonly troubleMs: number;
  readonly endMs: number;
  readonly chargeIds: readonly string[];
  readonly entryOf: (chargeId: string) => LedgerEntry | undefined;
  /** what stands on the ledger's pages */
  readonly marks: () => readonly SentMark[];
  readonly capturesOf: (chargeId: string) => readonly Capture[];
  readonly everCapturedOf: (chargeId: string) => readonly Capture[];
  readonly sha256: (text: string) => string;
  readonly workerOf: (name: string, forMs: number) => SimWorker;
  readonly mutant: Mutant | undefined;
  readonly crashed: (error: unknown) => void;
}): Reconcilers => {
  const { schedule, random, story, startMs } = world;
  const book = memoryWindows();
  const reports = memoryReports();
  const findings: Finding[] = [];
  const whole = new Set<GatewayName>();
  let invoked = 0;

  /** Entries are never changed in place, and most of them have ended long before the last run. */
  const texts = new WeakMap<LedgerEntry, string>();
  const textOf = (entry: LedgerEntry): string => {
    const text = texts.get(entry) ?? JSON.stringify(entry);
    texts.set(entry, text);
    return text;
  };
  const reconciler = (): Reconciler => {
    invoked += 1;
    const { effect, ...worker } = world.workerOf(`reconcile ${invoked}`, 900_000);
    const charges = sentChargesOf(world.marks, (chargeId) => {
      const entry = world.entryOf(chargeId);
      return entry === undefined ? undefined : textOf(entry);
    });
    const sound: Reconciler = {
      ...worker,
      sentCharges: {
        async *read(...asked) {
          await effect("read sent charges", () => undefined);
          yield* charges.read(...asked);
        },
      },
      book: {
        windows: async (...asked) => await effect("read windows", () => book.windows(...asked)),
        replace: async (...asked) => await effect("replace a window", () => book.replace(...asked)),
        keepFindings: async (...asked) => await effect("keep findings", () => book.keepFindings(...asked)),
      },
      spills: memorySpills(),
    };
    return world.mutant?.reconciler?.(sound) ?? sound;
  };

  const invoke = (afterMs: number, run: (worker: Reconciler) => Promise<void>): void => {
    schedule.after(afterMs, () => {
      run(reconciler()).catch((error: unknown) => {
        // What a run throws for is tried again by the next; anything else is no fault of the world's.
        if (!(error instanceof Error) || !["LedgerUnavailable", "OutOfTime"].includes(error.name))
          world.crashed(error);
        else story.tell(() => ({ who: "reconcile", what: `ends with ${error.name}` }));
      });
    });
  };

  /** of the last run, when nothing happens any more */
  const proposed: { readonly chargeId: string; readonly transactionId: string }[] = [];

  const overTo = async (
    name: GatewayName,
    worker: Reconciler,
    toMs: number,
    isLast = false,
  ): Promise<boolean> => {
    const gateway = worker.gateways[name];
    const of = gateway === undefined ? undefined : feedOf(gateway);
    if (of === undefined) throw new Error(`no feed of ${name}`);
    const onFinding = (finding: Finding): void => {
      findings.push(finding);
      const { chargeId, refundProposal = [] } = finding;
      if (isLast && chargeId !== undefined)
        proposed.push(...refundProposal.map(({ transactionId }) => ({ chargeId, transactionId })));
      story.tell(() => ({
        who: "reconcile",
        what: `finds ${finding.id}`,
        ...(finding.chargeId === undefined ? {} : { chargeId: finding.chargeId }),
      }));
    };
    const run = await reconcileWindow(of, { fromMs: startMs - hour, toMs }, worker, { onFinding });
    const { complete, incomplete } = run;
    story.tell(() => ({
      who: "reconcile",
      what: `${name}: ${incomplete === undefined ? "complete" : `${incomplete.reason}, ${incomplete.why}`}`,
    }));
    return complete;
  };

  for (const fromMs of [0.2, 0.6])
    for (const name of gatewayNames)
      invoke(world.troubleMs * fromMs + random.between(0, 0.3 * world.troubleMs), async (worker) => {
        await overTo(name, worker, worker.clock.nowMs());
      });
  // The schedule's turn puts windows onto their queue, which loses none, delays some and brings some twice.
  for (const afterMs of turnsMs)
    invoke(afterMs, async (worker) => {
      await planWindows(worker, {
        async send(window) {
          const body = JSON.stringify(window);
          for (let copies = random.chance(0.3) ? 2 : 1; copies > 0; copies--)
            invoke(random.between(0, hour), (other) =>
              workWindowMessages([{ messageId: body, body, receives: 1 }], other),
            );
        },
      });
    });
  for (const name of gatewayNames)
    invoke(world.endMs - 6 * hour, async (worker) => {
      if (await overTo(name, worker, worker.clock.nowMs(), true)) whole.add(name);
    });

  /**
   * Reports are written over what the schedule's runs left, between its turns and after them: none may call a time
   * compared of which the records do not say so, and none may leave a finding out. It takes no chance from the world.
   */
  const wrongReports: string[] = [];
  const report = async (nowMs: number): Promise<void> => {
    const records = [...book.records.values()];
    await writeReports({
      clock: { nowMs: () => nowMs },
      ids: { leaseToken: () => `report at ${nowMs} ${++invoked}` as LeaseToken },
      sha256: world.sha256,
      ledger: {
        read: async (ids) =>
          new Map(
            ids.flatMap((id) => {
              const entry = world.entryOf(id);
              return entry === undefined ? [] : [[id, entry]];
            }),
          ),
      },
      book,
      reports,
      log: memoryLog(),
      remainingMs: () => 900_000,
    });
    const text = [...reports.kept.values()].map((one) => one.text).join("");
    for (const { text: json } of [...reports.kept].flatMap(([name, one]) =>
      name.endsWith(".json") ? [one] : [],
    )) {
      const day = JSON.parse(json) as { gateway: string; day: string; complete: boolean };
      const fromMs = Date.parse(day.day);
      let comparedToMs = fromMs;
      for (const one of records.toSorted((a, b) => a.fromMs - b.fromMs))
        if (
          one.state === "done" &&
          one.run.complete &&
          one.gateway === day.gateway &&
          one.fromMs <= comparedToMs
        )
          comparedToMs = Math.max(comparedToMs, one.toMs);
      if (day.complete && comparedToMs < fromMs + 24 * hour)
        wrongReports.push(`${day.day} is told as compared, and was not`);
    }
    for (const one of records)
      if (one.state === "done" && !records.some(({ state }) => state === "leased"))
        for (const { id } of one.run.first)
          if (!text.includes(JSON.stringify(id))) wrongReports.push(`${id} was found, and is in no report`);
  };
  for (const afterMs of [...turnsMs.map((ms) => ms + 2 * hour), world.endMs - 4 * hour])
    schedule.after(afterMs, () => void report(startMs + afterMs).catch(world.crashed));

  const told = (): readonly Finding[] => [
    ...findings,
    ...[...book.records.values()].flatMap((record) => (record.state === "done" ? record.run.first : [])),
  ];
  const doubles = (): ReadonlySet<string> =>
    new Set(
      told().flatMap(({ kind, chargeId }) =>
        kind === "double_charge" && chargeId !== undefined ? [chargeId] : [],
      ),
    );
  /** Whether its row names a charge of the ledger, as the ledger stands now. */
  const names = ({ namesUs, key }: Capture, entry: LedgerEntry): boolean =>
    namesUs &&
    (key === undefined ||
      key === entry.requestId ||
      (entry.earlierRequestIds ?? []).some((id) => id === key));

  return {
    doubles,
    check() {
      const named = doubles();
      const strangers = new Set(
        told().flatMap(({ kind, rows }) =>
          kind === "missing_in_ledger" || kind === "unmatched_weak"
            ? rows.map(({ transactionId }) => transactionId)
            : [],
        ),
      );
      const wrong = (chargeId: string | undefined, what: string): Violation =>
        new Violation("reconciliationNamesEveryDouble", chargeId, what);
      return [
        ...wrongReports.map((what) => new Violation("reportsTellWhatIs", undefined, what)),
        ...gatewayNames
          .filter((name) => !whole.has(name))
          .map((name) => wrong(undefined, `the last run over ${name}, with no fault about, is not complete`)),
        ...proposed
          .filter(
            ({ chargeId, transactionId }) =>
              !world
                .capturesOf(chargeId)
                .some((one) => (one.parts ?? [one.transactionId]).includes(transactionId)),
          )
          .map(({ chargeId, transactionId }) =>
            wrong(chargeId, `a refund of ${transactionId} is proposed, which holds no money of it`),
          ),
        ...world.chargeIds.flatMap((chargeId) => {
          const entry = world.entryOf(chargeId as ChargeId);
          const captures = world.capturesOf(chargeId);
          if (entry !== undefined && captures.length > 1 && !named.has(chargeId)) {
            // What names nobody can only be told as somebody's: the charge explains one, and the others are told.
            const untold = captures.filter(
              (one) => names(one, entry) || !strangers.has(one.transactionId),
            ).length;
            if (untold > 1) return [wrong(chargeId, `captured ${captures.length} times, and no run says so`)];
          }
          if (world.everCapturedOf(chargeId).length < 2 && named.has(chargeId))
            return [wrong(chargeId, "captured once, and a run says twice")];
          return [];
        }),
      ];
    },
  };
};
