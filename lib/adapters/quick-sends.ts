import type { Clock, Wire } from "../ports.ts";
import { type Form, formOfRequest, type QuickService, type SignedRequest } from "./quick-form.ts";
import { type AwsCredentials, authorizationOf, signingTime } from "./quick-signature.ts";

/** An SDK's client. The types of its methods are one for each command, so what is used of them is said below. */
export type AwsClient = { readonly send: unknown; readonly middlewareStack: object };
type Send = (command: unknown, options?: { readonly abortSignal?: AbortSignal }) => Promise<unknown>;
type Next = (args: { readonly request: unknown }) => Promise<unknown>;
type Middlewares = {
  add(
    middleware: (next: Next) => Next,
    options: { step: "deserialize"; priority: "high"; name: string },
  ): void;
};

/** A kind of request that is made over and over. */
export type QuickKind = {
  readonly service: QuickService;
  /** its name in `X-Amz-Target` */
  readonly operation: string;
  /** the command's input, where it is of this kind */
  readonly inputOf: (command: unknown) => object | undefined;
  /** the input as the service's JSON has it */
  readonly bodyOf: (input: object) => string;
  /** what the SDK would answer for this JSON */
  readonly answerOf: (json: unknown) => unknown;
  /** of an answer that says no, what the SDK would throw; `undefined` for all that is not the service's own word */
  readonly refusalOf?: (json: unknown) => Error | undefined;
};

/** Why the SDK alone makes a kind's requests from now on. */
export type GivenUp = { readonly operation: string; readonly status?: number; readonly code: string };

export type QuickSendsOptions = {
  readonly wire: Wire;
  readonly clock: Pick<Clock, "nowMs">;
  readonly kinds: readonly QuickKind[];
  /** how long one quick try may take */
  readonly timeoutMs: number;
  /** where requests of a kind go, if that is known; else the SDK's first one shows it */
  readonly formOf: (kind: QuickKind) => Form | undefined;
  readonly credentials: () => AwsCredentials | undefined;
  readonly onGivenUp: (why: GivenUp) => void;
};

/** The headers that are signed. */
const signed = ["content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target"];
/** So many tries in a row without an answer, where the SDK had one. */
const unansweredMax = 3;

/** What became of a quick try. */
type Tried =
  | { readonly kind: "answered"; readonly answer: unknown }
  | { readonly kind: "refused"; readonly error: Error }
  /** @param lasting whether the next one would end in the same way */
  | { readonly kind: "missed"; readonly lasting: boolean; readonly status?: number; readonly code: string };

/** The name of an error in a service's JSON, without its namespace. */
const codeOf = (json: unknown): string => {
  const type: unknown = (json as { readonly __type?: unknown } | null)?.__type;
  return typeof type === "string" ? (type.split("#").at(-1) ?? "") : "";
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};

/** Whether a service may say otherwise of the same request in a moment. */
const passes = (status: number, code: string): boolean =>
  status >= 500 || status === 429 || /throttl|throughput|limitexceeded|toomany/i.test(code);

const abortOf = (abortSignal: AbortSignal | undefined): Promise<never> =>
  new Promise((_, reject) => {
    if (abortSignal === undefined) return;
    const abort = (): void => reject(abortSignal.reason as Error);
    if (abortSignal.aborted) abort();
    else abortSignal.addEventListener("abort", abort, { once: true });
  });

/**
 * An SDK's client whose most frequent requests go out without the SDK's machinery, which takes most of the processor
 * time of a charge and of a cold start. They repeat one form with a body, a time and a signature of their own.
 *
 * Only the service's own answer is taken. After anything else the same request goes to the SDK, with its retries and
 * errors, and so does all of its kind until the SDK had a success: what is done about clocks, credentials and
 * throttling is done by it alone. What would end in the same way again (a signature, a request that is not taken; an
 * address that never answers) is not tried again for as long as this client lives. A request may so arrive twice, as
 * one that the SDK itself sends again.
 */
export const quickSends = <Client extends AwsClient>(
  client: Client,
  { wire, clock, kinds, timeoutMs, formOf, credentials, onGivenUp }: QuickSendsOptions,
): Pick<Client, "send"> => {
  type Way = { form: Form | undefined; open: boolean; givenUp: boolean; unanswered: number };
  const ways = new Map(
    kinds.map((kind): [QuickKind, Way] => [
      kind,
      { form: formOf(kind), open: true, givenUp: false, unanswered: 0 },
    ]),
  );
  const ask: Send = (client.send as Send).bind(client);
  // Outside of what reads the answer: only what went well is remembered.
  (client.middlewareStack as Middlewares).add(
    (next) => async (args) => {
      const answer = await next(args);
      const request = args.request as SignedRequest;
      const operation = (request.headers["x-amz-target"] ?? "").split(".").at(-1) ?? "";
      for (const [kind, way] of ways) if (kind.operation === operation) way.form ??= formOfRequest(request);
      return answer;
    },
    { step: "deserialize", priority: "high", name: "quickSends" },
  );

  const tryQuick = async (kind: QuickKind, input: object, form: Form): Promise<Tried> => {
    const by = credentials();
    if (by === undefined) return { kind: "missed", lasting: false, code: "no credentials" };
    const body = kind.bodyOf(input);
    const headers: Record<string, string> = {
      ...form.headers,
      "x-amz-date": signingTime(clock.nowMs()),
      ...(by.sessionToken === undefined ? {} : { "x-amz-security-token": by.sessionToken }),
    };
    const toSign = Object.fromEntries(
      signed.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])),
    );
    const authorization = authorizationOf(toSign, body, form, by);
    const reply = await wire.send(
      { method: "POST", url: form.url, headers: { ...headers, authorization }, body },
      { timeoutMs },
    );
    if (reply.kind !== "replied") return { kind: "missed", lasting: false, code: reply.cause };
    const { status } = reply;
    const json = parsed(reply.body);
    if (status === 200 && json !== undefined && json !== null)
      return { kind: "answered", answer: kind.answerOf(json) };
    const error = status === 400 ? kind.refusalOf?.(json) : undefined;
    if (error !== undefined) return { kind: "refused", error };
    const code = codeOf(json);
    return { kind: "missed", status, code, lasting: status !== 200 && !passes(status, code) };
  };

  /** The same request by the SDK. Only where it succeeds is the quick way what was wrong. */
  const askInstead = async (
    { operation }: QuickKind,
    way: Way,
    missed: Extract<Tried, { kind: "missed" }> | undefined,
    [command, options]: Parameters<Send>,
  ): Promise<unknown> => {
    way.open = false;
    const answer = await ask(command, options);
    way.open = true;
    if (missed === undefined || way.givenUp) return answer;
    if (missed.status === undefined) way.unanswered += 1;
    if (missed.lasting || way.unanswered >= unansweredMax) {
      way.givenUp = true;
      const { status, code } = missed;
      onGivenUp({ operation, ...(status === undefined ? {} : { status }), code });
    }
    return answer;
  };

  const send: Send = async (command, options) => {
    for (const [kind, way] of ways) {
      const input = kind.inputOf(command);
      if (input === undefined) continue;
      if (way.form === undefined || way.givenUp || !way.open)
        return askInstead(kind, way, undefined, [command, options]);
      const tried = await Promise.race([
        tryQuick(kind, input, way.form).catch((error: unknown): Tried => {
          // A mistake in the program.
          return { kind: "missed", lasting: true, code: error instanceof Error ? error.name : "unknown" };
        }),
        abortOf(options?.abortSignal),
      ]);
      if (tried.kind === "missed") return askInstead(kind, way, tried, [command, options]);
      way.unanswered = 0;
      if (tried.kind === "refused") throw tried.error;
      return tried.answer;
    }
    return ask(command, options);
  };
  return { send } as Pick<Client, "send">;
};
