import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { GetQueueAttributesCommand, SendMessageBatchCommand } from "@aws-sdk/client-sqs";
import {
  demonstrationGatewayTimeoutMs,
  demonstrationPolicy,
  sandboxApiKey,
} from "../../cli/demonstration.ts";
import { isRunning } from "../../infra/local/process-identity.ts";
import { type FeedFault, feedFaultKinds } from "../../infra/local/sandbox-centrobill/feed-fault.ts";
import {
  type SandboxCentrobill,
  startSandboxCentrobill,
} from "../../infra/local/sandbox-centrobill/server.ts";
import { type Stack, startStack } from "../../infra/local/stack.ts";
import { dynamodbLedger } from "../../lib/adapters/dynamodb-ledger.ts";
import { parseJson } from "../../lib/core/json.ts";
import { deadLetterNameOf, QUEUES, type QueueName } from "../../lib/core/queues.ts";
import { seededFractions } from "../doubles/seeded-ids.ts";
import { takeAccount } from "./account.ts";
import { type CrashMessage, messagesOf } from "./messages.ts";
import { collectOutcomes } from "./outcomes.ts";
import { startSaboteur } from "./saboteur.ts";

/**
 * Charges without a pause while the functions' processes are killed and frozen; then everything drains, and
 * what the ledger says is compared with what the gateway truly did. Ends with 0, or 1 and what was broken.
 *
 *     node test/crash/run.ts [--seconds N] [--rate charges-a-second] [--seed N]
 *
 * Moments and charges come from the seed; the machine decides what a moment meets, so a seed repeats the
 * pressure and not the run.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "180" },
    rate: { type: "string", default: "15" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
const numberOf = (name: keyof typeof values): number => {
  const number = Number(values[name]);
  if (Number.isSafeInteger(number) && number > 0) return number;
  process.stderr.write(`--${name}: must be a whole number above 0\n`);
  process.exit(2);
};
const [seconds, rate, seed] = [numberOf("seconds"), numberOf("rate"), numberOf("seed")];

const leaseMs = 3_000;
/** Above the longest that a killed worker's charge may take to be taken over, looked up and sent again. */
const requestIdLifeMs = 120_000;
const policy = { ...demonstrationPolicy, leaseMs, requestIdLifeMs };
const functionTimeoutMs = 14_000;
const drainMs = 240_000;
const tickMs = 250;
/** Of each hundred messages: how many come twice, some of them while the first is being worked on. */
const duplicatesPercent = 12;

const fraction = seededFractions(seed);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const events: Record<string, number> = {};
const noteLine = (line: string): void => {
  const event = (parseJson(line) as { readonly event?: unknown } | undefined)?.event;
  if (typeof event === "string") events[event] = (events[event] ?? 0) + 1;
};

const stopped = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stopped.abort(new Error(name)));

const urlOf =
  (stack: Stack) =>
  (queue: QueueName): string =>
    stack.env[QUEUES.find(({ name }) => name === queue)?.variable ?? ""] ?? "";

const depthOf = async (stack: Stack, QueueUrl: string): Promise<number> => {
  const { Attributes } = await stack.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }),
    { abortSignal: AbortSignal.timeout(10_000) },
  );
  return ["", "NotVisible", "Delayed"]
    .map((part) =>
      Number((Attributes as Record<string, string> | undefined)?.[`ApproximateNumberOfMessages${part}`]),
    )
    .reduce((sum, count) => sum + count, 0);
};

/** Sends charges at the rate, some of them twice, and makes the feed fail now and then. */
const sendCharges = async (stack: Stack, sandbox: SandboxCentrobill): Promise<readonly CrashMessage[]> => {
  const next = messagesOf(`crash-${seed}`, fraction);
  const sent: CrashMessage[] = [];
  const beganMs = performance.now();
  while (!stopped.signal.aborted && performance.now() - beganMs < seconds * 1_000) {
    const due = Math.floor(((performance.now() - beganMs) / 1_000) * rate) - sent.length;
    const fresh = Array.from({ length: Math.min(due, 8) }, next);
    const entries = fresh.flatMap(({ body }, index) => [
      { Id: `${index}`, MessageBody: body },
      ...(fraction() * 100 < duplicatesPercent
        ? [{ Id: `${index}-again`, MessageBody: body, DelaySeconds: Math.floor(fraction() * 9) }]
        : []),
    ]);
    for (let from = 0; from < entries.length; from += 10) {
      const Entries = entries.slice(from, from + 10);
      const answer = await stack.sqs.send(
        new SendMessageBatchCommand({ QueueUrl: urlOf(stack)("charges"), Entries }),
        { abortSignal: AbortSignal.timeout(10_000) },
      );
      if ((answer.Failed ?? []).length > 0) throw new Error("the charges queue refused a message");
    }
    sent.push(...fresh);
    if (fraction() < 0.03) {
      const kind = feedFaultKinds[Math.floor(fraction() * feedFaultKinds.length)] ?? "none";
      sandbox.setFeedFault({ kind, count: 2 } satisfies FeedFault);
    }
    await pause(tickMs);
  }
  sandbox.setFeedFault({ kind: "none" });
  return sent;
};

/** Waits until nothing is left to work on; what is left after its time is for the account to find. */
const drained = async (stack: Stack): Promise<number> => {
  const beganMs = performance.now();
  for (let empty = 0; empty < 3 && !stopped.signal.aborted; await pause(500)) {
    const depths = await Promise.all(
      (["charges", "unknown-outcomes"] as const).map((queue) => depthOf(stack, urlOf(stack)(queue))),
    );
    empty = depths.every((depth) => depth === 0) ? empty + 1 : 0;
    if (performance.now() - beganMs > drainMs) break;
  }
  return performance.now() - beganMs;
};

const dataDir = mkdtempSync(join(tmpdir(), "chargeonce-crash-"));
say(`seed ${seed}: ${seconds} s at ${rate} charges a second, lease ${leaseMs} ms`);

const stack = await startStack({
  dataDir,
  env: {
    CENTROBILL_API_KEY: sandboxApiKey,
    GATEWAY_TIMEOUT_MS: String(demonstrationGatewayTimeoutMs),
    POLICY: JSON.stringify(policy),
    CONCURRENCY: "10",
  },
  functions: [
    {
      name: "submit-charges",
      queue: "charges",
      batchSize: 10,
      batchingWindowMs: 0,
      timeoutMs: functionTimeoutMs,
      workers: 3,
    },
    {
      name: "resolve-unknowns",
      queue: "unknown-outcomes",
      batchSize: 200,
      batchingWindowMs: 200,
      timeoutMs: functionTimeoutMs,
      workers: 2,
    },
  ],
  bundlesDir: fileURLToPath(new URL("../../dist/functions", import.meta.url)),
  onLog: ({ line }) => noteLine(line),
  onFatal: (error) => stopped.abort(error),
});
const standIns = stack.standInPids();
const sandbox = await startSandboxCentrobill({
  requestIdLifeMs,
  feedLagMs: demonstrationPolicy.feedLagMs / 2,
  latencyMs: { min: 10, max: 250 },
  stallMs: 5_000,
  random: seededFractions(seed + 1),
  dataFile: join(dataDir, "sandbox-centrobill.ndjson"),
});
await stack.startFunctions({ CENTROBILL_URL: sandbox.url, CENTROBILL_FEED_URL: sandbox.feedUrl });
const outcomes = collectOutcomes(stack.sqs, urlOf(stack));
const saboteur = startSaboteur({
  pids: stack.hostPids,
  fraction: seededFractions(seed + 2),
  everyMs: [400, 2_400],
  freezeMs: [leaseMs + 500, 2.5 * leaseMs],
});

const sent = await sendCharges(stack, sandbox);
saboteur.stop();
const drainedMs = await drained(stack);
await outcomes.stop();

const account = await takeAccount(
  sent,
  dynamodbLedger(stack.dynamodb, stack.env["LEDGER_TABLE"] ?? ""),
  outcomes,
  sandbox,
);
const violations = [...account.violations];
for (const queue of ["charges", "unknown-outcomes"] as const) {
  const url = urlOf(stack)(queue);
  const left = await depthOf(stack, url);
  if (left > 0) violations.push(`${queue}: ${left} messages are left`);
  const dead = await depthOf(stack, url.replace(queue, deadLetterNameOf(queue)));
  if (dead > 0) violations.push(`${deadLetterNameOf(queue)}: ${dead} messages`);
}
const stats = stack.stats();
await stack.close();
await sandbox.close();
const left = saboteur.seen().filter(isRunning);
if (left.length > 0) violations.push(`${left.length} function processes are left behind`);

const truth = sandbox.truth();
const charges = sent.length - account.rejected;
const { kills, freezes } = saboteur.done();
const wordsOf = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
say(`charges         ${charges}, and ${account.rejected} messages that are none`);
say(
  `processes       ${kills} killed, ${freezes} frozen past their lease; ${standIns.length} stand-ins left alone`,
);
say(
  `leases          ${events["lease_taken_over"] ?? 0} taken over, ${events["lease_lost"] ?? 0} late writes refused`,
);
say(
  `invocations     ${Object.entries(stats)
    .map(([name, one]) => `${name} ${one.invocations} (${one.timeouts} timed out, ${one.restarts} restarts)`)
    .join("; ")}`,
);
say(
  `gateway         ${truth.sends} sends, ${truth.replays} recognised, ${truth.changedReplays} changed, ${truth.captures} captures`,
);
say(`outcomes        ${wordsOf(account.states)}`);
say(
  `review          ${account.inReview} (${((100 * account.inReview) / Math.max(1, charges)).toFixed(2)} %), ` +
    `${account.capturedInReview} of them captured: ${wordsOf(account.reviewReasons)}`,
);
say(`drained in      ${(drainedMs / 1_000).toFixed(1)} s`);
if (truth.changedReplays > 0) violations.push(`${truth.changedReplays} resends carried another body`);
if (stopped.signal.aborted) violations.push(`stopped: ${String(stopped.signal.reason)}`);
if (sent.length === 0 || kills === 0) violations.push("nothing was tried");

if (violations.length === 0) {
  rmSync(dataDir, { recursive: true, force: true });
  say(
    `${charges} charges: captured twice 0, lost 0, approved without a capture 0, declined with a capture 0, without evidence 0`,
  );
} else {
  say(`BROKEN, ${violations.length} times; state is kept in ${dataDir}`);
  for (const violation of violations.slice(0, 30)) say(`  ${violation}`);
  process.exitCode = 1;
}
