import { type Charge, type Problem, type RequestId, unknownField } from "../../core/charge.ts";
import { asString, defined, isJsonObject, type Json, type JsonObject, member } from "../../core/json.ts";
import type { Prepared } from "../../core/preparation.ts";
import type { WireRequest } from "../../core/transport.ts";

export type Endpoint = { readonly url: string; readonly apiKey: string };

/** The three ways of charging (contract, section 1). */
export const modes = ["pay", "confirm", "quickPay"] as const;
export type Mode = (typeof modes)[number];

type Check = (value: Json) => string | undefined;

const text =
  (max: number): Check =>
  (value) =>
    typeof value === "string" && value.length >= 1 && value.length <= max
      ? undefined
      : `be a string of 1 to ${max} characters`;

/** Ids are alphanumeric, with a prefix or without (docs, object ids). They stand in a path: nothing else may. */
const id: Check = (value) =>
  typeof value === "string" && /^[A-Za-z0-9_-]{1,64}$/.test(value)
    ? undefined
    : "be an id of letters, digits, _ or -";

const flag: Check = (value) => (typeof value === "boolean" ? undefined : "be true or false");

const lineItemFields: Readonly<Record<string, Check>> = {
  name: text(200),
  qty: text(20),
  price: text(20),
  sku: text(100),
  tax: text(20),
  discount: text(20),
  productId: text(100),
  restricted: flag,
  classification: (value) => (isJsonObject(value) ? undefined : "be an object"),
};
const lineItemsMax = 200;

/** Members of `lineItems`, each with its place. */
const lineItemProblems = (value: Json): Problem[] => {
  const place = "request.lineItems";
  if (!Array.isArray(value) || value.length === 0 || value.length > lineItemsMax)
    return [{ field: place, must: `be a list of 1 to ${lineItemsMax} items` }];
  return (value as readonly Json[]).flatMap((item, index): Problem[] => {
    const at = `${place}[${index}]`;
    if (!isJsonObject(item)) return [{ field: at, must: "be an object" }];
    const missing = ["name", "qty", "price"]
      .filter((name) => !Object.hasOwn(item, name))
      .map((name): Problem => ({ field: `${at}.${name}`, must: "be there" }));
    return [...missing, ...fieldProblems(at, item, lineItemFields)];
  });
};

const fieldProblems = (
  place: string,
  value: JsonObject,
  checks: Readonly<Record<string, Check>>,
): Problem[] => {
  const problems: Problem[] = [];
  for (const [name, item] of Object.entries(value)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    const must = check?.(item);
    if (check === undefined) problems.push(unknownField(`${place}.${name}`));
    else if (must !== undefined) problems.push({ field: `${place}.${name}`, must });
  }
  return problems;
};

type Shape = {
  readonly fields: Readonly<Record<string, Check>>;
  readonly required: readonly string[];
};

const shapes: Readonly<Record<Mode, Shape>> = {
  pay: {
    fields: {
      configId: id,
      merchantAccountId: id,
      assetType: text(64),
      assetId: text(128),
      externalPaymentRef: text(128),
    },
    required: ["configId", "merchantAccountId", "assetType", "assetId"],
  },
  confirm: {
    // "at most 128 characters": api/openapi/models/payment-request.yaml
    fields: { paymentRequestId: id, invoiceRef: text(128) },
    required: ["paymentRequestId", "invoiceRef", "lineItems"],
  },
  quickPay: {
    fields: { configId: id, merchantAccountId: id, barcode: text(128), patronNotPresent: flag },
    required: ["configId", "merchantAccountId", "barcode"],
  },
};

export const modeOf = (request: JsonObject): Mode | undefined =>
  modes.find((mode) => mode === request["mode"]);

/** Checks `request` of a Centrapay charge (contract, section 1). */
export const parseRequest = (request: JsonObject): readonly Problem[] => {
  const mode = modeOf(request);
  if (mode === undefined) return [{ field: "request.mode", must: `be one of ${modes.join(", ")}` }];
  const { mode: _mode, lineItems, ...rest } = request;
  const { fields, required } = shapes[mode];
  const missing = required
    .filter((name) => !Object.hasOwn(request, name))
    .map((name): Problem => ({ field: `request.${name}`, must: "be there" }));
  return [
    ...missing,
    ...fieldProblems("request", rest, fields),
    ...(lineItems === undefined ? [] : lineItemProblems(lineItems)),
  ];
};

export const chargeModeOf = (charge: Charge): Mode => {
  const mode = modeOf(charge.request);
  if (mode === undefined) throw new TypeError("a Centrapay charge without a mode");
  return mode;
};

/** The charge's amount as Centrapay writes it: minor units in a string. */
export const monetaryOf = (charge: Charge): JsonObject => ({
  amount: String(charge.money.amountMinor),
  currency: charge.money.currency,
});

export const getRequest = (endpoint: Endpoint, path: string): WireRequest => ({
  method: "GET",
  url: `${endpoint.url}${path}`,
  headers: { "X-Api-Key": endpoint.apiKey, Accept: "application/json" },
});

export const postRequest = (endpoint: Endpoint, path: string, body: object): WireRequest => ({
  method: "POST",
  url: `${endpoint.url}${path}`,
  headers: {
    "X-Api-Key": endpoint.apiKey,
    "Content-Type": "application/json",
    Accept: "application/json",
  },
  body: JSON.stringify(body),
});

export const paymentRequestPath = (paymentRequestId: string): string =>
  `/api/payment-requests/${encodeURIComponent(paymentRequestId)}`;

/** The Payment Request that a charge is sent on: made before, or, to capture, named by the merchant. */
export const paymentRequestIdOf = (charge: Charge, prepared: Prepared | undefined): string => {
  const own = chargeModeOf(charge) === "confirm" ? charge.request["paymentRequestId"] : prepared?.id;
  if (typeof own !== "string") throw new TypeError("a Centrapay charge without its Payment Request");
  return own;
};

/**
 * The request that charges: pay and confirm carry the request id as `idempotencyKey`; in Quick Pay it is the
 * GET by id, of which the first one starts the payment ("the first attempt to poll … will trigger a payment").
 */
export const chargeRequest = (
  charge: Charge,
  requestId: RequestId,
  prepared: Prepared | undefined,
  endpoint: Endpoint,
): WireRequest => {
  const path = paymentRequestPath(paymentRequestIdOf(charge, prepared));
  const { assetType, assetId, externalPaymentRef, invoiceRef, lineItems } = charge.request;
  switch (chargeModeOf(charge)) {
    case "pay":
      return postRequest(
        endpoint,
        `${path}/pay`,
        defined({ idempotencyKey: requestId, assetType, assetId, externalPaymentRef }),
      );
    case "confirm":
      return postRequest(
        endpoint,
        `${path}/confirm`,
        defined({ idempotencyKey: requestId, invoiceRef, lineItems, value: monetaryOf(charge) }),
      );
    case "quickPay":
      return getRequest(endpoint, path);
  }
};

/** What can be spent with: to be masked wherever it comes back (S12). */
export const secretsOf = (charge: Charge): readonly string[] =>
  [asString(charge.request["assetId"]), asString(charge.request["barcode"])].filter(
    (secret) => secret !== undefined,
  );

/** Nobody is named: a Payment Request carries our own reference. */
export const consumersOf = (_charge: Charge): readonly string[] => [];

export const merchantAccountIdOf = (charge: Charge): string =>
  asString(member(charge.request, "merchantAccountId")) ?? "";
