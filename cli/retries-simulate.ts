import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { parseJson } from "../lib/core/json.ts";
import type { RetryWish } from "../lib/core/next-attempt.ts";
import { defaultPolicy, networkSlackMs, type Policy, parsePolicy, retriesLater } from "../lib/core/policy.ts";
import { staleRulesWarning } from "../lib/core/retry-rules/sources.ts";
import {
  type FeeTally,
  type RetrySimulation,
  simulateRetries,
  type Tally,
} from "../lib/core/retry-simulation.ts";
import { exitStatus } from "./exit-status.ts";
import { historyHelp, readHistory } from "./retry-history.ts";
import { jsonText, refusalWords, sumsText } from "./retry-words.ts";
import { textTable } from "./text-table.ts";
import { fileTrouble, UsageProblem } from "./usage-problem.ts";

const policyOf = (path: string | undefined): Policy => {
  if (path === undefined) return policyIn("{}", "");
  try {
    return policyIn(readFileSync(path, "utf8"), path);
  } catch (error) {
    if (error instanceof UsageProblem) throw error;
    throw new UsageProblem(`--policy ${path}: ${fileTrouble(error)}`);
  }
};

const policyIn = (text: string, path: string): Policy => {
  const json = parseJson(text);
  if (json === undefined) throw new UsageProblem(`--policy ${path}: must be JSON`);
  const parsed = parsePolicy(json);
  if (!parsed.ok) throw new UsageProblem(parsed.problems.map((problem) => `--policy ${path}: ${problem}`));
  return parsed.policy;
};

const wishOf = (policy: Policy): RetryWish => ({
  scheduleMs: retriesLater(policy) ? policy.retryScheduleMs : defaultPolicy.retryScheduleMs,
  attemptsMax: policy.attemptsMax,
  region: policy.retryRegion,
  slackMs: networkSlackMs(policy),
});

const dayMs = 86_400_000;
const waitText = (ms: number): string =>
  ms % dayMs === 0 ? `${ms / dayMs} d` : `${(ms / 3_600_000).toFixed(1)} h`;

const simulationText = (simulation: RetrySimulation, wish: RetryWish, named: boolean): string => {
  const tallies = (rows: readonly (readonly [string, Tally | undefined])[]) =>
    rows.map(([words, one]) => [words, String(one?.count ?? 0), sumsText(one?.money ?? {})]);
  const { recovered, perhaps, missed, refused, forbidden } = simulation;
  const most: Tally = {
    count: recovered.count + perhaps.count,
    money: Object.fromEntries(
      [...new Set([...Object.keys(recovered.money), ...Object.keys(perhaps.money)])].map((currency) => [
        currency,
        (recovered.money[currency] ?? 0n) + (perhaps.money[currency] ?? 0n),
      ]),
    ),
  };
  const fees: readonly (readonly [string, FeeTally])[] = Object.entries(forbidden);
  return [
    `${simulation.attempts} attempts of ${simulation.charges} charges, under the networks' rules (region ${wish.region}) and ${
      named ? "the policy's schedule" : "the default schedule, though the policy makes no later attempts"
    }: ${wish.scheduleMs.map(waitText).join(", ")} after each decline, ${wish.attemptsMax} attempts at the most`,
    "",
    "What would have been sent",
    ...textTable(
      [{ title: "attempt" }, { title: "count", align: "right" }],
      simulation.sent.map((count, at) => [String(at + 1), String(count)]),
    ),
    `${simulation.postponed} put off by a network's count`,
    "",
    "What would have been given up",
    ...textTable(
      [{ title: "reason" }, { title: "charges", align: "right" }, { title: "money" }],
      tallies(
        Object.entries(refused).map(
          ([reason, one]) => [refusalWords[reason as keyof typeof refused], one] as const,
        ),
      ),
    ),
    "",
    "What later attempts recover",
    ...textTable(
      [{ title: "" }, { title: "charges", align: "right" }, { title: "money" }],
      tallies([
        ["as the history has it", recovered],
        ["perhaps: tried later than the history knows", perhaps],
        ["at the most", most],
        ["recovered in the history, and given up here", missed],
      ]),
    ),
    "",
    "What the history did that the networks forbid",
    ...textTable(
      [{ title: "rule" }, { title: "attempts", align: "right" }, { title: "fees (the least that is known)" }],
      fees.map(([rule, one]) => [rule, String(one.count), sumsText(one.fees)]),
    ),
    `Saved in fees: ${sumsText(simulation.feesSaved)}`,
  ].join("\n");
};

/** `chargeonce retries simulate FILE`. */
export const addSimulateCommand = (retries: Command): void => {
  retries
    .command("simulate")
    .argument("<file>", "your own history of attempts")
    .description("play a history of attempts anew, under the networks' rules and a schedule")
    .option("--policy <file>", "retryScheduleMs, attemptsMax and retryRegion, as JSON")
    .option("--json", "the figures for machines; money in minor units")
    .addHelpText(
      "after",
      `\n${historyHelp}\n\nNothing is sent anywhere. Exit status: 0; 2 where the file or the policy is wrong.`,
    )
    .action(async (path: string, flags: { readonly policy?: string; readonly json?: boolean }) => {
      const policy = policyOf(flags.policy);
      const wish = wishOf(policy);
      const simulation = simulateRetries(await readHistory(path), wish);
      const warning = staleRulesWarning(Date.now());
      if (warning !== undefined) process.stderr.write(`chargeonce: ${warning}\n`);
      process.stdout.write(
        `${flags.json === true ? jsonText({ schedule: wish, ...simulation }) : simulationText(simulation, wish, retriesLater(policy))}\n`,
      );
      process.exitCode = exitStatus.allFinal;
    });
};
