import { once } from "node:events";
import { Agent, createServer, request as forward, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

type Value = { readonly S?: string; readonly N?: string; readonly B?: string };
type Write = {
  readonly Item?: Readonly<Record<string, Value>>;
  readonly Statements?: readonly { readonly Statement: string; readonly Parameters: readonly Value[] }[];
  readonly TransactItems?: readonly { readonly Put: { readonly Item: Readonly<Record<string, Value>> } }[];
};

const bytesOf = ({ S, N, B }: Value): number =>
  B === undefined ? Buffer.byteLength(S ?? N ?? "") : Buffer.from(B, "base64").length;
/** DynamoDB bills each KiB of an item that is begun, names and values. */
const unitsOf = (names: readonly string[], values: readonly Value[]): number =>
  Math.ceil(
    [...names.map((name) => Buffer.byteLength(name)), ...values.map(bytesOf)].reduce((a, b) => a + b, 0) /
      1_024,
  );
const unitsOfItem = (item: Readonly<Record<string, Value>>): number =>
  unitsOf(Object.keys(item), Object.values(item));
/** Every statement of ours writes the whole item; an update names its token twice. */
const writtenBy = ({ Item, Statements = [], TransactItems = [] }: Write): number =>
  (Item === undefined ? 0 : unitsOfItem(Item)) +
  Statements.reduce(
    (sum, { Statement, Parameters }) =>
      sum +
      unitsOf(
        [...Statement.matchAll(/['"](\w+)['"](?::|=)/g)].map(([, name = ""]) => name),
        Parameters,
      ),
    0,
  ) +
  // A transaction takes two for each.
  TransactItems.reduce((sum, { Put }) => sum + 2 * unitsOfItem(Put.Item), 0);

export type CountingProxy = {
  readonly endpoint: string;
  /** requests that went through, by the operation that `X-Amz-Target` names */
  counts(): Readonly<Record<string, number>>;
  /** statements in batches of them, all or those that begin with a verb */
  statements(verb?: string): number;
  /** write units of the table that were asked for, refused conditions among them; its indexes take more */
  writeUnits(): number;
  reset(): void;
  close(): Promise<void>;
};

/**
 * Stands before an AWS endpoint and counts what really goes over the wire, retries and all.
 * @param refuses of which requests it says itself that it does not take their signature
 */
export const countingProxy = async (
  endpoint: string,
  refuses: (incoming: IncomingMessage) => boolean = () => false,
): Promise<CountingProxy> => {
  const counts = new Map<string, number>();
  let statements: string[] = [];
  let units = 0;
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const server = createServer((incoming, outgoing) => {
    const operation = String(incoming.headers["x-amz-target"]).split(".").at(-1) ?? "";
    counts.set(operation, (counts.get(operation) ?? 0) + 1);
    if (refuses(incoming)) {
      outgoing.writeHead(403, { "content-type": "application/x-amz-json-1.0" });
      outgoing.end('{"__type":"com.amazon.coral.service#InvalidSignatureException"}');
      return;
    }
    const onward = forward(
      new URL(incoming.url ?? "/", endpoint),
      { method: incoming.method ?? "POST", headers: incoming.headers, agent },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    onward.on("error", () => outgoing.destroy());
    // A caller that gave up, and only that one: a request that has ended closes, too.
    outgoing.on("close", () => {
      if (!outgoing.writableFinished) onward.destroy();
    });
    incoming.pipe(onward);
    if (!["BatchExecuteStatement", "PutItem", "TransactWriteItems"].includes(operation)) return;
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const asked = JSON.parse(Buffer.concat(chunks).toString()) as Write;
      units += writtenBy(asked);
      statements.push(...(asked.Statements ?? []).map(({ Statement }) => Statement));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts: () => Object.fromEntries(counts),
    statements: (verb = "") => statements.filter((statement) => statement.startsWith(verb)).length,
    writeUnits: () => units,
    reset() {
      counts.clear();
      units = 0;
      statements = [];
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
      agent.destroy();
    },
  };
};
