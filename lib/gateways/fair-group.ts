import type { GatewayName } from "../core/charge.ts";
import { asString, isJsonObject, type Json, member, parseJson } from "../core/json.ts";

/** Whose charge it is at each gateway: what one merchant's flood has in common. */
const accountOf: Readonly<Record<GatewayName, (request: Json | undefined) => string | undefined>> = {
  centrobill: (request) => {
    const sku = member(request, "sku");
    return asString(member(sku, "siteId")) ?? asString(member(sku, "name"));
  },
  centrapay: (request) =>
    asString(member(request, "merchantAccountId")) ?? asString(member(request, "paymentRequestId")),
};

/** SQS takes 128 characters of these. */
const notAllowed = /[^\w.:-]/g;
const lengthMax = 128;

/**
 * The group under which a charge message stands in line: SQS's fair queues let no group's backlog hold up the
 * others (`MessageGroupId` on a standard queue). One gateway account's charges are a group.
 * @param body a message's text; `undefined` where it names no gateway
 */
export const fairGroupOf = (body: string): string | undefined => {
  const message = parseJson(body);
  const gateway = isJsonObject(message) ? asString(message["gateway"]) : undefined;
  if (gateway === undefined || !Object.hasOwn(accountOf, gateway)) return undefined;
  const account = accountOf[gateway as GatewayName](member(message, "request"));
  return (account === undefined ? gateway : `${gateway}:${account}`)
    .replace(notAllowed, "_")
    .slice(0, lengthMax);
};
