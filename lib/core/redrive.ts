import { type ChargeId, type GatewayName, gatewayNames, parseChargeId } from "./charge.ts";
import { asString, isDeeperThan, isJsonObject, type JsonObject, parseJson } from "./json.ts";
import { isFinal, type LedgerEntry } from "./ledger.ts";
import { parseWakeUp } from "./notice.ts";
import { keyLifeEndMs, type Policy } from "./policy.ts";
import { CHARGE_QUEUES, type ChargeQueueName, deadLetterNameOf, isConsumed } from "./queues.ts";
import { leftAloneUntilMs } from "./takeover.ts";

/** A queue whose messages may be put back, and where they go. */
export type RedriveSource = {
  readonly name: string;
  /** the queue that its address is told by; a dead-letter queue's follows from it */
  readonly of: ChargeQueueName;
  readonly isDeadLetters: boolean;
  readonly to: ChargeQueueName;
};

/**
 * Dead letters go back to the queue that they come from. Of a declined charge the own message goes back to `charges`:
 * what the ledger has of it is told again, under the same id. It is no new attempt: that takes `schedule-retries`, or a
 * person.
 */
export const redriveSources: readonly RedriveSource[] = CHARGE_QUEUES.flatMap((queue): RedriveSource[] => [
  ...(isConsumed(queue)
    ? [{ name: deadLetterNameOf(queue.name), of: queue.name, isDeadLetters: true, to: queue.name }]
    : []),
  ...(queue.name === "permanent-declines" || queue.name === "retryable-declines"
    ? [{ name: queue.name, of: queue.name, isDeadLetters: false, to: "charges" as const }]
    : []),
]);

/** What a message is about, as far as it says. */
export type RedriveMessage =
  | {
      readonly kind: "charge";
      readonly chargeId: ChargeId;
      readonly gateway?: GatewayName;
      /** the charge's own message */
      readonly charge: JsonObject;
      readonly code?: string;
    }
  /** where a notice is kept: it is applied, and sends nothing */
  | { readonly kind: "notice"; readonly gateway?: GatewayName }
  | { readonly kind: "unreadable" };

const nestingMax = 60;

export const readRedriveMessage = (body: string): RedriveMessage => {
  const wakeUp = parseWakeUp(body);
  if (wakeUp !== undefined) return { kind: "notice", ...gatewayOf(wakeUp.gateway) };
  const message = parseJson(body);
  if (!isJsonObject(message) || isDeeperThan(message, nestingMax)) return { kind: "unreadable" };
  const charge = isJsonObject(message["charge"]) ? message["charge"] : message;
  const chargeId = parseChargeId(charge["chargeId"]);
  if (chargeId === undefined) return { kind: "unreadable" };
  const code = asString(message["code"]);
  return {
    kind: "charge",
    chargeId,
    charge,
    ...gatewayOf(charge["gateway"]),
    ...(code === undefined ? {} : { code }),
  };
};

const gatewayOf = (value: unknown): { readonly gateway?: GatewayName } =>
  (gatewayNames as readonly unknown[]).includes(value) ? { gateway: value as GatewayName } : {};

/** What whoever gets the message will do, by what the ledger has now. */
export const redriveEnds = [
  /** no charge of it is in the ledger: it is sent for the first time, unless its time is over */
  "first_send",
  /** opened and never sent: it is sent, under the id that it has */
  "never_sent_is_sent",
  /** its outcome is not known, and the gateway still knows its id: it may be sent again under the same id (S2) */
  "found_out_in_key_life",
  /** its outcome is not known, and its id is too old: it is looked up, and never sent (S3) */
  "looked_up",
  /** a worker holds its lease: nothing is done before that is over */
  "left_to_its_worker",
  /** the ledger has its outcome, which is told again under the same id */
  "told_again",
  /** it waits for a person, which is told again */
  "told_as_in_review",
  /** another content than the ledger has under its id: refused */
  "refused",
  "notice_applied",
  /** stays where it is: nobody could work it */
  "left_unreadable",
] as const;
export type RedriveEnd = (typeof redriveEnds)[number];

/** What follows from putting a message back. Pure: nothing is sent by a redrive, and the rules hold for whoever sends. */
export const redriveEndOf = (
  message: RedriveMessage,
  entry: LedgerEntry | undefined,
  fingerprint: string | undefined,
  policy: Policy,
  nowMs: number,
): RedriveEnd => {
  if (message.kind === "unreadable") return "left_unreadable";
  if (message.kind === "notice") return "notice_applied";
  if (entry === undefined) return "first_send";
  if (entry.fingerprint !== fingerprint) return "refused";
  if (isFinal(entry)) return "told_again";
  switch (entry.state) {
    case "review":
      return "told_as_in_review";
    case "waiting":
      return "never_sent_is_sent";
    case "opened":
      return nowMs <= leftAloneUntilMs(entry, policy) ? "left_to_its_worker" : lifeEnd(entry, policy, nowMs);
    case "unknown":
    case "pending":
      return lifeEnd(entry, policy, nowMs);
  }
};

const lifeEnd = (entry: LedgerEntry, policy: Policy, nowMs: number): RedriveEnd =>
  nowMs <= keyLifeEndMs(policy, entry.firstSendAtMs ?? entry.openedAtMs)
    ? "found_out_in_key_life"
    : "looked_up";
