import type { Brand } from "./brand.ts";
import { findCardData } from "./card-data.ts";
import { holdsCardNumber } from "./card-number.ts";
import {
  asString,
  canonicalJson,
  inKeyOrder,
  isDeeperThan,
  isJsonObject,
  type Json,
  type JsonObject,
  parseJson,
  repeatedName,
} from "./json.ts";
import { type Money, parseAmountMinor, parseCurrency } from "./money.ts";

/** The merchant's own id of a charge: the same id is the same charge, for ever. */
export type ChargeId = Brand<string, "ChargeId">;
/** The idempotency key under which one attempt is sent to the gateway. */
export type RequestId = Brand<string, "RequestId">;
/** Who may write an entry: the next write names the token of the one before (S7). */
export type LeaseToken = Brand<string, "LeaseToken">;

export const gatewayNames = ["centrobill", "centrapay"] as const;
export type GatewayName = (typeof gatewayNames)[number];

/** The gateway's own part of a message, checked by that gateway's `parseRequest`. */
export type GatewayRequest = Brand<JsonObject, "GatewayRequest">;

export type Instrument = { readonly ref: string; readonly network?: string };

/** A charge as accepted. Only `parseCharge` makes one. */
export type Charge = {
  readonly chargeId: ChargeId;
  readonly gateway: GatewayName;
  readonly money: Money;
  /** milliseconds since 1970: never *first* sent later than this */
  readonly notAfterMs?: number;
  readonly instrument?: Instrument;
  readonly metadata: Readonly<Record<string, string>>;
  readonly request: GatewayRequest;
  /** the message word for word, as JSON: what the route message carries */
  readonly message: JsonObject;
  /** its canonical text (`canonicalJson`): what its fingerprint is taken of */
  readonly canonical: string;
};

/** One thing that is wrong with a message: the place, and what it must be. Never holds a value as it came. */
export type Problem = { readonly field: string; readonly must: string };

/** Checks the gateway's part of a message; the problems' fields start with `request`. */
export type RequestParser = (request: JsonObject) => readonly Problem[];

export type RefusalCode =
  | "invalid_message"
  | "card_number"
  | "security_code"
  | "gateway_not_available"
  | "message_too_large";

/** A message that is not a charge. */
export type Refusal = {
  readonly code: RefusalCode;
  readonly problems: readonly Problem[];
  /** where the message has a readable one */
  readonly chargeId?: ChargeId;
};

export type ParsedCharge =
  | { readonly ok: true; readonly charge: Charge }
  | { readonly ok: false; readonly refusal: Refusal };

/** Longest message that is read, in UTF-16 units. */
export const messageLengthMax = 65_536;
/**
 * Most bytes that a message may take as its copy in a route message, which has at most 256 KiB: a charge whose
 * outcome no queue takes would be captured and never told.
 */
const copyBytesMax = 200_000;

/** The bytes of a text on a queue, as `queueJson` writes it: beyond U+FFFF each of two units is escaped. */
const queueBytesOf = (text: string): number => {
  let bytes = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    bytes +=
      unit < 0x80 ? 1 : unit < 0x800 ? 2 : (unit >= 0xd800 && unit <= 0xdfff) || unit >= 0xfffe ? 6 : 3;
  }
  return bytes;
};

const nestingMax = 12;

const chargeIdPattern = /^[A-Za-z0-9._:-]{1,64}$/;
const isoUtcPattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?Z$/;
const topLevelFields = new Set([
  "v",
  "chargeId",
  "gateway",
  "amount",
  "currency",
  "notAfter",
  "instrument",
  "metadata",
  "request",
]);
/** The worker's own references ride in the gateway's metadata under these names. */
const reservedMetadata = new Set(["chargeId", "requestId"]);

/** A charge id, or `undefined` where the text cannot be one (a card number cannot). */
export const parseChargeId = (value: unknown): ChargeId | undefined =>
  typeof value === "string" && chargeIdPattern.test(value) && !holdsCardNumber(value)
    ? (value as ChargeId)
    : undefined;

const parseUtc = (value: unknown): number | undefined => {
  if (typeof value !== "string" || !isoUtcPattern.test(value)) return undefined;
  const ms = Date.parse(value);
  // Date.parse rolls 30 February over to March; a day that does not exist is a mistake.
  return Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(value.slice(0, 16)) ? undefined : ms;
};

const parseInstrument = (value: unknown, problems: Problem[]): Instrument | undefined => {
  if (value === undefined) return undefined;
  if (!isJsonObject(value)) {
    problems.push({ field: "instrument", must: "be an object with a ref" });
    return undefined;
  }
  for (const key of Object.keys(value))
    if (key !== "ref" && key !== "network") problems.push(unknownField(`instrument.${key}`));
  const ref = asString(value["ref"]);
  const network = value["network"];
  if (ref === undefined || ref.length < 1 || ref.length > 200)
    problems.push({ field: "instrument.ref", must: "be a string of 1 to 200 characters" });
  if (network !== undefined && (typeof network !== "string" || !/^[A-Za-z0-9 _-]{1,40}$/.test(network)))
    problems.push({ field: "instrument.network", must: "be a string of 1 to 40 letters or digits" });
  return typeof network === "string" ? { ref: ref ?? "", network } : { ref: ref ?? "" };
};

const checkMetadata = (value: Json | undefined, problems: Problem[]): void => {
  if (value === undefined) return;
  if (!isJsonObject(value)) {
    problems.push({ field: "metadata", must: "be an object of strings" });
    return;
  }
  const entries = Object.entries(value);
  if (entries.length > 20) problems.push({ field: "metadata", must: "have at most 20 entries" });
  for (const [key, text] of entries.slice(0, 20)) {
    const field = `metadata.${key.slice(0, 60)}`;
    if (typeof text !== "string" || text.length > 500)
      problems.push({ field, must: "be a string of at most 500 characters" });
    if (key.length > 100) problems.push({ field, must: "have a name of at most 100 characters" });
    if (reservedMetadata.has(key))
      problems.push({ field, must: "not be set: the worker puts its own reference there" });
  }
};

export const unknownField = (field: string): Problem => ({
  field: field.slice(0, 120),
  must: "not be there: no such field",
});

const refuse = (code: RefusalCode, problems: readonly Problem[], chargeId?: ChargeId): ParsedCharge => ({
  ok: false,
  refusal: chargeId === undefined ? { code, problems } : { code, problems, chargeId },
});

type RequestParsers = Readonly<Partial<Record<GatewayName, RequestParser>>>;

/**
 * The only way in: reads a queue message's body. Never throws, whatever the text is. A card number anywhere
 * refuses the message (S12); so does a field that is not known, since a typo must not be ignored where money
 * is concerned.
 * @param gateways the parser of each gateway that this worker has; a known gateway without one is refused.
 */
export const parseCharge = (body: string, gateways: RequestParsers): ParsedCharge => {
  if (body.length > messageLengthMax)
    return refuse("message_too_large", [
      { field: "message", must: `have at most ${messageLengthMax} characters` },
    ]);
  const message = parseJson(body);
  if (message === undefined) return refuse("invalid_message", [{ field: "message", must: "be JSON" }]);
  return readCharge(message, gateways, body);
};

/**
 * The text that a charge's fingerprint is made of, of a message that is refused: an earlier version, less strict, may
 * have accepted it. Empty where none can have.
 */
export const canonicalOfRefused = (body: string): string => {
  const message = parseJson(body) ?? null;
  return isDeeperThan(message, nestingMax) ? "" : canonicalJson(message);
};

/**
 * The same for a message that is JSON already.
 * @param body its text, where it is new: a copy may be too large for a queue, and a name may be there twice; in no
 * message is that so that was accepted before
 */
export const readCharge = (message: Json, gateways: RequestParsers, body = ""): ParsedCharge => {
  if (!isJsonObject(message))
    return refuse("invalid_message", [{ field: "message", must: "be a JSON object" }]);

  const chargeId = parseChargeId(message["chargeId"]);
  const cardData = findCardData(message);
  if (cardData !== undefined) {
    const { code, field, must } = cardData;
    return refuse(code, [{ field, must }], chargeId);
  }
  // What is nested deeper than any field needs would overflow the stack of whoever walks it later.
  if (isDeeperThan(message, nestingMax))
    return refuse(
      "invalid_message",
      [{ field: "message", must: `be nested at most ${nestingMax} deep` }],
      chargeId,
    );

  // Shorter ones cannot be too large, and are nearly all there are.
  if (body.length > copyBytesMax / 6 && queueBytesOf(JSON.stringify(message)) > copyBytesMax)
    return refuse(
      "message_too_large",
      [{ field: "message", must: `take at most ${copyBytesMax} bytes on a queue` }],
      chargeId,
    );

  const problems: Problem[] = [];
  for (const key of Object.keys(message)) if (!topLevelFields.has(key)) problems.push(unknownField(key));
  // Which of two amounts was meant, nobody can say. As JSON itself writes it, which is how most come, no name is there
  // twice.
  const repeated = JSON.stringify(message) === body ? undefined : repeatedName(body);
  if (repeated !== undefined) problems.push({ field: repeated.slice(0, 120), must: "be there once" });
  if (message["v"] !== 1) problems.push({ field: "v", must: "be 1" });
  if (chargeId === undefined)
    problems.push({ field: "chargeId", must: "be 1 to 64 characters of A-Z a-z 0-9 . _ : -" });
  const gateway = gatewayNames.find((name) => name === message["gateway"]);
  if (gateway === undefined)
    problems.push({ field: "gateway", must: `be one of ${gatewayNames.join(", ")}` });
  const amountMinor = parseAmountMinor(message["amount"]);
  if (amountMinor === undefined)
    problems.push({
      field: "amount",
      must: "be a string of digits, the amount in minor units, above 0 and below 100000000",
    });
  const currency = typeof message["currency"] === "string" ? parseCurrency(message["currency"]) : undefined;
  if (currency === undefined)
    problems.push({ field: "currency", must: "be an ISO 4217 code of three capital letters" });
  const notAfterMs = parseUtc(message["notAfter"]);
  if (message["notAfter"] !== undefined && notAfterMs === undefined)
    problems.push({ field: "notAfter", must: "be a UTC time like 2026-11-22T18:00:00Z" });
  const instrument = parseInstrument(message["instrument"], problems);
  checkMetadata(message["metadata"], problems);
  const request = message["request"];
  const parseRequest = gateway === undefined ? undefined : gateways[gateway];
  if (!isJsonObject(request)) problems.push({ field: "request", must: "be an object" });
  else if (parseRequest !== undefined) problems.push(...parseRequest(request));

  if (
    problems.length > 0 ||
    chargeId === undefined ||
    gateway === undefined ||
    amountMinor === undefined ||
    currency === undefined ||
    !isJsonObject(request)
  )
    return refuse("invalid_message", problems.slice(0, 20), chargeId);
  if (parseRequest === undefined)
    return refuse(
      "gateway_not_available",
      [{ field: "gateway", must: "be a gateway that this worker has" }],
      chargeId,
    );
  const ordered = inKeyOrder(message);
  return {
    ok: true,
    charge: {
      chargeId,
      gateway,
      money: { amountMinor, currency },
      // In one order of keys: a resend built from another writing of the message is the same, byte for byte.
      metadata: (ordered["metadata"] ?? {}) as Readonly<Record<string, string>>,
      request: ordered["request"] as GatewayRequest,
      message,
      canonical: JSON.stringify(ordered),
      ...(notAfterMs === undefined ? {} : { notAfterMs }),
      ...(instrument === undefined ? {} : { instrument }),
    },
  };
};
