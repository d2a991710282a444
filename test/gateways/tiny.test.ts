import type { Problem } from "../../lib/core/charge.ts";
import { unknownField } from "../../lib/core/charge.ts";
import type { Gateway } from "../../lib/core/gateway.ts";
import {
  asString,
  isJsonObject,
  type Json,
  type JsonObject,
  member,
  parseJson,
} from "../../lib/core/json.ts";
import { fromDecimal, parseCurrency, toDecimal } from "../../lib/core/money.ts";
import type { Asked, Echo, GatewayReply } from "../../lib/core/reply.ts";
import type { WireRequest } from "../../lib/core/transport.ts";
import { gatewayContract } from "./gateway-contract.ts";
import { replied } from "./replied.ts";

// "Add a gateway" of the README, followed to the letter with the smallest gateway there can be: one call, no
// feed, no look-up. What the contract suite asks of it is what it asks of every gateway.

const source = "the tiny gateway's page";
const apiKey = "tiny-key-77aa88bb99cc";
const requestFields = new Set(["wallet"]);

const readReply: Gateway["rules"]["readReply"] = (reply): GatewayReply => {
  const body = parseJson(reply.body);
  const unproven: GatewayReply = { kind: "unproven", why: "unreadable", ids: {} };
  if (!isJsonObject(body)) return unproven;
  const code = asString(body["code"]);
  const echo: Echo = {
    ...(typeof body["amount"] === "string" ? { amount: body["amount"] } : {}),
    ...(typeof body["currency"] === "string" ? { currency: body["currency"] } : {}),
    ...(body["ref"] === undefined ? {} : { chargeId: JSON.stringify(body["ref"]).replaceAll('"', "") }),
    ...(body["key"] === undefined ? {} : { requestId: JSON.stringify(body["key"]).replaceAll('"', "") }),
  };
  if (code === undefined) return unproven;
  if (body["result"] === "paid" && code === "0") return { kind: "captured", echo, ids: {}, code };
  if (body["result"] === "refused" && code !== "0") return { kind: "refused", echo, ids: {}, code };
  return { kind: "unproven", why: "unlisted", ids: {} };
};

const tiny: Gateway = {
  // Names are a closed list in core; here it stands in the place of one of them.
  name: "centrapay",
  parseRequest(request): readonly Problem[] {
    const wallet = request["wallet"];
    return [
      ...Object.keys(request)
        .filter((name) => !requestFields.has(name))
        .map((name) => unknownField(`request.${name}`)),
      ...(typeof wallet === "string" && /^[a-z0-9-]{1,64}$/.test(wallet)
        ? []
        : [{ field: "request.wallet", must: "be an id of small letters, digits and -" }]),
    ];
  },
  rules: {
    statuses: {
      200: { meaning: "read", source },
      400: { meaning: "requestError", source },
      500: { meaning: "fault", source },
    },
    declines: {
      codes: { "7": { category: "insufficient_funds", source, basis: "documented" } },
      ranges: [],
      codeCategories: {},
    },
    refusesAccount: ({ status }) => status === 401,
    readReply,
    readRequestError: (reply) => ({ code: `http_${reply.status}` }),
  },
  chargeRequest: (charge, requestId): WireRequest => ({
    method: "POST",
    url: "https://tiny.example/charge",
    headers: { "X-Key": apiKey, "Content-Type": "application/json" },
    body: JSON.stringify({
      key: requestId,
      ref: charge.chargeId,
      amount: toDecimal(charge.money),
      currency: charge.money.currency,
      wallet: charge.request["wallet"],
    }),
  }),
  secretsOf: (charge) => [String(charge.request["wallet"]), apiKey],
  consumersOf: () => [],
  excerptOf: (reply) => {
    const body = parseJson(reply.body);
    return `result=${asString(member(body, "result")) ?? "?"}`.slice(0, 40).replace(/[^\w=?]/g, "");
  },
  probeOf: () => ({
    request: { method: "GET", url: "https://tiny.example/ping", headers: { "X-Key": apiKey } },
    opens: ({ status }) => status === 200,
  }),
  feed: undefined,
};

const bodyOf = ([request]: readonly WireRequest[]): Json => parseJson(request?.body ?? "") ?? null;
const answer = ({ chargeId, requestId, amountMinor, currency }: Asked, more: JsonObject) => {
  const known = parseCurrency(currency);
  if (known === undefined) throw new Error("not a currency");
  const amount = toDecimal({ amountMinor, currency: known });
  if (fromDecimal(amount, known) !== amountMinor) throw new Error("not the amount");
  return replied(200, { ref: chargeId, key: requestId, amount, currency, ...more });
};

gatewayContract("a third, tiny one", {
  gateway: tiny,
  credentials: [apiKey],
  requests: { "a wallet": { wallet: "wallet-5f3a9c" } },
  amounts: [
    ["EUR", "1999", "19.99"],
    ["JPY", "500", "500"],
    ["KWD", "1500", "1.500"],
    ["CLF", "123456", "12.3456"],
  ],
  requestIdsIn: (sent) => [member(bodyOf(sent), "key")],
  chargeIdIn: (sent) => member(bodyOf(sent), "ref"),
  currencyIn: (sent) => member(bodyOf(sent), "currency"),
  amountIn: (sent) => asString(member(bodyOf(sent), "amount")),
  cardTokensIn: (sent) => [String(member(bodyOf(sent), "wallet"))],
  echoes: { chargeId: true, requestId: true, inDeclines: true },
  answers: {
    approved: (asked) => answer(asked, { result: "paid", code: "0" }),
    declined: (asked) => answer(asked, { result: "refused", code: "7" }),
    pending: () => undefined,
    requestError: () => replied(400, { message: "no" }),
  },
  vocabulary: ["paid", "refused", "0", "7", "19.99", "EUR"],
});
