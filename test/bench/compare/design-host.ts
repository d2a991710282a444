/**
 * Runs one design's bundle, as Lambda would, and says what it took. With `--first` it imports the bundle, works
 * one batch of one, writes the milliseconds and ends; else it does so many batches for each message of its
 * parent. It imports nothing of Node's own, so that a design pays for what it brings in.
 */
export type RunRequest = {
  readonly batches: number;
  readonly batchSize: number;
  readonly prefix: string;
  /** say what is still in use when all of it is over; needs `--expose-gc` */
  readonly live?: true;
};
export type RunAnswer = {
  /** processor time of this process, microseconds, everything in it */
  readonly cpuMicros: number;
  /** each batch from its invocation to its answer */
  readonly batchMs: readonly number[];
  readonly charges: number;
  readonly rssBytes: number;
  readonly liveBytes?: number;
  readonly failures: number;
};

type Handler = (event: object, context: object) => Promise<{ readonly batchItemFailures: readonly object[] }>;

const [bundle = "", first] = process.argv.slice(2);

const chargeBody = (chargeId: string): string =>
  JSON.stringify({
    v: 1,
    chargeId,
    gateway: "centrobill",
    amount: "1999",
    currency: "EUR",
    request: {
      paymentSource: { type: "paymentAccountId", paymentAccountId: "0bce192c-a476-4a84-b751-e1dfad1e4723" },
      consumer: { externalId: `user-of-${chargeId}`, ip: "192.0.2.134", email: "lena@example.net" },
      sku: { siteId: "site-4471", title: "Top-up" },
    },
  });

const eventOf = (prefix: string, size: number): object => ({
  Records: Array.from({ length: size }, (_, n) => ({
    messageId: `${prefix}-${n}`,
    receiptHandle: `receipt-of-${prefix}-${n}`,
    body: chargeBody(`${prefix}-${n}`),
    attributes: {
      ApproximateReceiveCount: "1",
      SentTimestamp: "1763800000000",
      SenderId: "AIDA",
      ApproximateFirstReceiveTimestamp: "1763800000000",
    },
    messageAttributes: {},
    md5OfBody: "",
    eventSource: "aws:sqs",
    eventSourceARN: "arn:aws:sqs:us-east-1:000000000000:charges",
    awsRegion: "us-east-1",
  })),
});

const context = {
  functionName: "design",
  awsRequestId: "00000000-0000-4000-8000-000000000000",
  getRemainingTimeInMillis: () => 300_000,
};

const startedMs = performance.now();
const cpuBefore = process.cpuUsage();
const { handler } = (await import(bundle)) as { handler: Handler };

if (first === "--first") {
  const answer = await handler(eventOf(`first-${process.pid}`, 1), context);
  const tookMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(cpuBefore);
  const cpuMs = (user + system) / 1_000;
  process.stderr.write(`${JSON.stringify({ tookMs, cpuMs, failures: answer.batchItemFailures.length })}\n`);
  process.exit(0);
}

const liveBytes = (): number => {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage().heapUsed;
};

const run = async ({ batches, batchSize, prefix, live }: RunRequest): Promise<RunAnswer> => {
  const batchMs: number[] = [];
  let failures = 0;
  let events = Array.from({ length: batches }, (_, n) => eventOf(`${prefix}-${n}`, batchSize));
  const before = process.cpuUsage();
  for (const event of events) {
    const beganMs = performance.now();
    failures += (await handler(event, context)).batchItemFailures.length;
    batchMs.push(performance.now() - beganMs);
  }
  const { user, system } = process.cpuUsage(before);
  const { rss: rssBytes } = process.memoryUsage();
  events = [];
  return {
    cpuMicros: user + system,
    batchMs,
    charges: batches * batchSize,
    rssBytes,
    failures,
    ...(live === true ? { liveBytes: liveBytes() } : {}),
  };
};

process.on("disconnect", () => process.exit(0));
process.on("message", (request) => {
  void run(request as RunRequest).then((answer) => process.send?.(answer));
});
process.send?.({ ready: true });
