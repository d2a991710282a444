import type { ClientRequest, Agent as HttpAgent, IncomingMessage, RequestOptions } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { NeverSentCause, Transport, UnansweredCause, WireRequest } from "../core/transport.ts";
import type { Clock, Wire } from "../ports.ts";

// Not `import`ed: ESM imports of these cost 53–80 ms at a cold start, getBuiltinModule 4–6 ms (measured).
const http = process.getBuiltinModule("node:http");
const https = process.getBuiltinModule("node:https");
const { hash } = process.getBuiltinModule("node:crypto");
const { urlToHttpOptions } = process.getBuiltinModule("node:url");
const utf8 = new TextDecoder();

export type HttpWireOptions = {
  /** the worker's clock, for `notAfterMs`; time-outs run on the machine's own timer */
  readonly clock: Pick<Clock, "nowMs">;
  /** how long name resolution and the TCP connection may take together; never more than `timeoutMs` */
  readonly connectTimeoutMs?: number;
  /** an answer whose body is larger is given up as `too_large` */
  readonly maxBodyBytes?: number;
  /** how long a connection is kept without a request on it, by the worker's clock and by the machine's */
  readonly idleTimeoutMs?: number;
  /** how long a connection is kept at all */
  readonly lifeMs?: number;
};

const connectTimeoutDefaultMs = 10_000;
const maxBodyDefaultBytes = 8 * 1024 * 1024;
/**
 * Well below the 5 s after which common servers close: a request that meets a closing connection is an unknown
 * outcome. Between two batches of a busy worker there are milliseconds.
 */
const idleTimeoutDefaultMs = 1_000;
/** So that a gateway's new address is found, and an old one left. */
const lifeDefaultMs = 60_000;
/** Node fires a longer timer at once. */
const timerMaxMs = 2 ** 31 - 1;

/** How far a request got. Only what failed before `connected` can be `neverSent` by its error. */
export type WireStage = "connecting" | "connected" | "written" | "answering";

type Unsent = { readonly kind: "neverSent"; readonly cause: NeverSentCause };
type Unanswered = { readonly kind: "sentUnanswered"; readonly cause: UnansweredCause };

const neverSent = (cause: NeverSentCause): Unsent => ({ kind: "neverSent", cause });
const sentUnanswered = (cause: UnansweredCause): Unanswered => ({ kind: "sentUnanswered", cause });

const textOf = (error: unknown, name: "code" | "syscall"): string | undefined => {
  const value: unknown = error instanceof Error ? Reflect.get(error, name) : undefined;
  return typeof value === "string" ? value : undefined;
};

const neverSentCause = (error: unknown): NeverSentCause | undefined => {
  if (error instanceof AggregateError && error.errors.length > 0) {
    // A name with several addresses: each was tried, so each must have been refused.
    const causes = error.errors.map(neverSentCause);
    if (causes.includes(undefined)) return undefined;
    return causes.includes("connect_timeout") ? "connect_timeout" : "refused";
  }
  const [code, syscall] = [textOf(error, "code"), textOf(error, "syscall")];
  if (code === "ECONNREFUSED") return "refused";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "unresolved";
  // The system's own connect deadline, and Node's for each of several addresses.
  return code === "ETIMEDOUT" && syscall === "connect" ? "connect_timeout" : undefined;
};

const unansweredCause = (error: unknown, stage: WireStage): UnansweredCause => {
  const code = textOf(error, "code") ?? "";
  if (/^(?:ERR_SSL_|ERR_TLS_|EPROTO$)/.test(code)) return "tls";
  if (code === "HPE_HEADER_OVERFLOW") return "too_large";
  const brokenOff = stage === "answering" ? "cut" : "closed";
  if (code === "HPE_INVALID_EOF_STATE") return brokenOff;
  if (code.startsWith("HPE_")) return "not_http";
  // Node gives a clean close the code of a reset, but only a reset comes from a system call.
  if (code === "ECONNRESET" && textOf(error, "syscall") === undefined) return brokenOff;
  if (code === "ECONNRESET" || code === "EPIPE" || code === "ECONNABORTED") return "reset";
  // The system gave up on a peer that no longer acknowledges.
  return code === "ETIMEDOUT" ? "timeout" : "other";
};

/**
 * What an error of Node's HTTP client says about a request that got as far as `stage` (S11).
 * `neverSent` is an allow-list, and only for a socket that was never connected: the same code of a socket on
 * which something may have been written proves nothing.
 */
export const transportOfError = (error: unknown, stage: WireStage, tls: boolean): Unsent | Unanswered => {
  const cause = stage === "connecting" ? neverSentCause(error) : undefined;
  if (cause !== undefined) return neverSent(cause);
  // A TLS connection is `connected` from the TCP connection to the end of the handshake.
  return sentUnanswered(tls && stage === "connected" ? "tls" : unansweredCause(error, stage));
};

/** Headers that say how the request is framed: only this file knows. */
const ownHeaders = new Set(["connection", "content-length", "expect", "transfer-encoding", "upgrade"]);

/** Node's own messages would name the URL or the value, and either may hold a credential (S12). */
const readUrl = (text: string): URL => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw new TypeError("not an http or https URL");
  if (url.username !== "" || url.password !== "") throw new TypeError("a URL with a user name or password");
  return url;
};

const checkHeaders = (headers: WireRequest["headers"]): void => {
  for (const [name, value] of Object.entries(headers)) {
    try {
      http.validateHeaderName(name);
      http.validateHeaderValue(name, value);
    } catch {
      throw new TypeError(`header ${JSON.stringify(name)} has characters that HTTP does not allow`);
    }
    if (ownHeaders.has(name.toLowerCase())) throw new TypeError(`header "${name}" is not the caller's`);
  }
};

const checkTimeout = (name: string, ms: number): void => {
  if (!(ms > 0 && ms <= timerMaxMs))
    throw new TypeError(`${name} must be over 0 and at most ${timerMaxMs} ms`);
};

const headersOf = (answer: IncomingMessage): Record<string, string> =>
  Object.fromEntries(
    Object.entries(answer.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(", ") : (value ?? ""),
    ]),
  );

/** Connections that are kept, and for how long each may be used again. */
const keptConnections = (clock: Pick<Clock, "nowMs">, idleTimeoutMs: number, lifeMs: number) => {
  type Moment = { readonly worker: number; readonly machine: number };
  const now = (): Moment => ({ worker: clock.nowMs(), machine: performance.now() });
  const made = new WeakMap<Duplex, Moment>();
  const freed = new WeakMap<Duplex, Moment>();
  // A stopped machine's own timer may stand still, and the worker's clock may be set: whichever says more. One
  // that was set back says nothing.
  const isOver = (since: Moment | undefined, ms: number): boolean => {
    if (since === undefined) return true;
    const { worker, machine } = now();
    return !(worker >= since.worker && Math.max(worker - since.worker, machine - since.machine) <= ms);
  };

  const keeping = <Kind extends typeof http.Agent>(Agent: Kind) => {
    // The agent's time-out ends idle connections only; one that is in use has its own, in `send`.
    const agent = new Agent({ keepAlive: true, timeout: idleTimeoutMs });
    const keep: (socket: Duplex) => unknown = agent.keepSocketAlive.bind(agent);
    agent.keepSocketAlive = (socket) => {
      freed.set(socket, now());
      return !isOver(made.get(socket), lifeMs) && keep(socket);
    };
    return agent as InstanceType<Kind>;
  };

  return {
    plain: keeping(http.Agent),
    tls: keeping(https.Agent),
    noteMade: (socket: Duplex): void => void made.set(socket, now()),
    /** Ends what may not be used again. No timer did it while the process was stopped. */
    endIdle(agent: HttpAgent): void {
      for (const sockets of Object.values(agent.freeSockets)) {
        // The one that was used last is taken next: if it is too old, none of them is taken.
        const all = isOver(freed.get(sockets?.at(-1) as Duplex), idleTimeoutMs);
        for (const socket of sockets ?? [])
          if (all || isOver(freed.get(socket), idleTimeoutMs)) socket.destroy();
      }
    },
  };
};

/**
 * HTTP over node:http and node:https, with kept-alive connections. A function makes one for its whole life: a
 * connection is used again only within `idleTimeoutMs` of its last answer, so that none is that was kept across
 * a frozen container. It would be dead, and each dead one an unknown outcome.
 *
 * `send` keeps the rules of `Wire`: at most once, no redirect, the whole exchange within `timeoutMs`, bytes
 * written only once the connection (and TLS) stands and `notAfterMs` is not over. It never rejects for what the
 * network or the gateway does; it rejects with a `TypeError` for what only a mistake in the program can cause:
 * a URL that is not http(s) or holds a password, a header that HTTP does not allow or that frames the message,
 * a time-out that is no time, a wire that was closed. Nothing was sent then.
 *
 * An answer without Content-Length that was cut short looks whole to HTTP and is `replied`.
 * The body is decoded as UTF-8 (a byte order mark is dropped, wrong bytes become U+FFFD).
 *
 * `close` ends the connections; a request that is still on its way becomes `sentUnanswered`.
 */
export const httpWire = (options: HttpWireOptions): Wire & { close(): void } => {
  const { clock, connectTimeoutMs = connectTimeoutDefaultMs, maxBodyBytes = maxBodyDefaultBytes } = options;
  const { idleTimeoutMs = idleTimeoutDefaultMs, lifeMs = lifeDefaultMs } = options;
  checkTimeout("connectTimeoutMs", connectTimeoutMs);
  checkTimeout("idleTimeoutMs", idleTimeoutMs);
  checkTimeout("lifeMs", lifeMs);
  const connections = keptConnections(clock, idleTimeoutMs, lifeMs);
  /** what nearly every request goes to is read once */
  let last: { readonly url: string; readonly target: RequestOptions } | undefined;
  const targetOf = (url: string): RequestOptions => {
    if (last?.url !== url) last = { url, target: urlToHttpOptions(readUrl(url)) };
    return last.target;
  };
  let closed = false;

  const send: Wire["send"] = async (request, { timeoutMs, notAfterMs }) => {
    const target = targetOf(request.url);
    checkHeaders(request.headers);
    checkTimeout("timeoutMs", timeoutMs);
    if (closed) throw new TypeError("this wire was closed");
    const tls = target.protocol === "https:";
    const agent = tls ? connections.tls : connections.plain;
    connections.endIdle(agent);
    const { body } = request;

    return new Promise<Transport>((resolve) => {
      let stage: WireStage = "connecting";
      let settled = false;

      const settle = (transport: Transport): void => {
        if (settled) return;
        settled = true;
        clearTimeout(connectTimer);
        clearTimeout(wholeTimer);
        // A connection goes back to the others only after a whole answer.
        if (transport.kind !== "replied") exchange.destroy();
        resolve(transport);
      };
      const fail = (error: unknown): void => settle(transportOfError(error, stage, tls));

      // Nothing is written before `end`: Node keeps the headers until then.
      const exchange: ClientRequest = (tls ? https : http).request({
        ...target,
        method: request.method,
        agent,
        headers: {
          ...request.headers,
          ...(body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) }),
        },
      });
      const connectTimer = setTimeout(
        () => settle(neverSent("connect_timeout")),
        Math.min(connectTimeoutMs, timeoutMs),
      );
      const wholeTimer = setTimeout(
        () => settle(stage === "connecting" ? neverSent("connect_timeout") : sentUnanswered("timeout")),
        timeoutMs,
      );

      const write = (): void => {
        if (settled) return;
        // `!(… <= …)`, so that a moment that is not a number lets nothing out.
        if (notAfterMs !== undefined && !(clock.nowMs() <= notAfterMs)) {
          settle(neverSent("too_late"));
          return;
        }
        stage = "written";
        // As text it goes out in one piece with the headers.
        exchange.end(body, "utf8");
      };
      const connected = (): void => {
        clearTimeout(connectTimer);
        stage = "connected";
      };

      exchange.on("socket", (socket: Socket) => {
        if (!socket.connecting) {
          // kept alive from an earlier request: TCP and TLS stand
          connected();
          write();
          return;
        }
        socket.once("connect", () => {
          connections.noteMade(socket);
          connected();
          if (!tls) write();
        });
        if (tls) socket.once("secureConnect", write);
      });
      exchange.on("error", fail);
      // Whatever ends without an error of its own; with an answer, the answer's own end may come after this.
      exchange.on("close", () => {
        if (stage !== "answering") settle(sentUnanswered("closed"));
      });

      exchange.on("response", (answer) => {
        stage = "answering";
        const chunks: Buffer[] = [];
        let bytes = 0;
        answer.on("error", fail);
        answer.on("close", () => settle(sentUnanswered("cut")));
        answer.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > maxBodyBytes) settle(sentUnanswered("too_large"));
          else chunks.push(chunk);
        });
        answer.on("end", () => {
          if (!answer.complete) return settle(sentUnanswered("cut"));
          const whole = Buffer.concat(chunks, bytes);
          settle({
            kind: "replied",
            status: answer.statusCode ?? 0,
            headers: headersOf(answer),
            body: utf8.decode(whole),
            bodySha256: hash("sha256", whole, "hex"),
          });
        });
      });
    });
  };

  return {
    send,
    close() {
      closed = true;
      connections.plain.destroy();
      connections.tls.destroy();
    },
  };
};
