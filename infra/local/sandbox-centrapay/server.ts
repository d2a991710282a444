import { once, setMaxListeners } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { deliver, sendError, sendJson } from "../delivery.ts";
import { type MemoryFile, noMemoryFile, openMemoryFile } from "../memory-file.ts";
import {
  type Activity,
  activityJson,
  Book,
  type Capture,
  type PaymentRequest,
  requestJson,
  statusAt,
} from "./book.ts";
import { type CentrapayNotices, type Notify, notifier } from "./notices.ts";
import { createRateLimit } from "./rate-limit.ts";
import { type Call, scenarioOf } from "./scenario.ts";

const activitiesPerPage = 20;

export interface SandboxCentrapayOptions {
  /** Default 0, any free port. */
  readonly port?: number;
  /** How long a Payment Request can be paid, ms. Default 120000, as documented. */
  readonly expiryMs?: number;
  /** How long an answer takes, ms, both ends included. Default 5 to 25. */
  readonly latencyMs?: { readonly min: number; readonly max: number };
  /** How long a request that gets no answer is held before its socket is destroyed, ms. Default 30000. */
  readonly stallMs?: number;
  /** Requests of one key in a minute; more get 429 with Retry-After. Default none; the documents say 200. */
  readonly requestsPerMinute?: number;
  /** Epoch ms. The waits themselves run on real time. */
  readonly now?: () => number;
  /** Where the gateway keeps what it did, so that one that is started again has not forgotten it. */
  readonly dataFile?: string;
  /** Where it tells of payments by itself; nowhere by default. */
  readonly notices?: CentrapayNotices;
}

export interface SandboxCentrapay {
  /** `http://127.0.0.1:port`, without a slash at its end. */
  readonly url: string;
  /** Money taken and not given back, oldest first. */
  captures(): readonly Capture[];
  /** Payment Requests made under one reference. */
  requestsOf(externalRef: string): number;
  close(): Promise<void>;
}

/** The largest request body that is read, bytes. */
const bodyBytesMax = 1_000_000;

/** Where the keys are that its notices are signed with. */
export const keysPath = "/api/.well-known/jwks.json";

/** More than any confirmation asks for: what a pre-authorised Payment Request has in it. */
const preAuthAmount = "99999999";

type Body = Readonly<Record<string, unknown>>;

/**
 * Starts a gateway that plays Centrapay: Payment Requests are made, paid, captured, asked for and voided, and
 * what happens to one follows from its asset, barcode or id (`scenario.ts`). A pre-authorised Payment Request
 * is there under whatever id a confirm names. An idempotencyKey is never processed twice.
 *
 * Rejects when the port is taken or `dataFile` cannot be read.
 */
export async function startSandboxCentrapay(
  options: SandboxCentrapayOptions = {},
): Promise<SandboxCentrapay> {
  const {
    port = 0,
    expiryMs = 120_000,
    latencyMs = { min: 5, max: 25 },
    stallMs = 30_000,
    now = Date.now,
    dataFile,
  } = options;
  const isRequest = (value: unknown): value is PaymentRequest =>
    typeof value === "object" && value !== null && "activities" in value && "id" in value;
  const memory: MemoryFile<PaymentRequest> =
    dataFile === undefined ? noMemoryFile : openMemoryFile(dataFile, isRequest);
  const book = new Book();
  for (const request of memory.lines) book.add(request);
  let serial = memory.lines.length;
  const notify: Notify = notifier(options.notices, now);
  const calls = new Map<string, number>();
  const admit = createRateLimit(options.requestsPerMinute);
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.socket?.destroy());
  });
  server.keepAliveTimeout = 600_000;
  server.listen({ host: "127.0.0.1", port, backlog: 4096 });
  try {
    await once(server, "listening");
  } catch (error) {
    memory.close();
    throw error;
  }
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" && address ? address.port : port}`;

  return {
    url,
    captures: () => book.captures(),
    requestsOf: (externalRef) => book.byExternalRef(externalRef).length,
    async close() {
      closing.abort();
      const ended = once(server, "close");
      server.close();
      server.closeAllConnections();
      await ended;
      memory.close();
    },
  };

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(incoming.url ?? "/", url);
    const body = await readBody(incoming);
    // Public, as the documents have it.
    if (pathname === keysPath) return sendJson(response, 200, { keys: options.notices?.keys ?? [] });
    const key = incoming.headers["x-api-key"];
    if (typeof key !== "string" || key === "") return sendError(response, 401);
    const retryAfterS = admit(key, now());
    if (retryAfterS !== undefined) return sendError(response, 429, retryAfterS);
    await latency();
    const [, , collection, id = "", act, ...rest] = pathname.split("/").map(decodeURIComponent);
    if (incoming.method === "GET" && collection === "payment-activities" && id === "")
      return merchantActivities(searchParams, response);
    if (collection !== "payment-requests" || rest.length > 0) return sendError(response, 404);
    const route = `${incoming.method} ${id === "" ? "" : id === "external-ref" ? "external-ref" : ":id"}${act === undefined || id === "external-ref" ? "" : `/${act}`}`;
    switch (route) {
      case "POST ":
        return create(body, response);
      case "GET external-ref":
        return list(act ?? "", searchParams, response);
      case "GET :id":
        return ask(id, response);
      case "GET :id/activities":
        return activities(id, response);
      case "POST :id/pay":
        return pay(id, body, response);
      case "POST :id/confirm":
        return confirm(id, body, response);
      case "POST :id/void":
        return voided(id, response);
      default:
        return sendError(response, 404);
    }
  }

  function keep(request: PaymentRequest): PaymentRequest {
    memory.append(request);
    return book.add(request);
  }

  function note(
    request: PaymentRequest,
    type: Activity["type"],
    more: Partial<Pick<Activity, "amount" | "idempotencyKey" | "invoiceRef">> = {},
  ): Activity {
    serial += 1;
    const activity: Activity = {
      id: `act${serial}`,
      type,
      amount: more.amount ?? request.amount,
      currency: request.currency,
      idempotencyKey: more.idempotencyKey,
      invoiceRef: more.invoiceRef,
      createdAt: now(),
    };
    request.activities.push(activity);
    return activity;
  }

  function make(
    asked: Partial<PaymentRequest> & Pick<PaymentRequest, "amount" | "currency">,
  ): PaymentRequest {
    serial += 1;
    return {
      id: `pr${serial}`,
      externalRef: undefined,
      merchantAccountId: undefined,
      barcode: undefined,
      preAuth: false,
      createdAt: now(),
      expiresAt: now() + expiryMs,
      status: "new",
      cancellationReason: undefined,
      remaining: "0",
      asks: 0,
      activities: [],
      ...asked,
    };
  }

  async function create(body: Body, response: ServerResponse): Promise<void> {
    const value = body["value"] as Body | undefined;
    const { amount, currency } = value ?? {};
    if (typeof body["configId"] !== "string") return sendMessage(response, 400, '"configId" is required');
    if (typeof amount !== "string" || !/^[1-9]\d{0,7}$/.test(amount) || typeof currency !== "string")
      return sendMessage(response, 400, '"value.amount" is required');
    // A merchant config that can do nothing, so that a create can be refused, too.
    if (body["configId"] === "refused") return sendMessage(response, 403, "NO_AVAILABLE_PAYMENT_OPTIONS");
    const barcode = typeof body["barcode"] === "string" ? body["barcode"] : undefined;
    const externalRef = typeof body["externalRef"] === "string" ? body["externalRef"] : undefined;
    const request = make({ amount, currency, barcode, externalRef });
    keep(request);
    const { create: answer } = scenarioOf(
      barcode ?? String(body["lineItems"] === undefined ? "" : scenarioTag(body)),
    );
    // The create that goes wrong is the first one: the next is found or answered.
    const first = externalRef === undefined || book.byExternalRef(externalRef).length === 1;
    await deliver(
      response,
      first ? answer : { kind: "result" },
      requestJson(request, now()),
      () => stall(response),
      200,
    );
  }

  /** A create does not say which asset will pay: a line item's name may carry the scenario. */
  function scenarioTag(body: Body): string {
    const [item] = (body["lineItems"] as readonly Body[] | undefined) ?? [];
    return typeof item?.["name"] === "string" ? item["name"] : "";
  }

  async function list(externalRef: string, params: URLSearchParams, response: ServerResponse): Promise<void> {
    if (params.get("merchantAccountId") === null)
      return sendMessage(response, 400, '"merchantAccountId" is required');
    const found = book.byExternalRef(externalRef);
    // One a page, so that whoever reads them reads pages.
    const at = Number(params.get("pageKey") ?? 0);
    const items = found.slice(at, at + 1).map((one) => requestJson(one, now()));
    sendJson(response, 200, { items, ...(at + 1 < found.length ? { pageKey: String(at + 1) } : {}) });
  }

  /** The first ask of a Quick Pay starts its payment: a GET that moves money. */
  async function ask(id: string, response: ServerResponse): Promise<void> {
    const request = book.get(id);
    if (request === undefined) return sendMessage(response, 403, "Forbidden");
    if (request.barcode !== undefined && statusAt(request, now()) === "new") {
      const { quickPay, remainingMinor } = scenarioOf(request.barcode);
      request.asks += 1;
      if (request.asks >= quickPay.asks && quickPay.becomes !== "never") {
        request.status = quickPay.becomes;
        if (quickPay.becomes === "paid") {
          request.remaining = String(remainingMinor);
          const paid = note(request, "payment", { amount: less(request.amount, remainingMinor) });
          notify("payment-request:paid", request, paid, scenarioOf(request.barcode));
        } else {
          request.cancellationReason = quickPay.reason;
          note(request, "cancellation");
        }
      }
      keep(request);
    }
    sendJson(response, 200, requestJson(request, now()));
  }

  async function activities(id: string, response: ServerResponse): Promise<void> {
    const request = book.get(id);
    if (request === undefined) return sendJson(response, 200, { items: [] });
    const items = request.activities.map((one) => activityJson(one, request)).reverse();
    sendJson(response, 200, { items });
  }

  /** Everything that happened to the merchant's Payment Requests, newest first; a page's key is where it begins. */
  async function merchantActivities(params: URLSearchParams, response: ServerResponse): Promise<void> {
    if (params.get("merchantId") === null) return sendMessage(response, 400, '"merchantId" is required');
    const all = [...book.all()]
      .flatMap((request) => request.activities.map((activity) => ({ activity, request })))
      .sort((a, b) => b.activity.createdAt - a.activity.createdAt);
    const at = Number(params.get("pageKey") ?? 0);
    const items = all
      .slice(at, at + activitiesPerPage)
      .map(({ activity, request }) => activityJson(activity, request));
    const next = at + activitiesPerPage;
    sendJson(response, 200, { items, ...(next < all.length ? { nextPageKey: String(next) } : {}) });
  }

  async function pay(id: string, body: Body, response: ServerResponse): Promise<void> {
    const request = book.get(id);
    const key = body["idempotencyKey"];
    if (typeof key !== "string") return sendMessage(response, 400, '"idempotencyKey" is required');
    if (request === undefined) return sendMessage(response, 403, "Forbidden");
    const scenario = scenarioOf(String(body["assetId"]));
    await processed(request, key, scenario, response, () => {
      const status = statusAt(request, now());
      if (status !== "new") return `REQUEST_${status.toUpperCase()}`;
      request.status = "paid";
      request.remaining = String(scenario.remainingMinor);
      const paid = note(request, "payment", {
        idempotencyKey: key,
        amount: less(request.amount, scenario.remainingMinor),
      });
      notify("payment-request:paid", request, paid, scenario);
      return paid;
    });
  }

  async function confirm(id: string, body: Body, response: ServerResponse): Promise<void> {
    const key = body["idempotencyKey"];
    const invoiceRef = body["invoiceRef"];
    const { amount, currency } = (body["value"] as Body | undefined) ?? {};
    if (typeof key !== "string" || typeof invoiceRef !== "string" || !Array.isArray(body["lineItems"]))
      return sendMessage(response, 400, '"idempotencyKey", "invoiceRef" and "lineItems" are required');
    if (typeof amount !== "string" || typeof currency !== "string")
      return sendMessage(response, 400, '"value" is required');
    const request =
      book.get(id) ?? keep(make({ id, amount: preAuthAmount, currency, preAuth: true, status: "paid" }));
    await processed(request, key, scenarioOf(id), response, () =>
      note(request, "confirmation", { idempotencyKey: key, invoiceRef, amount }),
    );
  }

  /** Runs `act` once for a key; a replay gets what the first one made. */
  async function processed(
    request: PaymentRequest,
    key: string,
    scenario: { readonly calls: readonly Call[]; readonly later: Call },
    response: ServerResponse,
    act: () => Activity | string,
  ): Promise<void> {
    const nth = (calls.get(key) ?? 0) + 1;
    calls.set(key, nth);
    const call = scenario.calls[nth - 1] ?? scenario.later;
    const before = request.activities.find(({ idempotencyKey }) => idempotencyKey === key);
    const made = call.processes ? (before ?? act()) : undefined;
    if (made !== undefined && made !== before) keep(request);
    if (typeof made === "string") return sendMessage(response, 403, made);
    if (call.answer.kind === "message") return sendMessage(response, 403, call.answer.message);
    const body = made === undefined ? {} : activityJson(made, request);
    await deliver(response, call.answer, body, () => stall(response), 200);
  }

  async function voided(id: string, response: ServerResponse): Promise<void> {
    const request = book.get(id);
    if (request === undefined) return sendMessage(response, 403, "Forbidden");
    const status = statusAt(request, now());
    if (status === "expired") return sendMessage(response, 403, "REQUEST_EXPIRED");
    if (request.status === "paid") {
      const refund = note(request, "refund");
      keep(request);
      notify("payment-request:refund-completed", request, refund);
      return sendJson(response, 200, activityJson(refund, request));
    }
    request.status = "cancelled";
    request.cancellationReason ??= "CANCELLED_BY_MERCHANT";
    const cancellation = note(request, "cancellation");
    keep(request);
    sendJson(response, 200, activityJson(cancellation, request));
  }

  async function latency(): Promise<void> {
    const ms = latencyMs.min + Math.floor(Math.random() * (latencyMs.max - latencyMs.min + 1));
    await wait(ms, undefined, { signal: closing.signal });
  }

  async function stall(response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    const onClose = (): void => gone.abort();
    response.once("close", onClose);
    await wait(stallMs, undefined, { signal: AbortSignal.any([closing.signal, gone.signal]) }).catch(
      () => {},
    );
    response.off("close", onClose);
  }
}

const less = (amount: string, minor: number): string => String(BigInt(amount) - BigInt(minor));

const sendMessage = (response: ServerResponse, statusCode: number, message: string): void =>
  sendJson(response, statusCode, {
    statusCode,
    ...(statusCode === 400 ? {} : { error: "Forbidden" }),
    message,
  });

async function readBody(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= bodyBytesMax) chunks.push(chunk);
  }
  try {
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    return typeof body === "object" && body !== null ? (body as Body) : {};
  } catch {
    return {};
  }
}
