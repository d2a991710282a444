// Not `import`ed, as in `http-wire.ts`.
const { createHmac, hash } = process.getBuiltinModule("node:crypto");

export type AwsCredentials = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
};

/** Where a signature holds. */
export type SignatureScope = { readonly region: string; readonly service: string };

const hmac = (key: string | Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();

type Derived = { readonly of: string; readonly key: Buffer };
/** The keys of the last few scopes: each holds for a day, and is made of four hashes. */
let derived: readonly Derived[] = [];
const derivedMax = 4;

const signingKey = (secretAccessKey: string, day: string, { region, service }: SignatureScope): Buffer => {
  const of = `${day}/${region}/${service}/${secretAccessKey}`;
  const known = derived.find((one) => one.of === of);
  if (known !== undefined) return known.key;
  const key = [region, service, "aws4_request"].reduce(hmac, hmac(`AWS4${secretAccessKey}`, day));
  derived = [{ of, key }, ...derived].slice(0, derivedMax);
  return key;
};

/** What is signed of a request beside its headers. */
export type ToSign = {
  readonly method: "POST" | "PUT" | "HEAD";
  /** as it is sent; without a query */
  readonly path: string;
  /** lower-case hex */
  readonly bodySha256: string;
};

/**
 * The `Authorization` of a request without a query (AWS Signature Version 4).
 * @param headers what is signed, by lower-case names; `x-amz-date` among it
 */
export const authorizationFor = (
  { method, path, bodySha256 }: ToSign,
  headers: Readonly<Record<string, string>>,
  scope: SignatureScope,
  { accessKeyId, secretAccessKey }: AwsCredentials,
): string => {
  const time = headers["x-amz-date"] ?? "";
  const day = time.slice(0, 8);
  const names = Object.keys(headers).sort();
  const canonical = [
    method,
    path,
    "",
    ...names.map((name) => `${name}:${headers[name]?.trim().replace(/\s+/g, " ")}`),
    "",
    names.join(";"),
    bodySha256,
  ].join("\n");
  const where = `${day}/${scope.region}/${scope.service}/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", time, where, hash("sha256", canonical, "hex")].join("\n");
  const signature = hmac(signingKey(secretAccessKey, day, scope), toSign).toString("hex");
  return `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${where}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
};

/** The same of a POST to `/` with this body. */
export const authorizationOf = (
  headers: Readonly<Record<string, string>>,
  body: string,
  scope: SignatureScope,
  credentials: AwsCredentials,
): string =>
  authorizationFor(
    { method: "POST", path: "/", bodySha256: hash("sha256", body, "hex") },
    headers,
    scope,
    credentials,
  );

/** A moment as it is signed: `20261125T123005Z` */
export const signingTime = (nowMs: number): string =>
  new Date(nowMs).toISOString().replace(/[:-]|\.\d{3}/g, "");
