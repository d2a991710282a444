import { expect, test } from "vitest";
import { parseCharge } from "../../lib/core/charge.ts";

const parsedWith = (text: string) =>
  parseCharge(
    JSON.stringify({
      v: 1,
      chargeId: "inv-1",
      gateway: "centrobill",
      amount: "1",
      currency: "EUR",
      request: { text },
    }),
    { centrobill: () => [] },
  );

test.each([
  ["a".repeat(65_000), true, "one byte each"],
  ["ü".repeat(65_000), true, "two bytes each"],
  ["€".repeat(65_000), true, "three bytes each"],
  ["😀".repeat(16_000), true, "twelve bytes each, still under the limit"],
  ["😀".repeat(17_000), false, "twelve bytes each, escaped on a queue: its route would be refused for ever"],
  ["\uffff".repeat(34_000), false, "what AWS does not take is escaped, too"],
  ["a".repeat(65_536), false, "longer than any message"],
])("message %#: accepted %2$s", (text, ok) => {
  const parsed = parsedWith(text);
  expect(parsed.ok).toBe(ok);
  if (!parsed.ok) expect(parsed.refusal.code).toBe("message_too_large");
});

test("depth is refused before anybody walks it", () => {
  const parsed = parsedWith("");
  expect(parsed.ok).toBe(true);
  const deep = `{"v":1,"chargeId":"inv-1","request":${"[".repeat(30_000)}${"]".repeat(30_000)}}`;
  const refused = parseCharge(deep, {});
  expect(refused).toMatchObject({ ok: false, refusal: { code: "invalid_message", chargeId: "inv-1" } });
});
