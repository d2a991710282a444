/**
 * A thread that runs one built function for HTTP events: a light execution environment, in the process of its
 * owner. Started by `startFunctionThread`, which passes the bundle's path.
 *
 * To the owner: `{ready: true}` or `{refused: text}` after the import, and `{id, result}` or `{id, error}` for
 * each `{id, event}`.
 */
import { pathToFileURL } from "node:url";
import { parentPort, workerData } from "node:worker_threads";

type Handler = (event: unknown) => unknown;

const owner = parentPort;
if (!owner) throw new Error("thread-host is started by the embedded stack, not by hand");
const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

try {
  const { bundle } = workerData as { bundle: string };
  const { handler } = (await import(pathToFileURL(bundle).href)) as { handler?: Handler };
  if (typeof handler !== "function") throw new TypeError(`${bundle} exports no function named handler`);
  owner.on("message", async ({ id, event }: { id: number; event: unknown }) => {
    try {
      owner.postMessage({ id, result: await handler(event) });
    } catch (error) {
      owner.postMessage({ id, error: textOf(error) });
    }
  });
  owner.postMessage({ ready: true });
} catch (error) {
  owner.postMessage({ refused: textOf(error) });
}
