import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readHistory } from "../../cli/retry-history.ts";
import { UsageProblem } from "../../cli/usage-problem.ts";
import { testFolder, writeLines } from "./command.ts";

const row = (changes: object = {}): object => ({
  chargeId: "inv-1",
  at: "2026-11-22T18:00:00Z",
  amount: "1999",
  currency: "EUR",
  outcome: "declined",
  ...changes,
});
const problemsOf = async (path: string): Promise<readonly string[]> => {
  try {
    await readHistory(path);
    return [];
  } catch (error) {
    if (!(error instanceof UsageProblem)) throw error;
    return error.lines.map((line) => line.replace(path, "FILE"));
  }
};

describe("a file of past attempts", () => {
  test("is read as it stands, blank lines and all", async () => {
    const path = writeLines(join(testFolder(), "history.ndjson"), [
      row({ networkCode: "41" }),
      "",
      row({ instrument: "card-1", network: "visa", outcome: "approved", networkCode: "54" }),
      row({ category: "blocked", adviceCode: "03" }),
    ]);
    const [first, second, third] = await readHistory(path);
    expect(first).toStrictEqual({
      chargeId: "inv-1",
      atMs: Date.parse("2026-11-22T18:00:00Z"),
      amountMinor: 1999n,
      currency: "EUR",
      outcome: "declined",
      networkCode: "41",
      category: "never_approved",
    });
    expect(second).toMatchObject({ instrument: "card-1", category: "wrong_details" });
    expect(third).toMatchObject({ category: "blocked", adviceCode: "03" });
  });

  test("may be CSV; an empty cell is a member that is not there", async () => {
    const path = join(testFolder(), "history.csv");
    writeFileSync(
      path,
      'chargeId,at,amount,currency,outcome,networkCode,instrument\n"inv,1",2026-11-22T18:00Z,500,JPY,approved,,card-1\n',
    );
    expect(await readHistory(path)).toStrictEqual([
      {
        chargeId: "inv,1",
        atMs: Date.parse("2026-11-22T18:00:00Z"),
        amountMinor: 500n,
        currency: "JPY",
        outcome: "approved",
        instrument: "card-1",
        category: "issuer_refused",
      },
    ]);
  });

  test.each<[line: object | string, problem: string, reason: string]>([
    ["{", "must be a JSON object", "cut short"],
    ["[]", "must be a JSON object", "a list"],
    [row({ outcome: "refused" }), "outcome: must be approved or declined", "another word"],
    [row({ outcome: undefined }), "outcome: must be there", "missing"],
    [row({ at: "2026-11-22" }), "at: must be a UTC time like 2026-11-22T18:00:00Z", "no time"],
    [row({ at: "2026-13-40T18:00:00Z" }), "at: must be a day that there is", "no such day"],
    [row({ amount: 1999 }), "amount: must be a string of digits, in minor units", "a number"],
    [row({ amount: "19.99" }), "amount: must be a string of digits, in minor units", "major units"],
    [
      row({ currency: "eur" }),
      "currency: must be an ISO 4217 code of three capital letters",
      "small letters",
    ],
    [row({ networkCode: "051" }), "networkCode: must be two letters or digits", "three"],
    [row({ adviceCode: "3" }), "adviceCode: must be Mastercard's own two digits", "one"],
    [row({ category: "soft" }), "category: must be one of the list (--help)", "another list's"],
    [row({ cardNumber: "none" }), "cardNumber: no such field", "a field that is not known"],
    [
      row({ instrument: "4111 1111 1111 1111" }),
      "instrument: must not hold a card number",
      "S12: and it is not shown",
    ],
  ])("%j: %s (%s)", async (line, problem) => {
    const path = writeLines(join(testFolder(), "history.ndjson"), [row(), line]);
    expect(await problemsOf(path)).toEqual([`FILE:2: ${problem}`]);
  });

  test.each<[text: string, problems: readonly string[], reason: string]>([
    [
      "chargeId,at\n",
      [
        "FILE:1: column amount: must be there",
        "FILE:1: column currency: must be there",
        "FILE:1: column outcome: must be there",
      ],
      "columns are missing",
    ],
    ["chargeId,at,amount,currency,outcome,at\n", ["FILE:1: column 6: is there twice"], "twice"],
    ["chargeId,at,amount,currency,outcome,reason\n", ["FILE:1: column 6: no such column"], "not known"],
    [
      "chargeId,at,amount,currency,outcome\na,b\n",
      ["FILE:2: must have 5 cells as the first row has; it has 2"],
      "a short row",
    ],
    [
      'chargeId,at,amount,currency,outcome\n"a,b\n',
      ["FILE:2: must have its quotes in pairs, on one line"],
      "a quote is open",
    ],
    ["", ["FILE: has no attempt"], "empty"],
  ])("CSV %j: %j (%s)", async (text, problems) => {
    const path = join(testFolder(), "history.csv");
    writeFileSync(path, text);
    expect(await problemsOf(path)).toEqual(problems);
  });

  test("twenty problems are told, and that there may be more; a file that is not there is one", async () => {
    const path = writeLines(
      join(testFolder(), "history.ndjson"),
      Array.from({ length: 30 }, () => "{"),
    );
    expect(await problemsOf(path)).toHaveLength(21);
    expect(await problemsOf("/nowhere/history.ndjson")).toEqual([
      "/nowhere/history.ndjson: no such file or folder".replace("/nowhere/history.ndjson", "FILE"),
    ]);
  });
});
