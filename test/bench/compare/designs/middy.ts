import middy from "@middy/core";
import partialBatchFailure from "@middy/sqs-partial-batch-failure";
import type { SQSEvent } from "aws-lambda";
import { type ChargeMessage, chargeByFetch } from "./gateway-call.ts";
import { keepOutcome } from "./outcome-row.ts";

/** middy's partial batch around the call, all of a batch at once, and an outcome row. Nothing stops a repeat. */
export const handler = middy<SQSEvent>()
  .use(partialBatchFailure())
  .handler((event: SQSEvent) =>
    Promise.allSettled(
      event.Records.map(async ({ body }) => {
        const message = JSON.parse(body) as ChargeMessage;
        await keepOutcome(message, await chargeByFetch(message));
      }),
    ),
  );
