import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import type { Command } from "commander";
import { dynamodbDeskIndex } from "../lib/adapters/dynamodb-desk.ts";
import { readChargeRecord } from "../lib/adapters/dynamodb-ledger.ts";
import { dynamodbScan } from "../lib/adapters/dynamodb-scan.ts";
import { type Charge, type ChargeId, gatewayNames, parseChargeId } from "../lib/core/charge.ts";
import { chainProblems, type DecisionHead, headOf, stillHolds } from "../lib/core/decision-chain.ts";
import { isJsonObject, type JsonObject, parseJson } from "../lib/core/json.ts";
import { type LedgerEntry, reviewReasons } from "../lib/core/ledger.ts";
import {
  problemsOfWish,
  type ReviewDecision,
  reviewDecisions,
  type Wish,
} from "../lib/core/review-decision.ts";
import { firstOfWorklist, type WorklistFilter } from "../lib/core/worklist.ts";
import { readFilter } from "../lib/core/worklist-filter.ts";
import { decideReview, NotThisCharge, showReview } from "../lib/flows/decide-review.ts";
import type { Desk } from "../lib/ports.ts";
import { chargeHistory } from "./charge-history.ts";
import { deskAt, messageAt } from "./desk-place.ts";
import { type ExitStatus, exitStatus } from "./exit-status.ts";
import { tellWritten } from "./finding-files.ts";
import { type LedgerFlags, openLedgerAccess } from "./ledger-access.ts";
import { openPlace, type Place } from "./place.ts";
import { addRedriveCommand } from "./redrive.ts";
import { decisionText, deskLines, unreadableLines, worklistText } from "./review-text.ts";
import { serveReview, type WebFlags } from "./review-web.ts";
import { fileTrouble, UsageProblem } from "./usage-problem.ts";

type Json = { readonly json?: boolean };

/** `chargeonce review` (contract, section 3): the desk for what waits for a person. */
export const addReviewCommand = (program: Command): void => {
  const review = program
    .command("review")
    .description(
      "the desk for what waits for a person: list, show, decide, verify, redrive; --web for a browser",
    )
    // Its own flags come before a subcommand's name; what comes after is the subcommand's.
    .enablePositionalOptions()
    .option(
      "--web",
      "serve the desk to a browser on this machine, until interrupted; tells a link that works once",
    )
    .option("--by <name>", "--web: who decides; otherwise whoever opens the link says so")
    .option("--port <n>", "--web: the port on 127.0.0.1; otherwise a free one")
    .option("--charge <file>", chargeOption)
    .option("--json", "--web: the link as JSON")
    .helpCommand(true)
    // What is no subcommand is named below: that there are too many arguments says nothing.
    .allowExcessArguments()
    .action(async (flags: WebFlags, { args: [name], commands }: Command) => {
      if (name !== undefined)
        throw new UsageProblem(
          `review: ${name}: no such subcommand; there are ${commands.map((one) => one.name()).join(", ")}`,
        );
      process.exitCode = await serveReview(flags);
    });
  withLedger(review);
  review.hook("preSubcommand", (_, subcommand) => {
    const early = review.options.filter(
      (option) => review.getOptionValueSource(option.attributeName()) !== undefined,
    );
    if (early.length > 0)
      throw new UsageProblem(
        `review: ${early.map(({ long }) => long).join(", ")} must come behind ${subcommand.name()}`,
      );
  });
  addList(review);
  addShow(review);
  addDecide(review);
  addVerify(review);
  addRedriveCommand(review);
};

const withLedger = (command: Command): Command =>
  command
    .option("--data-dir <dir>", "the state that a run kept, with its sandboxes and queues")
    .option("--env-file <file>", "variables of a deployed stack, as bootstrap writes them");

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

// --- list

type ListFlags = LedgerFlags &
  Json & {
    readonly reason?: readonly string[];
    readonly gateway?: string;
    readonly olderThan?: string;
    readonly minMoney?: string;
    readonly limit?: string;
  };

const listDefault = 50;

const addList = (review: Command): void => {
  withLedger(review.command("list"))
    .description("what waits for a person, the most pressing first: money times age")
    .option("--reason <reason...>", `only these reasons: ${reviewReasons.join(", ")}`)
    .option("--gateway <name>", `only this gateway: ${gatewayNames.join(", ")}`)
    .option("--older-than <span>", "only what has waited so long: 90s, 15m, 6h, 2d")
    .option(
      "--min-money <amount>",
      "only charges of so much or more, in major units of their own currency: 20.00",
    )
    .option("--limit <n>", `how many are shown (${listDefault}); with --json all, unless this is given`)
    .option("--json", "as JSON")
    .addHelpText(
      "after",
      "\nExit status: 0 nothing waits; 1 something does, or cannot be read (named on standard error); 2 wrong usage.",
    )
    .action(async (flags: ListFlags) => {
      process.exitCode = await list(flags);
    });
};

const filterOf = (
  flags: ListFlags,
): { readonly filter: WorklistFilter; readonly limit: number | undefined } => {
  const { reason, gateway, olderThan, minMoney, limit } = flags;
  const read = readFilter({
    ...(reason === undefined ? {} : { reasons: reason }),
    ...(gateway === undefined ? {} : { gateway }),
    ...(olderThan === undefined ? {} : { olderThan }),
    ...(minMoney === undefined ? {} : { minMoney }),
  });
  const problems = read.problems.map(
    ({ field, given, problem }) => `${filterFlags[field]} ${given}: ${problem}`,
  );
  if (limit !== undefined && !/^[1-9][0-9]{0,6}$/.test(limit))
    problems.push(`--limit ${limit}: must be a whole number from 1`);
  if (problems.length > 0) throw new UsageProblem(problems);
  return { filter: read.filter, limit: limit === undefined ? undefined : Number(limit) };
};

const filterFlags = {
  reasons: "--reason",
  gateway: "--gateway",
  olderThan: "--older-than",
  minMoney: "--min-money",
} as const;

const list = async (flags: ListFlags): Promise<ExitStatus> => {
  const { filter, limit } = filterOf(flags);
  const access = await openLedgerAccess(flags, process.env);
  try {
    const nowMs = Date.now();
    const untilMs = filter.olderThanMs === undefined ? undefined : nowMs - filter.olderThanMs;
    const { rows, unreadable } = await dynamodbDeskIndex(access.dynamodb, access.table).waiting(untilMs);
    const most = limit ?? (flags.json === true ? Number.POSITIVE_INFINITY : listDefault);
    const { fitting, first } = firstOfWorklist(rows, filter, nowMs, most);
    print(
      flags.json === true
        ? JSON.stringify({
            at: new Date(nowMs).toISOString(),
            count: fitting.length,
            waiting: first,
            ...(unreadable.length === 0 ? {} : { unreadable }),
          })
        : worklistText(fitting, first, nowMs, Object.keys(filter).length > 0),
    );
    for (const line of unreadableLines(unreadable)) process.stderr.write(`chargeonce: ${line}\n`);
    return fitting.length + unreadable.length === 0 ? exitStatus.allFinal : exitStatus.someInReview;
  } finally {
    await access.close();
  }
};

// --- show and decide

type ChargeFlags = LedgerFlags & Json & { readonly charge?: string };

const chargeIdOf = (text: string): ChargeId => {
  const chargeId = parseChargeId(text);
  if (chargeId === undefined)
    throw new UsageProblem("charge id: must be 1 to 64 characters of A-Z a-z 0-9 . _ : -");
  return chargeId;
};

const chargeOption =
  "a file that has the charge's own message (charges, or route messages); the ledger never has it";

const addShow = (review: Command): void => {
  withLedger(review.command("show"))
    .argument("<charge-id>")
    .description("a charge's whole history, its evidence, and what the gateway says of it now")
    .option("--charge <file>", chargeOption)
    .option("--json", "the ledger's own words")
    .addHelpText(
      "after",
      `
The gateway is asked where that is harmless; never where asking could itself charge (Centrapay's Quick Pay).
Exit status: 0 it does not wait for a person; 1 it does; 2 wrong usage.`,
    )
    .action(async (text: string, flags: ChargeFlags) => {
      process.exitCode = await show(chargeIdOf(text), flags);
    });
};

/** The charge's own message, from wherever it can be had. */
const messageOf = async (
  chargeId: ChargeId,
  flags: ChargeFlags,
  place: Place,
  searchQueue: boolean,
): Promise<Charge | undefined> => {
  const { access } = place;
  const { entry } = await readChargeRecord(access.dynamodb, access.table, chargeId);
  if (entry === undefined) throw new UsageProblem(`${chargeId}: the ledger has no such charge`);
  const found = await messageAt(entry, flags, place, searchQueue);
  if (found === undefined && flags.charge !== undefined)
    throw new UsageProblem(
      `--charge ${flags.charge}: has no message of ${chargeId} with the ledger's content`,
    );
  return found;
};

/** Opens the desk for one charge, and closes it whatever happens. */
const atDesk = async (
  flags: ChargeFlags,
  work: (desk: Desk, place: Place) => Promise<ExitStatus>,
): Promise<ExitStatus> => {
  const place = await openPlace(flags);
  let close = (): void => {};
  try {
    const desk = deskAt(place);
    close = desk.close;
    return await work(desk, place);
  } catch (error) {
    if (error instanceof NotThisCharge) throw new UsageProblem(error.message);
    throw error;
  } finally {
    close();
    await place.close();
  }
};

const waits = (entry: LedgerEntry): boolean => entry.state === "review" && entry.droppedAtMs === undefined;

const show = (chargeId: ChargeId, flags: ChargeFlags): Promise<ExitStatus> =>
  atDesk(flags, async (desk, place) => {
    const charge = await messageOf(chargeId, flags, place, false);
    const shown = await showReview(chargeId, charge, desk);
    const record = await readChargeRecord(place.access.dynamodb, place.access.table, chargeId);
    print(
      flags.json === true
        ? JSON.stringify({ ...record, gateway: shown.word, version: shown.entry.token })
        : `${chargeHistory(record)}\n${deskLines(shown)}`,
    );
    return waits(shown.entry) ? exitStatus.someInReview : exitStatus.allFinal;
  });

type DecideFlags = ChargeFlags & {
  readonly reason?: string;
  readonly by?: string;
  readonly evidence?: string;
  readonly transaction?: string;
  readonly amount?: string;
  readonly on?: string;
  readonly dryRun?: boolean;
};

const addDecide = (review: Command): void => {
  withLedger(review.command("decide"))
    .argument("<charge-id>")
    .argument("<decision>", reviewDecisions.join(", "))
    .description("decide what becomes of a charge in review; some decisions take a second person")
    .option("--by <name>", "who decides")
    .option("--reason <text>", "why")
    .option(
      "--evidence <text>",
      "what you know beyond what the gateway says here; recorded as a person's word",
    )
    .option("--transaction <id>", "the gateway's id of what is given back, or of what was taken")
    .option("--amount <minor>", "refund: how much, in minor units; otherwise the whole transaction")
    .option("--on <version>", "decide only if the charge is as it was shown then (show prints it)")
    .option("--charge <file>", chargeOption)
    .option("--dry-run", "say exactly what would be done, and why it is safe or refused; do nothing")
    .option("--json", "as JSON")
    .addHelpText(
      "after",
      `
The same decision by another name confirms it. Nothing is sent from here: a worker sends, when the ledger says so.
On a run's --data-dir the same "run" carries it out.
Exit status: 0 decided, or it was before (--dry-run: it would be); 1 refused, or it waits for a second person; 2 wrong usage.`,
    )
    .action(async (text: string, decision: string, flags: DecideFlags) => {
      process.exitCode = await decide(chargeIdOf(text), decision, flags);
    });
};

const flagOf: Readonly<Record<string, string>> = {
  by: "--by",
  reason: "--reason",
  stated: "--evidence",
  transactionId: "--transaction",
  amount: "--amount",
};

const wishOf = (decision: string, flags: DecideFlags): Wish => {
  const problems: string[] = [];
  if (!(reviewDecisions as readonly string[]).includes(decision))
    problems.push(`decision: must be one of ${reviewDecisions.join(", ")}`);
  if (flags.by === undefined) problems.push("--by: is not given");
  if (flags.reason === undefined) problems.push("--reason: is not given");
  const wish: Wish = {
    decision: decision as ReviewDecision,
    by: flags.by ?? "-",
    reason: flags.reason ?? "-",
    ...(flags.evidence === undefined ? {} : { stated: flags.evidence }),
    ...(flags.transaction === undefined ? {} : { transactionId: flags.transaction }),
    ...(flags.amount === undefined ? {} : { amount: flags.amount }),
  };
  for (const { field, must } of problemsOfWish(wish))
    problems.push(`${flagOf[field] ?? field}: must ${must}`);
  if (problems.length > 0) throw new UsageProblem(problems);
  return wish;
};

const decide = (chargeId: ChargeId, decision: string, flags: DecideFlags): Promise<ExitStatus> => {
  const wish = wishOf(decision, flags);
  return atDesk(flags, async (desk, place) => {
    const charge = await messageOf(chargeId, flags, place, true);
    const dryRun = flags.dryRun === true;
    const made = await decideReview(
      {
        chargeId,
        wish,
        ...(flags.on === undefined ? {} : { on: flags.on }),
        ...(charge === undefined ? {} : { charge }),
        dryRun,
      },
      desk,
    );
    const { verdict, word, event, lost } = made;
    print(
      flags.json === true
        ? JSON.stringify({
            chargeId,
            dryRun,
            verdict,
            gateway: word,
            lost,
            ...(event === undefined ? {} : { event }),
          })
        : decisionText(made, dryRun),
    );
    const isDone =
      !lost && (verdict.kind === "decides" || (verdict.kind === "already" && verdict.event.e === "decided"));
    return isDone || (dryRun && verdict.kind === "proposes") ? exitStatus.allFinal : exitStatus.someInReview;
  });
};

// --- verify

type VerifyFlags = LedgerFlags & Json & { readonly heads?: string; readonly against?: string };

const addVerify = (review: Command): void => {
  withLedger(review.command("verify"))
    .argument("[charge-id...]", "these charges; otherwise every one of the ledger")
    .description("check the hash-chained record of every decision")
    .option(
      "--heads <file>",
      "write the last hash of each chain, NDJSON: keep it where the ledger's writers cannot write",
    )
    .option("--against <file>", "heads of before: each chain must still go through its own")
    .option("--json", "as JSON")
    .addHelpText("after", "\nExit status: 0 every record is whole; 1 one is not; 2 wrong usage.")
    .action(async (texts: readonly string[], flags: VerifyFlags) => {
      process.exitCode = await verify(texts.map(chargeIdOf), flags);
    });
};

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

const readHeads = (path: string): readonly DecisionHead[] => {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageProblem(`--against ${path}: ${fileTrouble(error)}`);
  }
  return text.split("\n").flatMap((line, index) => {
    if (line.trim() === "") return [];
    const head = parseJson(line);
    const { chargeId, decisions, hash } = isJsonObject(head) ? head : ({} as JsonObject);
    if (typeof chargeId !== "string" || typeof decisions !== "number" || typeof hash !== "string")
      throw new UsageProblem(`--against ${path}:${index + 1}: not a head as --heads writes it`);
    return [{ chargeId, decisions, hash }];
  });
};

const verify = async (chargeIds: readonly ChargeId[], flags: VerifyFlags): Promise<ExitStatus> => {
  const expected = new Map(
    flags.against === undefined ? [] : readHeads(flags.against).map((head) => [head.chargeId, head]),
  );
  const heads: DecisionHead[] = [];
  const broken: { readonly chargeId: string; readonly problem: string }[] = [];
  let charges = 0;
  const check = (entry: LedgerEntry): void => {
    charges += 1;
    for (const problem of chainProblems(entry, sha256)) broken.push({ chargeId: entry.chargeId, problem });
    const head = headOf(entry);
    if (head !== undefined) heads.push(head);
    const before = expected.get(entry.chargeId);
    expected.delete(entry.chargeId);
    if (before !== undefined && !stillHolds(entry, before))
      broken.push({ chargeId: entry.chargeId, problem: "its record is not the one of before" });
  };
  const access = await openLedgerAccess(flags, process.env);
  let unreadable = 0;
  try {
    if (chargeIds.length === 0)
      ({ unreadable } = await dynamodbScan(access.dynamodb, access.table).scan(check));
    else
      for (const chargeId of chargeIds) {
        const { entry } = await readChargeRecord(access.dynamodb, access.table, chargeId);
        if (entry === undefined) throw new UsageProblem(`${chargeId}: the ledger has no such charge`);
        check(entry);
      }
  } finally {
    await access.close();
  }
  if (chargeIds.length === 0)
    for (const { chargeId } of expected.values())
      broken.push({ chargeId, problem: "it is gone from the ledger" });
  if (flags.heads !== undefined)
    try {
      writeFileSync(flags.heads, heads.map((head) => `${JSON.stringify(head)}\n`).join(""), { mode: 0o600 });
    } catch (error) {
      throw new UsageProblem(`--heads ${flags.heads}: ${fileTrouble(error)}`);
    }
  tellWritten(flags.heads);
  const decisions = heads.reduce((sum, head) => sum + head.decisions, 0);
  if (flags.json === true)
    print(JSON.stringify({ charges, decided: heads.length, decisions, unreadable, broken, heads }));
  else
    print(
      [
        ...broken.map(({ chargeId, problem }) => `${chargeId}: ${problem}`),
        `${charges} charges, ${heads.length} of them with ${decisions} decisions and proposals: ${broken.length === 0 ? "every record is whole" : `${broken.length} problems`}`,
        ...(unreadable === 0 ? [] : [`${unreadable} entries could not be read`]),
      ].join("\n"),
    );
  return broken.length === 0 && unreadable === 0 ? exitStatus.allFinal : exitStatus.someInReview;
};
