import { type Charge, parseCharge, type RequestId } from "../../../lib/core/charge.ts";
import { isJsonObject, member, parseJson } from "../../../lib/core/json.ts";
import type { ChargeQueueName } from "../../../lib/core/queues.ts";
import type { RouteMessage } from "../../../lib/core/route-message.ts";
import type { DeliveryEnd } from "../../../lib/ports.ts";
import type { Flow, Flows, SimWorker } from "../world.ts";

/** Another design for the same job, in the same world: what its users would have seen. */
export type Control = {
  readonly name: string;
  readonly what: string;
  /** receives before a message becomes a dead letter; people redrive them later */
  readonly maxReceives: number;
  /** a world of its own: what it keeps is gone with it */
  readonly flows: () => Flows;
};

export type ControlOutcome = "approved" | "declined_permanent" | "request_error";

const queueOf: Readonly<Record<ControlOutcome, ChargeQueueName>> = {
  approved: "approved",
  declined_permanent: "permanent-declines",
  request_error: "request-errors",
};

/** No answer that ends a charge: the message is to come back. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
}

const readCharge = (body: string, worker: SimWorker): Charge => {
  const parsed = parseCharge(body, {
    centrobill: (request) => worker.gateways.centrobill?.parseRequest(request) ?? [],
  });
  if (!parsed.ok) throw new TypeError("the world's charges are charges");
  return parsed.charge;
};

/** The gateway call as its documents have it: success with code 0 is an approval, any other code a decline. */
export const callGateway = async (
  body: string,
  requestId: string,
  worker: SimWorker,
): Promise<ControlOutcome> => {
  const charge = readCharge(body, worker);
  const { centrobill } = worker.gateways;
  if (centrobill === undefined) throw new TypeError("a world without its gateway");
  const transport = await worker.wire.send(centrobill.chargeRequest(charge, requestId as RequestId), {
    timeoutMs: worker.gatewayTimeoutMs,
  });
  if (transport.kind !== "replied") throw new NoAnswer(transport.cause);
  if (transport.status >= 400 && transport.status < 500 && transport.status !== 429) return "request_error";
  const payment = member(parseJson(transport.body), "payment");
  if (transport.status !== 201 || !isJsonObject(payment)) throw new NoAnswer(`HTTP ${transport.status}`);
  if (payment["status"] === "pending") throw new NoAnswer("pending");
  return String(payment["code"]) === "0" && payment["status"] === "success"
    ? "approved"
    : "declined_permanent";
};

const tell = (chargeId: string, outcome: ControlOutcome, worker: SimWorker): Promise<void> =>
  worker.queues.send(queueOf[outcome], {
    v: 1,
    id: `${chargeId}#1#${outcome}`,
    chargeId,
    attempt: 1,
    outcome,
    at: "",
  } as unknown as RouteMessage);

/** How long a message that failed stays away: the queue's own visibility time-out, as people leave it. */
const comesBackMs = 30_000;

/** A flow that works each message by itself, and gives back what throws. */
export const eachMessage =
  (
    work: (
      message: { readonly id: string; readonly body: string; readonly chargeId: string },
      worker: SimWorker,
    ) => Promise<ControlOutcome>,
  ): Flow =>
  async (deliveries, worker) => {
    const ends = await Promise.all(
      deliveries.map(({ messageId, body }) =>
        worker.limit(async (): Promise<readonly [string, DeliveryEnd]> => {
          const chargeId = String(member(parseJson(body), "chargeId"));
          try {
            await tell(chargeId, await work({ id: messageId, body, chargeId }, worker), worker);
            return [messageId, { kind: "done" }];
          } catch {
            return [messageId, { kind: "giveBack", delayMs: comesBackMs }];
          }
        }),
      ),
    );
    return new Map(ends);
  };

/** None of the controls has unknowns: nothing ever comes onto that queue. */
export const noUnknowns: Flow = async (deliveries) =>
  new Map(deliveries.map(({ messageId }) => [messageId, { kind: "done" as const }]));
