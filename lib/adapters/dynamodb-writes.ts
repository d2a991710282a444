import {
  BatchExecuteStatementCommand,
  type BatchStatementRequest,
  type BatchStatementResponse,
  type DynamoDBClient,
} from "@aws-sdk/client-dynamodb";
import { pagesOf, type SentMark } from "../core/sent-page.ts";
import { readItems } from "./dynamodb-items.ts";
import { putOffPage } from "./dynamodb-off-page.ts";
import { itemOfPage, putPages } from "./dynamodb-pages.ts";
import { type ConditionalWrite, isOwn, putIf } from "./dynamodb-put.ts";
import { type LedgerCall, LedgerUnavailable } from "./ledger-call.ts";
import type { LedgerItem } from "./ledger-item.ts";

/** DynamoDB takes so many statements a request. */
const statementsMax = 25;
/** One of them is left for the page that names what is opened. */
const writesMax = statementsMax - 1;
/** Versions that a worker may have in hand, and many more. */
const plainMax = 10_000;

type Waiting = ConditionalWrite & {
  readonly what: string;
  readonly key: string;
  /** what has to be on a page before this write is told to have taken hold */
  readonly mark: SentMark | undefined;
  /** whether the version before may stand on a page of the worklist: then it goes alone */
  readonly mayBePaged: boolean;
  took(standing: LedgerItem | undefined): void;
  failed(error: Error): void;
};

type Left = { readonly left: readonly Waiting[]; readonly listed: ReadonlySet<SentMark> };
const none: ReadonlySet<SentMark> = new Set();

export type SharedWritesOptions = {
  readonly client: Pick<DynamoDBClient, "send">;
  readonly table: string;
  readonly call: LedgerCall;
  /** how long the next version of an item waits for others; what is new waits only for its own turn's others */
  readonly lingerMs: number;
};

const keyOf = ({ pk, sk }: LedgerItem): string => `${pk?.S} ${sk?.S}`;

const isIndexed = (item: LedgerItem): boolean =>
  item["workShard"] !== undefined || item["deskShard"] !== undefined;

/**
 * The statement of a write. It takes away nothing that the version before had in an index: what left one is put whole.
 */
const statementOf = (table: string, { item, previous }: ConditionalWrite): BatchStatementRequest => {
  const asked = { ReturnValuesOnConditionCheckFailure: "ALL_OLD" } as const;
  if (previous === undefined) {
    const members = Object.keys(item).map((name) => `'${name}': ?`);
    return {
      ...asked,
      Statement: `INSERT INTO "${table}" VALUE {${members.join(", ")}}`,
      Parameters: Object.values(item),
    };
  }
  const { pk, sk, ...rest } = item;
  const set = Object.keys(rest).map((name) => `"${name}"=?`);
  return {
    ...asked,
    Statement: `UPDATE "${table}" SET ${set.join(", ")} WHERE "pk"=? AND "sk"=? AND "token"=?`,
    Parameters: [...Object.values(rest), { S: pk?.S ?? "" }, { S: sk?.S ?? "" }, { S: previous }],
  };
};

/** Whether a page stands: the same one may have been written by a request whose answer was lost. */
const isWritten = (response: BatchStatementResponse | undefined): boolean =>
  response !== undefined && (response.Error === undefined || response.Error.Code === "DuplicateItem");

/** Whether the endpoint itself will not have such a request, so that each write has to go alone. */
const isRefusal = (error: unknown): boolean => {
  if (!(error instanceof Error) || /throttl|throughput|limit/i.test(error.name)) return false;
  const { httpStatusCode: status = 0 } =
    (error as { $metadata?: { httpStatusCode?: number } }).$metadata ?? {};
  return (status >= 400 && status < 500) || status === 501;
};

/**
 * Conditional writes that are asked for close together go out in one request, each under a condition of its own
 * and with an end of its own: ten charges cost one request, and the same write units.
 *
 * Of the writes by which leases are taken the same request brings the page that names them (`dynamodb-pages.ts`).
 * Where the page did not take hold it is written by itself, and none of them is told before it stands: a charge that
 * may be sent is on a page, whatever fails. One that is on a page and was never opened does no harm.
 *
 * A refused write is told what stands in its way, and knows its own by its token, as a put alone does. What an
 * endpoint does not do in this way is put alone, and so is what a request leaves open: writing it once more is
 * harmless, since whatever took hold already is known by its token.
 *
 * @returns `undefined` when the write took hold, else the item that stood in its way
 * @throws `LedgerUnavailable`
 */
export const sharedWrites = ({ client, table, call, lingerMs }: SharedWritesOptions) => {
  let waiting: Waiting[] = [];
  let linger: NodeJS.Timeout | undefined;
  let turn: NodeJS.Immediate | undefined;
  let speaksStatements = true;
  /** tokens of versions that are in no index, as far as they were written here: the oldest are forgotten */
  const plain = new Set<string>();

  const isPlain = (previous: string): boolean => plain.has(previous);
  const noteVersion = ({ item }: ConditionalWrite): void => {
    const token = item["token"]?.S;
    if (token === undefined || isIndexed(item)) return;
    plain.add(token);
    for (const oldest of plain) {
      if (plain.size <= plainMax) break;
      plain.delete(oldest);
    }
  };
  /** What leaves an index, or may, is put whole. Only what was in review can have been in the desk's. */
  const mayShare = ({ item, previous, mayBePaged }: Waiting): boolean =>
    !mayBePaged && (previous === undefined || isPlain(previous) || item["workShard"] !== undefined);

  const failedBy = (write: Waiting, error: unknown): void =>
    write.failed(
      new LedgerUnavailable(`${write.what}: ${error instanceof Error ? error.name : "unknown error"}`),
    );

  /** Tells writes that they took hold, when each that has to be on a page is on one. */
  const tellHeld = async (
    held: readonly Waiting[],
    listed: ReadonlySet<SentMark>,
    abortSignal: AbortSignal,
  ): Promise<void> => {
    const unlisted = held.filter(({ mark }) => mark !== undefined && !listed.has(mark));
    for (const write of held) if (!unlisted.includes(write)) write.took(undefined);
    try {
      await putPages(
        client,
        table,
        unlisted.flatMap(({ mark }) => mark ?? []),
        abortSignal,
      );
      for (const write of unlisted) write.took(undefined);
    } catch (error) {
      // Its lease runs out, and whoever takes it anew marks it anew.
      for (const write of unlisted) failedBy(write, error);
    }
  };

  const alone = async (
    write: Waiting,
    listed: ReadonlySet<SentMark>,
    abortSignal: AbortSignal,
  ): Promise<void> => {
    try {
      const put = write.mayBePaged ? putOffPage : putIf;
      const standing = await put(client, table, write, abortSignal);
      if (standing === undefined) await tellHeld([write], listed, abortSignal);
      else write.took(standing);
    } catch (error) {
      failedBy(write, error);
    }
  };

  /** Says of each refused write what stands in its way; where the answer did not bring it, it is read. */
  const tellRefused = async (
    refused: readonly { readonly write: Waiting; readonly standing: LedgerItem | undefined }[],
    listed: ReadonlySet<SentMark>,
    abortSignal: AbortSignal,
  ): Promise<void> => {
    const unseen = refused.filter(({ standing }) => standing === undefined);
    const read = new Map<string, LedgerItem>();
    if (unseen.length > 0) {
      const keys = unseen.map(({ write: { item } }) => ({ pk: item["pk"], sk: item["sk"] }) as LedgerItem);
      const within: LedgerCall = (_, run) => run(abortSignal);
      for (const item of await readItems(client, table, keys, within)) read.set(keyOf(item), item);
    }
    const own: Waiting[] = [];
    for (const { write, standing = read.get(write.key) } of refused) {
      if (standing === undefined && write.previous === undefined)
        write.failed(new LedgerUnavailable(`${write.what}: refused, and nothing stands in its way`));
      else if (isOwn(write, standing)) own.push(write);
      else write.took(standing ?? {});
    }
    await tellHeld(own, listed, abortSignal);
  };

  /**
   * Answers the writes that have to go alone, and which marks are on a page: one of those writes may name it, and
   * would take the others off it if it wrote it anew.
   */
  const together = async (writes: readonly Waiting[], abortSignal: AbortSignal): Promise<Left> => {
    // What finds no room, where leases are of many moments, is written by itself.
    const pages = pagesOf(writes.flatMap(({ mark }) => mark ?? [])).slice(0, statementsMax - writes.length);
    const answer = await client
      .send(
        new BatchExecuteStatementCommand({
          Statements: [
            ...writes.map((write) => statementOf(table, write)),
            ...pages.map((page) => statementOf(table, { item: itemOfPage(page) })),
          ],
        }),
        { abortSignal },
      )
      .catch((error: unknown) => {
        if (isRefusal(error)) return undefined;
        throw error;
      });
    const responses = answer?.Responses ?? [];
    if (responses.length !== writes.length + pages.length) {
      speaksStatements = false;
      return { left: writes, listed: none };
    }
    const listed = new Set(
      pages.flatMap(({ marks }, nth) => (isWritten(responses[writes.length + nth]) ? marks : [])),
    );
    const left: Waiting[] = [];
    const held: Waiting[] = [];
    const refused: { write: Waiting; standing: LedgerItem | undefined }[] = [];
    for (const [nth, write] of writes.entries()) {
      const error = responses[nth]?.Error;
      if (error === undefined) held.push(write);
      else if (error.Code === "ConditionalCheckFailed" || error.Code === "DuplicateItem")
        refused.push({ write, standing: error.Item });
      else left.push(write);
      if (error?.Code === "ValidationError" || error?.Code === "AccessDenied") speaksStatements = false;
    }
    await Promise.all([tellHeld(held, listed, abortSignal), tellRefused(refused, listed, abortSignal)]);
    return { left, listed };
  };

  const execute = async (writes: readonly Waiting[]): Promise<void> => {
    try {
      await call("write", async (abortSignal) => {
        const { left, listed } =
          writes.length > 1 && speaksStatements
            ? await together(writes, abortSignal)
            : { left: writes, listed: none };
        await Promise.all(left.map((write) => alone(write, listed, abortSignal)));
      });
    } catch (error) {
      // Whoever was told already is not told again.
      for (const write of writes) write.failed(error as Error);
    }
  };

  const flush = (): void => {
    clearTimeout(linger);
    clearImmediate(turn);
    linger = undefined;
    turn = undefined;
    const writes = waiting;
    waiting = [];
    if (writes.length > 0) void execute(writes);
  };

  return (
    what: string,
    item: LedgerItem,
    previous?: string,
    mark?: SentMark,
    mayBePaged = false,
  ): Promise<LedgerItem | undefined> =>
    new Promise((took, failed) => {
      const key = keyOf(item);
      const write = { what, item, previous, key, mark, mayBePaged, took, failed };
      noteVersion(write);
      if (!mayShare(write)) {
        void execute([write]);
        return;
      }
      // DynamoDB takes no two statements on one item in a request.
      if (waiting.length === writesMax || waiting.some((other) => other.key === key)) flush();
      waiting.push(write);
      if (previous === undefined) turn ??= setImmediate(flush);
      else linger ??= setTimeout(flush, lingerMs);
    });
};
