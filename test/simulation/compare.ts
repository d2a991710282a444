import type { Control } from "./controls/control.ts";
import { messageIdAsKey } from "./controls/message-id.ts";
import { powertoolsIdempotency, restoreTime } from "./controls/powertools.ts";
import { untilAnswered } from "./controls/until-answered.ts";
import { runWorld, type Tally } from "./world.ts";

/** What a merchant finds of one design, in the same histories: charges, of so many. */
export type Compared = { readonly name: string; readonly what: string; charges: number } & {
  -readonly [K in keyof Tally]: number;
};

const controls: readonly Control[] = [powertoolsIdempotency, messageIdAsKey, untilAnswered];

export type CompareOptions = {
  readonly seeds: number;
  readonly charges: number;
  readonly strength?: number;
  /** asked after each history: true ends it */
  readonly onSeed?: () => boolean;
};

/** Runs chargeonce and other designs through the same worlds. */
export const compare = async (options: CompareOptions): Promise<readonly Compared[]> => {
  const ours = {
    name: "chargeonce",
    what: "this repository's flows",
    maxReceives: undefined,
    flows: undefined,
  };
  const compared: Compared[] = [];
  try {
    for (const { name, what, maxReceives, flows } of [ours, ...controls]) {
      const sum: Compared = {
        name,
        what,
        charges: 0,
        chargedTwice: 0,
        falseFailures: 0,
        falseApprovals: 0,
        lost: 0,
        inReview: 0,
      };
      for (let seed = 1; seed <= options.seeds; seed++) {
        const { tally } = await runWorld({
          seed,
          charges: options.charges,
          checked: false,
          // They know no later attempts, by which a charge that was told as declined may yet be captured.
          onCards: false,
          // The other designs call Centrobill.
          ways: ["centrobill"],
          ...(options.strength === undefined ? {} : { strength: options.strength }),
          ...(maxReceives === undefined ? {} : { maxReceives }),
          ...(flows === undefined ? {} : { flows: flows() }),
        });
        sum.charges += options.charges;
        sum.chargedTwice += tally.chargedTwice;
        sum.falseFailures += tally.falseFailures;
        sum.falseApprovals += tally.falseApprovals;
        sum.lost += tally.lost;
        sum.inReview += tally.inReview;
        if (options.onSeed?.() === true) return [...compared, sum];
      }
      compared.push(sum);
    }
    return compared;
  } finally {
    restoreTime();
  }
};
