import type { GatewayName } from "../core/charge.ts";
import type { Gateway } from "../core/gateway.ts";
import { type CentrobillOptions, centrobill } from "./centrobill/index.ts";

/** What each gateway of this worker needs. A gateway without options is not there. */
export type GatewayOptions = { readonly centrobill?: CentrobillOptions };

/** The gateways of this worker: a new one is a line here. */
export const gatewaysOf = (options: GatewayOptions): Readonly<Partial<Record<GatewayName, Gateway>>> => ({
  ...(options.centrobill === undefined ? {} : { centrobill: centrobill(options.centrobill) }),
});
