/**
 * A thread that runs one built function, of HTTP events or of a schedule: a light execution environment, in the process of its
 * owner. Started by `startFunctionThread`, which passes the bundle's path.
 *
 * To the owner: `{ready: true}` or `{refused: text}` after the import, and `{id, result}` or `{id, error}` for
 * each `{id, event}`.
 */
import { pathToFileURL } from "node:url";
import { parentPort, workerData } from "node:worker_threads";

type Handler = (event: unknown, context: { getRemainingTimeInMillis(): number }) => unknown;

/** Nobody ends an invocation here; this is for one that asks. */
const timeoutMs = 60_000;

const owner = parentPort;
if (!owner) throw new Error("thread-host is started by the embedded stack, not by hand");
const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

try {
  const { bundle } = workerData as { bundle: string };
  const { handler } = (await import(pathToFileURL(bundle).href)) as { handler?: Handler };
  if (typeof handler !== "function") throw new TypeError(`${bundle} exports no function named handler`);
  owner.on("message", async ({ id, event }: { id: number; event: unknown }) => {
    const endsAtMs = performance.now() + timeoutMs;
    const context = { getRemainingTimeInMillis: () => Math.max(0, endsAtMs - performance.now()) };
    try {
      owner.postMessage({ id, result: await handler(event, context) });
    } catch (error) {
      owner.postMessage({ id, error: textOf(error) });
    }
  });
  owner.postMessage({ ready: true });
} catch (error) {
  owner.postMessage({ refused: textOf(error) });
}
