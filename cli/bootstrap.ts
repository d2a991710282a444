import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SQSClient } from "@aws-sdk/client-sqs";
import type { Command } from "commander";
import { BootstrapConflict, bootstrap } from "../infra/bootstrap.ts";
import { writeEnvFile } from "../infra/env-file.ts";
import { clientLimits, sqsClientLimits } from "../lib/adapters/deadline.ts";
import { CHARGE_QUEUES, QUEUES } from "../lib/core/queues.ts";
import { exitStatus } from "./exit-status.ts";
import { refuseNoRegion } from "./ledger-access.ts";
import { fileTrouble, UsageProblem } from "./usage-problem.ts";

type BootstrapFlags = { readonly prefix: string; readonly envFile: string; readonly json?: boolean };

/** SQS names have at most 80 characters, and the longest of ours takes 24 of them. */
const prefixPattern = /^[A-Za-z0-9_-]{0,50}$/;

/** `chargeonce bootstrap` (contract, section 4). */
export const addBootstrapCommand = (program: Command): void => {
  program
    .command("bootstrap")
    .description("create the queues and the ledger on the endpoint that the AWS SDK is pointed at")
    .requiredOption("--prefix <prefix>", "put before every queue's and table's name")
    .requiredOption("--env-file <file>", "write the functions' variables to it, KEY=VALUE")
    .option("--json", "the variables as JSON")
    .addHelpText(
      "after",
      `
What is there already stays as it is: a second time changes nothing.
Exit status: 0 all of it is there; 1 the endpoint failed on the way; 2 wrong usage, or a queue or table of the name is
another one.`,
    )
    .action(async ({ prefix, envFile, json }: BootstrapFlags) => {
      if (!prefixPattern.test(prefix))
        throw new UsageProblem("--prefix: must be at most 50 letters, digits, - or _");
      const sqs = new SQSClient({ ...sqsClientLimits });
      const dynamodb = new DynamoDBClient({ ...clientLimits });
      try {
        await refuseNoRegion(sqs);
        const variables = await bootstrap({ sqs, dynamodb }, prefix);
        // Who starts the functions by hand starts `reconcile` alone: without these it works its windows itself.
        for (const queue of QUEUES)
          if (!CHARGE_QUEUES.some(({ name }) => name === queue.name)) delete variables[queue.variable];
        try {
          writeEnvFile(envFile, variables);
        } catch (error) {
          throw new UsageProblem(`--env-file ${envFile}: ${fileTrouble(error)}`);
        }
        process.stdout.write(
          json === true
            ? `${JSON.stringify(variables)}\n`
            : `${Object.keys(variables).length} variables in ${envFile}; the gateway's (CENTROBILL_API_KEY, CENTROBILL_FEED_URL, …) are yours to add\n`,
        );
        process.exitCode = exitStatus.allFinal;
      } catch (error) {
        if (error instanceof BootstrapConflict) throw new UsageProblem(error.message);
        throw error;
      } finally {
        sqs.destroy();
        dynamodb.destroy();
      }
    });
};
