import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { parseChargeId } from "../../lib/core/charge.ts";
import { chargeIn } from "../../lib/core/charge-in.ts";
import type { JsonObject } from "../../lib/core/json.ts";
import { requestParsers } from "../../lib/gateways/registry.ts";
import { chargeMessage, chargeOf } from "../doubles/samples.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const message = chargeMessage("order-1");
const of = (sought: JsonObject) => {
  const chargeId = parseChargeId(sought["chargeId"]);
  if (chargeId === undefined) throw new Error("no charge");
  return { chargeId, fingerprint: sha256(chargeOf(sought).canonical) };
};
const find = (text: unknown, sought: JsonObject = message) =>
  chargeIn(typeof text === "string" ? text : JSON.stringify(text), of(sought), requestParsers, sha256);
const nested = (levels: number): unknown => (levels === 0 ? 0 : { a: nested(levels - 1) });

describe("the charge of a text", () => {
  test("is found by itself, or in a message that carries it, in whatever order its members stand", () => {
    const found = find(message);
    expect(found).toMatchObject({ chargeId: "order-1", gateway: "centrobill", money: { currency: "EUR" } });
    expect(find({ v: 1, chargeId: "order-1", outcome: "declined_retryable", charge: message })).toEqual(
      found,
    );
    expect(find(Object.fromEntries(Object.entries(message).reverse()))).toEqual(found);
  });

  // biome-ignore format: one row a line
  test.each<[text: unknown, reason: string]>([
    ["", "no text"],
    ["{", "no JSON"],
    [[message], "a list"],
    [null, "nothing"],
    [{ ...message, extra: nested(70) }, "nested deeper than any message"],
    [chargeMessage("order-2"), "another charge"],
    [{ v: 1, chargeId: "order-1", charge: chargeMessage("order-2") }, "told under its id, and carrying another"],
    [{ ...message, amount: "2000" }, "another content under its id: what would be sent is not what the ledger has"],
    [{ chargeId: "order-1" }, "its id alone"],
    [{ v: 1, chargeId: "order-1", charge: "order-1" }, "no charge where one should be"],
  ])("%# is not the one sought (%s)", (text) => {
    expect(find(text)).toBeUndefined();
  });

  test("is none where the message is none, though ledger and text agree on it", () => {
    const { amount: _none, ...bare } = message;
    const sought = { chargeId: of(message).chargeId, fingerprint: sha256(JSON.stringify(bare)) };
    expect(chargeIn(JSON.stringify(bare), sought, requestParsers, () => sought.fingerprint)).toBeUndefined();
    expect(chargeIn(JSON.stringify(message), sought, requestParsers, () => sought.fingerprint)).toBeDefined();
  });
});
