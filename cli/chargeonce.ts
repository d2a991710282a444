import { Command, CommanderError } from "commander";
import { DataDirInUse } from "../infra/local/data-dir.ts";
import { exitStatus } from "./exit-status.ts";
import { nodeProblem } from "./node-version.ts";
import { UsageProblem } from "./usage-problem.ts";
import { watchOutput } from "./watch-output.ts";

watchOutput(process);

/** In the order of the help. */
const commands: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
  run: async () => (await import("./run.ts")).addRunCommand,
  enqueue: async () => (await import("./enqueue.ts")).addEnqueueCommand,
  show: async () => (await import("./show.ts")).addShowCommand,
  status: async () => (await import("./status.ts")).addStatusCommand,
  bootstrap: async () => (await import("./bootstrap.ts")).addBootstrapCommand,
  reconcile: async () => (await import("./reconcile.ts")).addReconcileCommand,
  retries: async () => (await import("./retries.ts")).addRetriesCommand,
  review: async () => (await import("./review.ts")).addReviewCommand,
  prove: async () => (await import("./prove.ts")).addProveCommand,
};

const program = new Command("chargeonce")
  .description(
    "Submits queued charges to a payment gateway at most once in effect, and knows what became of each.",
  )
  .version("0.1.0")
  // `review` has flags of its own, which its subcommands have, too.
  .enablePositionalOptions()
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(text) });

// What a command is made of is loaded for it alone: to load all of them takes longer than most of them do. Help needs all.
const [name = "", behind = ""] = process.argv.slice(2);
const named = Object.hasOwn(commands, name) ? [commands[name]] : Object.values(commands);
for (const add of await Promise.all(named.map((load) => load?.()))) add?.(program);

// The other commands, and help, work on older ones.
program.hook("preAction", (_program, command) => {
  const problem = ["run", "prove"].includes(command.name()) ? nodeProblem(process.version) : undefined;
  if (problem !== undefined) throw new UsageProblem(problem);
});

try {
  const asked = name === "help" ? behind : name;
  if (asked !== "" && asked !== "help" && !asked.startsWith("-") && !Object.hasOwn(commands, asked))
    throw new UsageProblem(`${asked}: no such command; there are ${Object.keys(commands).join(", ")}`);
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
