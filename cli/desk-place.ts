import { dynamodbDeskIndex, smallPageKeys } from "../lib/adapters/dynamodb-desk.ts";
import { readChargeRecord } from "../lib/adapters/dynamodb-ledger.ts";
import { readWorkEntries } from "../lib/adapters/dynamodb-work.ts";
import { readQueueDepths } from "../lib/adapters/sqs-depths.ts";
import type { Charge } from "../lib/core/charge.ts";
import type { SoughtCharge } from "../lib/core/charge-in.ts";
import { QUEUES } from "../lib/core/queues.ts";
import { keptIndex } from "../lib/desk/kept-index.ts";
import type { DeskSite } from "../lib/desk/site.ts";
import type { Desk } from "../lib/ports.ts";
import { chargeFromFile, chargeFromQueue, chargeFromRun } from "./charge-message.ts";
import { sendBatch } from "./charge-sender.ts";
import type { LedgerFlags } from "./ledger-access.ts";
import { type Place, workerAt } from "./place.ts";

/** The desk over a place. The queue of charges is sent to as every sender does. */
export const deskAt = (place: Place): Desk & { readonly close: () => void } => {
  const { access, settings } = place;
  return {
    ...workerAt(place),
    recordOf: (chargeId) => readChargeRecord(access.dynamodb, access.table, chargeId),
    charges: {
      send: (body, delayMs) => sendBatch(access.sqs, settings.queueUrls.charges, [body], { delayMs }),
    },
  };
};

/** Where a charge's own message is looked for. */
export type MessageFlags = LedgerFlags & { readonly charge?: string };

/** The charge's own message, from wherever it can be had: what is named, the run's file, its queue. */
export const messageAt = async (
  sought: SoughtCharge,
  flags: MessageFlags,
  { access, settings }: Place,
  searchQueue: boolean,
): Promise<Charge | undefined> => {
  if (flags.charge !== undefined) return chargeFromFile(flags.charge, sought);
  if (flags.dataDir !== undefined) return chargeFromRun(flags.dataDir, sought);
  return searchQueue ? chargeFromQueue(access.sqs, settings.queueUrls.review, sought) : undefined;
};

/** How long a worklist is as good as new, and how long it is shown while the next one is read. */
const freshMs = 5_000;
const keptMs = 300_000;

/** What the pages of the web desk are made from, over a place. */
export const deskSiteAt = (place: Place, flags: MessageFlags, desk: Desk): DeskSite => {
  const { access } = place;
  const { dynamodb, table } = access;
  return {
    desk,
    index: keptIndex(
      dynamodbDeskIndex(dynamodb, table, undefined, smallPageKeys),
      desk.clock,
      freshMs,
      keptMs,
    ),
    recordOf: (chargeId) => readChargeRecord(dynamodb, table, chargeId),
    messageOf: (entry, search) => messageAt(entry, flags, place, search),
    unknowns: () => readWorkEntries(dynamodb, table, ["unknown", "pending"], desk.ledger),
    depths: () =>
      readQueueDepths(
        access.sqs,
        (name) => access.queues[QUEUES.find((one) => one.name === name)?.variable ?? ""],
      ),
    trouble(error) {
      process.stderr.write(`chargeonce: ${error instanceof Error ? error.message : String(error)}\n`);
    },
  };
};
