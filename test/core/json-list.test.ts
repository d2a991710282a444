import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Json, JsonObject } from "../../lib/core/json.ts";
import { member } from "../../lib/core/json.ts";
import type { Path } from "../../lib/core/json-layouts.ts";
import { jsonList } from "../../lib/core/json-list.ts";

/** By two paths each, as a feed's profile has them. */
const fields: readonly (readonly Path[])[] = [
  [["id"], ["inner", "id"]],
  [["amount"], ["inner", "amount"]],
  [["inner", "mark"]],
  [["toString"], ["__proto__", "id"]],
  [["a", "b", "c"]],
];

const valueAt = (object: JsonObject, paths: readonly Path[]): Json | undefined => {
  for (const path of paths) {
    const found = path.reduce<Json | undefined>((inner, name) => member(inner, name), object);
    if (found !== undefined && found !== null) return found;
  }
  return undefined;
};
const fieldsOf = (object: JsonObject) => fields.map((paths) => valueAt(object, paths));

type Told = {
  readonly around: Json;
  readonly length: number;
  readonly rows: unknown[];
  readonly alike: number;
};
const listOf = (names: Path = ["data"]) => {
  const list = jsonList(names, fields);
  return (text: string): Told | undefined => {
    const rows: unknown[] = [];
    let alike = 0;
    const around = list.read(
      text,
      () => {
        alike += 1;
        rows.push(fields.map((_, field) => list.value(field)));
      },
      (object) => rows.push(fieldsOf(object)),
    );
    return around && { around: around.value, length: around.length, rows, alike };
  };
};

/** What `JSON.parse` makes of the list at `data`; `undefined`: it is none of objects. */
const parsed = (text: string): unknown[] | undefined => {
  try {
    const data = member(JSON.parse(text), "data");
    if (!Array.isArray(data)) return undefined;
    return data.map((one) => {
      if (typeof one !== "object" || one === null || Array.isArray(one)) throw new Error("no object");
      return fieldsOf(one as JsonObject);
    });
  } catch {
    return undefined;
  }
};

describe("a list that is read object by object", () => {
  test("parses the first of its kind, and the next ones not any more", () => {
    const read = listOf();
    const parse = JSON.parse;
    const row = (n: number) =>
      `{ "id":${n}, "note":"n\\"${n}","inner":{"mark": "m${n}","amount":${n}.50},"on":true,"more":[{"id":1},${n},"${n}",null]}`;
    expect(read(`{"data":[${row(1)}],"meta":{"page":1}}`)).toEqual({
      around: { data: ["the list that was read by itself"], meta: { page: 1 } },
      length: 1,
      rows: [[1, 1.5, "m1", undefined, undefined]],
      alike: 0,
    });
    let longest = 0;
    JSON.parse = (text, ...more) => {
      longest = Math.max(longest, text.length);
      return parse(text, ...more);
    };
    try {
      expect(read(`{"data" : [ ${row(20)} ,\n${row(3)}\t] }`)).toMatchObject({
        rows: [
          [20, 20.5, "m20", undefined, undefined],
          [3, 3.5, "m3", undefined, undefined],
        ],
        alike: 2,
      });
      // What is left of the page, and a text with an escape.
      expect(longest).toBeLessThan(60);
    } finally {
      JSON.parse = parse;
    }
  });

  test.each<[text: string, reason: string]>([
    ["", "nothing"],
    ["[]", "a list somewhere else"],
    ['{"data":{}}', "no list"],
    ['{"data":[}', "no end"],
    ['{"data":[{]}', "an object without an end"],
    ['{"data":[{"id":1}', "a list without one"],
    ['{"data":[{"id":1}]', "a page without one"],
    ['{"data":[{"id":1},]}', "a comma too many"],
    ['{"data":[{"id":1}{"id":1}]}', "one too few"],
    ['{"data":[,{"id":1}]}', "none before it"],
    ['{"data":[{"id":01}]}', "no number"],
    ['{"data":[{"id":"\t"}]}', "no text"],
    ['{"data":[1]}', "no objects"],
    ['{"data":[null]}', "nor this"],
    ['{"data":[{"id":1}],"data":[{"id":2}]}', "two of a name: the last one counts"],
    ['{"meta":{"data":[{"id":1}]},"data":[{"id":2}]}', "a list of that name somewhere else comes first"],
    ['{"meta":{"data":[{"id":1}]}}', "or is the only one"],
    ['{"data":[{"id":1}]} more', "something behind it"],
  ])("%s is left to the parser: %s", (text) => {
    const read = listOf();
    read('{"data":[{"id":1},{"id":"t"}]}');
    expect(read(text)).toBeUndefined();
  });

  test.each<[text: string, reason: string]>([
    ['{"data":[{"a":[{"b":{"c":1}}]},{"a":[{"b":{"c":2}}]}]}', "nothing in a list has a path"],
    [
      '{"data":[{"a":{"b":{"c":1}},"a":3},{"a":{"b":{"c":2}},"a":4}]}',
      "of two of a name the last one counts",
    ],
  ])("%s is read as it is parsed: %s", (text) => {
    expect(listOf()(text)?.rows).toEqual(parsed(text));
  });

  test("is found by more names than one, by none, and behind texts that are called alike", () => {
    expect(listOf(["page", "rows"])('{"rows":1,"page":{"rows":[{"id":7}]}}')?.rows).toEqual([
      fieldsOf({ id: 7 }),
    ]);
    expect(listOf([])(' [ {"id":7} ] ')?.rows).toEqual([fieldsOf({ id: 7 })]);
    expect(listOf()('{"kind":"data","data": []}')).toMatchObject({ length: 0, rows: [] });
  });

  test("has no end to how long a text may be, or how many escapes it has", () => {
    const read = listOf();
    const text = (id: string) => `{"data":[{"id":"a\\n"},{"id":"b"},{"id":"${id}"}]}`;
    read(text("c"));
    for (const [id, alike] of [
      ["x".repeat(5_000_000), 3],
      ["\\n".repeat(1_000), 3],
      ["\\n".repeat(1_001), 2],
      ["\\u00e9x".repeat(2_000_000), 2],
    ] as const)
      expect(read(text(id))).toMatchObject({ rows: parsed(text(id)), alike });
  });

  test("of objects that are all written otherwise is read as well", () => {
    const read = listOf();
    const row = (n: number) => ({ [`x${n}`]: n, id: n });
    const rows = Array.from({ length: 600 }, (_, n) => row(n));
    const text = JSON.stringify({ data: [...rows, ...rows] });
    expect(read(text)?.rows).toEqual(parsed(text));
    expect(read(text)?.rows).toEqual(parsed(text));
  });

  test("says what the parser says, however it is written, or nothing", () => {
    const scalar = fc.oneof(
      fc.string({ unit: "binary", maxLength: 8 }),
      fc.constantFrom("", "é", '"', "\\", "a/b", "\u2028", "\ud800", "}", "]", ",", "{"),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer(),
      fc.constantFrom(true, false, null, 0, -0, 1e21, 1e-7, 2 ** 64),
    );
    const leaf = fc.oneof({ weight: 5, arbitrary: scalar }, { weight: 1, arbitrary: fc.jsonValue() });
    const name = fc.constantFrom(
      "id",
      "amount",
      "mark",
      "a",
      "b",
      "c",
      "toString",
      "__proto__",
      "x.y",
      "é\n",
    );
    const names = fc.oneof(
      { weight: 9, arbitrary: fc.uniqueArray(name, { maxLength: 5 }) },
      { weight: 1, arbitrary: fc.array(name, { maxLength: 5 }) },
    );
    /** Objects of a few shapes, so that many are written alike. */
    const shape = fc.tuple(names, names, names);
    const object = (
      [outer, inner, innermost]: readonly (readonly string[])[],
      values: readonly unknown[],
    ): string => {
      let at = 0;
      const members = (some: readonly string[] = [], more: string): string =>
        `{${[...some.map((one) => `${JSON.stringify(one)}:${JSON.stringify(values[at++ % values.length] ?? null)}`), more].filter((one) => one !== "").join(",")}}`;
      const third = members(innermost, "");
      const second = members(inner, `"b":${third}`);
      return members(outer, `"inner":${second},"list":[${third},1]`);
    };
    const page = fc
      .tuple(
        fc.array(shape, { minLength: 1, maxLength: 3 }),
        fc.array(fc.tuple(fc.nat(), fc.array(leaf, { minLength: 1, maxLength: 12 })), { maxLength: 12 }),
      )
      .map(
        ([shapes, rows]) =>
          `{"data":[${rows.map(([one, values]) => object(shapes[one % shapes.length] ?? [], values)).join(",")}],"meta":1}`,
      );
    const damage = fc.option(
      fc.tuple(
        fc.nat(),
        fc.nat({ max: 3 }),
        fc.constantFrom("", '"', "\\", ",", "}", "]", "0", "\n", "1e5", "null"),
      ),
      { nil: undefined },
    );
    let alike = 0;
    fc.assert(
      fc.property(fc.array(fc.tuple(page, damage), { minLength: 1, maxLength: 3 }), (pages) => {
        const read = listOf();
        for (const [sound, wrong] of pages)
          for (const text of wrong === undefined ? [sound, sound] : [sound, damaged(sound, wrong)]) {
            const told = read(text);
            alike += told?.alike ?? 0;
            if (told !== undefined) expect(told.rows).toEqual(parsed(text));
            else if (text === sound) expect(parsed(text)).toBeUndefined();
          }
      }),
      { numRuns: 300 },
    );
    // Some 320, and by chance fewer.
    expect(alike).toBeGreaterThan(100);
  });
});

const damaged = (text: string, [place, length, other]: readonly [number, number, string]): string => {
  const at = place % (text.length + 1);
  return text.slice(0, at) + other + text.slice(at + length);
};
