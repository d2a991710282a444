import * as errors from "jose/errors";
import { createLocalJWKSet } from "jose/jwks/local";
import { compactVerify } from "jose/jws/compact/verify";
import { isJsonObject, parseJson } from "../core/json.ts";
import type { TokenProof, VerifyToken } from "../core/notice.ts";
import type { Clock, Wire } from "../ports.ts";

export type JoseTokensOptions = {
  /** the JSON Web Key Set of whoever signs */
  readonly url: string;
  readonly clock: Pick<Clock, "nowMs">;
  /** Asks once; a wire of its own for each time, since a kept socket would not outlive a freeze. */
  readonly fetch: (url: string) => ReturnType<Wire["send"]>;
};

/** How long keys are kept where their headers do not say, and the bounds of what they may say. */
const freshDefaultMs = 600_000;
const freshLeastMs = 30_000;
const freshMostMs = 86_400_000;
/** The keys are asked for at most so often, whatever key ids come, and so soon after they could not be had. */
const refetchEveryMs = 30_000;
const retryEveryMs = 3_000;

/** How long an answer is fresh by its `Cache-Control` and `Age` (RFC 9111), milliseconds. */
export const freshMsOf = (headers: Readonly<Record<string, string>>): number => {
  const control = headers["cache-control"] ?? "";
  if (/\bno-(store|cache)\b/i.test(control)) return freshLeastMs;
  const maxAge = /\bmax-age="?(\d{1,9})/i.exec(control)?.[1];
  if (maxAge === undefined) return freshDefaultMs;
  const age = /^\d{1,9}$/.test(headers["age"] ?? "") ? Number(headers["age"]) : 0;
  return Math.min(Math.max((Number(maxAge) - age) * 1_000, freshLeastMs), freshMostMs);
};

type Keys = { readonly keyFor: ReturnType<typeof createLocalJWKSet>; readonly freshUntilMs: number };

/**
 * Tokens signed with ES256 by a key of a set that is fetched, kept as long as its headers allow, and fetched once
 * more when a token names a key that it has not: keys may change without a word. A flood of made-up key ids costs
 * one fetch in half a minute. Keys that are no longer fresh and cannot be had again prove nothing.
 */
export const joseTokens = ({ url, clock, fetch }: JoseTokensOptions): VerifyToken => {
  let keys: Keys | undefined;
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let failed: string | undefined;
  let asking: Promise<void> | undefined;

  const ask = async (): Promise<void> => {
    const transport = await fetch(url);
    const set =
      transport.kind === "replied" && transport.status === 200 ? parseJson(transport.body) : undefined;
    try {
      if (transport.kind !== "replied") throw new TypeError(transport.cause);
      if (transport.status !== 200) throw new TypeError(`HTTP ${transport.status}`);
      if (!isJsonObject(set)) throw new TypeError("not a key set");
      keys = {
        keyFor: createLocalJWKSet(set as unknown as Parameters<typeof createLocalJWKSet>[0]),
        freshUntilMs: clock.nowMs() + freshMsOf(transport.headers),
      };
      failed = undefined;
    } catch (error) {
      failed = error instanceof TypeError ? error.message : "not a key set";
    }
  };
  /** One fetch for all who wait for it. */
  const askOnce = (): Promise<void> => {
    if (asking === undefined) {
      askedAtMs = clock.nowMs();
      asking = ask().finally(() => {
        asking = undefined;
      });
    }
    return asking;
  };
  const freshKeys = async (): Promise<Keys | undefined> => {
    const isFresh = (): boolean => keys !== undefined && clock.nowMs() < keys.freshUntilMs;
    if (!isFresh() && (asking !== undefined || clock.nowMs() - askedAtMs >= retryEveryMs)) await askOnce();
    return isFresh() ? keys : undefined;
  };

  const verifyBy = async (token: string, { keyFor }: Keys): Promise<TokenProof | "no such key"> => {
    try {
      const { payload } = await compactVerify(
        token,
        (header) => {
          if (typeof header.kid !== "string" || header.kid === "") throw new errors.JWSInvalid("no key id");
          return keyFor(header);
        },
        { algorithms: ["ES256"] },
      );
      const claims = parseJson(new TextDecoder().decode(payload));
      return isJsonObject(claims)
        ? { kind: "verified", claims }
        : { kind: "refused", why: "wrong_signature" };
    } catch (error) {
      // Whatever else it is, it is not a token that one of these keys signed.
      return error instanceof errors.JWKSNoMatchingKey
        ? "no such key"
        : { kind: "refused", why: "wrong_signature" };
    }
  };

  return async (token) => {
    const known = await freshKeys();
    if (known === undefined)
      return { kind: "unavailable", why: `keys: ${failed ?? "asked for a moment ago"}` };
    const proof = await verifyBy(token, known);
    if (proof !== "no such key") return proof;
    if (asking !== undefined || clock.nowMs() - askedAtMs >= refetchEveryMs) await askOnce();
    // What was fetched for another's key may have this one, too.
    const again = keys === undefined || keys === known ? "no such key" : await verifyBy(token, keys);
    return again === "no such key" ? { kind: "refused", why: "unknown_key" } : again;
  };
};
