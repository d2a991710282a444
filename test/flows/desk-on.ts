import type { Desk } from "../../lib/ports.ts";
import type { Stage } from "./stage.ts";

/** A desk over the stage's ledger and gateway; its charges queue is the stage's own. */
export const deskOn = (on: Stage): Desk & { readonly put: { body: string; delayMs: number }[] } => {
  const put: { body: string; delayMs: number }[] = [];
  return {
    ...on.worker(),
    put,
    recordOf: async (id) => ({ entry: on.entry(id), notices: on.notices.notedOf(id) }),
    charges: {
      async send(body, delayMs) {
        put.push({ body, delayMs });
        on.send(body, "charges", delayMs);
      },
    },
  };
};
