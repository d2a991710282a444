import type { GatewayName, RequestParser } from "../core/charge.ts";
import type { Gateway } from "../core/gateway.ts";
import { parseRequest as parseCentrapayRequest } from "./centrapay/charge-request.ts";
import { type CentrapayOptions, centrapay } from "./centrapay/index.ts";
import { parseRequest as parseCentrobillRequest } from "./centrobill/charge-request.ts";
import { type CentrobillOptions, centrobill } from "./centrobill/index.ts";

/** What each gateway of this worker needs. A gateway without options is not there. */
export type GatewayOptions = {
  readonly centrobill?: CentrobillOptions;
  readonly centrapay?: CentrapayOptions;
};

/** The gateways of this worker: a new one is a line here. */
export const gatewaysOf = (options: GatewayOptions): Readonly<Partial<Record<GatewayName, Gateway>>> => ({
  ...(options.centrobill === undefined ? {} : { centrobill: centrobill(options.centrobill) }),
  ...(options.centrapay === undefined ? {} : { centrapay: centrapay(options.centrapay) }),
});

/** How each gateway's part of a message is checked, for whoever has no gateway at hand. */
export const requestParsers: Readonly<Partial<Record<GatewayName, RequestParser>>> = {
  centrobill: parseCentrobillRequest,
  centrapay: parseCentrapayRequest,
};
