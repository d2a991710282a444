import { createHash } from "node:crypto";
import { resolve } from "node:path";
import type { SQSClient } from "@aws-sdk/client-sqs";
import { lookThroughQueue } from "../lib/adapters/sqs-look.ts";
import type { Charge } from "../lib/core/charge.ts";
import { chargeIn, type SoughtCharge } from "../lib/core/charge-in.ts";
import { requestParsers } from "../lib/gateways/registry.ts";
import { openChargeFile } from "./charge-file.ts";
import { readRunRecord } from "./run-record.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const chargeOf = (text: string, sought: SoughtCharge): Charge | undefined =>
  chargeIn(text, sought, requestParsers, sha256);

/** The charge's message in a file of charges (NDJSON, CSV) or of route messages. Throws `UsageProblem`. */
export const chargeFromFile = async (path: string, sought: SoughtCharge): Promise<Charge | undefined> => {
  const file = await openChargeFile(path);
  for await (const { body } of file.lines()) {
    const found = chargeOf(body, sought);
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

/** The charge's message in its route message on the queue `review`, where nobody has taken that yet. */
export const chargeFromQueue = (
  sqs: Pick<SQSClient, "send">,
  queueUrl: string,
  sought: SoughtCharge,
): Promise<Charge | undefined> => lookThroughQueue(sqs, queueUrl, (body) => chargeOf(body, sought));
