import { createHash } from "node:crypto";
import type { NeverSentCause, Transport, UnansweredCause, WireRequest } from "../../lib/core/transport.ts";
import type { Clock, Wire } from "../../lib/ports.ts";

/** What comes of a request. `tookMs` of virtual time pass first; a time-out takes all that the caller allows. */
export type Scripted =
  | {
      readonly kind: "replied";
      readonly status: number;
      /** JSON, or text as it is */
      readonly body?: unknown;
      readonly headers?: Readonly<Record<string, string>>;
      readonly tookMs?: number;
    }
  | { readonly kind: "neverSent"; readonly cause?: NeverSentCause; readonly tookMs?: number }
  | { readonly kind: "sentUnanswered"; readonly cause?: UnansweredCause; readonly tookMs?: number };

export const replied = (status: number, body: unknown = "", tookMs = 0): Scripted => ({
  kind: "replied",
  status,
  body,
  tookMs,
});
export const neverSent = (cause: NeverSentCause = "refused"): Scripted => ({ kind: "neverSent", cause });
export const unanswered = (cause: UnansweredCause = "timeout"): Scripted => ({
  kind: "sentUnanswered",
  cause,
});

/** A request whose first byte left. */
export type SentRequest = WireRequest & {
  readonly atMs: number;
  readonly timeoutMs: number;
  readonly notAfterMs: number | undefined;
  /** its X-Request-ID */
  readonly requestId: string | undefined;
};

export type ScriptedWireOptions = {
  readonly clock: Clock;
  /** a list is used up in order (running out of it is a mistake of the test); a function answers for ever */
  readonly script: readonly Scripted[] | ((request: SentRequest, index: number) => Scripted);
  /** called before the moment is compared with `notAfterMs`; what it throws, `send` throws */
  readonly before?: (request: WireRequest) => void | Promise<void>;
  /** called when the answer is there; what it throws, `send` throws */
  readonly done?: (request: SentRequest, answer: Transport) => void | Promise<void>;
};

export type ScriptedWire = Wire & {
  /** everything that left, in order */
  readonly sent: readonly SentRequest[];
  /** charges that left, in order */
  posts(): SentRequest[];
  /** look-ups that left, in order */
  gets(): SentRequest[];
};

export const sha256Of = (text: string): string => createHash("sha256").update(text).digest("hex");

/** A wire that answers as it is told, in virtual time. It sends nothing after `notAfterMs` by its clock. */
export const scriptedWire = ({ clock, script, before, done }: ScriptedWireOptions): ScriptedWire => {
  const sent: SentRequest[] = [];
  let asked = 0;
  return {
    sent,
    posts: () => sent.filter(({ method }) => method === "POST"),
    gets: () => sent.filter(({ method }) => method === "GET"),
    async send(request, { timeoutMs, notAfterMs }) {
      await before?.(request);
      // `!(… <= …)`, so that a moment that is not a number lets nothing out, as in the real one.
      if (notAfterMs !== undefined && !(clock.nowMs() <= notAfterMs))
        return { kind: "neverSent", cause: "too_late" };
      const leaving: SentRequest = {
        ...request,
        atMs: clock.nowMs(),
        timeoutMs,
        notAfterMs,
        requestId: request.headers["X-Request-ID"],
      };
      const index = asked++;
      const scripted = typeof script === "function" ? script(leaving, index) : script[index];
      if (scripted === undefined) throw new Error(`the script has no answer for request ${index + 1}`);
      if (scripted.kind !== "neverSent") sent.push(leaving);
      const answer = transportOf(scripted);
      const stalled = answer.kind === "sentUnanswered" && answer.cause === "timeout";
      const tookMs = Math.min(scripted.tookMs ?? (stalled ? timeoutMs : 0), timeoutMs);
      if (tookMs > 0) await clock.sleep(tookMs);
      await done?.(leaving, answer);
      return answer;
    },
  };
};

const transportOf = (scripted: Scripted): Transport => {
  switch (scripted.kind) {
    case "neverSent":
      return { kind: "neverSent", cause: scripted.cause ?? "refused" };
    case "sentUnanswered":
      return { kind: "sentUnanswered", cause: scripted.cause ?? "timeout" };
    case "replied": {
      const { body = "" } = scripted;
      const text = typeof body === "string" ? body : JSON.stringify(body);
      return {
        kind: "replied",
        status: scripted.status,
        headers: scripted.headers ?? {},
        body: text,
        bodySha256: sha256Of(text),
      };
    }
  }
};
