import { Agent, request } from "node:https";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { type ChargeMessage, paymentOf } from "./gateway-call.ts";

const agent = new Agent({ keepAlive: true });

const charge = (message: ChargeMessage): Promise<void> =>
  new Promise((resolve, reject) => {
    const { url, headers, body } = paymentOf(message);
    const exchange = request(url, {
      method: "POST",
      agent,
      headers: { ...headers, "content-length": Buffer.byteLength(body) },
    });
    exchange.on("error", reject);
    exchange.on("response", (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => {
        text += chunk;
      });
      answer.on("end", () => {
        const { payment } = JSON.parse(text) as { payment: { status: string } };
        if (payment.status === "success") resolve();
        else reject(new Error(payment.status));
      });
    });
    exchange.end(body);
  });

/** The gateway call and nothing else, by node:https on connections that are kept. */
export const handler = async (event: SQSEvent): Promise<SQSBatchResponse> => {
  await Promise.all(event.Records.map(({ body }) => charge(JSON.parse(body) as ChargeMessage)));
  return { batchItemFailures: [] };
};
