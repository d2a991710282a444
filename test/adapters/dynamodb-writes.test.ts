import {
  type BatchExecuteStatementCommandInput,
  type BatchStatementResponse,
  ConditionalCheckFailedException,
} from "@aws-sdk/client-dynamodb";
import { describe, expect, test } from "vitest";
import { sharedWrites } from "../../lib/adapters/dynamodb-writes.ts";
import { ledgerCall } from "../../lib/adapters/ledger-call.ts";
import type { LedgerItem } from "../../lib/adapters/ledger-item.ts";
import type { ChargeId, LeaseToken } from "../../lib/core/charge.ts";
import type { SentMark } from "../../lib/core/sent-page.ts";

const itemOf = (id: string, token = `t-${id}`): LedgerItem => ({
  pk: { S: id },
  sk: { S: "charge" },
  token: { S: token },
});
const standing = itemOf("a", "another's");

/** An SDK's error as its clients throw it. */
const serviceError = (name: string, httpStatusCode: number): Error =>
  Object.assign(new Error(name), { name, $metadata: { httpStatusCode } });

type Sent = { readonly command: string; readonly input: Record<string, unknown> };

/** An endpoint that answers each batch as it is told, lets every put through, and has `standing` to read. */
const endpoint = (answers: readonly (Error | readonly BatchStatementResponse[])[]) => {
  const sent: Sent[] = [];
  const batches = [...answers];
  let putError: Error | undefined;
  const client = {
    async send(asked: { readonly input: Record<string, unknown> }) {
      const { input } = asked;
      const command = asked.constructor.name;
      sent.push({ command, input });
      if (command === "PutItemCommand") {
        if (putError !== undefined) throw putError;
        return {};
      }
      if (command === "BatchGetItemCommand") return { Responses: { ledger: [standing] } };
      const answer = batches.shift();
      if (answer instanceof Error) throw answer;
      return { Responses: answer };
    },
  };
  const write = sharedWrites({
    client: client as never,
    table: "ledger",
    call: ledgerCall(1_000),
    lingerMs: 1,
  });
  const failPuts = (error: Error): void => {
    putError = error;
  };
  return { write, sent, failPuts, commands: () => sent.map(({ command }) => command.replace("Command", "")) };
};

const took: BatchStatementResponse = { TableName: "ledger" };
const refused = (code: string, item?: LedgerItem): BatchStatementResponse => ({
  Error: { Code: code as never, ...(item === undefined ? {} : { Item: item }) },
});

describe("writes that share a request", () => {
  const work = { workShard: { S: "unknown#1" }, workAt: { N: "5" } };
  const desk = { deskShard: { S: "desk#1" }, deskAt: { S: "5" } };
  const statementsOf = ({ input }: Sent): readonly string[] =>
    ((input as Partial<BatchExecuteStatementCommandInput>).Statements ?? []).map(
      ({ Statement = "" }) => Statement,
    );

  test("are an insert where nothing may stand, and an update where a version has to", async () => {
    const { write, sent } = endpoint([
      [took, took],
      [took, took],
    ]);
    await Promise.all([write("open", itemOf("a")), write("open", itemOf("b"))]);
    expect(
      await Promise.all([
        write("replace", itemOf("a", "t2"), "t-a"),
        write("replace", { ...itemOf("b", "t2"), ...work }, "t-b"),
      ]),
    ).toEqual([undefined, undefined]);
    const asked = { ReturnValuesOnConditionCheckFailure: "ALL_OLD" };
    const insert = `INSERT INTO "ledger" VALUE {'pk': ?, 'sk': ?, 'token': ?}`;
    const where = `WHERE "pk"=? AND "sk"=? AND "token"=?`;
    expect(sent.map(({ input }) => input["Statements"])).toEqual([
      ["a", "b"].map((id) => ({
        Statement: insert,
        Parameters: [{ S: id }, { S: "charge" }, { S: `t-${id}` }],
        ...asked,
      })),
      [
        {
          Statement: `UPDATE "ledger" SET "token"=? ${where}`,
          Parameters: [{ S: "t2" }, { S: "a" }, { S: "charge" }, { S: "t-a" }],
          ...asked,
        },
        {
          Statement: `UPDATE "ledger" SET "token"=?, "workShard"=?, "workAt"=? ${where}`,
          Parameters: [
            ...[{ S: "t2" }, { S: "unknown#1" }, { N: "5" }],
            ...[{ S: "b" }, { S: "charge" }, { S: "t-b" }],
          ],
          ...asked,
        },
      ],
    ]);
  });

  test.each<[string, LedgerItem]>([
    ["is in one index", work],
    ["comes to both", { ...work, ...desk }],
  ])("a version of somebody else's that %s goes with others", async (_, keys) => {
    const { write, sent } = endpoint([[took, took]]);
    await Promise.all(["a", "b"].map((id) => write("replace", { ...itemOf(id, "t2"), ...keys }, "theirs")));
    expect(sent.flatMap(statementsOf)).toHaveLength(2);
  });

  test("what was in review is put whole, whatever it is now, and only where no page of the worklist has it", async () => {
    const { write, sent } = endpoint([]);
    await Promise.all(
      [work, { ...work, ...desk }, {}].map((keys, at) =>
        write("replace", { ...itemOf(`a${at}`, "t2"), ...keys }, "theirs", undefined, true),
      ),
    );
    expect(sent.map(({ input }) => input["ConditionExpression"])).toEqual(
      Array.from({ length: 3 }, () => "#token = :previous AND attribute_not_exists(paged)"),
    );
  });

  test("what leaves both indexes, or may, is put whole", async () => {
    const { write, commands } = endpoint([[took, took]]);
    const both = { ...work, ...desk };
    await Promise.all(["a", "b"].map((id) => write("open", { ...itemOf(id), ...both })));
    await Promise.all(["a", "b"].map((id) => write("replace", itemOf(id, "t2"), `t-${id}`)));
    await Promise.all(["c", "d"].map((id) => write("replace", itemOf(id, "t2"), "theirs")));
    expect(commands()).toEqual(["BatchExecuteStatement", "PutItem", "PutItem", "PutItem", "PutItem"]);
  });

  test.each<[string, BatchStatementResponse, LedgerItem | undefined, commands: string[]]>([
    ["took hold", took, undefined, []],
    ["refused, with what stands", refused("ConditionalCheckFailed", standing), standing, []],
    ["refused by its own write", refused("ConditionalCheckFailed", itemOf("a")), undefined, []],
    ["refused without what stands: it is read", refused("DuplicateItem"), standing, ["BatchGetItem"]],
    ["throttled: alone", refused("ThrottlingError"), undefined, ["PutItem"]],
    ["nobody knows: alone", refused("InternalServerError"), undefined, ["PutItem"]],
    ["a code that is not known here: alone", refused("Other"), undefined, ["PutItem"]],
  ])("%s", async (_, response, expected, more) => {
    const { write, commands } = endpoint([[response, took]]);
    expect(await Promise.all([write("open", itemOf("a")), write("open", itemOf("b"))])).toEqual([
      expected,
      undefined,
    ]);
    expect(commands()).toEqual(["BatchExecuteStatement", ...more]);
  });

  test("refused, and nothing stands: of a version that is gone it is lost, of what is new nobody knows", async () => {
    const { write } = endpoint([[refused("ConditionalCheckFailed"), refused("DuplicateItem")]]);
    const ends = await Promise.allSettled([
      write("replace", { ...itemOf("x"), ...work }, "before"),
      write("open", itemOf("y")),
    ]);
    expect(ends).toMatchObject([
      { status: "fulfilled", value: {} },
      { status: "rejected", reason: { name: "LedgerUnavailable" } },
    ]);
  });

  test.each<[string, Error | readonly BatchStatementResponse[]]>([
    ["does not know the operation", serviceError("UnknownOperationException", 400)],
    ["does not allow it", serviceError("AccessDeniedException", 400)],
    ["does not read it", serviceError("ValidationException", 400)],
    ["has not built it", serviceError("NotImplemented", 501)],
    ["answers something else", []],
    ["does not read the statements", [refused("ValidationError"), refused("ValidationError")]],
    ["does not allow the statements", [refused("AccessDenied"), refused("AccessDenied")]],
  ])("an endpoint that %s gets each write alone, from then on", async (_, answer) => {
    const { write, commands } = endpoint([answer]);
    const both = () =>
      Promise.all([write("open", itemOf("a")), write("replace", { ...itemOf("b"), ...work }, "before")]);
    expect(await both()).toEqual([undefined, undefined]);
    expect(await both()).toEqual([undefined, undefined]);
    expect(commands()).toEqual(["BatchExecuteStatement", "PutItem", "PutItem", "PutItem", "PutItem"]);
  });

  test.each<[string, Error]>([
    ["is throttled", serviceError("ProvisionedThroughputExceededException", 400)],
    ["is throttled otherwise", serviceError("RequestLimitExceeded", 400)],
    ["fails", serviceError("InternalServerError", 500)],
    ["ends its connection", new Error("ECONNRESET")],
  ])("a request that %s: nobody knows what became of its writes", async (_, error) => {
    const { write, commands } = endpoint([error, [took, took]]);
    const both = () => Promise.allSettled([write("open", itemOf("a")), write("open", itemOf("b"))]);
    expect(await both()).toMatchObject([
      { reason: { name: "LedgerUnavailable" } },
      { reason: { name: "LedgerUnavailable" } },
    ]);
    expect(await both()).toMatchObject([{ status: "fulfilled" }, { status: "fulfilled" }]);
    expect(commands()).toEqual(["BatchExecuteStatement", "BatchExecuteStatement"]);
  });

  test("a write by itself is a put", async () => {
    const { write, commands } = endpoint([]);
    expect(await write("open", itemOf("a"))).toBeUndefined();
    expect(await write("replace", itemOf("a"), "t-a")).toBeUndefined();
    expect(commands()).toEqual(["PutItem", "PutItem"]);
  });

  test("no request has more than 24, so that a page finds room, or two of one item", async () => {
    const { write, sent } = endpoint([Array(24).fill(took), Array(6).fill(took), [took, took]]);
    await Promise.all(Array.from({ length: 30 }, (_, n) => write("open", itemOf(String(n)))));
    await Promise.all([
      write("replace", { ...itemOf("a", "t2"), ...work }, "t1"),
      write("replace", { ...itemOf("b", "t2"), ...work }, "t1"),
      write("replace", { ...itemOf("a", "t3"), ...work }, "t2"),
    ]);
    expect(
      sent.map(({ command, input }) => [
        command,
        (input as Partial<BatchExecuteStatementCommandInput>).Statements?.length,
      ]),
    ).toEqual([
      ["BatchExecuteStatementCommand", 24],
      ["BatchExecuteStatementCommand", 6],
      ["BatchExecuteStatementCommand", 2],
      ["PutItemCommand", undefined],
    ]);
  });
});

describe("the page of what is opened", () => {
  const markOf = (id: string, atMs = 5_000): SentMark => ({
    gateway: "centrobill",
    chargeId: id as ChargeId,
    atMs,
    token: `t-${id}` as LeaseToken,
  });
  type Write = ReturnType<typeof endpoint>["write"];
  const openBoth = (write: Write, marks = [markOf("a"), markOf("b", 5_007)]) =>
    Promise.allSettled(["a", "b"].map((id, nth) => write("open", itemOf(id), undefined, marks[nth])));
  const opened = { status: "fulfilled", value: undefined };
  const unknown = { status: "rejected", reason: { name: "LedgerUnavailable" } };

  test("goes out with the intents, as an insert", async () => {
    const { write, sent } = endpoint([[took, took, took]]);
    expect(await openBoth(write)).toMatchObject([opened, opened]);
    expect(sent).toHaveLength(1);
    const { Statements = [] }: Partial<BatchExecuteStatementCommandInput> = sent[0]?.input ?? {};
    expect(Statements[2]).toMatchObject({
      Statement: `INSERT INTO "ledger" VALUE {'pk': ?, 'sk': ?, 'page': ?}`,
      Parameters: [
        { S: expect.stringMatching(/^sent#centrobill#[0-7]$/) },
        { S: "000000000005000#t-a" },
        { S: '{"v":1,"at":5000,"sent":[["a",0],["b",7]]}' },
      ],
    });
  });

  test.each<[string, readonly BatchStatementResponse[], more: number, readonly object[]]>([
    ["that stands already was written by a try before", [took, took, refused("DuplicateItem")], 0, [{}, {}]],
    ["that is throttled is written by itself", [took, took, refused("ThrottlingError")], 1, [{}, {}]],
    [
      "of whom nothing is opened is not missed",
      [refused("DuplicateItem", standing), took, took],
      0,
      [{}, {}],
    ],
    [
      "that is lost names what took hold, and nothing else",
      [refused("DuplicateItem", standing), took, refused("InternalServerError")],
      1,
      [{}, {}],
    ],
    [
      "that is lost is written for what a try before had opened, too",
      [refused("DuplicateItem", itemOf("a")), refused("DuplicateItem", itemOf("b")), refused("Other")],
      2,
      [opened, opened],
    ],
  ])("%s", async (_, answers, more, ends) => {
    const { write, commands, sent } = endpoint([answers]);
    expect(await openBoth(write)).toMatchObject(ends);
    const puts = sent.filter(({ command }) => command === "PutItemCommand");
    expect(commands().length - 1).toBe(puts.length);
    // One page, unless what is told apart is told at different times.
    expect(puts.length).toBeLessThanOrEqual(more);
    const named = puts.flatMap(({ input }) =>
      JSON.parse((input["Item"] as LedgerItem)["page"]?.S ?? "").sent.map(([id]: [string]) => id),
    );
    const held = answers.slice(0, 2).flatMap(({ Error: error }, nth) => {
      const id = ["a", "b"][nth];
      return error === undefined || error.Item?.["token"]?.S === `t-${id}` ? [id] : [];
    });
    expect(named.toSorted()).toEqual(more === 0 ? [] : held);
  });

  test("names all of them, though the intent that it is named by was throttled and took hold alone", async () => {
    const { write, sent } = endpoint([[refused("ThrottlingError"), took, took]]);
    expect(await openBoth(write)).toMatchObject([opened, opened]);
    const batch = sent[0]?.input as unknown as BatchExecuteStatementCommandInput;
    const [pk, sk, page] = batch.Statements?.[2]?.Parameters ?? [];
    const written = [{ pk, sk, page }, ...sent.map(({ input }) => input["Item"] as LedgerItem | undefined)];
    const pages = new Map(
      written.flatMap((item) =>
        item?.["page"] ? [[`${item["pk"]?.S} ${item["sk"]?.S}`, item["page"].S]] : [],
      ),
    );
    // The last writing of a page is the one that stands.
    const named = [...pages.values()].flatMap((text) =>
      JSON.parse(text ?? "").sent.map(([id]: [string]) => id),
    );
    expect(named.toSorted()).toEqual(["a", "b"]);
  });

  test("that cannot be written, even by itself: nobody is told of a lease", async () => {
    const { write, sent, failPuts } = endpoint([[took, took, refused("ThrottlingError")]]);
    failPuts(serviceError("ProvisionedThroughputExceededException", 400));
    expect(await openBoth(write)).toMatchObject([unknown, unknown]);
    expect(sent).toHaveLength(2);
  });

  test("of a write by itself comes after it, and only where it took hold", async () => {
    const { write, sent } = endpoint([]);
    await write("open", itemOf("b"), undefined, markOf("b"));
    expect(sent.map(({ input }) => Object.keys(input["Item"] as LedgerItem))).toEqual([
      ["pk", "sk", "token"],
      ["pk", "sk", "page"],
    ]);
    const other = endpoint([]);
    other.failPuts(new ConditionalCheckFailedException({ message: "", $metadata: {}, Item: standing }));
    expect(await other.write("open", itemOf("a"), undefined, markOf("a"))).toEqual(standing);
    expect(other.sent).toHaveLength(1);
  });

  test("of each gateway is its own, and so is that of a moment that lies apart; what has no room goes alone", async () => {
    const two = endpoint([Array(4).fill(took)]);
    await openBoth(two.write, [markOf("a"), { ...markOf("b"), gateway: "centrapay" }]);
    expect(two.sent).toHaveLength(1);
    const many = endpoint([Array(25).fill(took)]);
    await Promise.all(
      Array.from({ length: 24 }, (_, n) =>
        many.write("open", itemOf(String(n)), undefined, markOf(String(n), n < 22 ? 5_000 : n * 100_000)),
      ),
    );
    expect(many.sent.map(({ command }) => command)).toEqual([
      "BatchExecuteStatementCommand",
      "PutItemCommand",
      "PutItemCommand",
    ]);
  });
});
