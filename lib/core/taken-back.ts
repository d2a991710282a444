import { adviceOf } from "./decline.ts";
import type { UnknownEntry } from "./ledger.ts";
import type { Resolution } from "./resolution.ts";

const category = "issuer_unavailable";

/**
 * The end of a charge that we took back ourselves, as what it is: nobody refused it, so that it may be charged
 * by a later attempt. Everything else is left as it was found.
 * @param voidedAs the code under which the gateway shows what we took back; `undefined`: it takes nothing back
 */
export const asTakenBack = (
  resolution: Resolution,
  { voidingAtMs }: UnknownEntry,
  voidedAs: string | undefined,
): Resolution =>
  resolution.kind === "settle" &&
  resolution.state === "declined_permanent" &&
  // That a void was begun is enough: the write of its answer may have been lost.
  voidingAtMs !== undefined &&
  voidedAs !== undefined &&
  resolution.ending.code === voidedAs
    ? {
        ...resolution,
        state: "declined_retryable",
        ending: {
          category,
          code: voidedAs,
          description: "voided by chargeonce: what became of it could not be found out in time",
          retry: adviceOf[category],
        },
      }
    : resolution;
