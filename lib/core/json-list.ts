import { isJsonObject, type Json, type JsonObject, member, parseJson } from "./json.ts";
import { endOfObject, jsonLayouts, type Path } from "./json-layouts.ts";

/** What stands around a list of objects, parsed with another list in its place, and how many objects it has. */
export type AroundList = { readonly value: Json; readonly length: number };

/** Reads the objects of a list in a JSON text one by one, and those that are written alike without parsing them. */
export type JsonList = {
  /**
   * @param alike told of each object of which `value` has the fields
   * @param other told of each object that was parsed
   * @returns `undefined` where the text is not JSON, or no such list of objects, or has it where it is not looked for:
   * then it has to be parsed, and what was told until then does not count
   */
  read(text: string, alike: () => void, other: (object: JsonObject) => void): AroundList | undefined;
  /** A field of the object that `alike` was told of last. */
  value(field: number): Json | undefined;
};

const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;

const pastSpace = (text: string, from: number): number => {
  let at = from;
  while (isSpace(text.charCodeAt(at))) at += 1;
  return at;
};

/** Stands for the list while the rest is parsed: so it is known to be the one that was looked for. */
const standIn = "the list that was read by itself";

/** @param names those that lead to the list, none where the text is the list; @param fields as in `jsonLayouts` */
export const jsonList = (names: Path, fields: readonly (readonly Path[])[]): JsonList => {
  const layouts = jsonLayouts(fields);
  const name = names.length === 0 ? undefined : JSON.stringify(names.at(-1));

  /** The bracket that begins the list; -1: there is none. */
  const beginOf = (text: string): number => {
    if (name === undefined) return text.indexOf("[");
    for (let found = text.indexOf(name); found >= 0; found = text.indexOf(name, found + name.length)) {
      const colon = pastSpace(text, found + name.length);
      const begin = text.charAt(colon) === ":" ? pastSpace(text, colon + 1) : -1;
      if (text.charAt(begin) === "[") return begin;
    }
    return -1;
  };

  return {
    read(text, alike, other) {
      const begin = beginOf(text);
      if (begin < 0) return undefined;
      let at = pastSpace(text, begin + 1);
      let length = 0;
      for (let isMore = text.charAt(at) !== "]"; isMore; length++) {
        if (text.charAt(at) !== "{") return undefined;
        let end = layouts.read(text, at);
        if (end >= 0) alike();
        else {
          end = endOfObject(text, at);
          const object = end < 0 ? undefined : parseJson(text.slice(at, end));
          if (!isJsonObject(object)) return undefined;
          layouts.learn(text, at, end);
          other(object);
        }
        at = pastSpace(text, end);
        isMore = text.charAt(at) === ",";
        if (isMore) at = pastSpace(text, at + 1);
      }
      if (text.charAt(at) !== "]") return undefined;
      const value = parseJson(`${text.slice(0, begin)}["${standIn}"${text.slice(at)}`);
      const list = names.reduce<Json | undefined>((inner, one) => member(inner, one), value);
      if (value === undefined || !Array.isArray(list) || list.length !== 1 || list[0] !== standIn)
        return undefined;
      return { value, length };
    },
    value: layouts.value,
  };
};
