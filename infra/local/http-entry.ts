import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

/** What a function answers to an HTTP event (payload format 2.0). */
interface HttpAnswer {
  readonly statusCode?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface HttpEntry {
  /** `http://127.0.0.1:port`, without a slash at its end. */
  readonly url: string;
  /** From now on requests are answered by this function; before that with 503. */
  serve(invoke: (event: unknown) => Promise<unknown>): void;
  close(): Promise<void>;
}

/** The most that Lambda takes in one event. */
const bodyBytesMax = 6 * 1024 * 1024;
/** What Lambda passes on as text; anything else comes in base64. */
const textual = /^(text\/|application\/(json|javascript|xml|.*\+json|.*\+xml))/i;

/** A local address that calls a function as its function URL would: payload format 2.0 in and out. */
export async function startHttpEntry(): Promise<HttpEntry> {
  let invoke: ((event: unknown) => Promise<unknown>) | undefined;
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    if (body === undefined) return send(response, { statusCode: 413 });
    if (invoke === undefined) return send(response, { statusCode: 503 });
    try {
      send(response, (await invoke(eventOf(request, body, url))) as HttpAnswer);
    } catch {
      // As a function URL has it: whatever the function threw, its caller learns no more.
      send(response, { statusCode: 502 });
    }
  }

  return {
    url,
    serve(next) {
      invoke = next;
    },
    async close() {
      const ended = once(server, "close");
      server.close();
      server.closeAllConnections();
      await ended;
    },
  };
}

function send(response: ServerResponse, { statusCode = 200, headers = {}, body = "" }: HttpAnswer): void {
  response.writeHead(statusCode, { ...headers, "Content-Length": Buffer.byteLength(body) }).end(body);
}

/** Undefined when it is larger than an event may be. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= bodyBytesMax) chunks.push(chunk);
  }
  return bytes <= bodyBytesMax ? Buffer.concat(chunks) : undefined;
}

function eventOf(request: IncomingMessage, body: Buffer, base: string): object {
  const { pathname, search } = new URL(request.url ?? "/", base);
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  );
  const isText = textual.test(headers["content-type"] ?? "");
  const nowMs = Date.now();
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: pathname,
    rawQueryString: search.slice(1),
    headers,
    requestContext: {
      accountId: "anonymous",
      apiId: "local",
      domainName: "localhost",
      domainPrefix: "local",
      http: {
        method: request.method ?? "GET",
        path: pathname,
        protocol: "HTTP/1.1",
        sourceIp: request.socket.remoteAddress ?? "",
        userAgent: headers["user-agent"] ?? "",
      },
      requestId: randomUUID(),
      routeKey: "$default",
      stage: "$default",
      time: new Date(nowMs).toISOString(),
      timeEpoch: nowMs,
    },
    ...(body.length === 0 ? {} : { body: isText ? body.toString("utf8") : body.toString("base64") }),
    isBase64Encoded: body.length > 0 && !isText,
  };
}
