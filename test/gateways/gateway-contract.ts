import { validateHeaderName, validateHeaderValue } from "node:http";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Charge, parseCharge, type RequestId } from "../../lib/core/charge.ts";
import { classify, outcomeOfReply } from "../../lib/core/classify.ts";
import { currencies } from "../../lib/core/currency.ts";
import type { FeedPage } from "../../lib/core/feed.ts";
import type { Gateway } from "../../lib/core/gateway.ts";
import { isJsonObject, type Json, type JsonObject, parseJson } from "../../lib/core/json.ts";
import { maskedExcerpt } from "../../lib/core/masked-message.ts";
import type { Prepared } from "../../lib/core/preparation.ts";
import type { Asked } from "../../lib/core/reply.ts";
import { comparedPage } from "../../lib/core/sides.ts";
import type { Replied, WireRequest } from "../../lib/core/transport.ts";
import { anyCodePoints } from "../any-text.ts";
import { replied } from "./replied.ts";

/** What a gateway shows of itself so that the contract can be held against it. */
export type GatewaySubject = {
  readonly gateway: Gateway;
  /** its own keys, as given to it: they may stand in a header and nowhere else */
  readonly credentials: readonly string[];
  /** `request` of a charge message, one of each shape that the gateway takes, by a name for people */
  readonly requests: Readonly<Record<string, JsonObject>>;
  /** currency, minor units, and the amount as it stands in the request's text; 0, 2, 3 and 4 digits at least */
  readonly amounts: readonly (readonly [currency: string, amountMinor: string, written: string])[];
  /** what a gateway that wants something made first would have made */
  readonly prepared?: Prepared;
  /** every place of a charge's requests in which its id stands; none may be without it */
  requestIdsIn(requests: readonly WireRequest[]): readonly unknown[];
  chargeIdIn(requests: readonly WireRequest[]): unknown;
  currencyIn(requests: readonly WireRequest[]): unknown;
  /** the amount, letter by letter as it goes onto the wire */
  amountIn(requests: readonly WireRequest[]): string | undefined;
  /** card tokens that the requests carry */
  cardTokensIn(requests: readonly WireRequest[]): readonly string[];
  /** shapes whose requests have no place for our charge id, or for a request id */
  readonly withoutChargeId?: readonly string[];
  readonly withoutRequestId?: readonly string[];
  /** which of our references an approval gives back, and whether a decline gives any */
  readonly echoes: { readonly chargeId: boolean; readonly requestId: boolean; readonly inDeclines: boolean };
  /** bodies of the documented answers to what was asked; `undefined` where the gateway has no such answer */
  readonly answers: {
    approved(asked: Asked): Replied;
    declined(asked: Asked): Replied;
    pending(asked: Asked): Replied | undefined;
    requestError(asked: Asked): Replied;
  };
  /** words, codes and numbers that mean something to the gateway: what a fuzzer should try first */
  readonly vocabulary: readonly Json[];
  /** a feed's page that holds these rows and is the last one */
  readonly feed?: {
    page(rows: readonly Json[]): Replied;
    capturedRow(asked: Asked): JsonObject;
    refusedRow(asked: Asked): JsonObject;
    /** whether this feed is asked with the key in the query, by its own profile */
    readonly keyInUrl: boolean;
  };
};

const ownRequestId = "3f1c2a4e-77d0-4a55-9c1b-0a9d1f6be001" as RequestId;
const otherRequestId = "b8e6d9f3-1b2c-4d3e-8f4a-5b6c7d8e9f00" as RequestId;

/** Reads a charge message as the worker does; throws where it is refused. */
export const chargeOf = (
  gateway: Gateway,
  request: JsonObject,
  {
    amount = "1999",
    currency = "EUR",
    chargeId = "inv-2026-11.17:A",
    metadata = { campaign: "autumn" },
  } = {},
): Charge => {
  const message = { v: 1, chargeId, gateway: gateway.name, amount, currency, metadata, request };
  const parsed = parseCharge(JSON.stringify(message), { [gateway.name]: gateway.parseRequest });
  if (!parsed.ok)
    throw new Error(parsed.refusal.problems.map(({ field, must }) => `${field} ${must}`).join());
  return parsed.charge;
};

/** What one send of a charge asks for. */
export const askedOf = (charge: Charge, requestId: RequestId = ownRequestId): Asked => ({
  chargeId: charge.chargeId,
  requestId,
  amountMinor: charge.money.amountMinor,
  currency: charge.money.currency,
});

/** The same JSON with the members of every object the other way round. */
const turned = (value: Json): Json => {
  if (Array.isArray(value)) return (value as readonly Json[]).map(turned);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, turned(item)]),
  );
};

type Step = string | number;

/** The path of every member and item of a JSON value, the value itself left out. */
const placesOf = (value: Json, path: readonly Step[] = []): (readonly Step[])[] => {
  const inner: [Step, Json][] = Array.isArray(value)
    ? (value as readonly Json[]).map((item, index) => [index, item])
    : isJsonObject(value)
      ? Object.entries(value)
      : [];
  return inner.flatMap(([step, item]) => [[...path, step], ...placesOf(item, [...path, step])]);
};

/** A copy with another value at the place; `undefined` takes the member away. */
const withAt = (value: Json, [step, ...rest]: readonly Step[], put: Json | undefined): Json => {
  if (step === undefined) return put ?? null;
  if (Array.isArray(value))
    return (value as readonly Json[]).flatMap((item, index) =>
      index !== step ? [item] : rest.length === 0 && put === undefined ? [] : [withAt(item, rest, put)],
    );
  return Object.fromEntries(
    Object.entries(value as JsonObject).flatMap(([key, item]): [string, Json][] =>
      key !== step
        ? [[key, item]]
        : rest.length === 0 && put === undefined
          ? []
          : [[key, withAt(item, rest, put)]],
    ),
  );
};

/** Pieces of a secret that would give it away. */
const fragmentsOf = (secret: string): readonly string[] =>
  secret.length <= 8
    ? [secret]
    : Array.from({ length: secret.length - 7 }, (_, from) => secret.slice(from, from + 8));

const anyText = fc.oneof(
  anyCodePoints,
  fc.uint8Array({ maxLength: 200 }).map((bytes) => new TextDecoder().decode(bytes)),
  fc.json({ maxDepth: 6 }),
  fc.constantFrom("", "null", "[]", "{}", '"', "{", "0", "\ufeff{}", "<html>502 Bad Gateway</html>"),
);
const anyStatus = fc.oneof(fc.integer({ min: 100, max: 599 }), fc.constantFrom(0, 200, 201, 999));

/** What every gateway must keep. A gateway that does not pass may not be in the registry. */
export const gatewayContract = (name: string, subject: GatewaySubject): void => {
  const { gateway, credentials, requests, amounts, answers, prepared, echoes } = subject;
  /** Everything that goes out for a charge: what has to be made first, and the request that charges. */
  const requestsOf = (own: Charge, requestId: RequestId): readonly WireRequest[] => {
    const make = gateway.preparationOf?.(own)?.make(own);
    const send = gateway.chargeRequest(own, requestId, prepared);
    return make === undefined ? [send] : [make, send];
  };
  const { rules } = gateway;
  const requestNames = Object.keys(requests);
  const anyRequest = requests[requestNames[0] ?? ""] ?? {};
  const charge = chargeOf(gateway, anyRequest);
  const asked = askedOf(charge);
  const outcomeOf = (reply: Replied) => classify(reply, asked, rules);
  const anyJson = fc.oneof(
    fc.constantFrom(...subject.vocabulary),
    fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>,
  );

  describe(`${name}: the request`, () => {
    test("the examples have currencies of 0, 2, 3 and 4 digits", () => {
      const digits = new Set(amounts.map(([code]) => currencies.get(code)));
      expect([...digits].sort()).toStrictEqual([0, 2, 3, 4]);
    });

    const cases = requestNames.flatMap((request) =>
      amounts.map(([currency, amount, written]) => ({ request, currency, amount, written })),
    );
    test.each(cases)("$request: $amount $currency is written as $written", (one) => {
      const { currency, amount, written } = one;
      const own = chargeOf(gateway, requests[one.request] ?? {}, { currency, amount });
      const sent = requestsOf(own, ownRequestId);
      expect(subject.amountIn(sent)).toBe(written);
      expect(subject.currencyIn(sent)).toBe(currency);
      if (!subject.withoutChargeId?.includes(one.request))
        expect(subject.chargeIdIn(sent)).toBe(own.chargeId);
      const ids = subject.requestIdsIn(sent);
      if (!subject.withoutRequestId?.includes(one.request)) expect(ids.length).toBeGreaterThan(0);
      for (const id of ids) expect(id).toBe(ownRequestId);
    });

    test.each(requestNames)("%s: a resend is the same request, byte for byte", (which) => {
      const request = requests[which] ?? {};
      const first = requestsOf(chargeOf(gateway, request), ownRequestId);
      expect(requestsOf(chargeOf(gateway, request), ownRequestId)).toStrictEqual(first);
      // The same content under the same charge id is the same charge, however its JSON was written.
      const rewritten = chargeOf(gateway, turned(request) as JsonObject);
      expect(requestsOf(rewritten, ownRequestId)).toStrictEqual(first);
    });

    test.each(requestNames)("%s: another attempt differs in its request id alone", (which) => {
      const own = chargeOf(gateway, requests[which] ?? {});
      const first = JSON.stringify(requestsOf(own, ownRequestId));
      const second = JSON.stringify(requestsOf(own, otherRequestId));
      if (!subject.withoutRequestId?.includes(which)) expect(second).not.toBe(first);
      expect(second.replaceAll(otherRequestId, ownRequestId)).toBe(first);
    });

    test.each(requestNames)("%s: goes out as HTTP takes it, to one address, as JSON", (which) => {
      for (const request of requestsOf(chargeOf(gateway, requests[which] ?? {}), ownRequestId)) {
        expect(URL.canParse(request.url)).toBe(true);
        if (request.method === "GET") expect(request.body).toBeUndefined();
        else expect(parseJson(request.body ?? "")).toBeTypeOf("object");
        for (const [header, value] of Object.entries(request.headers)) {
          validateHeaderName(header);
          validateHeaderValue(header, value);
          expect(header.toLowerCase()).not.toMatch(
            /^(connection|content-length|expect|transfer-encoding|upgrade)$/,
          );
        }
      }
    });

    test.each(requestNames)("%s: no secret in the address, no key in the body", (which) => {
      const own = chargeOf(gateway, requests[which] ?? {});
      for (const request of requestsOf(own, ownRequestId)) {
        for (const secret of gateway.secretsOf(own)) {
          expect(request.url).not.toContain(secret);
          expect(request.url).not.toContain(encodeURIComponent(secret));
        }
        for (const key of credentials) expect(request.body ?? "").not.toContain(key);
      }
    });

    test.each(requestNames)("%s: every card token and key is a secret; no consumer is", (which) => {
      const own = chargeOf(gateway, requests[which] ?? {});
      const secrets = gateway.secretsOf(own);
      const tokens = subject.cardTokensIn(requestsOf(own, ownRequestId));
      expect(secrets).toStrictEqual(expect.arrayContaining([...tokens, ...credentials]));
      for (const secret of secrets) expect(secret).not.toBe("");
      for (const consumer of gateway.consumersOf(own)) expect(secrets).not.toContain(consumer);
    });
  });

  describe(`${name}: the message's own part`, () => {
    test.each(requestNames)("%s: is taken, and refused with a member that is not known", (which) => {
      const request = requests[which] ?? {};
      expect(gateway.parseRequest(request)).toStrictEqual([]);
      const fields = gateway.parseRequest({ ...request, aTypo: 1 }).map(({ field }) => field);
      expect(fields).toStrictEqual(["request.aTypo"]);
    });

    test("whatever it is: never throws, and a problem names its place and no value", () => {
      const marker = "v4lu3-of-the-message";
      fc.assert(
        fc.property(fc.dictionary(fc.string(), anyJson), (request) => {
          for (const { field, must } of gateway.parseRequest(request as JsonObject)) {
            expect(field.startsWith("request")).toBe(true);
            expect(must).not.toBe("");
          }
        }),
      );
      const places = placesOf(anyRequest);
      for (const place of places)
        for (const put of [marker.repeat(200), { [marker]: marker }, [marker], 1e308, null, true])
          for (const { field, must } of gateway.parseRequest(withAt(anyRequest, place, put) as JsonObject)) {
            expect(field.startsWith("request")).toBe(true);
            expect(must).not.toContain(marker);
          }
    });
  });

  describe(`${name}: the answer`, () => {
    test("says what it is documented to say", () => {
      expect(outcomeOf(answers.approved(asked))).toMatchObject({ kind: "approved" });
      expect(outcomeOf(answers.declined(asked))).toMatchObject({ kind: "declined" });
      expect(outcomeOf(answers.requestError(asked))).toMatchObject({ kind: "requestError" });
      const pending = answers.pending(asked);
      if (pending !== undefined) expect(outcomeOf(pending)).toMatchObject({ kind: "pending" });
    });

    test.each(amounts)("an approval of %s %s echoes %s", (currency, amount) => {
      const own = askedOf(chargeOf(gateway, anyRequest, { currency, amount }));
      expect(classify(answers.approved(own), own, rules).kind).toBe("approved");
      const more = { ...own, amountMinor: own.amountMinor + 1n };
      expect(classify(answers.approved(more), own, rules)).toMatchObject({
        kind: "mismatch",
        mismatch: { field: "amount", asked: amount },
      });
    });

    test("an approval of something else is a mismatch", () => {
      const others: readonly Asked[] = [
        { ...asked, amountMinor: asked.amountMinor * 100n },
        { ...asked, currency: "USD" },
        ...(echoes.chargeId ? [{ ...asked, chargeId: "inv-other" }] : []),
        ...(echoes.requestId ? [{ ...asked, requestId: otherRequestId }] : []),
      ];
      for (const other of others) expect(outcomeOf(answers.approved(other)).kind).toBe("mismatch");
    });

    test("a decline or a promise to another charge says nothing of this one", () => {
      const other = { ...asked, chargeId: "inv-other", requestId: otherRequestId };
      if (echoes.inDeclines) expect(outcomeOf(answers.declined(other)).kind).toBe("unknown");
      const pending = answers.pending(other);
      if (pending !== undefined) expect(outcomeOf(pending).kind).toBe("unknown");
    });

    test("cut short anywhere, it proves nothing", () => {
      for (const answer of [answers.approved(asked), answers.declined(asked), answers.pending(asked)]) {
        if (answer === undefined) continue;
        for (let length = 0; length < answer.body.length; length++)
          expect(outcomeOf(replied(answer.status, answer.body.slice(0, length))).kind).toBe("unknown");
      }
    });

    test("no one member turns a yes into a no, or a no into a yes", () => {
      const neverBecomes = (answer: Replied, never: string) => {
        const body = parseJson(answer.body) ?? null;
        const places = placesOf(body);
        for (const place of places)
          for (const put of [undefined, ...subject.vocabulary, null, "", "x", 0, 1, -1, true, [], {}])
            expect(outcomeOf(replied(answer.status, withAt(body, place, put))).kind).not.toBe(never);
        fc.assert(
          fc.property(fc.constantFrom(...places), anyJson, (place, put) => {
            expect(outcomeOf(replied(answer.status, withAt(body, place, put))).kind).not.toBe(never);
          }),
        );
      };
      neverBecomes(answers.approved(asked), "declined");
      neverBecomes(answers.declined(asked), "approved");
    });

    test("whatever its bytes: the reader never throws, and proves no money taken or refused", () => {
      fc.assert(
        fc.property(anyText, anyStatus, (body, status) => {
          const reply = replied(status, body);
          expect(rules.readReply(reply).kind).toBe("unproven");
          const outcome = outcomeOf(reply);
          expect(["unknown", "requestError"]).toContain(outcome.kind);
          if (outcome.kind === "requestError") expect(rules.statuses[status]?.meaning).toBe("requestError");
          const error = rules.readRequestError(reply);
          expect(error.code).not.toBe("");
          expect(maskedExcerpt(error.description ?? "", [], 200).length).toBeLessThanOrEqual(200);
          expect(typeof gateway.excerptOf(reply)).toBe("string");
        }),
      );
    });

    test("at a status that is not read, not even an approval counts", () => {
      for (let status = 100; status <= 599; status++) {
        const row = rules.statuses[status];
        if (row?.meaning === "read") continue;
        for (const answer of [answers.approved(asked), answers.declined(asked)]) {
          const { kind } = outcomeOf({ ...answer, status });
          expect([status, kind]).toStrictEqual([
            status,
            row?.meaning === "requestError" ? "requestError" : "unknown",
          ]);
        }
      }
    });

    test("every status row has a source, and none trusts what a proxy or a clash may say", () => {
      for (const [status, { meaning, source }] of Object.entries(rules.statuses)) {
        expect(source).not.toBe("");
        expect(Number(status)).toBeGreaterThanOrEqual(200);
        // A redirect is never followed, and says nothing of what was done before it.
        if (/^3/.test(status)) expect(meaning).toBe("noAnswer");
        if (/^5/.test(status)) expect(["fault", "noAnswer"]).toContain(meaning);
        // Time-out, conflict, too early, too many: the request may be in the works.
        if (/^(408|409|425|429)$/.test(status)) expect(meaning).not.toBe("requestError");
      }
    });
  });

  describe(`${name}: what may be kept of an answer`, () => {
    const kept = (reply: Replied, secrets: readonly string[]) =>
      maskedExcerpt(gateway.excerptOf(reply), secrets, 240);

    test.each(requestNames)("%s: no piece of a secret, wherever it stands", (which) => {
      const own = chargeOf(gateway, requests[which] ?? {});
      const secrets = gateway.secretsOf(own);
      const wordings = [
        (before: string, secret: string) => `<html>${before} ${secret} ${before}`,
        (before: string, secret: string) => ({
          message: `${before} ${secret}`,
          errors: { [before]: secret },
        }),
        (before: string, secret: string) => ({ [before]: `${secret}-${secret}` }),
      ];
      const leaks: string[] = [];
      for (const secret of secrets) {
        const pieces = fragmentsOf(secret);
        for (let length = 0; length < 300; length += 1)
          for (const wording of wordings)
            for (const status of [201, 400, 502]) {
              const text = kept(replied(status, wording("x".repeat(length), secret)), secrets);
              if (pieces.some((piece) => text.includes(piece))) leaks.push(`${status}, ${length}: ${text}`);
            }
      }
      expect(leaks.slice(0, 3)).toStrictEqual([]);
    });

    test("JSON may write a secret with escapes", () => {
      for (const secret of gateway.secretsOf(charge)) {
        const escaped = [...secret]
          .map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)
          .join("");
        const text = kept(replied(400, `{"message":"no such card: ${escaped}"}`), gateway.secretsOf(charge));
        expect(text).not.toContain(escaped);
        expect(text).not.toContain(secret);
      }
    });

    test("no card number, wherever it stands", () => {
      for (let length = 0; length < 300; length += 1)
        for (const body of [
          `${"x".repeat(length)} 4111111111111111 `,
          { message: `${"x".repeat(length)} 4111111111111111` },
        ])
          expect(kept(replied(400, body), [])).not.toContain("41111111");
    });

    test("a description is masked before it is cut", () => {
      for (let length = 0; length < 260; length += 1) {
        const before = "x".repeat(length);
        const { description = "" } = rules.readRequestError(
          replied(400, { message: `${before} 4111111111111111`, errors: {} }),
        );
        expect(maskedExcerpt(description, [], 200)).not.toContain("41111111");
      }
    });
  });

  describe.skipIf(gateway.preparationOf === undefined)(`${name}: what is made before`, () => {
    test("whatever its bytes: the readers never throw, and nothing is taken for made or found", () => {
      const preparation = gateway.preparationOf?.(charge);
      fc.assert(
        fc.property(anyText, anyStatus, (body, status) => {
          expect(preparation?.readMade(replied(status, body)).kind).not.toBe("made");
          const page = preparation?.readFound(replied(status, body));
          if (page?.kind === "page") expect(page.found).toStrictEqual([]);
        }),
      );
    });
  });

  describe.skipIf(gateway.lookUpOf === undefined)(`${name}: the look-up of one charge`, () => {
    test.each(requestNames)("%s: sends nothing, and shows no secret in an address", (which) => {
      const own = chargeOf(gateway, requests[which] ?? {});
      for (const request of gateway.lookUpOf?.(own).requests(own, prepared) ?? []) {
        expect(request.method).toBe("GET");
        expect(request.body).toBeUndefined();
        for (const secret of gateway.secretsOf(own)) expect(request.url).not.toContain(secret);
      }
    });

    test.each(requestNames)("%s: whatever its bytes, no row of it takes or refuses money", (which) => {
      const own = chargeOf(gateway, requests[which] ?? {});
      const lookUp = gateway.lookUpOf?.(own);
      const asks = lookUp?.requests(own, prepared).length ?? 0;
      fc.assert(
        fc.property(anyText, anyStatus, (body, status) => {
          const replies = Array.from({ length: asks }, () => replied(status, body));
          const read = lookUp?.read(replies, own, ownRequestId);
          if (read?.kind === "rows") for (const { reply } of read.rows) expect(reply.kind).toBe("unproven");
        }),
      );
      expect(lookUp?.read([], own, ownRequestId).kind).toBe("unreadable");
    });
  });

  const { feed } = gateway;
  const shown = subject.feed;
  if (feed === undefined || shown === undefined) return;
  const window = { fromMs: Date.UTC(2026, 10, 22, 9), toMs: Date.UTC(2026, 10, 22, 10) };

  /** A page, which is read the same where its rows are only compared. */
  const readPage = (reply: Replied): FeedPage => {
    const page = feed.readPage(reply, feed.firstCursor);
    const compared = comparedPage(page);
    expect(feed.readSides?.(reply, feed.firstCursor) ?? compared).toStrictEqual(compared);
    return page;
  };

  describe(`${name}: the feed`, () => {
    test("is asked the same for the same, and a look-up sends nothing", () => {
      const request = feed.pageRequest(window, feed.firstCursor);
      expect(feed.pageRequest(window, feed.firstCursor)).toStrictEqual(request);
      expect(request.method).toBe("GET");
      expect(request.body).toBeUndefined();
      expect(Number.isSafeInteger(feed.pagesMax) && feed.pagesMax > 0).toBe(true);
      for (const [header, value] of Object.entries(request.headers)) {
        validateHeaderName(header);
        validateHeaderValue(header, value);
      }
      for (const one of [
        request,
        feed.idRequest({ transactionId: "404168112" }),
        feed.idRequest({ orderId: "9" }),
      ])
        if (one !== undefined && !shown.keyInUrl)
          for (const key of credentials) expect(one.url).not.toContain(key);
    });

    test("a row of ours proves what the answer would have proved", () => {
      const page = readPage(shown.page([shown.capturedRow(asked), shown.refusedRow(asked)]));
      if (page.kind !== "page") throw new Error(page.why);
      expect(page.unreadRows).toBe(0);
      expect(page.next).toBeUndefined();
      expect(page.rows.map(({ reply }) => outcomeOfReply(reply, asked, rules).kind)).toStrictEqual([
        "approved",
        "declined",
      ]);
      for (const row of page.rows) {
        expect(row).toMatchObject({ kind: "charge", chargeId: asked.chargeId, requestId: asked.requestId });
        expect(row.transactionId).toBeTypeOf("string");
        expect(row.atMs).toBeTypeOf("number");
      }
      expect(page.rows[0]?.raw).toStrictEqual(shown.capturedRow(asked));
    });

    test("a row of another amount, currency or charge is no approval of ours", () => {
      for (const other of [
        { ...asked, amountMinor: asked.amountMinor + 1n },
        { ...asked, currency: "USD" },
        { ...asked, chargeId: "inv-other" },
        { ...asked, requestId: otherRequestId },
      ]) {
        const page = readPage(shown.page([shown.capturedRow(other)]));
        if (page.kind !== "page") throw new Error(page.why);
        for (const { reply } of page.rows) expect(outcomeOfReply(reply, asked, rules).kind).toBe("mismatch");
      }
    });

    test("no item of a page is passed over in silence", () => {
      const junk: readonly Json[] = [
        null,
        1,
        "row",
        [],
        {},
        { any: "thing" },
        { status: "success", code: 0 },
      ];
      const page = readPage(shown.page([...junk, shown.capturedRow(asked)]));
      if (page.kind !== "page") throw new Error(page.why);
      expect(page.unreadRows).toBe(junk.length);
      expect(page.rows.some(({ requestId }) => requestId === asked.requestId)).toBe(true);
    });

    test("whatever its bytes: the reader never throws, and only a whole page is one", () => {
      fc.assert(
        fc.property(anyText, anyStatus, (body, status) => {
          const page = readPage(replied(status, body));
          if (page.kind === "unreadable") expect(page.why).not.toBe("");
          else {
            expect(status).toBe(200);
            for (const row of page.rows) expect(row.reply.kind).toBe("unproven");
          }
        }),
      );
      const whole = shown.page([shown.capturedRow(asked)]);
      for (let length = 0; length < whole.body.length; length++)
        expect(readPage(replied(200, whole.body.slice(0, length))).kind).toBe("unreadable");
      for (let status = 201; status <= 599; status++)
        expect(readPage({ ...whole, status }).kind).toBe("unreadable");
    });

    test("no one member of a row turns a no into a yes, or a yes into a no", () => {
      const kindsOf = (row: Json) => {
        const page = readPage(shown.page([row]));
        return page.kind === "page"
          ? page.rows.map(({ reply }) => outcomeOfReply(reply, asked, rules).kind)
          : [];
      };
      for (const [row, never] of [
        [shown.capturedRow(asked), "declined"],
        [shown.refusedRow(asked), "approved"],
      ] as const)
        fc.assert(
          fc.property(
            fc.constantFrom(...placesOf(row)),
            fc.option(anyJson, { nil: undefined }),
            (place, put) => {
              expect(kindsOf(withAt(row, place, put))).not.toContain(never);
            },
          ),
        );
    });
  });
};
