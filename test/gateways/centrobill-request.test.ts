import { describe, expect, test } from "vitest";
import type { Json, JsonObject } from "../../lib/core/json.ts";
import { chargeRequest, parseRequest } from "../../lib/gateways/centrobill/charge-request.ts";
import { gateway, options, requests } from "./centrobill-subject.ts";
import { chargeOf } from "./gateway-contract.ts";

const good: JsonObject = requests["a saved card"];

/** The request with other members; `undefined` takes one away. */
const changed = (changes: Readonly<Record<string, Json | undefined>>): JsonObject =>
  JSON.parse(JSON.stringify({ ...good, ...changes })) as JsonObject;
const said = (request: JsonObject): string[] =>
  parseRequest(request).map(({ field, must }) => `${field} must ${must}`);

describe("request of a charge message", () => {
  const token = "be a string of 1 to 512 characters";
  const account = "be a string of 1 to 64 characters";
  const scalar = "be a string, a number, or true or false";
  const source = "request.paymentSource";
  const types = `${source}.type must be one of paymentAccountId, consumer, token`;
  const unknown = "not be there: no such field";

  test.each<[Readonly<Record<string, Json | undefined>>, string[], reason: string]>([
    [{}, [], "all of it"],
    [{ url: undefined, emailOptions: undefined }, [], "what is optional is not there"],
    [{ extra: 1 }, [`request.extra must ${unknown}`], "a field that is not known"],
    [{ metadata: {} }, [`request.metadata must ${unknown}`], "metadata has its place in the message"],

    [{ paymentSource: undefined }, [`${source} must be an object`], "nothing to charge"],
    [{ paymentSource: "token" }, [`${source} must be an object`], "a word"],
    [{ paymentSource: [] }, [`${source} must be an object`], "a list"],
    [{ paymentSource: {} }, [types], "no type"],
    [{ paymentSource: { type: 1 } }, [types], "a type that is no text"],
    [{ paymentSource: { type: "card", number: "1" } }, [types], "a raw card is not taken"],
    [{ paymentSource: { type: "toString" } }, [types], "a name of every object's prototype"],
    [{ paymentSource: { type: ["token"], value: "t" } }, [types], "a type in a list"],
    [{ paymentSource: { type: "token" } }, [`${source}.value must be there`], "no token"],
    [{ paymentSource: { type: "token", value: "t" } }, [], "a token of one character"],
    [{ paymentSource: { type: "token", value: "t".repeat(512) } }, [], "the longest token"],
    [
      { paymentSource: { type: "token", value: "t".repeat(513) } },
      [`${source}.value must ${token}`],
      "longer",
    ],
    [{ paymentSource: { type: "token", value: "" } }, [`${source}.value must ${token}`], "an empty token"],
    [{ paymentSource: { type: "token", value: 1 } }, [`${source}.value must ${token}`], "a number"],
    [
      { paymentSource: { type: "token", paymentAccountId: "a" } },
      [`${source}.value must be there`, `${source}.paymentAccountId must ${unknown}`],
      "another source's member",
    ],
    [{ paymentSource: { type: "consumer", value: "c".repeat(64) } }, [], "the longest consumer"],
    [
      { paymentSource: { type: "consumer", value: "c".repeat(65) } },
      [`${source}.value must ${account}`],
      "longer",
    ],
    [{ paymentSource: { type: "paymentAccountId", paymentAccountId: "a".repeat(64) } }, [], "the longest"],
    [
      { paymentSource: { type: "paymentAccountId", paymentAccountId: "a".repeat(65) } },
      [`${source}.paymentAccountId must ${account}`],
      "longer",
    ],
    [
      { paymentSource: { type: "paymentAccountId", paymentAccountId: "a", value: "b" } },
      [`${source}.value must ${unknown}`],
      "a member too many",
    ],
    [
      { paymentSource: { type: "paymentAccountId", paymentAccountId: "a", toString: "b" } },
      [`${source}.toString must ${unknown}`],
      "a member of every object's prototype",
    ],

    [{ consumer: undefined }, ["request.consumer must be an object"], "nobody to charge"],
    [{ consumer: {} }, [], "no field of it is required"],
    [{ consumer: { shoeSize: 43 } }, [`request.consumer.shoeSize must ${unknown}`], "not known"],
    [{ consumer: { id: "1", externalId: 2, browserJavaEnabled: true } }, [], "text, number, true or false"],
    [
      { consumer: { id: Number.MAX_SAFE_INTEGER } },
      [],
      "the largest number that is still the one that was written",
    ],
    [
      { consumer: { id: 2 ** 53 } },
      [`request.consumer.id must ${scalar}`],
      "9007199254740993 is read as this one, too: as a text it is told apart",
    ],
    [{ consumer: { id: null } }, [`request.consumer.id must ${scalar}`], "null"],
    [{ consumer: { id: ["1"] } }, [`request.consumer.id must ${scalar}`], "a list"],
    [{ consumer: { userAgent: "x".repeat(1_024) } }, [], "the longest text"],
    [
      { consumer: { userAgent: "x".repeat(1_025) } },
      [`request.consumer.userAgent must ${scalar}`],
      "a longer one",
    ],

    [{ sku: undefined }, ["request.sku must be an object"], "nothing to charge for"],
    [{ sku: { title: "x" } }, ["request.sku must have either siteId or name"], "neither"],
    [{ sku: { siteId: "s", name: "n" } }, ["request.sku must have either siteId or name"], "both"],
    [{ sku: { siteId: "s" } }, [], "a site"],
    [{ sku: { name: "n" } }, [], "a name"],
    [
      { sku: { siteId: "s", price: [] } },
      [`request.sku.price must ${unknown}`],
      "the price is this worker's to set",
    ],
    [{ sku: { siteId: "s".repeat(36), title: "t".repeat(64) } }, [], "the longest"],
    [
      { sku: { siteId: "s".repeat(37), title: "t".repeat(65) } },
      [
        "request.sku.siteId must be a string of 1 to 36 characters",
        "request.sku.title must be a string of 1 to 64 characters",
      ],
      "longer",
    ],
    [{ sku: { name: "n".repeat(36) } }, [], "the longest name"],
    [
      { sku: { name: "n".repeat(37) } },
      ["request.sku.name must be a string of 1 to 36 characters"],
      "a longer one",
    ],

    [{ url: {} }, [], "no address is required"],
    [{ url: null }, ["request.url must be an object"], "null"],
    [{ url: { ipnUrl: "http://a.example", redirectUrl: "https://a.example/b?c=d" } }, [], "web addresses"],
    [{ url: { ipnUrl: "ftp://a.example" } }, ["request.url.ipnUrl must be a web address"], "of another kind"],
    [{ url: { ipnUrl: "https://" } }, ["request.url.ipnUrl must be a web address"], "without a host"],
    [{ url: { ipnUrl: "https://a b" } }, ["request.url.ipnUrl must be a web address"], "with a space"],
    [{ url: { ipnUrl: "see https://a.b" } }, ["request.url.ipnUrl must be a web address"], "within a text"],
    [{ url: { ipnUrl: 1 } }, ["request.url.ipnUrl must be a web address"], "a number"],
    [{ url: { ipnUrl: ["https://a.example"] } }, ["request.url.ipnUrl must be a web address"], "a list"],
    [{ url: { redirectUrl: `https://${"a".repeat(1_992)}` } }, [], "the longest"],
    [
      { url: { redirectUrl: `https://${"a".repeat(1_993)}` } },
      ["request.url.redirectUrl must be a web address"],
      "a longer one",
    ],
    [{ url: { cancelUrl: "https://a.example" } }, [`request.url.cancelUrl must ${unknown}`], "not known"],

    [{ emailOptions: {} }, [], "whatever is in it is passed on"],
    [{ emailOptions: "none" }, ["request.emailOptions must be an object"], "a word"],
    [{ emailOptions: null }, ["request.emailOptions must be an object"], "null"],
  ])("%j → %j (%s)", (changes, problems) => {
    expect(said(changed(changes))).toStrictEqual(problems);
  });

  test.each([
    "id",
    "externalId",
    "email",
    "firstName",
    "lastName",
    "birthday",
    "phone",
    "country",
    "state",
    "city",
    "address",
    "zip",
    "ip",
    "userAgent",
    "deviceId",
    "browserAcceptHeader",
    "browserJavaEnabled",
    "browserLanguage",
    "browserColorDepth",
    "browserScreenHeight",
    "browserScreenWidth",
    "browserTimezone",
  ])("a consumer has %s", (name) => {
    expect(said(changed({ consumer: { [name]: "x" } }))).toStrictEqual([]);
  });
});

describe("the request of an attempt", () => {
  const charge = chargeOf(gateway, good, { metadata: { campaign: "autumn" } });
  const request = chargeRequest(charge, "request-1" as Parameters<typeof chargeRequest>[1], options);

  test("goes to /payment, with the bare key and our id in its headers", () => {
    expect(request).toMatchObject({
      method: "POST",
      url: "https://api.centrobill.example/payment",
    });
    expect(request.headers).toStrictEqual({
      Authorization: options.apiKey,
      "Content-Type": "application/json",
      Accept: "application/json",
      "X-Request-ID": "request-1",
    });
  });

  test("carries what the merchant gave, one price that is not repeated, and our references", () => {
    expect(JSON.parse(request.body ?? "")).toStrictEqual({
      ...good,
      sku: {
        ...(good["sku"] as JsonObject),
        price: [{ offset: "0d", amount: 19.99, currency: "EUR", repeat: false }],
      },
      metadata: { campaign: "autumn", chargeId: charge.chargeId, requestId: "request-1" },
    });
  });
});

describe("who is charged, and what must not be shown", () => {
  const withSource = (paymentSource: JsonObject, consumer: JsonObject = {}) =>
    chargeOf(gateway, { ...good, paymentSource, consumer });
  const account = { type: "paymentAccountId", paymentAccountId: "account-1" };

  test.each<[JsonObject, JsonObject, consumers: string[], reason: string]>([
    [account, {}, [], "nobody is named"],
    [account, { id: "7" }, ["7"], "by Centrobill's id"],
    [account, { externalId: "user-7" }, ["user-7"], "by the merchant's id"],
    [account, { id: 7, externalId: 8 }, ["7", "8"], "ids may be numbers"],
    [account, { id: true, email: "a@b.example" }, [], "what is no id names nobody"],
    [{ type: "consumer", value: "9" }, { id: "7" }, ["7", "9"], "a saved-card consumer is one, too"],
    [{ type: "token", value: "tok-9" }, { id: "7" }, ["7"], "a token is nobody"],
  ])("%j of %j: %j (%s)", (source, consumer, consumers) => {
    expect(gateway.consumersOf(withSource(source, consumer))).toStrictEqual(consumers);
  });

  test.each<[JsonObject, secrets: string[], reason: string]>([
    [account, ["account-1"], "a saved card"],
    [{ type: "token", value: "tok-9" }, ["tok-9"], "a one-time token"],
    [{ type: "consumer", value: "9" }, [], "a consumer's id is no token"],
  ])("%j: %j and the key (%s)", (source, secrets) => {
    expect(gateway.secretsOf(withSource(source))).toStrictEqual([...secrets, options.apiKey]);
  });
});
