import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { consumerMarks } from "../../lib/core/consumer-marks.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

test("a consumer is kept as the first twelve digits of a hash, each name once, in its place", () => {
  expect(consumerMarks([], sha256)).toEqual([]);
  expect(consumerMarks(["user-1", "lena@example.net", "user-1"], sha256)).toEqual([
    sha256("user-1").slice(0, 12),
    sha256("lena@example.net").slice(0, 12),
  ]);
});
