import { Command, CommanderError } from "commander";
import { DataDirInUse } from "../infra/local/data-dir.ts";
import { addBootstrapCommand } from "./bootstrap.ts";
import { addEnqueueCommand } from "./enqueue.ts";
import { exitStatus } from "./exit-status.ts";
import { nodeProblem } from "./node-version.ts";
import { addProveCommand } from "./prove.ts";
import { addReconcileCommand } from "./reconcile.ts";
import { addRetriesCommand } from "./retries.ts";
import { addReviewCommand } from "./review.ts";
import { addRunCommand } from "./run.ts";
import { addShowCommand } from "./show.ts";
import { addStatusCommand } from "./status.ts";
import { UsageProblem } from "./usage-problem.ts";

const program = new Command("chargeonce")
  .description(
    "Submits queued charges to a payment gateway at most once in effect, and knows what became of each.",
  )
  .version("0.1.0")
  // `review` has flags of its own, which its subcommands have, too.
  .enablePositionalOptions()
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(text) });

addRunCommand(program);
addEnqueueCommand(program);
addShowCommand(program);
addStatusCommand(program);
addBootstrapCommand(program);
addReconcileCommand(program);
addRetriesCommand(program);
addReviewCommand(program);
addProveCommand(program);

// The other commands, and help, work on older ones.
program.hook("preAction", (_program, command) => {
  const problem = ["run", "prove"].includes(command.name()) ? nodeProblem(process.version) : undefined;
  if (problem !== undefined) throw new UsageProblem(problem);
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Help and version were asked for; anything else commander has told already.
    process.exitCode = error.exitCode === 0 ? exitStatus.allFinal : exitStatus.usage;
  } else if (error instanceof UsageProblem) {
    for (const line of error.lines) process.stderr.write(`chargeonce: ${line}\n`);
    process.exitCode = exitStatus.usage;
  } else if (error instanceof DataDirInUse) {
    process.stderr.write(`chargeonce: --data-dir: ${error.message}\n`);
    process.exitCode = exitStatus.usage;
  } else {
    process.stderr.write(`chargeonce: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = exitStatus.someInReview;
  }
}
