import { expect, test } from "vitest";
import { parseCharge, readCharge } from "../../lib/core/charge.ts";

const messageWith = (text: string) => ({
  v: 1,
  chargeId: "inv-1",
  gateway: "centrobill",
  amount: "1",
  currency: "EUR",
  request: { text },
});
const parsers = { centrobill: () => [] };
const parsedWith = (text: string) => parseCharge(JSON.stringify(messageWith(text)), parsers);

test("what was accepted once is read again, however long it is on a queue", () => {
  const message = messageWith("😀".repeat(17_000));
  expect(readCharge(message, parsers).ok).toBe(true);
  expect(readCharge(message, parsers, JSON.stringify(message))).toMatchObject({
    ok: false,
    refusal: {
      chargeId: "inv-1",
      problems: [{ field: "message", must: "take at most 200000 bytes on a queue" }],
    },
  });
});

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

test.each<[character: string, bytes: number, reason: string]>([
  ["\u007f", 1, "the last of one byte"],
  ["\u0080", 2, "the first of two"],
  ["\u07ff", 2, "the last of two"],
  ["\u0800", 3, "the first of three"],
  ["\ud7ff", 3, "the last before the surrogates"],
  ["\ud800\udc00", 12, "the first pair of surrogates: each is escaped"],
  ["\udbff\udfff", 12, "the last pair"],
  ["\ue000", 3, "the first behind the surrogates"],
  ["\ufffd", 3, "the last that AWS takes"],
  ["\ufffe", 6, "escaped"],
  ["\uffff", 6, "escaped"],
])("%j takes %i bytes, no more and no less (%s)", (character, bytes) => {
  const limit = 200_000;
  const around = parsedWith("");
  const overhead = around.ok ? Buffer.byteLength(JSON.stringify(around.charge.message)) : 0;
  const room = limit - overhead - 100 * bytes;
  const emoji = Math.floor(room / 12);
  const text = `${character.repeat(100)}${"😀".repeat(emoji)}${"a".repeat(room % 12)}`;
  expect(parsedWith(text).ok).toBe(true);
  expect(parsedWith(`${text}a`)).toMatchObject({ ok: false, refusal: { code: "message_too_large" } });
});

test("depth is refused before anybody walks it", () => {
  const parsed = parsedWith("");
  expect(parsed.ok).toBe(true);
  const deep = `{"v":1,"chargeId":"inv-1","request":${"[".repeat(30_000)}${"]".repeat(30_000)}}`;
  const refused = parseCharge(deep, {});
  expect(refused).toMatchObject({ ok: false, refusal: { code: "invalid_message", chargeId: "inv-1" } });
});
