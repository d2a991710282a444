import type { Feed, FeedRow } from "../../../lib/core/feed.ts";
import type { Reconciler } from "../../../lib/ports.ts";
import type { Mutant } from "./mutant.ts";
import { orderOfEffects } from "./order-of-effects.ts";
import { readingTheGateway } from "./reading-the-gateway.ts";

const withRows = (
  sound: Reconciler,
  change: (rows: readonly FeedRow[]) => readonly FeedRow[],
): Reconciler => {
  const { centrobill } = sound.gateways;
  if (centrobill?.feed === undefined) return sound;
  const { feed } = centrobill;
  const { readSides: _, ...slow } = feed;
  const changed: Feed = {
    ...slow,
    readPage(reply, cursor) {
      const page = feed.readPage(reply, cursor);
      return page.kind === "page" ? { ...page, rows: change(page.rows), total: 0 } : page;
    },
  };
  return { ...sound, gateways: { ...sound.gateways, centrobill: { ...centrobill, feed: changed } } };
};

const withoutOwners = (sound: Reconciler): Reconciler => {
  const { centrapay } = sound.gateways;
  if (centrapay?.reconciliationFeed === undefined) return sound;
  const { owners: _, ...reconciliationFeed } = centrapay.reconciliationFeed;
  return { ...sound, gateways: { ...sound.gateways, centrapay: { ...centrapay, reconciliationFeed } } };
};

/** Workers that charge twice, so that there is something for reconciliation to find. */
const chargesTwice = readingTheGateway.filter(({ name }) => name === "window-too-short");
const paysTwice = orderOfEffects.filter(({ name }) => name === "final-is-sent-anew");

/** Mistakes of reconciliation, behind a worker that charges twice. */
const ofCentrobill: readonly Mutant[] = chargesTwice.flatMap(({ worker }): Mutant[] => {
  const base = {
    caughtBy: ["reconciliationNamesEveryDouble"],
    ways: ["centrobill"],
    forReconciliation: true,
    ...(worker === undefined ? {} : { worker }),
  } as const;
  return [
    {
      ...base,
      name: "one-row-a-charge",
      what: "reconciliation takes the first row of a charge for all that there are",
      reconciler: (sound) =>
        withRows(sound, (rows) => [
          ...new Map(rows.map((row) => [row.chargeId ?? row.transactionId, row])).values(),
        ]),
    },
    {
      ...base,
      name: "retries-are-repeats",
      what: "reconciliation takes two captures of one amount for one that came twice",
      reconciler: (sound) =>
        withRows(sound, (rows) =>
          rows.map((row) => (row.chargeId === undefined ? row : { ...row, transactionId: row.chargeId })),
        ),
    },
  ];
});

const ofCentrapay: readonly Mutant[] = paysTwice.map(({ worker }) => ({
  name: "stranger-is-a-stranger",
  what: "a payment whose Payment Request the ledger does not know is told as another system's, and Centrapay is not asked",
  caughtBy: ["reconciliationNamesEveryDouble"],
  ways: ["pay", "quickPay"],
  forReconciliation: true,
  ...(worker === undefined ? {} : { worker }),
  reconciler: withoutOwners,
}));

export const reconciliation: readonly Mutant[] = [...ofCentrobill, ...ofCentrapay];
