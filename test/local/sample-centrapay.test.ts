import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { sampleLines } from "../../infra/local/samples/make-centrapay.ts";
import { parseCharge } from "../../lib/core/charge.ts";
import { requestParsers } from "../../lib/gateways/registry.ts";

test("the committed sample is what its maker makes, and every line of it is a charge", () => {
  const file = readFileSync(new URL("../../infra/local/samples/centrapay.ndjson", import.meta.url), "utf8");
  expect(file).toBe(`${sampleLines().join("\n")}\n`);
  for (const line of sampleLines()) expect(parseCharge(line, requestParsers)).toMatchObject({ ok: true });
});
