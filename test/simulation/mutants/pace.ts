import { gatewayNames } from "../../../lib/core/charge.ts";
import type { PaceRecord } from "../../../lib/core/pace.ts";
import type { GatewayPace, PaceBook, Worker } from "../../../lib/ports.ts";
import type { Mutant } from "./mutant.ts";

const withPaces = (sound: Worker, change: (pace: GatewayPace) => Partial<GatewayPace>): Worker => ({
  ...sound,
  paces: Object.fromEntries(
    gatewayNames.map((name) => [name, { ...sound.paces[name], ...change(sound.paces[name]) }]),
  ) as Worker["paces"],
});

/** A record that one process keeps for itself. */
const ownBook = (): PaceBook => {
  const records = new Map<string, PaceRecord>();
  return {
    read: async (gateway) => records.get(gateway),
    async replace(gateway, previous, record) {
      const standing = records.get(gateway);
      if (standing?.version !== previous)
        return standing === undefined ? { kind: "lost" } : { kind: "lost", record: standing };
      records.set(gateway, record);
      return { kind: "replaced" };
    },
  };
};

/** Mistakes in when a gateway account may be sent to, and in who is told. */
export const pace: readonly Mutant[] = [
  {
    name: "retry-after-ignored",
    what: "a 429 is read as any other answer, and nobody waits",
    caughtBy: ["noSendWhileClosed"],
    worker: (sound) =>
      withPaces(sound, (own) => ({
        note: (purpose, answered, ...rest) =>
          answered?.kind === "limited" ? Promise.resolve() : own.note(purpose, answered, ...rest),
      })),
  },
  {
    name: "pace-not-shared",
    what: "each worker keeps the pace to itself",
    caughtBy: ["noSendWhileClosed"],
    book: ownBook,
  },
  {
    name: "look-ups-ignore-the-pause",
    what: "only charges wait for a Retry-After",
    caughtBy: ["noSendWhileClosed"],
    worker: (sound) =>
      withPaces(sound, (own) => ({
        turn: (purpose, waitMs) =>
          purpose === "charge" ? own.turn(purpose, waitMs) : Promise.resolve({ kind: "go" }),
      })),
  },
  {
    name: "charge-as-the-probe",
    what: "a closed gateway is tried with the next charge that comes",
    caughtBy: ["noSendWhileClosed"],
    worker: (sound) =>
      withPaces(sound, (own) => ({
        async gate() {
          const gate = await own.gate();
          return gate.kind === "probe" ? { kind: "open" } : gate;
        },
        async turn(purpose, waitMs) {
          return (await own.gate()).kind === "probe" ? own.turn("probe", waitMs) : own.turn(purpose, waitMs);
        },
      })),
  },
  {
    name: "any-look-up-opens",
    what: "a closed gateway is opened by having been asked, whatever it answered",
    caughtBy: ["noSendWhileClosed"],
    worker: (sound) =>
      withPaces(sound, (own) => ({
        async claimProbe(forMs) {
          const probe = await own.claimProbe(forMs);
          return probe && { ...probe, note: () => probe.note(true) };
        },
      })),
  },
  {
    name: "refused-key-burns-all",
    what: "an account that is refused is never closed: each charge ends as a request error",
    caughtBy: ["badCredentialBurnsLittle"],
    worker: (sound) =>
      withPaces(sound, (own) => ({
        note: (purpose, answered, ...rest) =>
          answered?.kind === "refused" ? Promise.resolve() : own.note(purpose, answered, ...rest),
      })),
  },
];
