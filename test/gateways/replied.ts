import { createHash } from "node:crypto";
import type { Replied } from "../../lib/core/transport.ts";

/** A whole answer as the wire hands it on. A body that is not a text goes out as JSON. */
export const replied = (status: number, body: unknown, headers: Record<string, string> = {}): Replied => {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return {
    kind: "replied",
    status,
    headers,
    body: text,
    bodySha256: createHash("sha256").update(text).digest("hex"),
  };
};
