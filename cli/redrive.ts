import type { Command } from "commander";
import { sqsRedrive } from "../lib/adapters/sqs-redrive.ts";
import { type GatewayName, gatewayNames, parseChargeId } from "../lib/core/charge.ts";
import { deadLetterNameOf } from "../lib/core/queues.ts";
import { type RedriveEnd, type RedriveSource, redriveSources } from "../lib/core/redrive.ts";
import { parseSpanMs } from "../lib/core/worklist.ts";
import { ageText } from "../lib/desk/age-text.ts";
import { type RedriveFilter, type Redriven, redriveQueue } from "../lib/flows/redrive-queue.ts";
import { type ExitStatus, exitStatus } from "./exit-status.ts";
import type { LedgerFlags } from "./ledger-access.ts";
import { openPlace, type Place, workerAt } from "./place.ts";

import { textTable } from "./text-table.ts";
import { UsageProblem } from "./usage-problem.ts";

type RedriveFlags = LedgerFlags & {
  readonly json?: boolean;
  readonly gateway?: string;
  readonly charge?: readonly string[];
  readonly code?: string;
  readonly olderThan?: string;
  readonly limit?: string;
  readonly perSecond?: string;
  readonly go?: boolean;
};

/** What follows, as people read it. */
const endWords: Readonly<Record<RedriveEnd, string>> = {
  first_send: "not in the ledger: sent for the first time, unless its notAfter is over",
  never_sent_is_sent: "never sent: sent, under the request id that it has",
  found_out_in_key_life:
    "not known: found out; sent again only under its own request id, whose life runs (S2)",
  looked_up: "not known, and its request id is too old: looked up, never sent (S3)",
  left_to_its_worker: "a worker has it: nothing before its lease is over",
  told_again: "ended: its outcome is told again, under the same id",
  told_as_in_review: "in review: told again",
  refused: "another content than the ledger has under its id: refused",
  notice_applied: "a notice: applied",
  left_unreadable: "not a message that anybody could work: left where it is",
};

const names = redriveSources.map(({ name }) => name);

export const addRedriveCommand = (review: Command): void => {
  review
    .command("redrive")
    .argument("<queue>", names.join(", "))
    .description("put dead letters back, or have declined charges told again; says first what would follow")
    .option("--go", "do it; without this it is a dry run")
    .option("--gateway <name>", `only this gateway's: ${gatewayNames.join(", ")}`)
    .option("--charge <id...>", "only these charges")
    .option("--code <code>", "only route messages with this code")
    .option("--older-than <span>", "only what was first sent so long ago: 90s, 15m, 6h, 2d")
    .option("--limit <n>", "at most so many (10000)")
    .option("--per-second <n>", "at most so many a second (10)")
    .option("--data-dir <dir>", "the state that a run kept")
    .option("--env-file <file>", "variables of a deployed stack, as bootstrap writes them")
    .option("--json", "as JSON, one line a message")
    .addHelpText(
      "after",
      `
A redrive sends nothing to a gateway and changes nothing in the ledger: whoever gets a message asks the ledger first,
which has the age of its request id. A declined charge is not attempted again by it.
Exit status: 0 done, or nothing to do; 1 something was left that nobody could work; 2 wrong usage.`,
    )
    .action(async (queue: string, flags: RedriveFlags) => {
      process.exitCode = await redrive(queue, flags);
    });
};

type Asked = {
  readonly source: RedriveSource;
  readonly filter: RedriveFilter;
  readonly most: number;
  readonly perSecond: number;
};

const askedOf = (queue: string, flags: RedriveFlags): Asked => {
  const problems: string[] = [];
  const source = redriveSources.find(({ name }) => name === queue);
  if (source === undefined) problems.push(`queue: must be one of ${names.join(", ")}`);
  const { gateway, charge, code, olderThan, limit = "10000", perSecond = "10" } = flags;
  if (gateway !== undefined && !(gatewayNames as readonly string[]).includes(gateway))
    problems.push(`--gateway ${gateway}: no such gateway`);
  for (const id of charge ?? [])
    if (parseChargeId(id) === undefined) problems.push("--charge: not a charge id");
  const olderThanMs = olderThan === undefined ? undefined : parseSpanMs(olderThan);
  if (olderThan !== undefined && olderThanMs === undefined)
    problems.push(`--older-than ${olderThan}: must be a number with s, m, h or d`);
  if (!/^[1-9][0-9]{0,6}$/.test(limit)) problems.push(`--limit ${limit}: must be a whole number from 1`);
  if (!/^[1-9][0-9]{0,3}$/.test(perSecond)) problems.push(`--per-second ${perSecond}: must be 1 to 9999`);
  if (source === undefined || problems.length > 0) throw new UsageProblem(problems);
  return {
    source,
    filter: {
      ...(gateway === undefined ? {} : { gateway: gateway as GatewayName }),
      ...(charge === undefined ? {} : { chargeIds: charge }),
      ...(code === undefined ? {} : { code }),
      ...(olderThanMs === undefined ? {} : { olderThanMs }),
    },
    most: Number(limit),
    perSecond: Number(perSecond),
  };
};

const urlsOf = ({ settings }: Place, { of, to, isDeadLetters }: RedriveSource) => {
  const url = settings.queueUrls[of];
  return { from: isDeadLetters ? deadLetterNameOf(url) : url, to: settings.queueUrls[to] };
};

const redrive = async (queue: string, flags: RedriveFlags): Promise<ExitStatus> => {
  const { source, filter, most, perSecond } = askedOf(queue, flags);
  const dryRun = flags.go !== true;
  const place = await openPlace(flags);
  let close = (): void => {};
  const counts = new Map<RedriveEnd, { count: number; oldestMs: number }>();
  try {
    const worker = workerAt(place);
    close = worker.close;
    await redriveQueue(
      filter,
      { most, perSecond, dryRun, bodyOf: source.isDeadLetters ? "message" : "charge" },
      { ...worker, queue: sqsRedrive(place.access.sqs, urlsOf(place, source)) },
      (one) => {
        const before = counts.get(one.end);
        counts.set(one.end, {
          count: (before?.count ?? 0) + 1,
          oldestMs: Math.min(before?.oldestMs ?? Number.POSITIVE_INFINITY, one.firstSentAtMs),
        });
        if (flags.json === true) process.stdout.write(`${JSON.stringify(lineOf(one, dryRun))}\n`);
      },
    );
  } finally {
    close();
    await place.close();
  }
  if (flags.json !== true) process.stdout.write(`${summaryOf(source, counts, dryRun)}\n`);
  return counts.has("left_unreadable") ? exitStatus.someInReview : exitStatus.allFinal;
};

const lineOf = ({ messageId, message, firstSentAtMs, end }: Redriven, dryRun: boolean) => ({
  messageId,
  ...(message.kind === "charge" ? { chargeId: message.chargeId } : {}),
  firstSentAt: new Date(firstSentAtMs).toISOString(),
  end,
  dryRun,
});

const summaryOf = (
  { name, to }: RedriveSource,
  counts: ReadonlyMap<RedriveEnd, { readonly count: number; readonly oldestMs: number }>,
  dryRun: boolean,
): string => {
  if (counts.size === 0) return `${name}: no message to put back`;
  const nowMs = Date.now();
  return [
    ...textTable(
      [{ title: "messages", align: "right" }, { title: "oldest", align: "right" }, { title: "what follows" }],
      [...counts].map(([end, { count, oldestMs }]) => [
        String(count),
        ageText(nowMs - oldestMs),
        endWords[end],
      ]),
    ),
    "",
    dryRun ? `nothing was done: --go puts them onto ${to}` : `put onto ${to}`,
  ].join("\n");
};
