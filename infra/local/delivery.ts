import type { ServerResponse } from "node:http";
/** How one call is answered by a sandbox gateway. */
export type Answer =
  /** The documented answer, with the result. */
  | { readonly kind: "result" }
  /** An HTTP error in the gateway's JSON, or as the HTML of something in front of it. */
  | { readonly kind: "error"; readonly status: number; readonly html?: true; readonly retryAfterS?: number }
  /** The socket is held, then destroyed without a byte. */
  | { readonly kind: "stall" }
  /** The connection is reset (RST). */
  | { readonly kind: "reset" }
  /** The result, but the connection ends before Content-Length is reached. */
  | { readonly kind: "halfBody" }
  /** The result without Content-Length: HTTP sees a whole answer, its JSON is cut. */
  | { readonly kind: "truncated" }
  /** No body. */
  | { readonly kind: "empty" };

/** A body in JSON, with its length, so that only the scenarios decide how an answer can be broken. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  sendText(response, status, "application/json", JSON.stringify(body), headers);
}

/** The page of a proxy in front of the gateway, which knows nothing of payments. */
export function sendHtml(response: ServerResponse, status: number): void {
  const title = `${status} ${reasons[status] ?? "Error"}`;
  const page = `<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>\n`;
  sendText(response, status, "text/html", page);
}

/** The gateway's JSON error of a status. */
export function sendError(response: ServerResponse, status: number, retryAfterS?: number): void {
  const headers = retryAfterS === undefined ? {} : { "Retry-After": String(retryAfterS) };
  sendJson(response, status, { message: reasons[status] ?? "Error" }, headers);
}

/** The gateway's 400: which fields, and what is wrong with each. */
export function sendRefusal(response: ServerResponse, errors: Readonly<Record<string, string>>): void {
  sendJson(response, 400, { message: "Bad Request", errors });
}

/**
 * Answers one send as its scenario says. `body` is the payment's, for the answers that carry one, and `status`
 * theirs; `stall` waits as long as a swallowed request is held.
 */
export async function deliver(
  response: ServerResponse,
  answer: Answer,
  body: unknown,
  stall: () => Promise<void>,
  status = 201,
): Promise<void> {
  switch (answer.kind) {
    case "result":
      sendJson(response, status, body);
      return;
    case "error":
      if (answer.html) sendHtml(response, answer.status);
      else if (answer.status === 400)
        sendRefusal(response, { parameterName: "Parameter is invalid or missing" });
      else sendError(response, answer.status, answer.retryAfterS);
      return;
    case "stall":
      await stall();
      response.socket?.destroy();
      return;
    case "reset":
      response.socket?.resetAndDestroy();
      return;
    case "empty":
      response.writeHead(status, { "Content-Length": "0" }).end();
      return;
    case "halfBody": {
      const text = JSON.stringify(body);
      endRaw(response, status, [`Content-Length: ${Buffer.byteLength(text)}`], firstHalf(text));
      return;
    }
    case "truncated":
      endRaw(response, status, ["Connection: close"], firstHalf(JSON.stringify(body)));
      return;
  }
}

const reasons: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  413: "Payload Too Large",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
};

function sendText(
  response: ServerResponse,
  status: number,
  type: string,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response
    .writeHead(status, { ...headers, "Content-Type": type, "Content-Length": Buffer.byteLength(text) })
    .end(text);
}

/** Past node's own writer, which would put the missing length or chunks right. */
function endRaw(response: ServerResponse, status: number, headers: readonly string[], text: string): void {
  const head = [
    `HTTP/1.1 ${status} ${status === 201 ? "Created" : "OK"}`,
    "Content-Type: application/json",
    ...headers,
  ].join("\r\n");
  response.socket?.end(`${head}\r\n\r\n${text}`);
}

function firstHalf(text: string): string {
  return text.slice(0, Math.floor(text.length / 2));
}
