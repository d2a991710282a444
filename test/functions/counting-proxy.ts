import { once } from "node:events";
import { Agent, createServer, request as forward } from "node:http";
import type { AddressInfo } from "node:net";

export type CountingProxy = {
  readonly endpoint: string;
  /** requests that went through, by the operation that `X-Amz-Target` names */
  counts(): Readonly<Record<string, number>>;
  /** statements in batches of them, all or those that begin with a verb */
  statements(verb?: string): number;
  reset(): void;
  close(): Promise<void>;
};

/** Stands before an AWS endpoint and counts what really goes over the wire, retries and all. */
export const countingProxy = async (endpoint: string): Promise<CountingProxy> => {
  const counts = new Map<string, number>();
  let statements: string[] = [];
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const server = createServer((incoming, outgoing) => {
    const operation = String(incoming.headers["x-amz-target"]).split(".").at(-1) ?? "";
    counts.set(operation, (counts.get(operation) ?? 0) + 1);
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
    if (operation !== "BatchExecuteStatement") return;
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const asked = JSON.parse(Buffer.concat(chunks).toString()) as { Statements: { Statement: string }[] };
      statements.push(...asked.Statements.map(({ Statement }) => Statement));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts: () => Object.fromEntries(counts),
    statements: (verb = "") => statements.filter((statement) => statement.startsWith(verb)).length,
    reset() {
      counts.clear();
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
