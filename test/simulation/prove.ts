import type { CheckerName, Violation } from "./checkers.ts";
import { type FaultName, type Faults, faultNames } from "./faults.ts";
import type { Mutant } from "./mutants/mutant.ts";
import { runWorld, type WorldOptions, type WorldResult } from "./world.ts";

/** What a number of histories showed. */
export type Figures = {
  seeds: number;
  charges: number;
  captured: number;
  kills: number;
  steps: number;
  readonly states: Record<string, number>;
  readonly struck: Partial<Record<FaultName, number>>;
  /** charges in review that are there only because the faults left too little to know */
  avoidableReviews: number;
  /** and those that a person has to see: another amount was taken, a row does not name us, or the policy says so */
  owedReviews: number;
  /** and those whose own send an outage took with it, for longer than their request id lives */
  outageReviews: number;
  /** charges that ended as request errors because their account was refused for a while */
  burned: number;
};

/**
 * How hard faults strike at the most in a bad month: a fault that is on strikes at one in 50 occasions on
 * average, a worker dies at one effect in 400. Reviews are to be rare there.
 */
export const moderateStrength = 0.25;

export type ProveOptions = {
  readonly firstSeed: number;
  readonly seeds: number;
  readonly charges: number;
  readonly strength?: number;
  /** each history has settings of its own */
  readonly settings?: boolean;
  readonly mutant?: Mutant;
  /** asked after each seed: true ends the search */
  readonly onSeed?: (figures: Figures) => boolean;
};

export const noFigures = (): Figures => ({
  seeds: 0,
  charges: 0,
  captured: 0,
  kills: 0,
  steps: 0,
  states: {},
  struck: {},
  avoidableReviews: 0,
  owedReviews: 0,
  outageReviews: 0,
  burned: 0,
});

const add = (figures: Figures, result: WorldResult): void => {
  figures.seeds += 1;
  figures.charges += result.charges;
  figures.captured += result.captured;
  figures.kills += result.kills;
  figures.steps += result.steps;
  for (const [state, count] of Object.entries(result.states)) {
    figures.states[state] = (figures.states[state] ?? 0) + count;
    if (state.startsWith("review:")) figures.avoidableReviews += count;
  }
  figures.owedReviews += result.reviewOwed;
  figures.outageReviews += result.reviewOfOutage;
  figures.avoidableReviews -= result.reviewOwed + result.reviewOfOutage;
  figures.burned += result.burned;
  for (const name of faultNames)
    figures.struck[name] = (figures.struck[name] ?? 0) + (result.struck[name] ?? 0);
};

export type Proved = { readonly figures: Figures; readonly failure?: WorldResult };

/** Runs one history after the other until one breaks a promise. */
export const proveSeeds = async (options: ProveOptions): Promise<Proved> => {
  const figures = noFigures();
  for (let seed = options.firstSeed; seed < options.firstSeed + options.seeds; seed++) {
    const result = await runWorld(worldOf(options, seed));
    add(figures, result);
    if (result.violation !== undefined) return { figures, failure: result };
    if (options.onSeed?.(figures) === true) break;
  }
  return { figures };
};

const worldOf = (
  { charges, strength, settings, mutant }: Pick<ProveOptions, "charges" | "strength" | "settings" | "mutant">,
  seed: number,
): WorldOptions => ({
  seed,
  charges,
  ...(settings === undefined ? {} : { settings }),
  ...(strength === undefined ? {} : { strength }),
  ...(mutant === undefined ? {} : { mutant }),
});

/** A history that still fails, with nothing in it that it does not need. */
export type Shrunk = {
  readonly result: WorldResult;
  readonly faults: Faults;
  readonly charges: number;
  readonly worlds: number;
};

/** Shorter numbers of charges that are tried, smallest first. */
const fewer = [1, 2, 3, 4, 6, 8, 12, 16];

/**
 * The shortest history that breaks the same promise: faults are taken away one by one, then charges, then
 * faults once more. Deterministic. The result tells its story.
 */
export const shrink = async (
  failure: WorldResult,
  of: Pick<ProveOptions, "settings" | "mutant"> = {},
): Promise<Shrunk> => {
  const { seed } = failure;
  const checker: CheckerName | undefined = failure.violation?.checker;
  let worlds = 0;
  const stillFails = async (faults: Faults, charges: number): Promise<boolean> => {
    worlds += 1;
    const { violation } = await runWorld({ ...worldOf({ ...of, charges }, seed), faults });
    return violation?.checker === checker;
  };
  let { faults, charges } = failure;
  const withoutFaults = async (): Promise<void> => {
    for (const name of faultNames) {
      if (faults[name] === 0) continue;
      const without = { ...faults, [name]: 0 };
      if (await stillFails(without, charges)) faults = without;
    }
  };
  await withoutFaults();
  for (const count of fewer) {
    if (count >= charges || !(await stillFails(faults, count))) continue;
    charges = count;
    break;
  }
  await withoutFaults();
  // Rates that a person can read.
  for (const name of faultNames) {
    const round = Number(faults[name].toPrecision(1));
    if (round !== faults[name] && (await stillFails({ ...faults, [name]: round }, charges)))
      faults = { ...faults, [name]: round };
  }
  const result = await runWorld({
    ...worldOf({ ...of, charges }, seed),
    faults,
    told: true,
  });
  return { result, faults, charges, worlds };
};

/** Faults as a flag takes them: `name=rate,…`, without those that are off. */
export const faultsText = (faults: Faults): string =>
  faultNames
    .filter((name) => faults[name] > 0)
    .map((name) => `${name}=${faults[name]}`)
    .join(",");

/** How a mutant fared. `seeds`: how many it took; `checker`: who found it. */
export type Caught = {
  readonly mutant: Mutant;
  readonly seeds: number;
  readonly violation?: Violation;
};

/** Looks for each mutant until a checker finds it. */
export const catchMutant = async (mutant: Mutant, seedsMax: number, charges: number): Promise<Caught> => {
  const { figures, failure } = await proveSeeds({ firstSeed: 1, seeds: seedsMax, charges, mutant });
  return failure?.violation === undefined
    ? { mutant, seeds: figures.seeds }
    : { mutant, seeds: figures.seeds, violation: failure.violation };
};
