import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";

/** `X-Signature` of a Centrobill notice: hex SHA-256 of secret, transaction id and status, nothing between them. */
export function centrobillSignature(secret: string, transactionId: string, status: string): string {
  return createHash("sha256").update(`${secret}${transactionId}${status}`).digest("hex");
}

/** A key that signs tokens with ES256, and its public half as a key set shows it. */
export interface TokenKey {
  readonly kid: string;
  readonly jwk: Readonly<Record<string, unknown>>;
  /** A compact token over these claims; `header` replaces members of its header. */
  sign(claims: object, header?: object): string;
}

export function createTokenKey(kid: string): TokenKey {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    kid,
    jwk: { ...publicKey.export({ format: "jwk" }), kid, alg: "ES256", use: "sig" },
    sign: (claims, header = {}) => signed(privateKey, { alg: "ES256", typ: "JWT", kid, ...header }, claims),
  };
}

function signed(key: KeyObject, header: object, claims: object): string {
  const text = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  // A token has the two numbers side by side, not in DER.
  const signature = sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" });
  return `${text}.${signature.toString("base64url")}`;
}

/** The claims of a Centrapay webhook, as its documents have them: times as strings, five minutes long. */
export function centrapayClaims(body: string | Uint8Array, audience: string, atMs: number): object {
  const iat = Math.floor(atMs / 1_000);
  return {
    iat: String(iat),
    exp: String(iat + 300),
    aud: audience,
    request_body_sha256: createHash("sha256").update(body).digest("hex"),
  };
}
