import { SQSClient } from "@aws-sdk/client-sqs";
import type { Command } from "commander";
import { sqsClientLimits } from "../lib/adapters/deadline.ts";
import { dynamodbLedger } from "../lib/adapters/dynamodb-ledger.ts";
import { dynamodbPace } from "../lib/adapters/dynamodb-pace.ts";
import { readWorkEntries } from "../lib/adapters/dynamodb-work.ts";
import { readQueueDepths } from "../lib/adapters/sqs-depths.ts";
import { type GatewayName, gatewayNames } from "../lib/core/charge.ts";
import { QUEUES } from "../lib/core/queues.ts";
import { waitingMoney } from "../lib/core/waiting-money.ts";
import { exitStatus } from "./exit-status.ts";
import { type LedgerAccess, openLedgerAccess, withEnvFile } from "./ledger-access.ts";
import { type Status, statusJson, statusText } from "./status-text.ts";
import { watchStopSignals } from "./stop-signals.ts";

type StatusFlags = {
  readonly dataDir?: string;
  readonly envFile?: string;
  readonly watch?: boolean;
  readonly json?: boolean;
};

const watchEveryMs = 2_000;
const workStates = ["unknown", "pending", "review"] as const;

const readStatus = async (
  ledger: LedgerAccess,
  sqs: SQSClient | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Status> => {
  const nowMs = Date.now();
  const book = dynamodbPace(ledger.dynamodb, ledger.table);
  const { entries, notRead } = await readWorkEntries(
    ledger.dynamodb,
    ledger.table,
    workStates,
    dynamodbLedger(ledger.dynamodb, ledger.table),
  );
  const paces = await Promise.all(
    gatewayNames.map(async (gateway) => [gateway, await book.read(gateway)] as const),
  );
  return {
    at: new Date(nowMs).toISOString(),
    queues:
      sqs === undefined
        ? []
        : await readQueueDepths(sqs, (name) => env[QUEUES.find((one) => one.name === name)?.variable ?? ""]),
    paces: Object.fromEntries(paces) as Record<GatewayName, Status["paces"][GatewayName]>,
    // The index is a moment behind: what has ended meanwhile waits no more.
    waiting: waitingMoney(
      entries.filter(({ state }) => (workStates as readonly string[]).includes(state)),
      nowMs,
    ),
    notRead,
  };
};

/** `chargeonce status`: queues, pace, and what has no final outcome, by age and money. */
export const addStatusCommand = (program: Command): void => {
  program
    .command("status")
    .description("queues, gateways that are closed, unknowns and reviews by age and money")
    .option("--data-dir <dir>", "the state that a run kept (its ledger; its queues stand still)")
    .option("--env-file <file>", "variables of a deployed stack, as bootstrap writes them")
    .option("--watch", "again every two seconds, until interrupted")
    .option("--json", "as JSON, one line a look")
    .addHelpText(
      "after",
      `
A queue with ? is one that the variables do not name, or that did not answer.
Exit status: 0 nothing waits for a person; 1 something does; 2 wrong usage. With --watch that of the last look.`,
    )
    .action(async (flags: StatusFlags) => {
      const env = withEnvFile(process.env, flags.envFile);
      const ledger = await openLedgerAccess(flags, process.env);
      const sqs = flags.dataDir === undefined ? new SQSClient({ ...sqsClientLimits }) : undefined;
      const signals = watchStopSignals();
      let isRead = true;
      process.stdout.once("error", () => {
        isRead = false;
      });
      try {
        do {
          const status = await readStatus(ledger, sqs, env);
          const clear = process.stdout.isTTY === true && flags.watch === true ? "\x1b[2J\x1b[H" : "";
          process.stdout.write(`${clear}${flags.json === true ? statusJson(status) : statusText(status)}\n`);
          const inReview = status.waiting.some(({ state }) => state === "review");
          process.exitCode = inReview ? exitStatus.someInReview : exitStatus.allFinal;
          if (flags.watch === true) await pause(watchEveryMs, signals.stop);
        } while (flags.watch === true && !signals.stop.aborted && isRead);
      } finally {
        signals.close();
        sqs?.destroy();
        await ledger.close();
      }
    });
};

/** Until the time is over or the signal comes. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
