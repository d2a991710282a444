import { hash } from "node:crypto";
import { SQSClient } from "@aws-sdk/client-sqs";
import type { Command } from "commander";
import { sqsClientLimits } from "../lib/adapters/deadline.ts";
import { type Problem, parseCharge } from "../lib/core/charge.ts";
import { requestParsers } from "../lib/gateways/registry.ts";
import { type ChargeLine, openChargeFile } from "./charge-file.ts";
import { csvHelp } from "./csv-row.ts";
import { exitStatus } from "./exit-status.ts";
import { feedFile } from "./file-feed.ts";
import { refuseNoRegion, useAwsVariables, withEnvFile } from "./ledger-access.ts";
import { UsageProblem } from "./usage-problem.ts";

type EnqueueFlags = { readonly envFile?: string; readonly json?: boolean };

const problemsShown = 50;

/** What is wrong with a line, by itself and beside the lines before it. */
const lineChecker = (): ((line: ChargeLine) => readonly Problem[]) => {
  /** Of each charge id its first line, and the beginning of its content's hash: 48 bits tell two contents apart. */
  const seen = new Map<string, { readonly line: number; readonly content: number }>();
  return (line) => {
    if (line.unqueueable !== undefined) return line.unqueueable.problems;
    const parsed = parseCharge(line.body, requestParsers);
    if (!parsed.ok) return parsed.refusal.problems;
    const { chargeId, canonical } = parsed.charge;
    const content = Number.parseInt(hash("sha256", canonical, "hex").slice(0, 12), 16);
    const first = seen.get(chargeId);
    if (first === undefined) seen.set(chargeId, { line: line.line, content });
    // A queue keeps no order: which of the two is charged would be chance.
    return first === undefined || first.content === content
      ? []
      : [{ field: "chargeId", must: `be another one: line ${first.line} has it with another content` }];
  };
};

/** `chargeonce enqueue FILE` (contract, section 3): the whole file is checked before anything is sent. */
export const addEnqueueCommand = (program: Command): void => {
  program
    .command("enqueue")
    .argument("<file>", "charges, NDJSON or CSV (by its ending)")
    .description("send a file's charges to the real charges queue; nothing is sent when a line is wrong")
    .option("--env-file <file>", "variables of a deployed stack, as bootstrap writes them")
    .option("--json", "what was sent, as JSON")
    .addHelpText(
      "after",
      `\n${csvHelp}\n\nExit status: 0 the queue has all of it; 1 the queue failed on the way: send the file again, it charges nobody twice;\n2 wrong usage, or a line is wrong: nothing was sent.`,
    )
    .action(async (path: string, flags: EnqueueFlags) => {
      const env = withEnvFile(process.env, flags.envFile);
      const queueUrl = env["QUEUE_URL_CHARGES"];
      if (queueUrl === undefined || queueUrl === "")
        throw new UsageProblem("QUEUE_URL_CHARGES: is not set; give it or --env-file FILE");
      const file = await openChargeFile(path);
      const problems: string[] = [];
      let wrongLines = 0;
      const problemsOf = lineChecker();
      for await (const line of file.lines()) {
        const found = problemsOf(line);
        if (found.length === 0) continue;
        wrongLines += 1;
        for (const { field, must } of found)
          if (problems.length < problemsShown) problems.push(`${path}:${line.line}: ${field} must ${must}`);
      }
      if (wrongLines > 0)
        throw new UsageProblem([...problems, `${wrongLines} lines are wrong: nothing was sent`]);

      useAwsVariables(env);
      const sqs = new SQSClient({ ...sqsClientLimits });
      await refuseNoRegion(sqs);
      let sent = 0;
      try {
        await feedFile({
          file,
          acceptedBytes: 0,
          sqs,
          queueUrl,
          onLine: () => {},
          refuse: async ({ line }) => {
            throw new UsageProblem(`${path}:${line}: changed while it was read`);
          },
          onAccepted: (_bytes, lines) => {
            sent += lines;
          },
          stop: new AbortController().signal,
        });
      } catch (error) {
        // The ledger knows what came before: the whole file may be sent again.
        process.stderr.write(`${sent} charges were sent before this; sending the file again is harmless\n`);
        throw error;
      } finally {
        sqs.destroy();
      }
      if (sent === 0) process.stderr.write(`warning: ${path}: holds no charge\n`);
      process.stdout.write(flags.json === true ? `${JSON.stringify({ sent })}\n` : `${sent} charges sent\n`);
      process.exitCode = exitStatus.allFinal;
    });
};
