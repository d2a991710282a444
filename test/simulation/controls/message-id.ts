import { type Control, callGateway, eachMessage, noUnknowns } from "./control.ts";

/** The gateway recognises a repeat of one message; a second message of one charge, or a late one, it does not. */
export const messageIdAsKey: Control = {
  name: "SQS, try/catch, message id as key",
  what: "each message is sent under its own id, and comes back when that throws",
  maxReceives: 5,
  flows: () => ({
    submit: eachMessage(({ id, body }, worker) => callGateway(body, id, worker)),
    resolve: noUnknowns,
  }),
};
