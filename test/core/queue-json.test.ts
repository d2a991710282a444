import fc from "fast-check";
import { expect, test } from "vitest";
import { queueJson } from "../../lib/core/queue-json.ts";
import { deadLetterNameOf, isConsumed, QUEUES } from "../../lib/core/queues.ts";

test.each([
  ['"é €"', '"é €"', "what every queue takes stays as it is"],
  ['"\u{1f600}"', '"\\ud83d\\ude00"', "an emoji, in its two units"],
  ['"\ufffe\uffff"', '"\\ufffe\\uffff"', "what AWS refuses"],
  ['"\ufffd\ue000"', '"\ufffd\ue000"', "its neighbours"],
])("%j is written as %s (%s)", (json, written) => {
  expect(queueJson(json)).toBe(written);
});

test("whatever is written reads the same, and has nothing that a queue refuses", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const json = queueJson(JSON.stringify({ text }));
      expect(JSON.parse(json)).toStrictEqual({ text });
      expect(json).not.toMatch(/[\ud800-\udfff\ufffe\uffff]/);
    }),
  );
});

test("what a function deletes from has a dead-letter queue, named after it", () => {
  expect(QUEUES.filter(isConsumed).map(({ name }) => deadLetterNameOf(name))).toEqual([
    "charges-dlq",
    "unknown-outcomes-dlq",
    "retryable-declines-dlq",
    "reconcile-windows-dlq",
  ]);
});
