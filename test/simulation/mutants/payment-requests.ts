import type { Gateway } from "../../../lib/core/gateway.ts";
import type { LedgerEntry } from "../../../lib/core/ledger.ts";
import type { Transport, WireRequest } from "../../../lib/core/transport.ts";
import type { Worker } from "../../../lib/ports.ts";
import type { Mutant } from "./mutant.ts";

const withBody = (
  sound: Worker,
  change: (body: string, request: WireRequest, status: number) => string,
): Worker => ({
  ...sound,
  wire: {
    async send(request, limits): Promise<Transport> {
      const transport = await sound.wire.send(request, limits);
      return transport.kind === "replied"
        ? { ...transport, body: change(transport.body, request, transport.status) }
        : transport;
    },
  },
});

const withCentrapay = (sound: Worker, change: (gateway: Gateway) => Partial<Gateway>): Worker => {
  const { centrapay } = sound.gateways;
  return centrapay === undefined
    ? sound
    : { ...sound, gateways: { ...sound.gateways, centrapay: { ...centrapay, ...change(centrapay) } } };
};

const forgetsTheLost = (entry: LedgerEntry): LedgerEntry =>
  entry.preparation?.lostAtMs === undefined ? entry : { ...entry, preparation: {} };

/** Mistakes with Centrapay's Payment Requests, and in what its words are taken for. */
export const paymentRequests: readonly Mutant[] = [
  {
    name: "second-payment-request",
    what: "a create that was lost is made again, and nobody looks for the first",
    caughtBy: ["noSecondPaymentRequest"],
    worker: (sound) => ({
      ...sound,
      ledger: {
        ...sound.ledger,
        async open(entry) {
          const opened = await sound.ledger.open(entry);
          return opened.kind === "opened" ? opened : { ...opened, entry: forgetsTheLost(opened.entry) };
        },
      },
    }),
  },
  {
    name: "quick-pay-look-up-is-harmless",
    what: "the GET that pays is made as a look-up, by whoever asks",
    caughtBy: ["sentOnlyUnderLease"],
    ways: ["quickPay"],
    worker: (sound) =>
      withCentrapay(sound, (gateway) => ({
        lookUpOf: (charge) => {
          const lookUp = gateway.lookUpOf?.(charge);
          if (lookUp === undefined) throw new TypeError("no look-up");
          return { ...lookUp, maySetOff: () => false };
        },
      })),
  },
  {
    name: "remainder-is-approved",
    what: "paid is approved, whatever remains to be paid",
    caughtBy: ["approvedMeansCaptured"],
    ways: ["quickPay"],
    worker: (sound) => withBody(sound, (body) => body.replace(/,"remainingAmount":"\d+"/, "")),
  },
  {
    name: "request-paid-is-a-decline",
    what: "REQUEST_PAID is the last word, though our own payment may be the one",
    caughtBy: ["declinedMeansNotCaptured"],
    ways: ["pay"],
    worker: (sound) =>
      withCentrapay(sound, ({ rules }) => ({
        rules: {
          ...rules,
          readReply: (reply) =>
            reply.status === 403 && reply.body.includes("REQUEST_PAID")
              ? { kind: "refused", echo: {}, ids: {}, code: "REQUEST_PAID", conclusive: true }
              : rules.readReply(reply),
        },
      })),
  },
  {
    name: "unconfirmed-is-a-decline",
    what: "PAYMENT_UNCONFIRMED is called a decline",
    caughtBy: ["declinedMeansNotCaptured"],
    worker: (sound) => withBody(sound, (body) => body.replace(/PAYMENT.UNCONFIRMED/i, "PAYMENT_DECLINED")),
  },
  {
    name: "new-is-a-decline",
    what: "a Payment Request that is still new is called unpaid for good",
    caughtBy: ["declinedMeansNotCaptured"],
    worker: (sound) =>
      withBody(sound, (body, { method }) =>
        method === "GET" ? body.replace('"status":"new"', '"status":"expired"') : body,
      ),
  },
];
