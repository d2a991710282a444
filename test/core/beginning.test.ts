import { expect, test } from "vitest";
import { beginningOf } from "../../lib/core/beginning.ts";

test.each<[text: string, beginning: string, reason: string]>([
  ["", "", "nothing"],
  ["a b", "a b", "all of a short one"],
  ["x".repeat(4_096), "x".repeat(4_096), "all of one that is just as long"],
  ["x".repeat(4_097), "", "one word that is cut: it may be half a secret"],
  [`${"x".repeat(4_090)} secret`, `${"x".repeat(4_090)} `, "the word at the cut goes"],
  [`${"x".repeat(4_090)}"secret"`, `${"x".repeat(4_090)}"`, "a quote ends a word, too"],
  [`${"x".repeat(4_089)}\nsec sec`, `${"x".repeat(4_089)}\nsec `, "so does the end of a line"],
  [`a b ${"x".repeat(4_092)} more`, `a b `, "however long the word"],
  [`a${" ".repeat(4_095)}b`, `a${" ".repeat(4_095)}`, "no word at the cut"],
])("%#: %3$s", (text, beginning) => {
  expect(beginningOf(text)).toBe(beginning);
});
