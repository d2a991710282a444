import { type GatewayName, gatewayNames } from "./charge.ts";
import { isJsonObject, parseJson } from "./json.ts";
import type { WindowRecord } from "./window-record.ts";

/** A window that is to be reconciled, as the queue `reconcile-windows` carries it. Where it stands is in its record. */
export type WindowMessage = { readonly v: 1 } & Pick<WindowRecord, "gateway" | "fromMs" | "toMs" | "pass">;

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

/** The window that a message names; `undefined` where it names none. */
export const parseWindowMessage = (body: string): WindowMessage | undefined => {
  if (body.length > 1_000) return undefined;
  const message = parseJson(body);
  if (!isJsonObject(message) || message["v"] !== 1) return undefined;
  const { gateway, fromMs, toMs, pass } = message;
  if (!isCount(fromMs) || !isCount(toMs) || !isCount(pass)) return undefined;
  if (!(gatewayNames as readonly unknown[]).includes(gateway)) return undefined;
  return { v: 1, gateway: gateway as GatewayName, fromMs, toMs, pass };
};
