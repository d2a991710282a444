import { expect, test } from "vitest";
import { bodyOf, type Replied } from "../../lib/core/transport.ts";

const replied = (body: string): Replied => ({
  kind: "replied",
  status: 200,
  headers: {},
  body,
  bodySha256: "",
});

test.each<[string, unknown, string]>([
  ['{"a":1}', { a: 1 }, "an object"],
  ["null", null, "nothing, and said so"],
  ["", undefined, "no JSON"],
  ['{"a":', undefined, "cut short"],
])("bodyOf(%j) → %j (%s), however often it is asked", (body, json) => {
  const reply = replied(body);
  expect([bodyOf(reply), bodyOf(reply)]).toStrictEqual([json, json]);
  // Another answer with the same words is another answer.
  expect(bodyOf({ ...reply, body: "[2]" })).toStrictEqual([2]);
});
