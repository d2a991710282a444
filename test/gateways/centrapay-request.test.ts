import { describe, expect, test } from "vitest";
import type { Charge, RequestId } from "../../lib/core/charge.ts";
import type { Json, JsonObject } from "../../lib/core/json.ts";
import {
  chargeModeOf,
  chargeRequest,
  merchantAccountIdOf,
  paymentRequestIdOf,
} from "../../lib/gateways/centrapay/charge-request.ts";
import { messages, normalMessage } from "../../lib/gateways/centrapay/messages.ts";
import { statuses } from "../../lib/gateways/centrapay/rules.ts";
import { gateway, options, prepared, requests } from "./centrapay-subject.ts";
import { chargeOf } from "./gateway-contract.ts";

type Changes = Readonly<Record<string, Json | undefined>>;
/** A request of a mode with other members; `undefined` takes one away. */
const changed = (mode: keyof typeof requests, changes: Changes): JsonObject =>
  JSON.parse(JSON.stringify({ ...requests[mode], ...changes })) as JsonObject;
const said = (mode: keyof typeof requests, changes: Changes): string[] =>
  gateway.parseRequest(changed(mode, changes)).map(({ field, must }) => `${field} must ${must}`);

describe("request of a charge message", () => {
  const anId = "be an id of letters, digits, _ or -";
  const text = (max: number): string => `be a string of 1 to ${max} characters`;
  const gone = "not be there: no such field";
  const item = { name: "a", qty: "1", price: "1" };
  const list = "request.lineItems must be a list of 1 to 200 items";

  test.each<[keyof typeof requests, Changes, string[], reason: string]>([
    ["pay", {}, [], "all of it"],
    ["confirm", {}, [], "all of it"],
    ["quickPay", {}, [], "all of it"],
    ["pay", { lineItems: undefined, externalPaymentRef: undefined }, [], "what is optional is not there"],
    ["quickPay", { patronNotPresent: false }, [], "present"],
    ["pay", { mode: undefined }, ["request.mode must be one of pay, confirm, quickPay"], "no mode"],
    ["pay", { mode: 1 }, ["request.mode must be one of pay, confirm, quickPay"], "no such mode"],

    ["pay", { configId: "a".repeat(64) }, [], "the longest id"],
    ["pay", { configId: "a".repeat(65) }, [`request.configId must ${anId}`], "a longer one"],
    ["pay", { configId: "_-aZ09" }, [], "every kind of character"],
    ["pay", { configId: "a b" }, [`request.configId must ${anId}`], "a space"],
    ["pay", { configId: 1 }, [`request.configId must ${anId}`], "a number"],
    ["pay", { configId: ["a"] }, [`request.configId must ${anId}`], "a list"],
    ["pay", { merchantAccountId: "x/" }, [`request.merchantAccountId must ${anId}`], "a slash"],
    ["quickPay", { configId: "x?" }, [`request.configId must ${anId}`], "a query"],
    ["quickPay", { merchantAccountId: "#" }, [`request.merchantAccountId must ${anId}`], "a fragment"],
    ["confirm", { paymentRequestId: "x%" }, [`request.paymentRequestId must ${anId}`], "an escape"],

    ["pay", { assetType: "a".repeat(64), assetId: "b".repeat(128) }, [], "the longest"],
    ["pay", { externalPaymentRef: "c".repeat(128) }, [], "the longest"],
    [
      "pay",
      { assetType: "a".repeat(65), assetId: "b".repeat(129), externalPaymentRef: "c".repeat(129) },
      [
        `request.assetType must ${text(64)}`,
        `request.assetId must ${text(128)}`,
        `request.externalPaymentRef must ${text(128)}`,
      ],
      "longer",
    ],
    ["pay", { assetType: "" }, [`request.assetType must ${text(64)}`], "empty"],
    ["pay", { assetId: 1 }, [`request.assetId must ${text(128)}`], "a number"],
    ["pay", { assetId: ["a"] }, [`request.assetId must ${text(128)}`], "a list of one"],
    ["confirm", { invoiceRef: "x".repeat(128) }, [], "the longest"],
    ["quickPay", { barcode: "1".repeat(128) }, [], "the longest"],
    ["quickPay", { barcode: "1".repeat(129) }, [`request.barcode must ${text(128)}`], "a longer one"],
    ["quickPay", { patronNotPresent: 1 }, ["request.patronNotPresent must be true or false"], "a number"],
    ["pay", { patronNotPresent: true }, [`request.patronNotPresent must ${gone}`], "of another mode"],
    ["confirm", { configId: "a" }, [`request.configId must ${gone}`], "of another mode"],
    ["pay", { toString: "a" }, [`request.toString must ${gone}`], "of every object's prototype"],
    ["pay", { assetType: undefined }, ["request.assetType must be there"], "missing"],

    ["pay", { lineItems: Array(200).fill(item) }, [], "the most items"],
    ["pay", { lineItems: Array(201).fill(item) }, [list], "more"],
    ["pay", { lineItems: [] }, [list], "none"],
    ["pay", { lineItems: { length: 1 } }, [list], "an object"],
    ["pay", { lineItems: null }, [list], "null"],
    ["pay", { lineItems: ["a"] }, ["request.lineItems[0] must be an object"], "an item that is none"],
    [
      "pay",
      { lineItems: [item, {}] },
      ["name", "qty", "price"].map((name) => `request.lineItems[1].${name} must be there`),
      "the second has nothing",
    ],
    [
      "pay",
      {
        lineItems: [
          {
            name: "n".repeat(200),
            qty: "1".repeat(20),
            price: "2".repeat(20),
            sku: "s".repeat(100),
            tax: "3".repeat(20),
            discount: "4".repeat(20),
            productId: "p".repeat(100),
            restricted: true,
            classification: { code: "x" },
          },
        ],
      },
      [],
      "every field, and as long as may be",
    ],
    [
      "pay",
      {
        lineItems: [
          {
            name: "n".repeat(201),
            qty: "1".repeat(21),
            price: "2".repeat(21),
            sku: "s".repeat(101),
            tax: "3".repeat(21),
            discount: "4".repeat(21),
            productId: "p".repeat(101),
            restricted: "yes",
            classification: "x",
          },
        ],
      },
      [
        ...[
          ["name", 200],
          ["qty", 20],
          ["price", 20],
          ["sku", 100],
          ["tax", 20],
          ["discount", 20],
          ["productId", 100],
        ].map(([name, max]) => `request.lineItems[0].${name} must ${text(Number(max))}`),
        "request.lineItems[0].restricted must be true or false",
        "request.lineItems[0].classification must be an object",
      ],
      "each of them longer, or of another kind",
    ],
  ])("%s %j → %j (%s)", (mode, changes, problems) => {
    expect(said(mode, changes)).toStrictEqual(problems);
  });
});

const nzd = { currency: "NZD", amount: "1999" };
const charges = {
  pay: chargeOf(gateway, requests.pay, nzd),
  confirm: chargeOf(gateway, requests.confirm, nzd),
  quickPay: chargeOf(gateway, requests.quickPay, nzd),
};
const posting = {
  "X-Api-Key": options.apiKey,
  "Content-Type": "application/json",
  Accept: "application/json",
};
const getting = { "X-Api-Key": options.apiKey, Accept: "application/json" };
const own = `${options.url}/api/payment-requests/${prepared.id}`;
const merchants = `${options.url}/api/payment-requests/${requests.confirm.paymentRequestId}`;

describe("the request that charges", () => {
  const requestId = "request-1" as RequestId;
  const sentFor = (mode: keyof typeof charges) => {
    const { body, ...request } = gateway.chargeRequest(charges[mode], requestId, prepared);
    return { ...request, ...(body === undefined ? {} : { body: JSON.parse(body) as Json }) };
  };

  test("pays what was made, with the request id as its key", () => {
    expect(sentFor("pay")).toStrictEqual({
      method: "POST",
      url: `${own}/pay`,
      headers: posting,
      body: {
        idempotencyKey: "request-1",
        assetType: "centrapay.nzd.test",
        assetId: "WRhAxxWpTKb5U7pXyxQjjY",
        externalPaymentRef: "till-4",
      },
    });
  });

  test("confirms the merchant's own Payment Request, with the amount", () => {
    expect(sentFor("confirm")).toStrictEqual({
      method: "POST",
      url: `${merchants}/confirm`,
      headers: posting,
      body: {
        idempotencyKey: "request-1",
        invoiceRef: "INV-2026-17",
        lineItems: requests.confirm.lineItems,
        value: { amount: "1999", currency: "NZD" },
      },
    });
  });

  test("in Quick Pay is the first look", () => {
    expect(sentFor("quickPay")).toStrictEqual({ method: "GET", url: own, headers: getting });
  });

  test("is not there before its Payment Request is, nor without a mode", () => {
    const noMode = { ...charges.pay, request: { mode: "later" } } as unknown as Charge;
    expect(() => chargeRequest(charges.pay, requestId, undefined, options)).toThrow(
      new TypeError("a Centrapay charge without its Payment Request"),
    );
    expect(() => chargeModeOf(noMode)).toThrow(new TypeError("a Centrapay charge without a mode"));
  });

  test("a capture is never of what this worker made", () => {
    expect(paymentRequestIdOf(charges.confirm, prepared)).toBe(requests.confirm.paymentRequestId);
    expect(paymentRequestIdOf(charges.pay, prepared)).toBe(prepared.id);
  });

  test("a charge that names no merchant account is looked for under none", () => {
    expect(merchantAccountIdOf(charges.pay)).toBe(requests.pay.merchantAccountId);
    expect(merchantAccountIdOf(charges.confirm)).toBe("");
  });
});

describe("what else is asked", () => {
  test("a Payment Request is made by a POST, and found by a GET", () => {
    const preparation = gateway.preparationOf?.(charges.pay);
    expect(preparation?.make(charges.pay)).toMatchObject({
      method: "POST",
      url: `${options.url}/api/payment-requests`,
      headers: posting,
    });
    expect(preparation?.find(charges.pay, undefined)).toMatchObject({ method: "GET", headers: getting });
  });

  test.each<[keyof typeof charges, urls: string[], reason: string]>([
    ["pay", [own, `${own}/activities`], "the request, and what was paid on it"],
    ["confirm", [`${merchants}/activities`], "its confirmations"],
    ["quickPay", [own], "the request alone"],
  ])("%s is looked up by %j (%s)", (mode, urls) => {
    const asking = gateway.lookUpOf?.(charges[mode]).requests(charges[mode], prepared) ?? [];
    expect(asking).toStrictEqual(urls.map((url) => ({ method: "GET", url, headers: getting })));
  });

  test("a Quick Pay alone is polled, every two seconds", () => {
    expect(gateway.pollMsOf?.(charges.quickPay)).toBe(2_000);
    expect(gateway.pollMsOf?.(charges.pay)).toBeUndefined();
    expect(gateway.pollMsOf?.(charges.confirm)).toBeUndefined();
  });

  test("a void is a POST without a word; when it was made nobody need know", () => {
    const later = prepared.madeAtMs + 1e12;
    expect(gateway.voidOf?.(charges.pay, prepared, prepared.madeAtMs)).toStrictEqual({
      method: "POST",
      url: `${own}/void`,
      headers: posting,
      body: "{}",
    });
    expect(gateway.voidOf?.(charges.pay, { id: prepared.id }, later)).toBeDefined();
  });

  test("what can be spent with is a secret, and so is the key; nobody is named", () => {
    expect(gateway.secretsOf(charges.pay)).toStrictEqual(["WRhAxxWpTKb5U7pXyxQjjY", options.apiKey]);
    expect(gateway.secretsOf(charges.quickPay)).toStrictEqual(["424242424", options.apiKey]);
    expect(gateway.secretsOf(charges.confirm)).toStrictEqual([options.apiKey]);
    expect(gateway.consumersOf(charges.pay)).toStrictEqual([]);
  });
});

describe("the tables", () => {
  test("every row says whose word it is", () => {
    for (const { source, basis } of Object.values(messages)) {
      expect(source).not.toBe("");
      expect(["documented", "policy"]).toContain(basis);
    }
    for (const { source } of Object.values(statuses)) expect(source).toContain("docs.centrapay.com");
    for (const { source, basis } of Object.values(gateway.rules.declines.codes)) {
      expect(source).not.toBe("");
      expect(basis).toBe("policy");
    }
  });

  test("what the documents say of a message, and what is our reading of it", () => {
    const documented = Object.keys(messages).filter((name) => messages[name]?.basis === "documented");
    expect(documented).toStrictEqual(["FORBIDDEN", "CHECKSUM_FAILED", "LINE_ITEMS_SUM_CHECK_FAILED"]);
  });

  test("a table of declines has no ranges and no categories of the gateway's", () => {
    expect(gateway.rules.declines.ranges).toStrictEqual([]);
    expect(gateway.rules.declines.codeCategories).toStrictEqual({});
  });

  test.each<[string, string, reason: string]>([
    ["PAYMENT_DECLINED", "PAYMENT_DECLINED", "as it is"],
    [" payment declined\n", "PAYMENT_DECLINED", "in small letters, with spaces"],
    ["Payment - Declined", "PAYMENT_DECLINED", "whatever stands between is one line"],
    ["x".repeat(65), "X".repeat(64), "cut"],
  ])("%j is %s (%s)", (message, name) => {
    expect(normalMessage(message)).toBe(name);
  });

  test.each<[status: number, boolean, reason: string]>([
    [401, true, "the key"],
    [403, false, "what was asked for, whatever its message"],
    [404, false, "a wrong route"],
    [200, false, "an answer"],
  ])("%i refuses the account: %s (%s)", (status, refuses) => {
    const reply = { kind: "replied", status, headers: {}, body: "", bodySha256: "" } as const;
    expect(gateway.rules.refusesAccount(reply)).toBe(refuses);
  });
});
