import { createHash } from "node:crypto";
import { isCurrency, minorOf } from "./amount.ts";
import { type Scenario, scenarioNamed, scenarios } from "./scenario.ts";

/** What a payment was made from, as answers show it: never a whole card number, never a token. */
export interface PaidFrom {
  readonly type: string;
  /** Masked: `513284****9161`. */
  readonly number: string;
  readonly brand: "visa" | "mastercard";
  readonly paymentAccountId: string;
  readonly expirationMonth: string;
  readonly expirationYear: string;
}

/** A pay request that the gateway takes. */
export interface PayRequest {
  readonly amountMinor: string;
  readonly currency: string;
  readonly paidFrom: PaidFrom;
  readonly consumer: Readonly<Record<string, unknown>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly chargeId?: string;
  readonly scenario: Scenario;
}

export type ReadPayRequest =
  | { readonly kind: "accepted"; readonly request: PayRequest }
  /** What is wrong, by the field's path. No text repeats a value that was sent. */
  | { readonly kind: "refused"; readonly errors: Readonly<Record<string, string>> };

type Fields = Readonly<Record<string, unknown>>;

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Reads the body of `POST /payment`. Total: whatever came ends as a request or as named errors. */
export function readPayRequest(text: string): ReadPayRequest {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return { kind: "refused", errors: { body: "Body is not JSON" } };
  }
  if (!isFields(body)) return { kind: "refused", errors: { body: "Body is not an object" } };

  const errors: Record<string, string> = {};
  const paidFrom = readPaymentSource(body["paymentSource"], errors);
  const price = readPrice(body["sku"], errors);
  const consumer = readConsumer(body["consumer"], errors);
  const metadata = body["metadata"];
  if (metadata !== undefined && !isFields(metadata)) errors["metadata"] = "Metadata is not an object";
  if (body["url"] !== undefined && !isFields(body["url"])) errors["url"] = "Url is not an object";
  const scenario = readScenario(metadata, errors);
  if (!paidFrom || !price || !consumer || !scenario || Object.keys(errors).length > 0) {
    return { kind: "refused", errors };
  }
  const own = isFields(metadata) ? metadata : undefined;
  const chargeId = own?.["chargeId"];
  return {
    kind: "accepted",
    request: {
      ...price,
      paidFrom,
      consumer,
      scenario,
      ...(own ? { metadata: own } : {}),
      ...(typeof chargeId === "string" ? { chargeId } : {}),
    },
  };
}

function readPaymentSource(source: unknown, errors: Record<string, string>): PaidFrom | undefined {
  if (!isFields(source)) {
    errors["paymentSource"] = "Payment source is missing or not an object";
    return undefined;
  }
  const type = source["type"];
  switch (type) {
    case "paymentAccountId":
    case "paymentAccountIdWithCvv": {
      const account = source["paymentAccountId"];
      if (typeof account === "string" && uuid.test(account)) return paidFrom(type, account);
      errors["paymentSource.paymentAccountId"] = "Payment account id is missing or not a uuid";
      return undefined;
    }
    case "consumer":
    case "token": {
      const value = source["value"];
      if (isText(value, 1, 512)) return paidFrom(type, value);
      errors["paymentSource.value"] = "Value is missing or not a text of 1 to 512 characters";
      return undefined;
    }
    case "card": {
      const number = source["number"];
      const month = source["expirationMonth"];
      const year = source["expirationYear"];
      if (typeof number !== "string" || !/^\d{12,19}$/.test(number)) {
        errors["paymentSource.number"] = "Number is missing or not 12 to 19 digits";
        return undefined;
      }
      return {
        ...paidFrom(type, number),
        number: `${number.slice(0, 6)}****${number.slice(-4)}`,
        ...(isText(month, 2, 2) ? { expirationMonth: month } : {}),
        ...(isText(year, 2, 2) ? { expirationYear: year } : {}),
      };
    }
    default:
      errors["paymentSource.type"] = "Type is missing or not one that this gateway takes";
      return undefined;
  }
}

/** A card made up from what names it, so that one account always shows as one card. */
function paidFrom(type: string, named: string): PaidFrom {
  const hash = createHash("sha256").update(named).digest("hex");
  const digits = digitsOf(hash);
  const isVisa = digits.charCodeAt(0) % 2 === 0;
  const parts = [hash.slice(0, 8), hash.slice(8, 12), `4${hash.slice(13, 16)}`, `a${hash.slice(17, 20)}`];
  return {
    type,
    number: `${isVisa ? "4" : "5"}${digits.slice(1, 6)}****${digits.slice(6, 10)}`,
    brand: isVisa ? "visa" : "mastercard",
    paymentAccountId: uuid.test(named) ? named : [...parts, hash.slice(20, 32)].join("-"),
    expirationMonth: String((digits.charCodeAt(10) % 12) + 1).padStart(2, "0"),
    expirationYear: "29",
  };
}

function readPrice(
  sku: unknown,
  errors: Record<string, string>,
): { amountMinor: string; currency: string } | undefined {
  if (!isFields(sku)) {
    errors["sku"] = "Sku is missing or not an object";
    return undefined;
  }
  if (!isText(sku["siteId"], 5, 36) && !isText(sku["name"], 5, 36)) {
    errors["sku"] = "Sku needs a siteId or a name of 5 to 36 characters";
  }
  if (sku["title"] !== undefined && !isText(sku["title"], 1, 64)) {
    errors["sku.title"] = "Title is not a text of 1 to 64 characters";
  }
  const prices: unknown = sku["price"];
  const price: unknown = Array.isArray(prices) ? prices[0] : undefined;
  if (!isFields(price)) {
    errors["sku.price[0]"] = "Price is missing";
    return undefined;
  }
  const offset = price["offset"];
  if (typeof offset !== "string" || !/^\d{1,12}d$/.test(offset)) {
    errors["sku.price[0].offset"] = "Offset is missing or not a number of days";
  }
  const repeat = price["repeat"];
  if (typeof repeat !== "boolean" && typeof repeat !== "number") {
    errors["sku.price[0].repeat"] = "Repeat is missing or neither boolean nor number";
  }
  const currency = price["currency"];
  if (!isCurrency(currency)) {
    errors["sku.price[0].currency"] = "Currency is missing or unknown";
    return undefined;
  }
  const amount = price["amount"];
  // String() gives the shortest decimal that is this number: the text the client meant, without arithmetic.
  const amountMinor = typeof amount === "number" ? minorOf(String(amount), currency) : undefined;
  if (amountMinor === undefined) {
    errors["sku.price[0].amount"] = "Amount is missing, not positive or finer than the currency";
    return undefined;
  }
  return { amountMinor, currency };
}

/** Consumer fields the gateway gives back; the rest (ip, userAgent, browser…) it keeps to itself. */
const echoed = [
  "id",
  "externalId",
  "email",
  "firstName",
  "lastName",
  "phone",
  "country",
  "state",
  "city",
  "zip",
] as const;

function readConsumer(consumer: unknown, errors: Record<string, string>): Fields | undefined {
  if (!isFields(consumer)) {
    errors["consumer"] = "Consumer is missing or not an object";
    return undefined;
  }
  const named = consumer["id"] ?? consumer["externalId"] ?? consumer["email"];
  if (!isText(named, 1, 255)) {
    errors["consumer"] = "Consumer needs an id, an externalId or an email";
    return undefined;
  }
  if (consumer["externalId"] !== undefined && !isText(consumer["externalId"], 3, 64)) {
    errors["consumer.externalId"] = "External id is not a text of 3 to 64 characters";
  }
  const country = consumer["country"];
  if (country !== undefined && (typeof country !== "string" || !/^[A-Z]{3}$/.test(country))) {
    errors["consumer.country"] = "Country is not an ISO 3166 alpha-3 code";
  }
  const fields = Object.fromEntries(
    echoed.flatMap((name) => (consumer[name] === undefined ? [] : [[name, consumer[name]]])),
  );
  const id = `1${digitsOf(createHash("sha256").update(named).digest("hex")).slice(0, 8)}`;
  return { id, ...fields };
}

function readScenario(metadata: unknown, errors: Record<string, string>): Scenario | undefined {
  const name = isFields(metadata) ? metadata["scenario"] : undefined;
  if (name === undefined) return scenarios.approve;
  const scenario = typeof name === "string" ? scenarioNamed(name) : undefined;
  // A misspelt scenario must not pass as an approval: the test that asked for it would prove nothing.
  if (!scenario) errors["metadata.scenario"] = "No such scenario";
  return scenario;
}

/** Decimal digits made from a hexadecimal hash. */
function digitsOf(hash: string): string {
  return BigInt(`0x${hash}`).toString().slice(-32).padStart(32, "0");
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown, least: number, most: number): value is string {
  return typeof value === "string" && value.length >= least && value.length <= most;
}
