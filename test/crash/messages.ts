import { readFileSync } from "node:fs";
import { parseCharge } from "../../lib/core/charge.ts";
import { isJsonObject, type JsonObject, parseJson } from "../../lib/core/json.ts";
import { requestParsers } from "../../lib/gateways/registry.ts";

export type CrashMessage = {
  readonly chargeId: string;
  readonly body: string;
  /** whether it is a charge, by its own words */
  readonly valid: boolean;
};

/** Charge messages without an end, made of the sample file's: its scenarios and its mistakes, in its shares. */
export const messagesOf = (name: string, fraction: () => number): (() => CrashMessage) => {
  const file = new URL("../../infra/local/samples/centrobill.ndjson", import.meta.url);
  const samples = readFileSync(file, "utf8")
    .split("\n")
    .map(parseJson)
    .filter((line): line is JsonObject => isJsonObject(line) && typeof line["chargeId"] === "string");
  let serial = 0;
  return () => {
    serial += 1;
    const chargeId = `${name}-${serial}`;
    const body = JSON.stringify({ ...samples[Math.floor(fraction() * samples.length)], chargeId });
    return { chargeId, body, valid: parseCharge(body, requestParsers).ok };
  };
};
