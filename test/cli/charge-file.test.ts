import { hash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ChargeLine, openChargeFile, queueBytesMax } from "../../cli/charge-file.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "chargeonce-file-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
const written = (content: string | Buffer, ending = "ndjson"): string => {
  files += 1;
  const path = join(folder, `c${files}.${ending}`);
  writeFileSync(path, content);
  return path;
};
const linesOf = async (path: string): Promise<ChargeLine[]> => {
  const lines: ChargeLine[] = [];
  for await (const line of (await openChargeFile(path)).lines()) lines.push(line);
  return lines;
};
const shortOf = ({ line, body, unqueueable }: ChargeLine): string =>
  `${line}:${unqueueable === undefined ? body : `${unqueueable.code} ${unqueueable.problems[0]?.must ?? ""}`}`;

describe("NDJSON", () => {
  test.each([
    ['{"a":1}\n{"b":2}\n', ['1:{"a":1}', '2:{"b":2}'], "plain"],
    ['{"a":1}\n{"b":2}', ['1:{"a":1}', '2:{"b":2}'], "no end of line at the end"],
    ['{"a":1}\r\n{"b":2}\r\n', ['1:{"a":1}', '2:{"b":2}'], "Windows line ends"],
    ['\ufeff{"a":1}\n', ['1:{"a":1}'], "a byte order mark"],
    ['\n\n{"a":1}\n  \n{"b":2}\n', ['3:{"a":1}', '5:{"b":2}'], "blank lines count, and are no charges"],
    ["", [], "an empty file"],
    ["\n\n", [], "only blank lines"],
    ["not JSON\n", ["1:not JSON"], "goes to the queue as it stands"],
    ["a\u0001b\n", ["1:invalid_message be text that a queue takes"], "a control character"],
    [
      '{"a":"日 🎉"}\n',
      ['1:{"a":"日 \\ud83c\\udf89"}'],
      "an emoji as JSON can write it too: some queues take no other",
    ],
    [
      '{"a":"\ufffe"}\n',
      ['1:{"a":"\\ufffe"}'],
      "what no queue takes as it stands, and JSON can write otherwise",
    ],
    ['{"n":"4111111111111111"}\n', ["1:card_number not hold a card number"], "no queue may have it"],
    ["note 4111 1111 1111 1111 end\n", ["1:card_number not hold a card number"], "nor in what is no JSON"],
    ['{"cvv":"123"}\n', ["1:security_code not be there"], "a security code"],
  ])("%j", async (content, expected) => {
    const lines = (await linesOf(written(content))).map(shortOf);
    expect(lines).toHaveLength(expected.length);
    for (const [at, start] of expected.entries()) expect(lines[at]).toContain(start);
  });

  test("what is not UTF-8, and what no queue takes, is refused by its line; the others go on", async () => {
    const lines = await linesOf(
      written(
        Buffer.concat([
          Buffer.from('{"a":1}\n'),
          Buffer.from([0xff, 0xfe, 0x0a]),
          Buffer.from(`${"x".repeat(queueBytesMax + 1)}\n`),
          Buffer.from(`${"[".repeat(1 << 20)}\n{"b":2}\n`),
        ]),
      ),
    );
    expect(lines.map(({ line, unqueueable }) => [line, unqueueable?.code])).toEqual([
      [1, undefined],
      [2, "invalid_message"],
      [3, "message_too_large"],
      [4, "message_too_large"],
      [5, undefined],
    ]);
    // Two lines that were both too long to be kept are still two texts.
    expect(lines[2]?.bodySha256).not.toBe(lines[3]?.bodySha256);
  });

  test("a run that goes on at any line's end sends exactly what is left", async () => {
    const cell = fc.string({ unit: "grapheme", maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(cell, { maxLength: 12 }),
        fc.constantFrom("\n", "\r\n"),
        async (cells, end) => {
          const path = written(cells.map((text) => `${JSON.stringify({ text })}${end}`).join(""));
          const lines = await linesOf(path);
          for (const { endsAt } of lines) {
            const left = lines.filter((line) => line.endsAt > endsAt);
            expect(left).toEqual(lines.slice(lines.findIndex((line) => line.endsAt === endsAt) + 1));
          }
          expect(lines.map(({ body }) => JSON.parse(body))).toEqual(cells.map((text) => ({ text })));
        },
      ),
      { numRuns: 40 },
    );
  });

  test("what cannot be read is a usage problem that names the file", async () => {
    await expect(openChargeFile(join(folder, "nowhere.ndjson"))).rejects.toThrow(
      /nowhere\.ndjson: no such file/,
    );
    const dir = join(folder, "dir.ndjson");
    mkdirSync(dir);
    await expect(openChargeFile(dir)).rejects.toThrow(/must be a plain file/);
  });
});

describe("CSV", () => {
  const header = "chargeId,gateway,amount,currency,metadata.note,request.sku.siteId";

  test.each<[string, object, string]>([
    ["a,centrobill,100,EUR,hi,s-1", { metadata: { note: "hi" } }, "a plain row"],
    ['a,centrobill,100,EUR,"hi, you",s-1', { metadata: { note: "hi, you" } }, "a comma in quotes"],
    ['a,centrobill,100,EUR,"say ""hi""",s-1', { metadata: { note: 'say "hi"' } }, "quotes in quotes"],
    ['a,centrobill,100,EUR,"two\nlines",s-1', { metadata: { note: "two\nlines" } }, "a line end in quotes"],
    ["a,centrobill,100,EUR,,s-1", { chargeId: "a" }, "an empty cell is no member"],
  ])("%j", async (row, expected) => {
    const [line] = await linesOf(written(`${header}\n${row}\n`, "csv"));
    const message = JSON.parse(line?.body ?? "") as object;
    expect(message).toMatchObject({ v: 1, amount: "100", request: { sku: { siteId: "s-1" } }, ...expected });
  });

  test("an emoji in a cell is written as every queue takes it, and its hash is the message's own", async () => {
    const [line] = await linesOf(written(`${header}\na,centrobill,100,EUR,🎉,s-1\n`, "csv"));
    expect(line?.body).toContain('"note":"\\ud83c\\udf89"');
    expect(line?.bodySha256).toBe(hash("sha256", line?.body ?? "", "hex"));
  });

  test("a row that is wrong is one row: the next is read again", async () => {
    const rows = [
      "a,centrobill,1,EUR,x,s",
      'b,centrobill,1,EUR,"open,s',
      "c,centrobill,1,EUR,x,s",
      "d,short",
    ];
    const lines = await linesOf(written(`${header}\n${rows.join("\n")}\n`, "csv"));
    expect(lines.map(({ line, unqueueable }) => [line, unqueueable?.problems[0]?.must])).toEqual([
      [2, undefined],
      [3, "have its quotes in pairs"],
      [4, undefined],
      [5, "have 6 cells as the first row has; it has 2"],
    ]);
  });

  test.each([
    ["chargeId,gateway,amount\n", /"currency": must be there/],
    [`${header},chargeId\n`, /"chargeId": is there twice/],
    [`${header},ammount\n`, /"ammount": no such column/],
    [`${header},request.sku\n`, /other columns are inside it/],
    [`${header},request.__proto__.x\n`, /no such column/],
    ["", /no row of column names/],
  ])("a row of column names %j is refused whole", async (content, problem) => {
    await expect(openChargeFile(written(content, "csv"))).rejects.toThrow(problem);
  });
});
