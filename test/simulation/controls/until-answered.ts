import { type Control, callGateway, eachMessage, noUnknowns } from "./control.ts";

const triesMax = 3;
const pauseMs = 2_000;

/** Retries inside the invocation under one id, as HTTP clients do; the next delivery begins anew. */
export const untilAnswered: Control = {
  name: "retry until answered, no ledger",
  what: "a fresh id for each delivery, sent up to three times, then the message comes back",
  maxReceives: 5,
  flows: () => ({
    submit: eachMessage(async ({ body }, worker) => {
      const requestId = worker.ids.requestId();
      for (let tries = 1; ; tries++) {
        try {
          return await callGateway(body, requestId, worker);
        } catch (error) {
          if (tries === triesMax) throw error;
          await worker.clock.sleep(pauseMs);
        }
      }
    }),
    resolve: noUnknowns,
  }),
};
