import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isSamePerson, problemOfName } from "../../lib/core/person-name.ts";
import { problemsOfWish } from "../../lib/core/review-decision.ts";

describe("two names are one person's where they could be taken for each other", () => {
  test.each<[string, string, boolean, string]>([
    ["Ann Lee", "ann  lee", true, "case and spaces"],
    ["Ann Lee", " AnnLee", true, "spaces"],
    ["Ann Lee", "Ann\u00a0Lee", true, "another space"],
    ["Ann Lee", "ann.lee", true, "signs"],
    ["Ａｎｎ", "Ann", true, "full width"],
    ["𝐀𝐧𝐧", "Ann", true, "letters of mathematics"],
    ["Straße", "STRAẞE", true, "two sizes of ß"],
    ["Straße", "Strasse", true, "ß in capitals"],
    ["José", "Jose\u0301", true, "composed or not"],
    ["José", "Jose", true, "an accent that is overlooked"],
    ["Аnn", "Ann", true, "a Cyrillic A"],
    ["Ѕаѕһа", "Sasha", true, "Cyrillic letters alone"],
    ["НОРЕ", "Hope", true, "Cyrillic capitals alone"],
    ["Норе", "HOPE", true, "the same, only alike in capitals"],
    ["Αηη", "Ann", true, "Greek letters alone, only alike in small letters"],
    ["Αηη", "ΑΗΗ", true, "Greek, in capitals"],
    ["ΑΝΝΑ", "Anna", true, "Greek capitals alone"],
    ["ann\u200b", "ann", true, "an invisible space, of a record from before"],
    ["ann\u034f", "ann", true, "an invisible mark, of a record from before"],
    ["AI", "Al", true, "a capital I and a small l"],
    ["ann1", "annl", true, "a one and a small l"],
    ["Bob0", "BobO", true, "a nought and an O"],
    ["arn:aws:iam::123456789012:user/ann", "arn:aws:iam::123456789012:user/Ann", true, "as IAM has it"],
    ["Ann", "Bo", false, "two names"],
    ["Ann", "Anna", false, "a letter more"],
    ["Ian", "Lan", false, "I and L, which are not alike in a name that begins with them"],
    ["Lia", "Ila", false, "the same letters in another order"],
    ["desk1", "desk2", false, "numbers"],
    ["राम", "रमा", false, "vowels that are marks"],
    ["田中", "田村", false, "Han"],
    ["Анна", "Ольга", false, "two Cyrillic names"],
  ])("%j and %j: %s (%s)", (a, b, isOne) => {
    expect([isSamePerson(a, b), isSamePerson(b, a)]).toEqual([isOne, isOne]);
  });

  test("everybody is who they are, in any case and any normal form", () => {
    const form = fc.constantFrom("NFC", "NFD", "NFKC", "NFKD");
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), form, (name, normal) => {
        // An iota that is a mark in small letters is a letter in capitals: of ancient Greek alone.
        fc.pre(!name.normalize("NFKD").includes("\u0345"));
        for (const same of [name.normalize(normal), name.toUpperCase(), name.toLowerCase(), ` ${name}  `])
          expect(isSamePerson(name, same)).toBe(true);
      }),
    );
  });
});

const alphabet = "be written in one alphabet";
const readable = "be letters and digits that can all be seen";
describe("a name that could pass for another is refused", () => {
  test.each<[string, string | undefined, string]>([
    ["Ann Lee", undefined, "Latin"],
    ["Анна Ли", undefined, "Cyrillic"],
    ["Άννα", undefined, "Greek"],
    ["田中 Ken", undefined, "alphabets that nobody takes for each other"],
    ["राम", undefined, "marks that a script needs"],
    ["O'Brien-Núñez, 2nd desk", undefined, "signs and digits"],
    ["123456789012:assumed-role/Reviewers/ann@example.net", undefined, "as IAM has it"],
    ["Аnn", alphabet, "a Cyrillic A"],
    ["Bοb", alphabet, "a Greek o"],
    ["Ann Ли", alphabet, "two alphabets, word by word"],
    ["ann\u034f", readable, "an invisible mark"],
    ["ann\u3164", readable, "a Hangul filler"],
    ["ann\ufe0f", readable, "a variation selector"],
    ["ann\u2800", readable, "a Braille pattern without a dot"],
    ["ann\ue000", readable, "a letter of nobody's"],
    ["ann\u200b", readable, "an invisible space"],
    ["—", readable, "no letter and no digit"],
  ])("%j: %s (%s)", (name, must) => {
    expect(problemOfName(name)).toBe(must);
    const problems = problemsOfWish({ decision: "drop", by: name, reason: "-" });
    expect(problems.map(({ field }) => field)).toEqual(must === undefined ? [] : ["by"]);
  });

  test("is refused beside whatever else is wrong, and told once", () => {
    expect(problemsOfWish({ decision: "drop", by: "Аnn", reason: "" }).map(({ field }) => field)).toEqual([
      "reason",
      "by",
    ]);
    expect(problemsOfWish({ decision: "drop", by: "", reason: "-" })).toHaveLength(1);
  });
});
