import type { SQSClient } from "@aws-sdk/client-sqs";
import type { ChargeFile, ChargeLine } from "./charge-file.ts";
import { batchesOf, sendBatch } from "./charge-sender.ts";

/** Messages that are read ahead and sent in parallel requests; what is accepted is noted after each group. */
const groupLines = 80;

export type FileFeedOptions = {
  readonly file: ChargeFile;
  /** the file's bytes whose lines the queue has already, from an earlier run */
  readonly acceptedBytes: number;
  readonly sqs: SQSClient;
  readonly queueUrl: string;
  /** told of every line, those of an earlier run among them, before it is sent */
  readonly onLine: (line: ChargeLine) => void;
  /** ends a line that no queue takes; resolves when its refusal is kept */
  readonly refuse: (line: ChargeLine) => Promise<void>;
  /** told when the queue has everything up to here */
  readonly onAccepted: (bytes: number, lines: number) => void;
  readonly stop: AbortSignal;
};

/**
 * Sends a file's lines to the charges queue as they stand, in order, in batches. Resolves at the file's end or
 * at the signal. A kill in between sends the last group again, which the ledger knows as duplicates.
 */
export const feedFile = async (options: FileFeedOptions): Promise<void> => {
  const { file, acceptedBytes, sqs, queueUrl, onLine, refuse, onAccepted, stop } = options;
  let group: ChargeLine[] = [];
  const sendGroup = async (): Promise<void> => {
    const last = group.at(-1);
    if (last === undefined) return;
    const sent = group;
    group = [];
    await Promise.all([
      ...batchesOf(sent.filter(({ unqueueable }) => unqueueable === undefined)).map((batch) =>
        sendBatch(
          sqs,
          queueUrl,
          batch.map(({ body }) => body),
        ),
      ),
      ...sent.filter(({ unqueueable }) => unqueueable !== undefined).map(refuse),
    ]);
    onAccepted(last.endsAt, sent.length);
  };
  for await (const line of file.lines()) {
    if (stop.aborted) return;
    onLine(line);
    if (line.endsAt <= acceptedBytes) continue;
    group.push(line);
    if (group.length >= groupLines) await sendGroup();
  }
  if (!stop.aborted) await sendGroup();
};
