import { once } from "node:events";
import { createServer } from "node:http";
import { describe, expect, onTestFinished, test } from "vitest";
import { createTokenKey, type TokenKey } from "../../infra/local/notice-signing.ts";
import { httpWire } from "../../lib/adapters/http-wire.ts";
import { freshMsOf, joseTokens } from "../../lib/adapters/jose-tokens.ts";

const first = createTokenKey("key-1");
const second = createTokenKey("key-2");
const claims = { aud: "https://merchant.test", exp: "1" };

/** A server of keys on this machine, and a verifier that asks it. */
const keyServer = async (keys: readonly TokenKey[], headers: Readonly<Record<string, string>> = {}) => {
  const state = {
    asked: 0,
    nowMs: 1_000_000,
    keys,
    status: 200,
    body: undefined as string | undefined,
    held: undefined as Promise<void> | undefined,
  };
  const server = createServer(async (_request, response) => {
    state.asked += 1;
    await state.held;
    const body = state.body ?? JSON.stringify({ keys: state.keys.map(({ jwk }) => jwk) });
    response.writeHead(state.status, { "Content-Type": "application/json", ...headers }).end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as { port: number };
  const clock = { nowMs: () => state.nowMs };
  const verify = joseTokens({
    url: `http://127.0.0.1:${port}/jwks.json`,
    clock,
    fetch: async (url) => {
      const wire = httpWire({ clock });
      return wire.send({ method: "GET", url, headers: {} }, { timeoutMs: 5_000 }).finally(() => wire.close());
    },
  });
  return { state, verify };
};

describe("a token", () => {
  test("that a key of the set signed is verified, and its claims are given", async () => {
    const { verify } = await keyServer([first, second]);
    expect(await verify(first.sign(claims))).toEqual({ kind: "verified", claims });
    expect(await verify(second.sign(claims))).toEqual({ kind: "verified", claims });
  });

  const [head, body, signature] = first.sign(claims).split(".") as [string, string, string];
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  // biome-ignore format: one row a line
  test.each<readonly [why: string, token: string, refused: string]>([
    ["wrong_signature", createTokenKey("key-1").sign(claims), "another key under the same id"],
    ["wrong_signature", first.sign(claims, { kid: "key-2" }), "another key's id"],
    ["wrong_signature", `${head}.${part({ ...claims, exp: "2" })}.${signature}`, "other claims"],
    ["wrong_signature", `${head}.${body}.${signature.replace(/^./, (c) => (c === "A" ? "B" : "A"))}`, "another signature"],
    ["wrong_signature", `${part({ alg: "none", kid: "key-1" })}.${body}.${signature}`, "no algorithm"],
    ["wrong_signature", `${part({ alg: "HS256", kid: "key-1" })}.${body}.${signature}`, "a public key for a secret"],
    ["wrong_signature", first.sign(claims, { alg: "ES384" }), "another algorithm"],
    ["wrong_signature", first.sign(claims, { kid: undefined }), "no key id"],
    ["wrong_signature", first.sign(claims, { crit: ["exp"] }), "an extension that has to be understood"],
    ["wrong_signature", first.sign([1]), "no claims"],
    ["wrong_signature", "a.b.c", "no token"],
    ["unknown_key", first.sign(claims, { kid: "key-9" }), "a key that is not in the set"],
  ])("is refused: %s ‹%#›", async (why, token, reason) => {
    const { verify } = await keyServer([first, second]);
    expect(await verify(token), reason).toEqual({ kind: "refused", why });
  });
});

describe("the keys", () => {
  test("are asked for once, and again when they are no longer fresh", async () => {
    const { state, verify } = await keyServer([first], { "Cache-Control": "public, max-age=120" });
    for (let n = 0; n < 5; n++) await verify(first.sign(claims));
    expect(state.asked).toBe(1);
    state.nowMs += 119_000;
    await verify(first.sign(claims));
    expect(state.asked).toBe(1);
    state.nowMs += 2_000;
    expect(await verify(first.sign(claims))).toMatchObject({ kind: "verified" });
    expect(state.asked).toBe(2);
  });

  test("rotate without a word: an unknown one is asked for, and found", async () => {
    const { state, verify } = await keyServer([first]);
    await verify(first.sign(claims));
    state.keys = [second];
    state.nowMs += 30_000;
    expect(await verify(second.sign(claims))).toEqual({ kind: "verified", claims });
    expect(await verify(first.sign(claims))).toEqual({ kind: "refused", why: "unknown_key" });
    expect(state.asked).toBe(2);
  });

  test("a flood of unknown ids costs one fetch, also all at once", async () => {
    const { state, verify } = await keyServer([first]);
    await verify(first.sign(claims));
    state.nowMs += 30_000;
    const flood = Array.from({ length: 500 }, (_, n) => second.sign(claims, { kid: `made-up-${n}` }));
    for (const proof of await Promise.all(flood.map(verify)))
      expect(proof).toEqual({ kind: "refused", why: "unknown_key" });
    for (const token of flood) await verify(token);
    expect(state.asked).toBe(2);
    state.nowMs += 29_999;
    await verify(flood[0] ?? "");
    expect(state.asked).toBe(2);
  });

  test("at the first token of all, a flood asks once, too", async () => {
    const { state, verify } = await keyServer([first]);
    const proofs = await Promise.all(Array.from({ length: 100 }, () => verify(first.sign(claims))));
    expect(proofs.every(({ kind }) => kind === "verified")).toBe(true);
    expect(state.asked).toBe(1);
  });

  test.each([
    ["an error", { status: 500 }],
    ["no JSON", { body: "<html>" }],
    ["another shape", { body: '{"keys":7}' }],
  ])(
    "%s: nothing is believed, nothing is refused for good, and it is asked again soon",
    async (_what, wrong) => {
      const { state, verify } = await keyServer([first]);
      Object.assign(state, wrong);
      expect(await verify(first.sign(claims))).toMatchObject({ kind: "unavailable" });
      for (let n = 0; n < 50; n++)
        expect(await verify(first.sign(claims))).toMatchObject({ kind: "unavailable" });
      expect(state.asked).toBe(1);
      Object.assign(state, { status: 200, body: undefined });
      state.nowMs += 3_000;
      expect(await verify(first.sign(claims))).toMatchObject({ kind: "verified" });
      expect(state.asked).toBe(2);
    },
  );

  test("that are no longer fresh and cannot be had prove nothing", async () => {
    const { state, verify } = await keyServer([first]);
    await verify(first.sign(claims));
    state.nowMs += 600_000;
    state.status = 503;
    expect(await verify(first.sign(claims))).toEqual({ kind: "unavailable", why: "keys: HTTP 503" });
  });

  test("a refetch that fails leaves the ones that are fresh", async () => {
    const { state, verify } = await keyServer([first]);
    await verify(first.sign(claims));
    state.nowMs += 30_000;
    state.status = 503;
    expect(await verify(second.sign(claims))).toEqual({ kind: "refused", why: "unknown_key" });
    expect(await verify(first.sign(claims))).toMatchObject({ kind: "verified" });
  });
});

test.each<readonly [headers: Record<string, string>, ms: number, why: string]>([
  [{}, 600_000, "nothing is said"],
  [{ "cache-control": "max-age=300" }, 300_000, "so long"],
  [{ "cache-control": "public, max-age=300, immutable" }, 300_000, "among others"],
  [{ "cache-control": "max-age=300", age: "100" }, 200_000, "less what it is old already"],
  [{ "cache-control": "max-age=300", age: "x" }, 300_000, "no age"],
  [{ "cache-control": "max-age=0" }, 30_000, "a flood must not ask each time"],
  [{ "cache-control": "no-store" }, 30_000, "the same"],
  [{ "cache-control": "max-age=999999999" }, 86_400_000, "not for ever: keys are changed"],
  [{ "cache-control": "private" }, 600_000, "nothing is said of time"],
])("freshness of %o is %i ms", (headers, ms, why) => {
  expect(freshMsOf(headers), why).toBe(ms);
});
