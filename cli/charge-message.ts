import { createHash } from "node:crypto";
import { resolve } from "node:path";
import {
  ChangeMessageVisibilityBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { type Charge, type ChargeId, parseCharge } from "../lib/core/charge.ts";
import {
  canonicalJson,
  isDeeperThan,
  isJsonObject,
  type Json,
  type JsonObject,
  parseJson,
} from "../lib/core/json.ts";
import { requestParsers } from "../lib/gateways/registry.ts";
import { openChargeFile } from "./charge-file.ts";
import { readRunRecord } from "./run-record.ts";

/** Which charge is looked for: another content under its id is another charge. */
export type SoughtCharge = { readonly chargeId: ChargeId; readonly fingerprint: string };

/** The charge of a text: a charge message, or a route message that carries one. `undefined`: not the one sought. */
const chargeIn = (text: string, { chargeId, fingerprint }: SoughtCharge): Charge | undefined => {
  const json: Json | undefined = parseJson(text);
  if (!isJsonObject(json) || isDeeperThan(json, 60)) return undefined;
  const message: JsonObject = isJsonObject(json["charge"]) ? json["charge"] : json;
  if (message["chargeId"] !== chargeId) return undefined;
  if (createHash("sha256").update(canonicalJson(message)).digest("hex") !== fingerprint) return undefined;
  const parsed = parseCharge(JSON.stringify(message), requestParsers);
  return parsed.ok ? parsed.charge : undefined;
};

/** The charge's message in a file of charges (NDJSON, CSV) or of route messages. Throws `UsageProblem`. */
export const chargeFromFile = async (path: string, sought: SoughtCharge): Promise<Charge | undefined> => {
  const file = await openChargeFile(path);
  for await (const { body } of file.lines()) {
    const found = chargeIn(body, sought);
    if (found !== undefined) return found;
  }
  return undefined;
};

/** The charge's message in the file that a run was given, if that is still there. */
export const chargeFromRun = async (dataDir: string, sought: SoughtCharge): Promise<Charge | undefined> => {
  const record = readRunRecord(resolve(dataDir));
  if (record === undefined) return undefined;
  // A file that has gone or changed brings nothing: the fingerprint decides.
  return chargeFromFile(record.charges.path, sought).catch(() => undefined);
};

const receiveMax = 10;
const callDeadlineMs = 10_000;
/** Long enough to look through what is there; whoever consumes the queue waits no longer for any of it. */
const hiddenSeconds = 30;
const rounds = 200;

/**
 * The charge's message in its route message on the queue `review`, where nobody has taken that yet. The messages
 * are looked at and given back; the queue only notifies, and nothing is deleted from it.
 */
export const chargeFromQueue = async (
  sqs: Pick<SQSClient, "send">,
  queueUrl: string,
  sought: SoughtCharge,
): Promise<Charge | undefined> => {
  const seen: Message[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      const { Messages: messages = [] } = await sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: queueUrl,
          MaxNumberOfMessages: receiveMax,
          WaitTimeSeconds: 0,
          VisibilityTimeout: hiddenSeconds,
        }),
        { abortSignal: AbortSignal.timeout(callDeadlineMs) },
      );
      if (messages.length === 0) return undefined;
      seen.push(...messages);
      for (const { Body = "" } of messages) {
        const found = chargeIn(Body, sought);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  } finally {
    await giveBack(sqs, queueUrl, seen);
  }
};

const giveBack = async (
  sqs: Pick<SQSClient, "send">,
  queueUrl: string,
  messages: readonly Message[],
): Promise<void> => {
  for (let from = 0; from < messages.length; from += receiveMax)
    await sqs
      .send(
        new ChangeMessageVisibilityBatchCommand({
          QueueUrl: queueUrl,
          Entries: messages.slice(from, from + receiveMax).map(({ ReceiptHandle }, index) => ({
            Id: String(index),
            ReceiptHandle,
            VisibilityTimeout: 0,
          })),
        }),
        { abortSignal: AbortSignal.timeout(callDeadlineMs) },
      )
      // They come back by themselves, half a minute later.
      .catch(() => {});
};
