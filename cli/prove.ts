import { type Command, InvalidArgumentError } from "commander";
import { gatewayNames } from "../lib/core/charge.ts";
import { checkers } from "../test/simulation/checkers.ts";
import { compare } from "../test/simulation/compare.ts";
import { type FaultName, type Faults, faultNames, noFaults } from "../test/simulation/faults.ts";
import { mutants } from "../test/simulation/mutants/index.ts";
import { runOutage } from "../test/simulation/outage.ts";
import {
  catchMutant,
  type Figures,
  faultsText,
  moderateStrength,
  proveSeeds,
  shrink,
} from "../test/simulation/prove.ts";
import { settingsOfSeed } from "../test/simulation/sim-settings.ts";
import { troubleKinds } from "../test/simulation/sim-trouble.ts";
import { storyText } from "../test/simulation/story.ts";
import { runWorld, type WorldResult } from "../test/simulation/world.ts";
import { type ExitStatus, exitStatus } from "./exit-status.ts";
import { textTable } from "./text-table.ts";
import { UsageProblem } from "./usage-problem.ts";

const outageHours = 6;
const outageCharges = 5_000;

type ProveFlags = {
  readonly seeds: number;
  readonly first: number;
  readonly seed?: number;
  readonly charges: number;
  readonly strength?: number;
  readonly faults?: Faults;
  readonly settings?: boolean;
  readonly mutant?: string;
  readonly compare?: boolean;
  readonly mutants?: boolean;
  readonly outage?: number | true;
  readonly quiet?: boolean;
  readonly json?: boolean;
};

const wholeNumber =
  (min: number, max: number) =>
  (text: string): number => {
    if (!/^\d{1,10}$/.test(text) || Number(text) < min || Number(text) > max)
      throw new InvalidArgumentError(`must be a whole number from ${min} to ${max}.`);
    return Number(text);
  };

const share = (text: string): number => {
  const number = Number(text);
  if (text.trim() === "" || !(number >= 0 && number <= 1))
    throw new InvalidArgumentError("must be a number from 0 to 1.");
  return number;
};

const readFaults = (text: string): Faults => {
  const faults: Record<FaultName, number> = { ...noFaults };
  for (const part of text.split(",").filter((one) => one !== "")) {
    const [name = "", rate = ""] = part.split("=");
    const fault = faultNames.find((one) => one === name);
    if (fault === undefined)
      throw new InvalidArgumentError(`no fault ${name}; there are ${faultNames.join(", ")}.`);
    faults[fault] = share(rate);
  }
  return faults;
};

/** `chargeonce prove` (contract, section 3): the fault simulator over the shipped flows. */
export const addProveCommand = (program: Command): void => {
  program
    .command("prove")
    .description("run the shipped flows through seeded histories full of faults, and check every promise")
    .option("--seeds <n>", "histories", wholeNumber(1, 100_000_000), 2_000)
    .option("--first <n>", "the first seed", wholeNumber(0, 4_000_000_000), 1)
    .option("--seed <s>", "one history, told", wholeNumber(0, 4_000_000_000))
    .option("--charges <n>", "charges of one history", wholeNumber(1, 10_000), 20)
    .option(
      "--strength <x>",
      `how hard faults strike at the most, 0 to 1; by default each seed draws it (${moderateStrength} is a bad month)`,
      share,
    )
    .option("--faults <list>", "with --seed: these faults instead of drawn ones, name=rate,…", readFaults)
    .option("--settings", "each history under settings of its own, drawn from what is allowed")
    .option("--mutant <name>", "with a deliberate mistake in the flows, which a checker has to find")
    .option("--mutants", "look for every mutant, and print what found it")
    .option("--compare", "the same histories for other designs, in one table")
    .option(
      "--outage [charges]",
      `one gateway away for ${outageHours} hours in a day of so many charges (${outageCharges}), in each way that it can be`,
      wholeNumber(100, 100_000),
    )
    .option("--quiet", "no progress")
    .option("--json", "figures as JSON")
    .addHelpText(
      "after",
      `
Exit status: 0 every promise was kept (--mutants: each mutant was found by its checker); 1 one was broken (--mutants: one
was not found so); 2 wrong usage; 130 interrupted.

The promises:
${promises()}`,
    )
    .action(async (flags: ProveFlags, command: Command) => {
      const given = (flag: string): boolean => command.getOptionValueSource(flag) === "cli";
      const problems = flagProblems(given);
      if (problems.length > 0) throw new UsageProblem(problems);
      process.exitCode = await prove(flags);
    });
};

/** What each way of proving goes by; beside these, `--quiet` and `--json` always mean something. */
const flagsOfWay: Readonly<Record<string, readonly string[]>> = {
  compare: ["seeds", "charges", "strength"],
  outage: [],
  mutants: ["charges"],
  seed: ["charges", "strength", "faults", "settings", "mutant"],
};
const flagsOfMany = ["seeds", "first", "charges", "strength", "settings", "mutant"];

/** A flag that would not be obeyed is wrong usage: something else would be proved than was asked for. */
const flagProblems = (given: (flag: string) => boolean): readonly string[] => {
  const [way, ...others] = Object.keys(flagsOfWay).filter(given);
  if (way !== undefined && others.length > 0)
    return others.map((other) => `--${other}: not together with --${way}`);
  const obeyed = way === undefined ? flagsOfMany : (flagsOfWay[way] ?? []);
  const unheard = [...flagsOfMany, "faults"].filter((flag) => given(flag) && !obeyed.includes(flag));
  return unheard.map((flag) =>
    way === undefined ? `--${flag}: needs --seed` : `--${flag}: not with --${way}`,
  );
};

const promises = (): string =>
  textTable(
    [{ title: "checker" }, { title: "rules and promise" }],
    Object.entries(checkers).map(([name, promise]) => [name, promise]),
  ).join("\n");

const prove = async (flags: ProveFlags): Promise<ExitStatus> => {
  if (flags.compare === true) return proveCompare(flags);
  if (flags.outage !== undefined)
    return proveOutage(flags, flags.outage === true ? outageCharges : flags.outage);
  if (flags.mutants === true) return proveMutants(flags);
  if (flags.seed !== undefined) return proveOne(flags, flags.seed);
  return proveMany(flags);
};

const mutantNamed = (name: string | undefined) => {
  if (name === undefined) return undefined;
  const mutant = mutants.find((one) => one.name === name);
  if (mutant === undefined)
    throw new UsageProblem(
      `--mutant: no mutant ${name}; there are ${mutants.map((one) => one.name).join(", ")}`,
    );
  return mutant;
};

/** What a flag that is not given leaves to the seed. */
const worldFlags = ({ charges, strength, settings, mutant }: ProveFlags) => {
  const chosen = mutantNamed(mutant);
  return {
    charges,
    ...(settings === undefined ? {} : { settings }),
    ...(strength === undefined ? {} : { strength }),
    ...(chosen === undefined ? {} : { mutant: chosen }),
  };
};

const progressEveryMs = 2_000;
const residentMb = (): number => process.memoryUsage.rss() / 1_048_576;

/** Ctrl-C ends a search between two histories. */
const watchInterrupt = (): { readonly stopped: () => boolean; close(): void } => {
  let stopped = false;
  const onSignal = (): void => {
    stopped = true;
  };
  process.once("SIGINT", onSignal);
  return { stopped: () => stopped, close: () => process.off("SIGINT", onSignal) };
};

const proveMany = async (flags: ProveFlags): Promise<ExitStatus> => {
  const startedAt = performance.now();
  const interrupt = watchInterrupt();
  let told = startedAt;
  const cpuAtStart = process.cpuUsage();
  const perSecond = (charges: number): number => (charges * 1_000) / (performance.now() - startedAt);
  const { figures, failure } = await proveSeeds({
    firstSeed: flags.first,
    seeds: flags.seeds,
    ...worldFlags(flags),
    onSeed(now) {
      if (flags.quiet !== true && flags.json !== true && performance.now() - told > progressEveryMs) {
        told = performance.now();
        process.stderr.write(
          `${now.seeds} of ${flags.seeds} histories, ${now.charges} charges, ${perSecond(now.charges).toFixed(0)}/s, ${residentMb().toFixed(0)} MB, 0 violations\n`,
        );
      }
      return interrupt.stopped();
    },
  });
  interrupt.close();
  const { user, system } = process.cpuUsage(cpuAtStart);
  const pace: Pace = {
    perSecond: perSecond(figures.charges),
    perCpuSecond: (figures.charges * 1_000_000) / (user + system),
    memoryMb: residentMb(),
  };
  if (flags.json === true)
    process.stdout.write(
      `${JSON.stringify({
        ...figures,
        chargesPerSecond: Math.round(pace.perSecond),
        chargesPerCpuSecond: Math.round(pace.perCpuSecond),
        memoryMb: Math.round(pace.memoryMb),
        violations: failure === undefined ? 0 : 1,
        ...(failure?.violation === undefined
          ? {}
          : { violation: failure.violation.message, seed: failure.seed }),
      })}\n`,
    );
  else process.stdout.write(`${figuresText(figures, pace)}\n`);
  if (failure !== undefined) {
    await tellFailure(failure, flags);
    return exitStatus.someInReview;
  }
  if (interrupt.stopped()) {
    process.stderr.write(`interrupted after ${figures.seeds} of ${flags.seeds} histories\n`);
    return exitStatus.interrupted;
  }
  return exitStatus.allFinal;
};

/** How fast the histories ran. `perCpuSecond`: compiling and collecting count too, which another core may have done. */
type Pace = { readonly perSecond: number; readonly perCpuSecond: number; readonly memoryMb: number };

const figuresText = (figures: Figures, { perSecond, perCpuSecond, memoryMb }: Pace): string => {
  const share = (count: number): string =>
    `${count} (${((100 * count) / Math.max(1, figures.charges)).toFixed(2)} %)`;
  const struck = faultNames
    .map((name) => [name, figures.struck[name] ?? 0] as const)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${name} ${count}`);
  const states = Object.entries(figures.states)
    .sort(([, a], [, b]) => b - a)
    .map(([state, count]) => `${state} ${count}`);
  return [
    "",
    `histories ${figures.seeds}, charges ${figures.charges}, captured ${figures.captured}, steps ${figures.steps}`,
    `${perSecond.toFixed(0)} charges a second, ${perCpuSecond.toFixed(0)} for each second of CPU (all threads), ${memoryMb.toFixed(0)} MB`,
    `worker deaths ${figures.kills}; faults that struck: ${struck.join(", ")}`,
    `outcomes: ${states.join(", ")}`,
    `review that faults forced: ${share(figures.avoidableReviews)}; review that was owed: ${share(figures.owedReviews)}; review of what an outage took: ${share(figures.outageReviews)}`,
    `request errors of a key that was refused for a while: ${share(figures.burned)}`,
  ].join("\n");
};

const tellFailure = async (failure: WorldResult, flags: ProveFlags): Promise<void> => {
  const { violation } = failure;
  if (violation === undefined) return;
  // Beside JSON the story is for whoever looks on.
  const told = flags.json === true ? process.stderr : process.stdout;
  told.write(`\nVIOLATION in seed ${failure.seed}: ${violation.message}\nshrinking…\n`);
  const world = worldFlags(flags);
  const { mutant, settings } = world;
  const shrunk = await shrink(failure, world);
  const { result } = shrunk;
  told.write(
    [
      "",
      `The shortest history that still fails (${shrunk.worlds} tried): ${shrunk.charges} charges`,
      `faults: ${faultsText(shrunk.faults) || "none"}`,
      ...settingsLines(flags, failure.seed),
      "",
      storyText(result.story, result.startMs, result.violation?.chargeId),
      "",
      `again: chargeonce prove --seed ${failure.seed} --charges ${shrunk.charges} --faults '${faultsText(shrunk.faults)}'${settings === true ? " --settings" : ""}${mutant === undefined ? "" : ` --mutant ${mutant.name}`}`,
      "",
    ].join("\n"),
  );
};

const settingsLines = ({ settings }: ProveFlags, seed: number): readonly string[] =>
  settings === true ? [`settings: ${JSON.stringify(settingsOfSeed(seed))}`] : [];

const proveOne = async (flags: ProveFlags, seed: number): Promise<ExitStatus> => {
  const result = await runWorld({
    seed,
    ...worldFlags(flags),
    ...(flags.faults === undefined ? {} : { faults: flags.faults }),
    told: true,
  });
  const { violation } = result;
  if (flags.json === true)
    process.stdout.write(`${JSON.stringify({ ...result, violation: violation?.message })}\n`);
  else
    process.stdout.write(
      [
        `seed ${seed}, faults ${faultsText(result.faults) || "none"}`,
        ...settingsLines(flags, seed),
        "",
        storyText(result.story, result.startMs, violation?.chargeId),
        "",
        violation === undefined ? "every promise was kept" : `VIOLATION: ${violation.message}`,
        "",
      ].join("\n"),
    );
  return violation === undefined ? exitStatus.allFinal : exitStatus.someInReview;
};

/** The most histories that a mutant may take. */
const mutantSeedsMax = 10_000;

const proveMutants = async (flags: ProveFlags): Promise<ExitStatus> => {
  const rows: string[][] = [];
  let missed = 0;
  const caught: object[] = [];
  const isTold = flags.quiet !== true && flags.json !== true;
  for (const [at, mutant] of mutants.entries()) {
    const { seeds, violation } = await catchMutant(mutant, mutantSeedsMax, flags.charges);
    if (isTold)
      process.stderr.write(
        `${at + 1} of ${mutants.length}: ${mutant.name}, ${violation?.checker ?? "NOT CAUGHT"}, ${seeds} seeds\n`,
      );
    const expected = violation !== undefined && mutant.caughtBy.includes(violation.checker);
    if (!expected) missed += 1;
    caught.push({ mutant: mutant.name, checker: violation?.checker, seeds });
    rows.push([mutant.name, violation?.checker ?? "NOT CAUGHT", String(seeds), mutant.what]);
  }
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify({ mutants: caught, missed })}\n`
      : `${[
          ...textTable(
            [
              { title: "mutant" },
              { title: "caught by" },
              { title: "seeds", align: "right" },
              { title: "what" },
            ],
            rows,
          ),
          "",
          `${mutants.length} mutants, ${missed} not caught as they should be`,
        ].join("\n")}\n`,
  );
  return missed === 0 ? exitStatus.allFinal : exitStatus.someInReview;
};

const secondsText = (ms: number): string => (ms / 1_000).toFixed(1);

/** Each gateway away in each way, and what that did to the charges of both. */
const proveOutage = async (flags: ProveFlags, charges: number): Promise<ExitStatus> => {
  const interrupt = watchInterrupt();
  const rows: string[][] = [];
  const outages: object[] = [];
  let wrong = 0;
  for (const gateway of gatewayNames)
    for (const kind of [undefined, ...troubleKinds]) {
      if (interrupt.stopped()) return exitStatus.interrupted;
      const hours = kind === undefined ? 0 : outageHours;
      const one = await runOutage({ gateway, kind: kind ?? "refused", hours, charges });
      if (one.violation !== undefined || one.reviewOthers > 0) wrong += 1;
      outages.push({ gateway, kind: kind ?? "none", ...one });
      rows.push([
        gateway,
        kind ?? "none",
        String(one.waited),
        one.violation ?? "none",
        String(one.mostReceives),
        String(one.reviewOthers),
        String(one.reviewOwnLoss),
        String(one.burned),
        `${secondsText(one.otherLatency.median)} / ${secondsText(one.otherLatency.ninetieth)}`,
        one.waited === 0 ? "" : `${(one.drainedMs / 60_000).toFixed(0)} min`,
      ]);
    }
  interrupt.close();
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify(outages)}\n`
      : `${[
          `${outageHours} hours without one gateway, ${charges} charges to both; dead letters are a violation`,
          "",
          ...textTable(
            [
              { title: "gateway" },
              { title: "how" },
              { title: "waited", align: "right" },
              { title: "violations" },
              { title: "most receives", align: "right" },
              { title: "review", align: "right" },
              { title: "own send lost", align: "right" },
              { title: "burned", align: "right" },
              { title: "the other's median / 90 %, s", align: "right" },
              { title: "drained in", align: "right" },
            ],
            rows,
          ),
        ].join("\n")}\n`,
  );
  return wrong === 0 ? exitStatus.allFinal : exitStatus.someInReview;
};

const per100k = (count: number, charges: number): string => ((100_000 * count) / charges).toFixed(0);

const proveCompare = async (flags: ProveFlags): Promise<ExitStatus> => {
  const interrupt = watchInterrupt();
  const compared = await compare({
    seeds: flags.seeds,
    charges: flags.charges,
    strength: flags.strength ?? moderateStrength,
    onSeed: interrupt.stopped,
  });
  interrupt.close();
  if (interrupt.stopped())
    process.stderr.write("interrupted: not every design is here, and the last one with fewer histories\n");
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify(compared)}\n`
      : `${[
          `per 100,000 charges (${flags.seeds} histories of ${flags.charges}, strength ${flags.strength ?? moderateStrength}, the same for all)`,
          "",
          ...textTable(
            [
              { title: "design" },
              { title: "charged twice", align: "right" },
              { title: '"failed", but taken', align: "right" },
              { title: '"approved", not taken', align: "right" },
              { title: "lost", align: "right" },
              { title: "review", align: "right" },
            ],
            compared.map((one) => [
              one.name,
              per100k(one.chargedTwice, one.charges),
              per100k(one.falseFailures, one.charges),
              per100k(one.falseApprovals, one.charges),
              per100k(one.lost, one.charges),
              per100k(one.inReview, one.charges),
            ]),
          ),
        ].join("\n")}\n`,
  );
  const [ours] = compared;
  const wrong =
    ours === undefined || ours.chargedTwice + ours.falseFailures + ours.falseApprovals + ours.lost > 0;
  if (interrupt.stopped()) return exitStatus.interrupted;
  return wrong ? exitStatus.someInReview : exitStatus.allFinal;
};
