import type { Clock, Wire } from "../ports.ts";

// Not `import`ed, as in `http-wire.ts`.
const { createHmac, hash } = process.getBuiltinModule("node:crypto");

/** A request of the SDK's as it goes out. */
export type SignedRequest = {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query?: object;
  readonly headers: Readonly<Record<string, string>>;
};

type AwsCredentials = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
};

/** An SDK's client. The types of its methods are one for each command, so what is used of them is said below. */
export type AwsClient = {
  readonly send: unknown;
  readonly config: { readonly credentials: () => Promise<AwsCredentials> };
  readonly middlewareStack: object;
};
type Send = (command: unknown, options: { readonly abortSignal: AbortSignal }) => Promise<unknown>;
type Next = (args: { readonly request: unknown }) => Promise<unknown>;
type Middlewares = {
  add(
    middleware: (next: Next) => Next,
    options: { step: "deserialize"; priority: "high"; name: string },
  ): void;
};

/** A kind of request that is made over and over. */
export type QuickKind = {
  /** its name in `X-Amz-Target` */
  readonly operation: string;
  /** the command's input, where it is of this kind */
  readonly inputOf: (command: unknown) => object | undefined;
  /** the input as the service's JSON has it */
  readonly bodyOf: (input: object) => string;
  /** what the SDK would answer for this JSON */
  readonly answerOf: (json: unknown) => unknown;
};

/** Where requests of a kind go and how they are signed, as the SDK's own last one was. */
type Form = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly region: string;
  readonly service: string;
};

/** Headers that are the same in every request of a kind. */
const kept = ["content-type", "host", "user-agent", "x-amz-target", "x-amz-user-agent", "x-amzn-query-mode"];
/** Of them those that are signed, with the time and the session. */
const signed = ["content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target"];
const credentialScope = /Credential=[^/]+\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request/;

const formOf = ({ protocol, hostname, port, path, query, headers }: SignedRequest): Form | undefined => {
  const own = Object.fromEntries(
    Object.entries(headers).map(([name, value]): [string, string] => [name.toLowerCase(), value]),
  );
  const [, region, service] = credentialScope.exec(own["authorization"] ?? "") ?? [];
  // A path or a query would have to be written as the signature has it: that is the SDK's.
  if (path !== "/" || Object.keys(query ?? {}).length > 0) return undefined;
  if (region === undefined || service === undefined || own["host"] === undefined) return undefined;
  return {
    url: `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}/`,
    headers: Object.fromEntries(kept.flatMap((name) => (own[name] === undefined ? [] : [[name, own[name]]]))),
    region,
    service,
  };
};

const hmac = (key: string | Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();

/**
 * The `Authorization` of a POST to `/` (AWS Signature Version 4).
 * @param headers what is signed, by lower-case names; `x-amz-date` among it
 */
export const authorizationOf = (
  headers: Readonly<Record<string, string>>,
  body: string,
  { region, service }: { readonly region: string; readonly service: string },
  { accessKeyId, secretAccessKey }: AwsCredentials,
): string => {
  const time = headers["x-amz-date"] ?? "";
  const day = time.slice(0, 8);
  const names = Object.keys(headers).sort();
  const canonical = [
    "POST",
    "/",
    "",
    ...names.map((name) => `${name}:${headers[name]?.trim()}`),
    "",
    names.join(";"),
    hash("sha256", body, "hex"),
  ].join("\n");
  const scope = `${day}/${region}/${service}/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", time, scope, hash("sha256", canonical, "hex")].join("\n");
  const key = [region, service, "aws4_request"].reduce(hmac, hmac(`AWS4${secretAccessKey}`, day));
  const signature = hmac(key, toSign).toString("hex");
  return `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
};

const abortOf = (abortSignal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const abort = (): void => reject(abortSignal.reason as Error);
    if (abortSignal.aborted) abort();
    else abortSignal.addEventListener("abort", abort, { once: true });
  });

export type QuickSendsOptions = {
  readonly wire: Wire;
  readonly clock: Pick<Clock, "nowMs">;
  readonly kinds: readonly QuickKind[];
  /** so many requests of a kind the SDK makes first; at least one */
  readonly sdkFirst: number;
  /** how long one quick try may take */
  readonly timeoutMs: number;
};

/**
 * An SDK's client whose most frequent requests go out without the SDK's machinery, which takes most of the processor
 * time of a charge. The SDK makes the first ones of each kind, and with them all that is to be known: the address,
 * the names and the region. The next ones repeat it with a body, a time and a signature of their own.
 *
 * Only a plain 200 is taken. After anything else the same request goes to the SDK, with its retries and errors, and
 * the next one of its kind, too: what it does about clocks, credentials and throttling is done by it alone. A request
 * may so arrive twice, as one that the SDK itself sends again.
 */
export const quickSends = <Client extends AwsClient>(
  client: Client,
  { wire, clock, kinds, sdkFirst, timeoutMs }: QuickSendsOptions,
): Pick<Client, "send"> => {
  const forms = new Map<string, Form>();
  const askedOf = new Map<string, number>();
  const ask: Send = (client.send as Send).bind(client);
  // Outside of what reads the answer: only what went well is remembered.
  (client.middlewareStack as Middlewares).add(
    (next) => async (args) => {
      const answer = await next(args);
      const request = args.request as SignedRequest;
      const operation = (request.headers["x-amz-target"] ?? "").split(".").at(-1) ?? "";
      const form = kinds.some((kind) => kind.operation === operation) ? formOf(request) : undefined;
      const asked = (askedOf.get(operation) ?? 0) + 1;
      askedOf.set(operation, asked);
      if (form !== undefined && asked >= sdkFirst) forms.set(operation, form);
      return answer;
    },
    { step: "deserialize", priority: "high", name: "quickSends" },
  );

  /** `undefined`: nobody knows, or it was refused. */
  const tryQuick = async (kind: QuickKind, input: object, form: Form): Promise<unknown> => {
    const credentials = await client.config.credentials();
    const body = kind.bodyOf(input);
    const time = `${new Date(clock.nowMs()).toISOString().replace(/[:-]|\.\d{3}/g, "")}`;
    const { sessionToken } = credentials;
    const headers: Record<string, string> = {
      ...form.headers,
      "x-amz-date": time,
      ...(sessionToken === undefined ? {} : { "x-amz-security-token": sessionToken }),
    };
    const toSign = Object.fromEntries(
      signed.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])),
    );
    const authorization = authorizationOf(toSign, body, form, credentials);
    const answer = await wire.send(
      { method: "POST", url: form.url, headers: { ...headers, authorization }, body },
      { timeoutMs },
    );
    return answer.kind === "replied" && answer.status === 200
      ? kind.answerOf(JSON.parse(answer.body))
      : undefined;
  };

  const send: Send = async (command, options) => {
    for (const kind of kinds) {
      const input = kind.inputOf(command);
      const form = forms.get(kind.operation);
      if (input === undefined || form === undefined) continue;
      const answer = await Promise.race([
        tryQuick(kind, input, form).catch(() => undefined),
        abortOf(options.abortSignal),
      ]);
      if (answer !== undefined) return answer;
      forms.delete(kind.operation);
    }
    return ask(command, options);
  };
  return { send } as Pick<Client, "send">;
};
