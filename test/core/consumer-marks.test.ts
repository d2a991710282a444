import { expect, test } from "vitest";
import { consumerMarks } from "../../lib/core/consumer-marks.ts";
import { sha256Of } from "../doubles/scripted-wire.ts";

test("a consumer is known by the beginning of a hash, once for each name, and never by the name", () => {
  const marks = consumerMarks(["anna", "anna@example.net", "anna"], sha256Of);
  expect(marks).toEqual([sha256Of("anna").slice(0, 12), sha256Of("anna@example.net").slice(0, 12)]);
  expect(consumerMarks([], sha256Of)).toEqual([]);
});
