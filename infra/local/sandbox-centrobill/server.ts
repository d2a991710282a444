import { createHash } from "node:crypto";
import { once, setMaxListeners } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { deliver, sendError, sendHtml, sendJson, sendRefusal } from "../delivery.ts";
import { type MemoryFile, noMemoryFile, openMemoryFile } from "../memory-file.ts";
import { endlessPage, type FeedFault, faultAfter, otherShape, readFeedFault } from "./feed-fault.ts";
import { feedPage, readFeedQuery } from "./feed-page.ts";
import { isMemoryLine, type MemoryLine } from "./memory-line.ts";
import { type CentrobillNotices, mannerOf, notify } from "./notices.ts";
import { type PayRequest, readPayRequest } from "./pay-request.ts";
import { payAnswer, takenAmount } from "./payment-answer.ts";
import { createRequestIds } from "./request-ids.ts";
import { resultAfter, sendNumber } from "./scenario.ts";
import type { Transaction } from "./transaction.ts";
import { createTruth, type TruthRow, type TruthSummary } from "./truth.ts";

export interface SandboxCentrobillOptions {
  /** Default 127.0.0.1: this gateway is for one machine. */
  readonly host?: string;
  /** Default 0, any free port. */
  readonly port?: number;
  /** How long an X-Request-ID is remembered, ms from when its processing began. Default 900000. */
  readonly requestIdLifeMs?: number;
  /** How late a row appears in the feed, ms. Default 0. */
  readonly feedLagMs?: number;
  /** How long a pending payment takes to become final, ms. Default 1500. */
  readonly pendingMs?: number;
  /** How long an answer takes, ms, both ends included. Default 5 to 25. */
  readonly latencyMs?: { readonly min: number; readonly max: number };
  /** How long a request that gets no answer is held before its socket is destroyed, ms. Default 30000. */
  readonly stallMs?: number;
  /** Epoch ms. The waits themselves run on real time. */
  readonly now?: () => number;
  /** From 0 up to 1; decides only how long an answer takes. */
  readonly random?: () => number;
  /** Where the gateway keeps what it did, so that one that is started again has not forgotten it. */
  readonly dataFile?: string;
  /** Where it tells of its transactions by itself; nowhere by default. */
  readonly notices?: CentrobillNotices;
}

/** The summary of the truth, and what went over the wire since this start. */
export interface SandboxTruth extends TruthSummary {
  /** Pay requests that reached a scenario. */
  readonly sends: number;
  /** Of these, the ones that got what an earlier send of their id had made. */
  readonly replays: number;
  /** Of these, the ones whose body was another one than the original's: a client's mistake. */
  readonly changedReplays: number;
}

export interface SandboxCentrobill {
  /** `http://host:port`, without a slash at its end. `POST /payment` is below it. */
  readonly url: string;
  /** `GET /transactions` is below it. */
  readonly feedUrl: string;
  /** What the gateway really did, as of now. */
  truth(): SandboxTruth;
  /** The captures of one charge, oldest first. */
  capturesOf(chargeId: string): readonly TruthRow[];
  /** When an X-Request-ID was sent, epoch ms, in order. */
  sendsOf(requestId: string): readonly number[];
  /** Makes every X-Request-ID new to the gateway, as if its life had run out. */
  forgetRequestIds(): void;
  /** What the feed has from now on. */
  setFeedFault(fault: FeedFault): void;
  /** Ends every connection, also the ones that are held, and every wait. Nothing is captured after it. */
  close(): Promise<void>;
}

/** The largest request body that is read, bytes. */
const bodyBytesMax = 1_000_000;

/** Ids count up from where the gateway's own samples are. */
const firstTransactionId = 404_168_112;
const firstOrderId = 2_394_649_562;

/**
 * Starts a gateway that plays Centrobill: `POST /payment` by the request's `metadata.scenario`, the feed of the
 * default profile, and under `/sandbox` what no gateway tells: the truth. It never captures one request id twice
 * within the id's life; whatever a client sends under another id is captured again.
 *
 * Rejects when the port is taken or `dataFile` cannot be read.
 */
export async function startSandboxCentrobill(
  options: SandboxCentrobillOptions = {},
): Promise<SandboxCentrobill> {
  const {
    host = "127.0.0.1",
    port = 0,
    requestIdLifeMs = 900_000,
    feedLagMs = 0,
    pendingMs = 1500,
    latencyMs = { min: 5, max: 25 },
    stallMs = 30_000,
    now = Date.now,
    random = Math.random,
    dataFile,
    notices,
  } = options;

  const memory: MemoryFile<MemoryLine> =
    dataFile === undefined ? noMemoryFile : openMemoryFile(dataFile, isMemoryLine);
  const requestIds = createRequestIds(requestIdLifeMs);
  const truth = createTruth();
  const wire = { sends: 0, replays: 0, changedReplays: 0 };
  let feedFault: FeedFault = { kind: "none" };

  for (const line of memory.lines) {
    if (line.line === "sent") requestIds.noteSend(line.requestId, line.at);
    else if (line.line === "forgotten") requestIds.forgetAll();
    else keep(line.transaction);
  }

  const closing = new AbortController();
  // One listener for each wait under way: their number is the client's concurrency, not a leak.
  setMaxListeners(0, closing.signal);
  const underWay = new Set<Promise<void>>();

  const server = createServer((request, response) => {
    const handling = handle(request, response)
      .catch((error: unknown) => fail(response, error))
      .finally(() => underWay.delete(handling));
    underWay.add(handling);
  });
  // A server that ends an idle connection just as the client uses it again is a reset that no scenario asked for.
  server.keepAliveTimeout = 600_000;
  // The most the system allows, so that a burst of connections is not refused.
  server.listen({ host, port, backlog: 4096 });
  try {
    await once(server, "listening");
  } catch (error) {
    memory.close();
    throw error;
  }
  const address = server.address();
  const url = `http://${host}:${typeof address === "object" && address ? address.port : port}`;
  let closed: Promise<void> | undefined;

  return {
    url,
    feedUrl: `${url}/feed`,
    truth: readTruth,
    capturesOf: (chargeId) => truth.capturesOf(chargeId, now()),
    sendsOf: requestIds.sendsOf,
    forgetRequestIds,
    setFeedFault(fault) {
      feedFault = fault;
    },
    close() {
      closed ??= close();
      return closed;
    },
  };

  async function close(): Promise<void> {
    closing.abort();
    const ended = once(server, "close");
    server.close();
    server.closeAllConnections();
    await Promise.all([ended, ...underWay]);
    memory.close();
  }

  /** Takes one request to its end. Throws only when the gateway is closing or the client went away. */
  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "/", url);
    switch (`${request.method} ${pathname}`) {
      case "POST /payment":
        return answerPayment(request, response);
      case "GET /feed/transactions":
        return answerFeed(request, searchParams, response);
      case "GET /sandbox/truth":
        return sendJson(response, 200, readTruth());
      case "POST /sandbox/feed-fault": {
        const fault = readFeedFault((await readBody(request)) ?? "");
        if (!fault) return sendRefusal(response, { kind: "No such fault, or no such count" });
        feedFault = fault;
        return sendJson(response, 200, fault);
      }
      case "POST /sandbox/forget-request-ids":
        forgetRequestIds();
        return sendJson(response, 200, {});
      default:
        return sendError(response, 404);
    }
  }

  async function answerPayment(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await readBody(request);
    if (text === undefined) return sendError(response, 413);
    if (!request.headers.authorization) return sendError(response, 401);
    const read = readPayRequest(text);
    if (read.kind === "refused") return sendRefusal(response, read.errors);

    const sent = noteSend(request.headers["x-request-id"]);
    const { processes, answer } = sendNumber(read.request.scenario, sent.nth);
    if (!processes) {
      // What is swallowed is held from the first moment on; an error takes as long as any other answer.
      if (answer.kind !== "stall") await latency();
      return deliver(response, answer, undefined, () => stall(response));
    }
    const transaction = await processedOnce(read.request, sent.requestId, hashOf(text));
    return deliver(response, answer, payAnswer(transaction), () => stall(response));
  }

  /** A send without an X-Request-ID is always the first of its kind: nothing ties it to another one. */
  function noteSend(header: string | readonly string[] | undefined): { requestId?: string; nth: number } {
    wire.sends += 1;
    if (typeof header !== "string" || header === "") return { nth: 1 };
    const at = now();
    memory.append({ line: "sent", requestId: header, at });
    return { requestId: header, nth: requestIds.noteSend(header, at) };
  }

  /** What this request id made before, or is about to make, or makes now: the gateway's promise. */
  async function processedOnce(
    request: PayRequest,
    requestId: string | undefined,
    bodyHash: string,
  ): Promise<Transaction> {
    if (requestId === undefined) return process(request, requestId, bodyHash);
    const earlier = requestIds.original(requestId, now()) ?? requestIds.inFlight(requestId);
    if (!earlier) return requestIds.begin(requestId, process(request, requestId, bodyHash));
    wire.replays += 1;
    const made = await earlier;
    if (made.bodyHash !== bodyHash) wire.changedReplays += 1;
    await latency();
    return made;
  }

  /** Takes the money, or declines. It goes on when the client has gone away, as a gateway's would. */
  async function process(
    request: PayRequest,
    requestId: string | undefined,
    bodyHash: string,
  ): Promise<Transaction> {
    const beganAt = now();
    await latency();
    const { scenario, chargeId, metadata } = request;
    const result = resultAfter(scenario, chargeId === undefined ? 0 : truth.processedTimes(chargeId));
    const at = now();
    const serial = truth.transactions().length;
    const transaction: Transaction = {
      transactionId: String(firstTransactionId + serial),
      orderId: String(firstOrderId + serial),
      ...(requestId === undefined ? {} : { requestId }),
      ...(chargeId === undefined ? {} : { chargeId }),
      ...takenAmount(result, request),
      beganAt,
      at,
      finalAt: result.kind === "pending" ? at + pendingMs : at,
      result,
      paidFrom: request.paidFrom,
      consumer: request.consumer,
      ...(metadata === undefined ? {} : { metadata }),
      metadataInFeed: scenario.metadataInFeed,
      bodyHash,
    };
    // Before anything that could let an answer out: who was told of a capture must never meet one that forgot it.
    memory.append({ line: "processed", transaction });
    keep(transaction);
    tell(scenario, serial, transaction);
    return transaction;
  }

  /** Tells of a transaction now, and of a pending one again when its final word is there. */
  function tell(scenario: PayRequest["scenario"], serial: number, transaction: Transaction): void {
    const manner = notices === undefined ? undefined : mannerOf(serial, scenario);
    if (notices === undefined || manner === undefined) return;
    notify(notices, manner, transaction, now);
    if (transaction.finalAt === transaction.at) return;
    wait(transaction.finalAt - transaction.at, undefined, { signal: closing.signal }).then(
      () => notify(notices, manner, transaction, now),
      // The gateway closes: that word never comes.
      () => {},
    );
  }

  async function answerFeed(
    request: IncomingMessage,
    params: URLSearchParams,
    response: ServerResponse,
  ): Promise<void> {
    const { kind } = feedFault;
    feedFault = faultAfter(feedFault);
    if (!request.headers.authorization) return sendError(response, 401);
    const read = readFeedQuery(params);
    if (read.kind === "refused") return sendRefusal(response, read.errors);
    if (kind === "slow") await stall(response);
    else await latency();
    const page = feedPage(truth.transactions(), read.query, now(), feedLagMs);
    switch (kind) {
      case "none":
      case "slow":
        return sendJson(response, 200, page);
      case "500":
        return sendError(response, 500);
      case "html":
        return sendHtml(response, 200);
      case "other-shape":
        return sendJson(response, 200, otherShape(page));
      case "endless": {
        const first = feedPage(truth.transactions(), { ...read.query, page: 1 }, now(), feedLagMs);
        return sendJson(response, 200, endlessPage(first, read.query.page));
      }
    }
  }

  function keep(transaction: Transaction): void {
    truth.add(transaction);
    if (transaction.requestId !== undefined) requestIds.remember(transaction.requestId, transaction);
  }

  function readTruth(): SandboxTruth {
    return { ...truth.summary(now()), ...wire };
  }

  function forgetRequestIds(): void {
    memory.append({ line: "forgotten", at: now() });
    requestIds.forgetAll();
  }

  /** Rejects when the gateway closes. */
  async function latency(): Promise<void> {
    const ms = latencyMs.min + Math.floor(random() * (latencyMs.max - latencyMs.min + 1));
    if (ms > 0) await wait(ms, undefined, { signal: closing.signal });
    else closing.signal.throwIfAborted();
  }

  /** Ends after `stallMs`, or when the client has gone. Rejects when the gateway closes. */
  async function stall(response: ServerResponse): Promise<void> {
    if (response.destroyed) return;
    const gone = new AbortController();
    const onClose = () => gone.abort();
    response.once("close", onClose);
    try {
      await wait(stallMs, undefined, { signal: AbortSignal.any([closing.signal, gone.signal]) });
    } catch (error) {
      if (closing.signal.aborted) throw error;
    } finally {
      response.off("close", onClose);
    }
  }

  /** No answer is made up for what went wrong inside, unless it is the sandbox's own mistake. */
  function fail(response: ServerResponse, error: unknown): void {
    if (closing.signal.aborted || response.destroyed || response.headersSent) {
      response.socket?.destroy();
      return;
    }
    sendJson(response, 500, { message: `The sandbox gateway is broken: ${String(error)}` });
  }
}

/** The body as text; undefined when it is larger than a pay request can be. Throws when the client goes. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= bodyBytesMax) chunks.push(chunk);
  }
  return bytes <= bodyBytesMax ? Buffer.concat(chunks).toString("utf8") : undefined;
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
