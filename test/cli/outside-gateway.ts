import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as wait } from "node:timers/promises";

type Payment = {
  readonly transactionId: string;
  readonly requestId: string;
  readonly chargeId: string;
  readonly amount: number;
  readonly currency: string;
  status: string;
  code: number | string;
  readonly unixTime: number;
  /** epoch ms from which the feed has it */
  readonly inFeedAt: number;
  readonly consumer: unknown;
};

/** How a gateway that is not the sandbox treats one charge, by the beginning of its id. */
type Treatment = (context: {
  /** which send of this request id it is, from 1 */
  readonly nth: number;
  readonly answer: (status: number, body: unknown) => void;
  /** processes the payment once for its request id, and says what came of it */
  readonly process: (status?: string, code?: number | string) => Payment;
  readonly told: (payment: Payment) => object;
  readonly hangUp: () => void;
}) => void | Promise<void>;

/** Scenarios that the sandbox does not have. */
export const treatments: Readonly<Record<string, Treatment>> = {
  plain: ({ answer, process, told }) => answer(201, told(process())),
  stringCode: ({ answer, process, told }) => answer(201, told(process("success", "0000"))),
  declineString: ({ answer, process, told }) => answer(201, told(process("fail", "5051"))),
  // Captured long after the worker has given up both sends.
  lateCapture: async ({ nth, process }) => {
    if (nth > 1) return;
    await wait(2_500);
    process();
  },
  // The answer arrives, whole, after the time-out.
  lateAnswer: async ({ answer, process, told }) => {
    const payment = process();
    await wait(1_500);
    answer(201, told(payment));
  },
  // 409 while the first one is in flight, as some gateways do.
  conflict: ({ nth, answer, process, hangUp }) => {
    if (nth === 1) {
      process();
      hangUp();
    } else answer(409, { message: "in progress" });
  },
  // An approval on paper: success, but a code that is none.
  noCode: ({ answer, process, told }) => {
    const payment = process();
    const body = told(payment) as { payment: Record<string, unknown> };
    answer(201, { ...body, payment: { ...body.payment, code: undefined } });
  },
  // 200 instead of 201, with an approval in it.
  status200: ({ answer, process, told }) => answer(200, told(process())),
  // Says declined first, then the transaction turns out captured.
  declinedThenCaptured: ({ answer, process, told }) => {
    const payment = process("success", 0);
    answer(201, {
      payment: { ...(told(payment) as { payment: object }).payment, status: "fail", code: 0 },
    });
  },
  // A proxy's page with the right status.
  html201: ({ answer, process }) => {
    process();
    answer(201, "<html>ok</html>");
  },
  never: ({ hangUp }) => hangUp(),
  emptyObject: ({ answer, process }) => {
    process();
    answer(201, {});
  },
  teapot: ({ answer }) => answer(418, { message: "no" }),
};

export type OutsideGateway = {
  readonly url: string;
  readonly feedUrl: string;
  capturesOf(chargeId: string): number;
  sends(): number;
  close(): Promise<void>;
};

/** A gateway after the documents that shares no line with the sandbox; a charge's id says how it is treated. */
export const startOutsideGateway = async (feedLagMs = 300): Promise<OutsideGateway> => {
  const payments: Payment[] = [];
  const byRequestId = new Map<string, Payment>();
  const sendsById = new Map<string, number>();
  let sends = 0;

  const told = (payment: Payment): object => ({
    payment: {
      code: payment.code,
      status: payment.status,
      action: "charge",
      mode: "sale",
      description: payment.status,
      amount: payment.amount,
      currency: payment.currency,
      transactionId: payment.transactionId,
      orderId: `9${payment.transactionId}`,
      timestamp: { unixTime: payment.unixTime },
    },
    consumer: payment.consumer,
    metadata: { chargeId: payment.chargeId, requestId: payment.requestId },
  });

  const pay = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = JSON.parse(Buffer.concat(chunks).toString()) as {
      metadata: { chargeId: string; requestId: string };
      sku: { price: [{ amount: number; currency: string }] };
      consumer: unknown;
    };
    const requestId = String(request.headers["x-request-id"]);
    const nth = (sendsById.get(requestId) ?? 0) + 1;
    sendsById.set(requestId, nth);
    sends += 1;
    const { chargeId } = body.metadata;
    const treatment = treatments[chargeId.split("-")[0] ?? ""] ?? treatments["plain"];
    await treatment?.({
      nth,
      told,
      answer: (status, value) => {
        if (response.destroyed) return;
        const text = typeof value === "string" ? value : JSON.stringify(value);
        response.writeHead(status, { "Content-Length": Buffer.byteLength(text) }).end(text);
      },
      process: (status = "success", code = 0) => {
        const known = byRequestId.get(requestId);
        if (known !== undefined) return known;
        const [price] = body.sku.price;
        const payment: Payment = {
          transactionId: String(500_000 + payments.length),
          requestId,
          chargeId,
          amount: price.amount,
          currency: price.currency,
          status,
          code,
          unixTime: Math.floor(Date.now() / 1_000),
          inFeedAt: Date.now() + feedLagMs,
          consumer: body.consumer,
        };
        payments.push(payment);
        byRequestId.set(requestId, payment);
        return payment;
      },
      hangUp: () => request.socket.destroy(),
    });
  };

  const feed = (request: IncomingMessage, response: ServerResponse): void => {
    const query = new URL(request.url ?? "", "http://gateway").searchParams;
    const from = Date.parse(query.get("dateFrom") ?? "") - 1_000;
    const to = Date.parse(query.get("dateTo") ?? "") + 1_000;
    const [page, limit] = [Number(query.get("page") ?? 1), 7];
    const rows = payments.filter(
      ({ unixTime, inFeedAt }) =>
        inFeedAt <= Date.now() && unixTime * 1_000 >= from && unixTime * 1_000 <= to,
    );
    const text = JSON.stringify({
      // The payment inside its own object, as the pay response has it.
      data: rows.slice((page - 1) * limit, page * limit).map(told),
      meta: { currentPage: page, lastPage: Math.max(1, Math.ceil(rows.length / limit)), total: rows.length },
    });
    response.writeHead(200, { "Content-Length": Buffer.byteLength(text) }).end(text);
  };

  const server = createServer((request, response) => {
    if (request.method === "POST") void pay(request, response).catch(() => response.destroy());
    else feed(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    feedUrl: `http://127.0.0.1:${port}/feed`,
    capturesOf: (chargeId) =>
      payments.filter((one) => one.chargeId === chargeId && one.status === "success").length,
    sends: () => sends,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
