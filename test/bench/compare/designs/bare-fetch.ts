import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { type ChargeMessage, chargeByFetch } from "./gateway-call.ts";

/** The gateway call and nothing else, by fetch. */
export const handler = async (event: SQSEvent): Promise<SQSBatchResponse> => {
  await Promise.all(event.Records.map(({ body }) => chargeByFetch(JSON.parse(body) as ChargeMessage)));
  return { batchItemFailures: [] };
};
