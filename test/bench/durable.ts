/**
 * A charge as a Lambda durable function in AWS's own testing library: how many operations it is billed for, and what
 * its local runner takes for it. The runner keeps its checkpoints in this process, so its processor time is no figure
 * of the deployed thing.
 */

/** What is used of the two packages, which are there for this bench alone. */
type Durable = {
  readonly withDurableExecution: (
    handler: (event: unknown, context: DurableContext) => Promise<unknown>,
  ) => unknown;
  readonly StepSemantics: { readonly AtMostOncePerRetry: string };
};
type DurableContext = {
  step(name: string, run: () => Promise<unknown>, options?: object): Promise<unknown>;
};
type Run = {
  getOperations(): readonly unknown[];
  getHistoryEvents(): readonly { readonly EventType?: string }[];
};
type Testing = {
  readonly LocalDurableTestRunner: {
    new (options: {
      readonly handlerFunction: unknown;
    }): { run(request: { readonly payload: unknown }): Promise<Run> };
    setupTestEnvironment(options: { readonly skipTime: boolean }): Promise<void>;
    teardownTestEnvironment(): Promise<void>;
  };
};

const packages = ["@aws/durable-execution-sdk-js", "@aws/durable-execution-sdk-js-testing"] as const;
const charges = 200;
/** US dollars for an operation, us-east-1, as it was known in November 2026; not looked up at AWS. */
const operationPrice = 8 / 1e6;

export const benchDurable = async (): Promise<void> => {
  const [durable, testing] = (await Promise.all(packages.map((name) => import(name)))) as [Durable, Testing];
  const { LocalDurableTestRunner } = testing;
  await LocalDurableTestRunner.setupTestEnvironment({ skipTime: false });
  // Sent once at the most, as far as a step can promise it, and then its outcome.
  const handlerFunction = durable.withDurableExecution(async (_event, context) => {
    const answer = await context.step("submit", async () => ({ status: 201, code: 0 }), {
      semantics: durable.StepSemantics.AtMostOncePerRetry,
      retryStrategy: () => ({ shouldRetry: false }),
    });
    await context.step("outcome", async () => undefined);
    return answer;
  });
  const charge = (id: number): Promise<Run> =>
    new LocalDurableTestRunner({ handlerFunction }).run({ payload: { id } });
  for (let id = 0; id < 20; id++) await charge(id);
  let last: Run | undefined;
  const before = process.cpuUsage();
  for (let id = 0; id < charges; id++) last = await charge(id);
  const { user, system } = process.cpuUsage(before);
  await LocalDurableTestRunner.teardownTestEnvironment();
  const events = last?.getHistoryEvents().map(({ EventType }) => EventType) ?? [];
  // The execution itself is one.
  const operations = 1 + (last?.getOperations().length ?? 0);
  console.log(
    `a durable function, two steps a charge: ${operations} operations (${events.join(", ")}), ` +
      `${(operations * operationPrice * 1e6).toFixed(0)} USD a million charges; ` +
      `${((user + system) / charges / 1_000).toFixed(1)} ms of processor time in the local runner`,
  );
};
