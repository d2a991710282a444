import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { ChargeId } from "../core/charge.ts";
import { droppableAtMs, type InstrumentKey, type InstrumentRecord } from "../core/instrument-record.ts";
import { member, parseJson } from "../core/json.ts";
import type { LedgerEntry, Rejection, ReviewEntry } from "../core/ledger.ts";
import type { RetryRecord } from "../core/retry-record.ts";
import { sinceReview } from "../core/review-decision.ts";
import type { WaitingReview } from "../ports.ts";

// Not `import`ed, as in `http-wire.ts`.
const { deflateRawSync, inflateRawSync } = process.getBuiltinModule("node:zlib");

/**
 * The ledger table's items. One item a charge, and one for each message that was refused under its id:
 *
 *     pk                sk              state      token  entry (JSON)        workShard   workAt
 *     charge#inv-1      charge          approved   t2     {…history…}         –           –
 *     charge#inv-2      charge          unknown    t7     {…history…}         unknown#3   1763800000000
 *     charge#inv-2      rejected#9f…    –          –      {code, problems}    –           –
 *     charge#inv-1      notice#4041…    –          –      {reason, words}     –           –
 *     rejected#41…      rejected#41…    –          –      {code, problems}    –           –
 *     notice#centrobill#4041…  notice#4041…   –   –  {what it says}      –           –
 *     notice#centrapay#pr7     refers         –   –  (in `chargeId`: the charge that the name stands for)
 *     instrument#all#card-7  instrument   –      t4     –  and `instrument` (JSON): its attempts of 30 days, or that it is closed
 *     retry#inv-3       retry           scheduled  t5    –  and `retry` (JSON): its later attempt, and the message while it waits
 *     reconciliation#centrobill  window#…#0  done  t9     –  and `window` (JSON): a stretch of time that is reconciled
 *     reconciliation#centrobill  report#2026-11-24  written  t4  –  and `report` (JSON): what a day's reports told
 *     findings#t9       piece#000000000000000  –  –  –  and `findings` (JSON): of the run under `t9`, beyond its record's
 *     sent#centrobill#3  001763800000000#t2  –  –  –  and `page` (JSON): charges of which a lease was taken then
 *     worklist#5      page#13         –          –      –  and `worklist`: rows of what waits for a person, a line each
 *
 * The entry is one JSON text: only whoever knows its token may replace it, so it is read and written whole.
 * One that would not fit into a write unit is packed (deflate, RFC 1951), and then it does. Index `work` (workShard, workAt; keys only) is sparse:
 * charges that are unknown, pending or in review are in it, and later attempts that wait, under the moment at which
 * somebody has to look, spread over eight shards. An approved charge never enters it.
 * Index `desk` (deskShard, deskAt; keys only) is sparse, too: what waits for a person, with all that a worklist is
 * filtered and sorted by in its sort key, so that a hundred thousand of them are read without their entries.
 * Of a long worklist most rows stand on pages `worklist#…`, too (`dynamodb-pack.ts`), of which a list takes a hundredth
 * of the reading: the charge has `paged` then, and its sort key in the index begins with "+". Whatever is put over such
 * a charge takes it off its page or leaves it there in the same write.
 * Pages `sent#…` name every charge under the moment of its attempt's first send, in eight partitions a gateway:
 * reconciliation reads a stretch of time by them. A batch's intents share one (`dynamodb-pages.ts`), and nothing is
 * sent before the page that names it is written.
 */
export type LedgerItem = Record<string, AttributeValue>;

export class UnreadableItem extends Error {
  override readonly name = "UnreadableItem";
}

/** The sparse index of what somebody has to look at. */
export const workIndex = "work";
/** The sparse index of what waits for a person. */
export const deskIndex = "desk";
const shards = 8;

type KeyPart = { readonly name: string; readonly type: "S" | "N" };
type Key = { readonly partition: KeyPart; readonly sort: KeyPart };

/** The table as it is made: whoever makes one, on whatever endpoint, makes this one. */
export const ledgerTable = {
  key: { partition: { name: "pk", type: "S" }, sort: { name: "sk", type: "S" } },
  /** keys only: what it finds is read in the table */
  indexes: [
    {
      name: workIndex,
      key: { partition: { name: "workShard", type: "S" }, sort: { name: "workAt", type: "N" } },
    },
    {
      name: deskIndex,
      key: { partition: { name: "deskShard", type: "S" }, sort: { name: "deskAt", type: "S" } },
    },
  ],
  /** Seconds since 1970 after which DynamoDB may drop an item. A charge never has it: its id is used up for ever. */
  timeToLive: "expiresAt",
} as const satisfies {
  readonly key: Key;
  readonly indexes: readonly { readonly name: string; readonly key: Key }[];
  readonly timeToLive: string;
};

export type IndexName = (typeof ledgerTable)["indexes"][number]["name"];

/** The index keys under which the charges of a state stand, or the later attempts that wait. */
export const workShardsOf = (state: LedgerEntry["state"] | "retry"): readonly string[] =>
  Array.from({ length: shards }, (_, shard) => `${state}#${shard}`);

/** The charge that a key is about; `undefined` for a rejection without a charge id. */
export const chargeIdOfKey = (key: LedgerItem): ChargeId | undefined => {
  const pk = key["pk"]?.S ?? "";
  return pk.startsWith("charge#") ? (pk.slice("charge#".length) as ChargeId) : undefined;
};

/** Under which a charge's entry stands. */
export const entrySk = "charge";
export const entryKey = (chargeId: string) => ({ pk: { S: `charge#${chargeId}` }, sk: { S: entrySk } });

/** Under which a notice stands: of what it is about, and, where a person is told of it, beside its charge. */
export const noticeSk = (noticeId: string): string => `notice#${noticeId}`;

/** Under which a gateway's own name says which charge it stands for. */
export const refersSk = "refers";

/** DynamoDB bills each KiB that is begun; what stands beside an entry takes 164 bytes at the most. */
const plainBytesMax = 860;

/** Room for a text of a few KB: by default each call would have half a megabyte made ready. */
const packing = { windowBits: 12, memLevel: 6, chunkSize: 2_048 } as const;

const textValue = (text: string): AttributeValue =>
  Buffer.byteLength(text) <= plainBytesMax ? { S: text } : { B: deflateRawSync(text, packing) };

/** The text of an entry, however it is kept; empty where it cannot be read. */
export const entryTextOf = (item: LedgerItem): string => textOf(item["entry"]);

const textOf = (value: AttributeValue | undefined): string => {
  if (value?.B === undefined) return value?.S ?? "";
  try {
    return inflateRawSync(value.B).toString("utf8");
  } catch {
    return "";
  }
};

const workOf = (entry: LedgerEntry): LedgerItem => {
  const workAt =
    entry.state === "unknown" || entry.state === "pending"
      ? entry.nextAtMs
      : isWaitedFor(entry)
        ? entry.finalAtMs
        : undefined;
  if (workAt === undefined) return {};
  return { workShard: { S: `${entry.state}#${shardOf(entry)}` }, workAt: { N: String(Math.round(workAt)) } };
};

const shardOf = (entry: LedgerEntry): number => Number.parseInt(entry.fingerprint.slice(0, 8), 16) % shards;

const isWaitedFor = (entry: LedgerEntry): entry is ReviewEntry =>
  entry.state === "review" && entry.droppedAtMs === undefined;

/** Milliseconds since 1970 as a text that sorts as they do. */
export const atText = (ms: number): string => String(Math.max(0, Math.round(ms))).padStart(15, "0");

/** The first key of a shard that is not older than a moment. */
export const deskKeyFrom = atText;

export const deskShards: readonly string[] = Array.from({ length: shards }, (_, shard) => `desk#${shard}`);

/** Sort keys of what a page of the worklist has, too, begin with it; as numbers their moments are the same. */
export const pagedMark = "+";

/** What a sort key of the index says, as a page has it. */
export const rowOfKey = (deskAt: string): string =>
  deskAt.startsWith(pagedMark) ? deskAt.slice(pagedMark.length) : deskAt;

const worklistPages = 4_096;

/** The page of the worklist on which a charge stands, if it does: for ever the same one. */
export const worklistPageKey = (chargeId: string) => {
  let sum = 0;
  for (let at = 0; at < chargeId.length; at++) sum = (sum * 31 + chargeId.charCodeAt(at)) >>> 0;
  return { pk: { S: `worklist#${sum % shards}` }, sk: { S: `page#${sum % worklistPages}` } };
};

export const worklistPartitions: readonly string[] = Array.from(
  { length: shards },
  (_, shard) => `worklist#${shard}`,
);

/** The rows of a page: sort keys of the index, as they are without their mark. */
export const rowsOfPage = (text: string | undefined): readonly string[] =>
  (text ?? "").split("\n").filter((row) => row !== "");

/** The charge of a row; empty where it is of no version known here. */
export const chargeIdOfRow = (row: string): string => row.split(" ", 6)[5] ?? "";

/**
 * Whether the version before may have waited for a person, and so stand on a page of the worklist: this one is not
 * the one that came to review the first time.
 */
export const wasInReview = ({ history }: Pick<LedgerEntry, "history">): boolean =>
  history.slice(0, -1).some((event) => event.e === "recorded" && event.state === "review");

const deskOf = (entry: LedgerEntry): LedgerItem => {
  if (!isWaitedFor(entry)) return {};
  const { finalAtMs, reason, gateway, amount, currency } = entry;
  const mark = sinceReview(entry).at(-1);
  const words = [atText(finalAtMs), reason, gateway, amount, currency, entry.chargeId];
  const marked = mark === undefined ? words : [...words, mark.e, mark.decision];
  return { deskShard: { S: `desk#${shardOf(entry)}` }, deskAt: { S: marked.join(" ") } };
};

const digits = /^[0-9]+$/;

/**
 * What the index says of a charge that waits for a person, by its sort key; `undefined` where it is not of a version
 * known here, or damaged. All of it is in one attribute: to read four of each took most of the time that a worklist takes. Cut by
 * hand, since a hundred thousand of them are.
 */
export const waitingOfKey = (deskAt: string): WaitingReview | undefined => {
  let at = 0;
  /** The next word; empty behind the last one. */
  const word = (): string => {
    const end = deskAt.indexOf(" ", at);
    const found = end < 0 ? deskAt.slice(at) : deskAt.slice(at, end);
    at = end < 0 ? deskAt.length : end + 1;
    return found;
  };
  const since = word();
  const reason = word() as WaitingReview["reason"];
  const gateway = word() as WaitingReview["gateway"];
  const amount = word();
  const currency = word();
  const chargeId = word() as ChargeId;
  const e = word();
  const decision = word();
  const sinceMs = Number(since);
  // What is no number would have no place in an order, or end the whole list when it is compared.
  if (chargeId === "" || since === "" || !(sinceMs >= 0) || !digits.test(amount)) return undefined;
  const waiting = { chargeId, gateway, reason, sinceMs, amount, currency };
  return decision === "" ? waiting : { ...waiting, mark: { e, decision } as Required<WaitingReview>["mark"] };
};

export const itemOfEntry = (entry: LedgerEntry): LedgerItem => ({
  ...entryKey(entry.chargeId),
  state: { S: entry.state },
  token: { S: entry.token },
  entry: textValue(JSON.stringify(entry)),
  ...workOf(entry),
  ...deskOf(entry),
});

/** Throws `UnreadableItem` where the item is not an entry of a version that this code knows. */
export const entryOfItem = (item: LedgerItem): LedgerEntry => {
  const entry = parseJson(entryTextOf(item));
  if (member(entry, "v") !== 1)
    throw new UnreadableItem(`${item["pk"]?.S ?? "an item"}: not an entry of a version that is known here`);
  return entry as unknown as LedgerEntry;
};

export const itemOfRejection = (rejection: Rejection): LedgerItem => {
  const name = `rejected#${rejection.bodySha256}`;
  return {
    pk: { S: rejection.chargeId === undefined ? name : `charge#${rejection.chargeId}` },
    sk: { S: name },
    entry: { S: JSON.stringify(rejection) },
  };
};

export const instrumentItemKey = ({ merchant, ref }: InstrumentKey) => ({
  pk: { S: `instrument#${merchant}#${ref}` },
  sk: { S: "instrument" },
});

export const itemOfInstrument = (record: InstrumentRecord): LedgerItem => {
  const droppableMs = droppableAtMs(record);
  return {
    ...instrumentItemKey(record),
    token: { S: record.token },
    instrument: { S: JSON.stringify(record) },
    ...(droppableMs === undefined
      ? {}
      : { [ledgerTable.timeToLive]: { N: String(Math.ceil(droppableMs / 1_000)) } }),
  };
};

/** Throws `UnreadableItem` where the item is not a record of a version that this code knows. */
export const instrumentOfItem = (item: LedgerItem): InstrumentRecord => {
  const record = parseJson(item["instrument"]?.S ?? "");
  if (member(record, "v") !== 1)
    throw new UnreadableItem("an instrument: not a record of a version that is known here");
  return record as unknown as InstrumentRecord;
};

/** Throws `UnreadableItem` where the item is not a record of a version that this code knows. */
export const retryOfItem = (item: LedgerItem): RetryRecord => {
  const record = parseJson(item["retry"]?.S ?? "");
  if (member(record, "v") !== 1)
    throw new UnreadableItem(`${item["pk"]?.S ?? "a retry"}: not of a version that is known here`);
  return record as unknown as RetryRecord;
};
