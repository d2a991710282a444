import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { isJsonObject, parseJson } from "../lib/core/json.ts";
import type { QueueName } from "../lib/core/queues.ts";
import type { RouteMessage } from "../lib/core/route-message.ts";
import { physicalLines } from "./file-lines.ts";
import type { Place } from "./tally.ts";

/** The queues on which a charge's outcome comes out, and which the command reads as a merchant would. */
export const outcomeQueues = [
  "approved",
  "permanent-declines",
  "retryable-declines",
  "request-errors",
  "review",
] as const satisfies readonly QueueName[];
export type OutcomeQueue = (typeof outcomeQueues)[number];

/** A route message, or undefined where the text is none. */
export const readRouteMessage = (text: string): RouteMessage | undefined => {
  const message = parseJson(text);
  return isJsonObject(message) && message["v"] === 1 && typeof message["outcome"] === "string"
    ? (message as unknown as RouteMessage)
    : undefined;
};

/** The outcome files of a run: `<folder>/<queue>.ndjson`, one route message a line, as it came. */
export type OutcomeLog = {
  readonly folder: string;
  /**
   * Writes messages before it returns, in one write; each comes back with its place. There is no fsync: a file
   * has to outlive this process, not the machine.
   */
  append(queue: OutcomeQueue, texts: readonly string[]): readonly Place[];
  /** Reads back what an earlier run wrote. */
  readBack(): AsyncGenerator<{
    readonly queue: OutcomeQueue;
    readonly message: RouteMessage;
    readonly place: Place;
  }>;
  /** The message at a place. */
  messageAt(queue: OutcomeQueue, place: Place): RouteMessage | undefined;
  close(): void;
};

const newline = 0x0a;

/** Drops a last line without its end: it was being written when its process was killed, and comes again. */
const dropHalfLine = (path: string, file: number): number => {
  const size = fstatSync(file).size;
  const chunk = Buffer.alloc(65_536);
  for (let to = size; to > 0; ) {
    const from = Math.max(0, to - chunk.length);
    const bytes = readSync(file, chunk, 0, to - from, from);
    const at = chunk.subarray(0, bytes).lastIndexOf(newline);
    if (at !== -1) {
      if (from + at + 1 < size) truncateSync(path, from + at + 1);
      return from + at + 1;
    }
    to = from;
  }
  if (size > 0) truncateSync(path, 0);
  return 0;
};

/** Opens the outcome files; those that are there are gone on with. */
export const openOutcomeLog = (folder: string): OutcomeLog => {
  // Charge messages with their card tokens are in it.
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const files = new Map<OutcomeQueue, { readonly file: number; size: number }>();
  const pathOf = (queue: OutcomeQueue): string => join(folder, `${queue}.ndjson`);
  const open = (queue: OutcomeQueue): { readonly file: number; size: number } => {
    const known = files.get(queue);
    if (known !== undefined) return known;
    const path = pathOf(queue);
    const file = openSync(path, "a+", 0o600);
    const opened = { file, size: dropHalfLine(path, file) };
    files.set(queue, opened);
    return opened;
  };
  return {
    folder,
    append(queue, texts) {
      const opened = open(queue);
      const lines = texts.map((text) => Buffer.from(`${text}\n`));
      const places = lines.map(({ length }) => {
        const place = { offset: opened.size, bytes: length - 1 };
        opened.size += length;
        return place;
      });
      const whole = Buffer.concat(lines);
      for (let written = 0; written < whole.length; ) written += writeSync(opened.file, whole, written);
      return places;
    },
    async *readBack() {
      for (const queue of outcomeQueues) {
        if (!existsSync(pathOf(queue))) continue;
        open(queue);
        let offset = 0;
        for await (const { bytes, endsAt } of physicalLines(pathOf(queue), {
          keepBytes: Number.POSITIVE_INFINITY,
        })) {
          const message = readRouteMessage(bytes.toString("utf8"));
          if (message !== undefined) yield { queue, message, place: { offset, bytes: bytes.length } };
          offset = endsAt;
        }
      }
    },
    messageAt(queue, { offset, bytes }) {
      const text = Buffer.alloc(bytes);
      const read = readSync(open(queue).file, text, 0, bytes, offset);
      return readRouteMessage(text.toString("utf8", 0, read));
    },
    close() {
      for (const { file } of files.values()) closeSync(file);
      files.clear();
    },
  };
};
