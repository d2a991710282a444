import type { ChargeId, LeaseToken } from "../../../lib/core/charge.ts";
import type { LedgerEntry } from "../../../lib/core/ledger.ts";
import type { Ledger, Worker } from "../../../lib/ports.ts";
import type { Mutant } from "./mutant.ts";

const withLedger = (sound: Worker, changes: Partial<Ledger>): Worker => ({
  ...sound,
  ledger: { ...sound.ledger, ...changes },
});

const entryOf = async (ledger: Ledger, chargeId: ChargeId): Promise<LedgerEntry | undefined> =>
  (await ledger.read([chargeId])).get(chargeId);

/** A no without evidence of its own: what a careless worker would write. */
const asDeclined = (entry: LedgerEntry, atMs: number): LedgerEntry =>
  ({
    ...entry,
    state: "declined_permanent",
    ending: { code: "gave_up" },
    evidence: { kind: "lookups", atMs, made: 0, failed: 0, lastSendAtMs: atMs },
    finalAtMs: atMs,
  }) as unknown as LedgerEntry;

/** Mistakes in when the ledger is written, and by whom. */
export const orderOfEffects: readonly Mutant[] = [
  {
    name: "record-after-send",
    what: "the intent is written together with the outcome, after the request went out",
    caughtBy: ["sentOnlyUnderLease", "noChargeTwice"],
    worker(sound) {
      const intents = new Map<LeaseToken, LedgerEntry>();
      return withLedger(sound, {
        async open(entry) {
          const standing = await entryOf(sound.ledger, entry.chargeId);
          if (standing !== undefined) return { kind: "exists", entry: standing };
          intents.set(entry.token, entry);
          return { kind: "opened" };
        },
        async replace(previous, entry) {
          if (!intents.has(previous)) return sound.ledger.replace(previous, entry);
          const opened = await sound.ledger.open(entry);
          return { kind: opened.kind === "opened" ? "replaced" : "lost" };
        },
      });
    },
  },
  {
    name: "new-request-id-on-redelivery",
    what: "a redelivery that finds an open attempt sends under a request id of its own",
    caughtBy: ["noChargeTwice", "noSecondPaymentRequest", "declinedMeansNotCaptured"],
    worker: (sound) =>
      withLedger(sound, {
        async open(entry) {
          const opened = await sound.ledger.open(entry);
          if (opened.kind === "opened" || opened.entry.state !== "opened") return opened;
          await sound.ledger.replace(opened.entry.token, entry);
          return { kind: "opened" };
        },
      }),
  },
  {
    name: "unknown-is-sent-anew",
    what: "a redelivery that finds an unknown opens a new attempt at once",
    caughtBy: ["noChargeTwice", "declinedMeansNotCaptured"],
    worker: (sound) =>
      withLedger(sound, {
        async open(entry) {
          const opened = await sound.ledger.open(entry);
          if (opened.kind === "opened" || opened.entry.state !== "unknown") return opened;
          await sound.ledger.replace(opened.entry.token, entry);
          return { kind: "opened" };
        },
      }),
  },
  {
    name: "final-is-sent-anew",
    what: "a redrive of last week's message charges again",
    caughtBy: ["finalNeverChanges", "noChargeTwice"],
    worker: (sound) =>
      withLedger(sound, {
        async open(entry) {
          const opened = await sound.ledger.open(entry);
          if (opened.kind === "opened" || opened.entry.state !== "approved") return opened;
          await sound.ledger.replace(opened.entry.token, entry);
          return { kind: "opened" };
        },
      }),
  },
  {
    name: "lease-without-condition",
    what: "an outcome is written whoever holds the lease",
    caughtBy: [
      "noSecondPaymentRequest",
      "finalNeverChanges",
      "onlyLeaseHolderRecords",
      "everyChargeEnds",
      "routedExactlyOncePerId",
      "everyDecisionIsOnRecord",
    ],
    worker: (sound) =>
      withLedger(sound, {
        async replace(_previous, entry) {
          const standing = await entryOf(sound.ledger, entry.chargeId);
          return sound.ledger.replace(standing?.token ?? entry.token, entry);
        },
      }),
  },
  {
    name: "lost-write-is-ignored",
    what: "a ledger that does not answer is taken for one that wrote",
    caughtBy: [
      "sentOnlyUnderLease",
      "noChargeLost",
      "unknownIsNeverForgotten",
      "everyChargeEnds",
      "routedExactlyOncePerId",
      "ledgerAgreesWithGateway",
    ],
    worker: (sound) =>
      withLedger(sound, {
        replace: (previous, entry) =>
          sound.ledger.replace(previous, entry).catch(() => ({ kind: "replaced" as const })),
      }),
  },
  {
    name: "sent-before-listed",
    what: "an intent that took hold is enough to send, whatever became of the page that names the charge",
    caughtBy: ["everySendIsListed"],
    worker: (sound) =>
      withLedger(sound, {
        async open(entry) {
          try {
            return await sound.ledger.open(entry);
          } catch (error) {
            const standing = await entryOf(sound.ledger, entry.chargeId);
            if (standing?.token !== entry.token) throw error;
            return { kind: "opened" };
          }
        },
      }),
  },
  {
    name: "delete-before-route",
    what: "a message is deleted though its route was not accepted",
    caughtBy: ["noChargeLost", "unknownIsNeverForgotten"],
    worker: (sound) => ({
      ...sound,
      queues: { ...sound.queues, send: (...args) => sound.queues.send(...args).catch(() => {}) },
    }),
  },
  {
    name: "unknown-is-not-queued",
    what: "an unknown is written down and told to nobody",
    caughtBy: ["unknownIsNeverForgotten"],
    worker: (sound) => ({
      ...sound,
      queues: {
        ...sound.queues,
        send: (queue, ...rest) =>
          queue === "unknown-outcomes" ? Promise.resolve() : sound.queues.send(queue, ...rest),
      },
    }),
  },
  {
    name: "looked-at-once",
    what: "an unknown is let go after one look, whatever it showed",
    caughtBy: ["unknownIsNeverForgotten", "noChargeLost"],
    flows: (shipped) => ({
      ...shipped,
      resolve: async (deliveries, worker) =>
        new Map(
          [...(await shipped.resolve(deliveries, worker))].map(([id]) => [id, { kind: "done" as const }]),
        ),
    }),
  },
  {
    name: "route-id-by-chance",
    what: "each route message has an id of its own",
    caughtBy: ["routedExactlyOncePerId", "noChargeLost"],
    worker: (sound) => ({
      ...sound,
      queues: {
        ...sound.queues,
        send: (queue, message, delayMs) =>
          sound.queues.send(queue, { ...message, id: `${message.id}#${sound.ids.fraction()}` }, delayMs),
      },
    }),
  },
  {
    name: "final-without-evidence",
    what: "an outcome is written without what it rests on",
    caughtBy: ["evidenceForEveryFinal"],
    worker: (sound) =>
      withLedger(sound, {
        replace(previous, entry) {
          const { evidence: _evidence, ...bare } = entry as LedgerEntry & { evidence?: unknown };
          return sound.ledger.replace(previous, bare as unknown as LedgerEntry);
        },
      }),
  },
  {
    name: "review-means-declined",
    what: "what nobody could find out is called a decline",
    caughtBy: ["declinedMeansNotCaptured", "routedExactlyOncePerId"],
    worker: (sound) => ({
      ...withLedger(sound, {
        replace: (previous, entry) =>
          sound.ledger.replace(
            previous,
            entry.state === "review" ? asDeclined(entry, sound.clock.nowMs()) : entry,
          ),
      }),
      queues: {
        ...sound.queues,
        send: (queue, message, delayMs) =>
          message.outcome === "review"
            ? sound.queues.send(
                "permanent-declines",
                {
                  ...message,
                  outcome: "declined_permanent",
                  id: message.id.replace(/review$/, "declined_permanent"),
                },
                delayMs,
              )
            : sound.queues.send(queue, message, delayMs),
      },
    }),
  },
  {
    name: "unknown-times-out-into-decline",
    what: "an unknown is called a decline when its first look-up is due",
    caughtBy: ["declinedMeansNotCaptured"],
    worker: (sound) =>
      withLedger(sound, {
        replace: (previous, entry) =>
          sound.ledger.replace(
            previous,
            entry.state === "unknown" && entry.looked > 0 ? asDeclined(entry, sound.clock.nowMs()) : entry,
          ),
      }),
  },
  {
    name: "answer-of-a-resend-is-believed",
    what: "a no that comes while an earlier send is open ends the charge",
    caughtBy: ["declinedMeansNotCaptured"],
    worker: (sound) =>
      withLedger(sound, {
        replace: (previous, entry) =>
          sound.ledger.replace(
            previous,
            entry.state === "unknown" && entry.held !== undefined
              ? asDeclined(entry, sound.clock.nowMs())
              : entry,
          ),
      }),
  },
  {
    name: "redrive-deletes-first",
    what: "a dead letter is deleted before the other queue has accepted it",
    caughtBy: ["noChargeLost", "unknownIsNeverForgotten"],
    redriver: (letters) => ({
      ...letters,
      async putBack(held, body) {
        await letters.drop(held);
        await letters.send(held, body);
      },
    }),
  },
];
