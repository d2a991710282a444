/**
 * A process that runs one built function, as a Lambda execution environment does: it imports the bundle,
 * then runs its `handler` once for each message of its parent, one at a time. Started by
 * `startFunctionProcess`; the bundle's path is its argument.
 *
 * To the parent: `{ready: true}` or `{refused: {name, message}}` after the import, and
 * `{id, resultJson}` or `{id, error: {name, message}}` for each `{id, eventJson, remainingMs}`.
 * It ends at once when the parent is gone: a function without an owner must not go on charging.
 */
import { pathToFileURL } from "node:url";

interface Invocation {
  readonly id: string;
  readonly eventJson: string;
  readonly remainingMs: number;
}
type Handler = (event: unknown, context: object) => unknown;

const parent = process.send?.bind(process);
if (!parent) throw new Error("function-host is started by the embedded stack, not by hand");
process.on("disconnect", () => process.exit(0));

const [bundle = ""] = process.argv.slice(2);
const functionName = process.env["AWS_LAMBDA_FUNCTION_NAME"] ?? "function";
const memoryLimitInMB = process.env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] ?? "512";

try {
  const handler = handlerOf(await import(pathToFileURL(bundle).href));
  process.on("message", (message) => {
    void invoke(handler, message as Invocation);
  });
  parent({ ready: true });
} catch (error) {
  // The stack goes to the function's own log, the sentence to the owner; the exit status says it, too.
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  parent({ refused: shape(error) }, () => process.exit(1));
}

function handlerOf(module: unknown): Handler {
  const handler = (module as { handler?: unknown }).handler;
  if (typeof handler !== "function") throw new TypeError(`${bundle} exports no function named handler`);
  return handler as Handler;
}

async function invoke(handler: Handler, { id, eventJson, remainingMs }: Invocation): Promise<void> {
  const receivedAt = performance.now();
  try {
    const result = await handler(JSON.parse(eventJson), {
      functionName,
      functionVersion: "$LATEST",
      invokedFunctionArn: `arn:aws:lambda:us-east-1:000000000000:function:${functionName}`,
      memoryLimitInMB,
      awsRequestId: id,
      logGroupName: `/aws/lambda/${functionName}`,
      logStreamName: `local/${process.pid}`,
      callbackWaitsForEmptyEventLoop: true,
      getRemainingTimeInMillis: () => Math.max(0, Math.floor(remainingMs - (performance.now() - receivedAt))),
    });
    // Turned to JSON here, so that a result that has no JSON counts as the handler's error, as in Lambda.
    parent?.({ id, resultJson: JSON.stringify(result) ?? "null" });
  } catch (error) {
    parent?.({ id, error: shape(error) });
  }
}

function shape(error: unknown): { name: string; message: string } {
  if (error instanceof Error) return { name: error.name, message: error.message };
  return { name: "Error", message: String(error) };
}
