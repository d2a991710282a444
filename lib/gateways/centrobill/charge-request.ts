import { type Charge, type Problem, type RequestId, unknownField } from "../../core/charge.ts";
import { defined, isJsonObject, type Json, type JsonObject, member } from "../../core/json.ts";
import { toDecimal } from "../../core/money.ts";
import type { WireRequest } from "../../core/transport.ts";

/** Text of a length that Centrobill takes; the limits are its own SDK's (php-sdk-v1 1.1.7, src/Entity). */
const text =
  (max: number, min = 1) =>
  (value: Json): string | undefined =>
    typeof value === "string" && value.length >= min && value.length <= max
      ? undefined
      : `be a string of ${min} to ${max} characters`;

const webAddress = (value: Json): string | undefined =>
  typeof value === "string" && value.length <= 2_000 && /^https?:\/\/\S+$/.test(value)
    ? undefined
    : "be a web address";

const scalar = (value: Json): string | undefined =>
  (typeof value === "string" && value.length <= 1_024) ||
  // A larger one is another than was written by now, and so would be who is charged.
  (typeof value === "number" && Math.abs(value) <= Number.MAX_SAFE_INTEGER) ||
  typeof value === "boolean"
    ? undefined
    : "be a string, a number, or true or false";

type Check = (value: Json) => string | undefined;

/** The sources that need no card number and no holder present. */
const sourceFields: ReadonlyMap<Json | undefined, Readonly<Record<string, Check>>> = new Map<
  Json | undefined,
  Readonly<Record<string, Check>>
>([
  ["paymentAccountId", { paymentAccountId: text(64) }],
  ["consumer", { value: text(64) }],
  ["token", { value: text(512) }],
]);

const skuFields: Readonly<Record<string, Check>> = { siteId: text(36), name: text(36), title: text(64) };
const urlFields: Readonly<Record<string, Check>> = { ipnUrl: webAddress, redirectUrl: webAddress };

/** Facts §2.4: the consumer's fields as Centrobill's SDK has them. */
const consumerFields: Readonly<Record<string, Check>> = Object.fromEntries(
  [
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
  ].map((name) => [name, scalar]),
);

const requestFields = new Set(["paymentSource", "consumer", "sku", "url", "emailOptions"]);

const checkFields = (
  place: string,
  value: Json | undefined,
  fields: Readonly<Record<string, Check>>,
): Problem[] => {
  if (!isJsonObject(value)) return [{ field: place, must: "be an object" }];
  const problems: Problem[] = [];
  for (const name of Object.keys(value)) {
    const check = Object.hasOwn(fields, name) ? fields[name] : undefined;
    const must = check?.(value[name] ?? null);
    if (check === undefined) problems.push(unknownField(`${place}.${name}`));
    else if (must !== undefined) problems.push({ field: `${place}.${name}`, must });
  }
  return problems;
};

const checkSource = (source: Json | undefined): Problem[] => {
  const place = "request.paymentSource";
  if (!isJsonObject(source)) return [{ field: place, must: "be an object" }];
  const { type, ...rest } = source;
  const fields = sourceFields.get(type);
  if (fields === undefined)
    return [{ field: `${place}.type`, must: `be one of ${[...sourceFields.keys()].join(", ")}` }];
  const missing = Object.keys(fields)
    .filter((name) => !Object.hasOwn(rest, name))
    .map((name): Problem => ({ field: `${place}.${name}`, must: "be there" }));
  return [...missing, ...checkFields(place, rest, fields)];
};

const checkSku = (sku: Json | undefined): Problem[] => {
  const problems = checkFields("request.sku", sku, skuFields);
  if (!isJsonObject(sku)) return problems;
  if (Object.hasOwn(sku, "siteId") === Object.hasOwn(sku, "name"))
    problems.push({ field: "request.sku", must: "have either siteId or name" });
  return problems;
};

/** Checks `request` of a Centrobill charge (contract, section 1). */
export const parseRequest = (request: JsonObject): readonly Problem[] => {
  const problems: Problem[] = Object.keys(request)
    .filter((name) => !requestFields.has(name))
    .map((name) => unknownField(`request.${name}`));
  problems.push(...checkSource(request["paymentSource"]));
  problems.push(...checkFields("request.consumer", request["consumer"], consumerFields));
  problems.push(...checkSku(request["sku"]));
  if (request["url"] !== undefined) problems.push(...checkFields("request.url", request["url"], urlFields));
  const emailOptions = request["emailOptions"];
  // Its members are not documented (facts §2.1), so whatever is in it is passed on.
  if (emailOptions !== undefined && !isJsonObject(emailOptions))
    problems.push({ field: "request.emailOptions", must: "be an object" });
  return problems;
};

/** The text of a JSON object that is not empty, with one more member, whose value is JSON already. */
const withMember = (object: JsonObject, name: string, json: string): string =>
  `${JSON.stringify(object).slice(0, -1)},${JSON.stringify(name)}:${json}}`;

/**
 * The request of one attempt: `POST /payment` (facts §2). The price is the charge's amount in major units,
 * written digit by digit, and our references ride in `metadata`, so that a feed row or a notice can be
 * matched.
 */
export const chargeRequest = (
  charge: Charge,
  requestId: RequestId,
  endpoint: { readonly url: string; readonly apiKey: string },
): WireRequest => {
  const { paymentSource, consumer, sku, url, emailOptions } = charge.request;
  // A number in JSON, but never a binary float on the way: the digits go into the text as they are.
  const price = withMember(
    { offset: "0d", currency: charge.money.currency, repeat: false },
    "amount",
    toDecimal(charge.money),
  );
  const body = {
    ...defined({ paymentSource, consumer, url, emailOptions }),
    metadata: { ...charge.metadata, chargeId: charge.chargeId, requestId },
  } as JsonObject;
  return {
    method: "POST",
    url: `${endpoint.url}/payment`,
    headers: {
      // The raw key, without a scheme (facts §1).
      Authorization: endpoint.apiKey,
      "Content-Type": "application/json",
      Accept: "application/json",
      "X-Request-ID": requestId,
    },
    body: withMember(body, "sku", withMember(sku as JsonObject, "price", `[${price}]`)),
  };
};

/** The card token of a charge, to be masked wherever it comes back (S12). */
export const secretsOf = (charge: Charge): readonly string[] => {
  const source = charge.request["paymentSource"];
  return ["paymentAccountId", "value"]
    .map((name) => member(source, name))
    .filter((value): value is string => typeof value === "string" && member(source, "type") !== "consumer");
};

/** Who is charged: the consumer's ids, and the saved-card consumer where that is the source. */
export const consumersOf = (charge: Charge): readonly string[] => {
  const consumer = charge.request["consumer"];
  const source = charge.request["paymentSource"];
  const ids = [member(consumer, "id"), member(consumer, "externalId")];
  if (member(source, "type") === "consumer") ids.push(member(source, "value"));
  return ids.filter((value) => typeof value === "string" || typeof value === "number").map(String);
};
