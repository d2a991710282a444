import { type Charge, type ChargeId, parseCharge } from "./charge.ts";
import { canonicalJson, isDeeperThan, isJsonObject, type Json, type JsonObject, parseJson } from "./json.ts";

/** Which charge is looked for: another content under its id is another charge. */
export type SoughtCharge = { readonly chargeId: ChargeId; readonly fingerprint: string };

/** The charge of a text: a charge message, or a route message that carries one. `undefined`: not the one sought. */
export const chargeIn = (
  text: string,
  { chargeId, fingerprint }: SoughtCharge,
  parsers: Parameters<typeof parseCharge>[1],
  sha256: (text: string) => string,
): Charge | undefined => {
  const json: Json | undefined = parseJson(text);
  if (!isJsonObject(json) || isDeeperThan(json, 60)) return undefined;
  const message: JsonObject = isJsonObject(json["charge"]) ? json["charge"] : json;
  if (message["chargeId"] !== chargeId) return undefined;
  if (sha256(canonicalJson(message)) !== fingerprint) return undefined;
  const parsed = parseCharge(JSON.stringify(message), parsers);
  return parsed.ok ? parsed.charge : undefined;
};
