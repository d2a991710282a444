import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  asString,
  canonicalJson,
  defined,
  isDeeperThan,
  isJsonObject,
  type Json,
  type JsonObject,
  member,
  parseJson,
  repeatedName,
} from "../../lib/core/json.ts";
import { anyCodePoints } from "../any-text.ts";

const anyJson = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;

describe("parseJson", () => {
  test.each<[string, Json | undefined, string]>([
    ["1", 1, "a number"],
    ["null", null, "JSON's null is a value, not a failure"],
    ['"x"', "x", "a string"],
    ["{}", {}, "an object"],
    ["", undefined, "nothing"],
    ["{", undefined, "cut short"],
    ["{'a':1}", undefined, "single quotes are JavaScript"],
    ["\ufeff{}", undefined, "a byte order mark is not JSON"],
    ["NaN", undefined, "a word of JavaScript"],
    ["[1,]", undefined, "a trailing comma"],
    ["[".repeat(1_048_576), undefined, "1 MiB of ["],
  ])("%.20s → %j (%s)", (text, value) => {
    expect(parseJson(text)).toStrictEqual(value);
  });

  test("never throws", () => {
    fc.assert(fc.property(anyCodePoints, (text) => void parseJson(text)));
  });
});

describe("repeatedName", () => {
  test.each<[string, string | undefined, string]>([
    ["{}", undefined, "no name"],
    ['{"a":1,"b":1}', undefined, "two names"],
    ['{"a":1,"a":1}', "a", "one name, the same value"],
    ['{"a" : 1 , "a"\n:2}', "a", "with room before the colons"],
    ['{"b":{"a":1},"a":2}', undefined, "one name at two places"],
    ['{"b":[{"a":1},{"a":2}],"c":{}}', undefined, "in two objects of a list"],
    ['{"b":{"c":{"a":1,"a":2}}}', "a", "deep inside"],
    ['{"a":{"b":1},"c":{},"a":1}', "a", "behind objects"],
    ['{"a":"a","b":["a","a"]}', undefined, "values are no names"],
    ['{"a":"\\",\\"b\\":1,\\"b\\":2"}', undefined, "names inside of a text"],
    ['{"a":"}","a":"{"}', "a", "braces inside of texts"],
    ['{"a":"x\\\\","a":1}', "a", "a text that ends with a backslash"],
    ['{"\\u0061mount":"5","amount":"6"}', "amount", "one name in two writings"],
    ['{"__proto__":1,"__proto__":2}', "__proto__", "a name that is more to JavaScript"],
    ["[1,2]", undefined, "a list"],
    ['"a"', undefined, "a text"],
    ['"a":1,"a":2', undefined, "no JSON: names of no object"],
    ["", undefined, "nothing"],
  ])("%s → %j (%s)", (text, name) => {
    expect(repeatedName(text)).toBe(name);
  });

  test("what JavaScript writes has none; with one of its members once more, there is that one", () => {
    fc.assert(
      fc.property(anyJson, fc.nat(), (value, at) => {
        const text = JSON.stringify(value);
        expect(repeatedName(text)).toBeUndefined();
        if (!isJsonObject(value)) return;
        const names = Object.keys(value);
        const name = names[at % names.length];
        if (name === undefined) return;
        expect(repeatedName(`${text.slice(0, -1)},${JSON.stringify(name)}:0}`)).toBe(name);
      }),
    );
  });

  test("takes a text of any kind and length", () => {
    expect(repeatedName(`{"a":"${"\\n".repeat(60_000)}"}`)).toBeUndefined();
    expect(repeatedName("{".repeat(65_536))).toBeUndefined();
    expect(repeatedName("}".repeat(65_536))).toBeUndefined();
  });
});

describe("isJsonObject", () => {
  test.each<[unknown, boolean, string]>([
    [{}, true, "an object"],
    [{ a: 1 }, true, "with a member"],
    [[], false, "a list"],
    [null, false, "null is of type object"],
    ["{}", false, "text"],
    [undefined, false, "nothing"],
    [1, false, "a number"],
  ])("%j → %s (%s)", (value, is) => {
    expect(isJsonObject(value)).toBe(is);
  });
});

describe("member", () => {
  test.each<[unknown, string, unknown, string]>([
    [{ a: 1 }, "a", 1, "its own"],
    [{ a: null }, "a", null, "null is there"],
    [{ a: 1 }, "b", undefined, "not there"],
    [{}, "constructor", undefined, "inherited"],
    [{}, "toString", undefined, "inherited"],
    [{}, "__proto__", undefined, "inherited"],
    [parseJson('{"__proto__":{"a":1}}'), "a", undefined, "JSON's __proto__ is a name like any other"],
    [[1], "0", undefined, "a list has no members"],
    ["text", "length", undefined, "text has no members"],
    [null, "a", undefined, "null has no members"],
    [undefined, "a", undefined, "nothing has no members"],
  ])("%j, %s → %j (%s)", (value, key, expected) => {
    expect(member(value, key)).toStrictEqual(expected);
  });
});

test.each<[unknown, string | undefined, string]>([
  ["a", "a", "text"],
  ["", "", "empty text"],
  [1, undefined, "a number is not text"],
  [null, undefined, "null"],
  [["a"], undefined, "a list of one text"],
])("asString(%j) → %j (%s)", (value, text) => {
  expect(asString(value)).toBe(text);
});

test("defined drops what is undefined and nothing else", () => {
  const kept = defined({ a: 1, b: undefined, c: null, d: "", e: 0, f: false });
  expect(Object.keys(kept)).toStrictEqual(["a", "c", "d", "e", "f"]);
});

describe("canonicalJson", () => {
  const reversed = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(reversed);
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, item]) => [key, reversed(item)]),
    );
  };

  test.each<[Json, string, string]>([
    [{ b: 1, a: 2 }, '{"a":2,"b":1}', "keys in order"],
    [{ a: { d: 1, c: [] } }, '{"a":{"c":[],"d":1}}', "all the way down"],
    [[2, 1], "[2,1]", "a list's order is its content"],
    [{ a: null }, '{"a":null}', "null stays"],
    ['a"b', '"a\\"b"', "text is escaped"],
    [parseJson("1.0") as Json, "1", "a number's form is not its content"],
    [parseJson('{"__proto__":1,"a":2}') as Json, '{"__proto__":1,"a":2}', "__proto__ is content too"],
  ])("%j → %s (%s)", (value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  test("has few keys and many in order", () => {
    const names = Array.from({ length: 40 }, (_, n) => `k${(n * 17) % 40}`);
    for (let count = 0; count <= names.length; count++) {
      const some = names.slice(0, count);
      const value = Object.fromEntries(some.map((name) => [name, 1]));
      expect(Object.keys(JSON.parse(canonicalJson(value)))).toEqual([...some].sort());
    }
  });

  test("is the same however the keys are ordered", () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        expect(canonicalJson(reversed(value))).toBe(canonicalJson(value));
      }),
    );
  });

  test("tells two values apart exactly where JSON does", () => {
    fc.assert(
      fc.property(anyJson, anyJson, (one, other) => {
        const same = (value: Json): Json => JSON.parse(JSON.stringify(value));
        const equal = canonicalJson(one) === canonicalJson(other);
        if (equal) expect(same(one)).toStrictEqual(same(other));
        else expect(JSON.stringify(one)).not.toBe(JSON.stringify(other));
      }),
    );
  });

  test("is JSON of the same value", () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        expect(parseJson(canonicalJson(value))).toStrictEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe("isDeeperThan", () => {
  const nested = (depth: number): Json => {
    let value: Json = 1;
    for (let at = 0; at < depth; at++) value = at % 2 === 0 ? [value] : { a: value };
    return value;
  };

  test.each<[Json, number, boolean, string]>([
    [1, 0, false, "no nesting at all"],
    [[], 0, false, "an empty list holds nothing"],
    [[1], 0, true, "one level over none"],
    [nested(12), 12, false, "exactly as deep"],
    [nested(13), 12, true, "one deeper"],
    [[1, [2, [3]]] as Json, 2, true, "the deepest branch counts"],
    [{} as JsonObject, 0, false, "an empty object holds nothing"],
  ])("%j, %i → %s (%s)", (value, depth, deeper) => {
    expect(isDeeperThan(value, depth)).toBe(deeper);
  });

  test("does not care how deep or wide a value is", () => {
    expect(isDeeperThan(nested(300_000), 12)).toBe(true);
    expect(
      isDeeperThan(
        Array.from({ length: 100_000 }, () => [1]),
        12,
      ),
    ).toBe(false);
  });
});
