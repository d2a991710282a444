import type { InstrumentBook } from "../../../lib/ports.ts";
import type { Mutant } from "./mutant.ts";

const reading = (
  sound: InstrumentBook,
  change: Partial<InstrumentBook>,
): { instruments: InstrumentBook } => ({
  instruments: { ...sound, ...change },
});

/** Mistakes with what the ledger keeps of instruments. */
export const instruments: readonly Mutant[] = [
  {
    name: "counts-nothing",
    what: "an attempt is opened without taking its place in its instrument's counts",
    caughtBy: ["neverBeyondNetworkLimit", "closedInstrumentIsNeverCharged"],
    onCards: true,
    worker: (sound) => ({
      ...sound,
      ...reading(sound.instruments, { open: (entry) => sound.ledger.open(entry) }),
    }),
  },
  {
    name: "closing-is-forgotten",
    what: "a decline that closes its instrument is recorded, and the closing is not",
    caughtBy: ["closedInstrumentIsNeverCharged"],
    onCards: true,
    worker: (sound) => ({
      ...sound,
      ...reading(sound.instruments, {
        replace: (previous, entry, change) =>
          change.record.closed === undefined
            ? sound.instruments.replace(previous, entry, change)
            : sound.ledger.replace(previous, entry),
      }),
    }),
  },
  {
    name: "place-given-back-too-soon",
    what: "a place is given back whenever an attempt ends, sent or not",
    caughtBy: ["neverBeyondNetworkLimit"],
    onCards: true,
    worker: (sound) => ({
      ...sound,
      ledger: {
        ...sound.ledger,
        async replace(previous, entry) {
          const ref = entry.instrumentRef;
          const record =
            ref === undefined ? undefined : await sound.instruments.read({ merchant: "all", ref });
          if (record === undefined || !("evidence" in entry)) return sound.ledger.replace(previous, entry);
          const spends = record.spends.filter(({ requestId }) => requestId !== entry.requestId);
          const token = sound.ids.leaseToken();
          const written = await sound.instruments.replace(previous, entry, {
            previous: record.token,
            record: { ...record, spends, token },
          });
          return written.kind === "contended" ? sound.ledger.replace(previous, entry) : written;
        },
      },
    }),
  },
];
