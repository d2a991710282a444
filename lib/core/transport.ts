import { type Json, parseJson } from "./json.ts";

/** A request as it goes onto the wire. Headers may hold a credential: never log one. */
export type WireRequest = {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
};

/** Why no byte of a request can have reached the gateway. An allow-list (S11): anything else was sent. */
export type NeverSentCause =
  /** TCP connection refused */
  | "refused"
  /** the host's name was not resolved */
  | "unresolved"
  /** no TCP connection within the connect deadline */
  | "connect_timeout"
  /** the moment until which it may be sent was over before the first byte (S3, S7) */
  | "too_late"
  /** the gateway account is closed, or its rate has no room */
  | "held_back";

/** Why a request that may have arrived has no answer. */
export type UnansweredCause =
  /** no whole answer before the time-out: stalled before the headers, in the body, or in the TLS handshake */
  | "timeout"
  /** the connection was reset, before or after the gateway read the request */
  | "reset"
  /** the connection was closed before a whole answer */
  | "closed"
  /** the answer was cut short of its Content-Length or chunk */
  | "cut"
  /** what came back is not HTTP */
  | "not_http"
  /** TLS failed after the connection was made */
  | "tls"
  /** the answer is larger than what is read */
  | "too_large"
  /** anything else */
  | "other";

/** A whole HTTP answer. Whether its body can be read is another question. */
export type Replied = {
  readonly kind: "replied";
  readonly status: number;
  /** names in lower case */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** lower-case hex SHA-256 of the body's bytes */
  readonly bodySha256: string;
};

/** The answer that was read last: those who read one do so one after the other. */
let last: { readonly reply: Replied; readonly json: Json | undefined } | undefined;

/** The body of an answer as JSON, or `undefined` where it is none. Parsed once, however many read it in a row. */
export const bodyOf = (reply: Replied): Json | undefined => {
  if (last?.reply !== reply) last = { reply, json: parseJson(reply.body) };
  return last.json;
};

/** What became of one request on the wire. */
export type Transport =
  | Replied
  | { readonly kind: "neverSent"; readonly cause: NeverSentCause }
  | { readonly kind: "sentUnanswered"; readonly cause: UnansweredCause };
