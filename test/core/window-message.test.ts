import fc from "fast-check";
import { expect, test } from "vitest";
import { gatewayNames } from "../../lib/core/charge.ts";
import { parseWindowMessage } from "../../lib/core/window-message.ts";

const message = { v: 1, gateway: "centrobill", fromMs: 0, toMs: 21_600_000, pass: 1 };

test("a message says which window of which gateway, and nothing else of it is kept", () => {
  for (const gateway of gatewayNames) {
    const named = { ...message, gateway };
    expect(parseWindowMessage(JSON.stringify({ ...named, more: "x" }))).toStrictEqual(named);
  }
});

// biome-ignore format: one row a line
test.each<[body: unknown, reason: string]>([
  [{ ...message, v: 2 }, "another version"],
  [{ ...message, gateway: "paypal" }, "no gateway of ours"],
  [{ ...message, gateway: undefined }, "of no gateway"],
  [{ ...message, fromMs: -1 }, "before all time"],
  [{ ...message, fromMs: "0" }, "a text is no moment"],
  [{ ...message, toMs: 1.5 }, "nor is a part of a millisecond"],
  [{ ...message, toMs: undefined }, "it does not end"],
  [{ ...message, pass: null }, "nobody knows which look it is"],
  [{ ...message, pass: 2 ** 53 }, "too many looks"],
  [[message], "a list"],
  [null, "nothing"],
])("%j names no window: %s", (body) => {
  expect(parseWindowMessage(JSON.stringify(body))).toBeUndefined();
});

test("what is longer than a message can be is not read", () => {
  const length = JSON.stringify({ ...message, more: "" }).length;
  const bodyOf = (long: number): string => JSON.stringify({ ...message, more: "x".repeat(long - length) });
  expect(parseWindowMessage(bodyOf(1_000))).toStrictEqual(message);
  expect(parseWindowMessage(bodyOf(1_001))).toBeUndefined();
});

test("whatever comes, it never throws", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
      expect(parseWindowMessage(body)).toBeUndefined();
    }),
  );
});
