import { type Json, parseJson } from "./json.ts";

/**
 * Reads JSON objects that are written alike, as those of one list mostly are: the same members in the same order, of
 * which only texts and numbers differ. How one is written is learned from the first of its kind, as a pattern. The
 * next ones are matched with it, which makes no object of them and takes a fraction of what `JSON.parse` does. What is
 * read so is what `JSON.parse` would give; what is not as it was learned is not read.
 */
export type JsonLayouts = {
  /** Reads the object at `from`: the place behind it, or -1 where it is written as none that was learned. */
  read(text: string, from: number): number;
  /** A field of the object that was read last: what stands at the first of its paths where not nothing or null does. */
  value(field: number): Json | undefined;
  /** Learns how the object from `from` to `to`, which is valid JSON, is written. */
  learn(text: string, from: number, to: number): void;
};

/** The names that lead to a member. */
export type Path = readonly string[];

/** What stands at a field: a text or a number, as the pattern's group of this number, or one of JSON's words. */
type Place =
  | { readonly kind: "plain" | "escaped" | "number"; readonly group: number }
  | { readonly kind: "word"; readonly word: boolean };

/** So many are known at a time, and learned in all: a list in which each is written in its own way is just parsed. */
const knownMax = 16;
const learnedMax = 256;
/** A longer object is not learned. */
const objectMax = 4_096;

const plain = String.raw`[^"\\\x00-\x1f]*`;
/**
 * By JSON's grammar (RFC 8259). What follows begins with none of their characters: nothing is matched in two ways. A
 * pattern keeps a place for every escape that it has passed, so a text with more of them is left to the parser.
 */
const patterns = {
  plain,
  escaped: String.raw`${plain}(?:\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})${plain}){0,1000}`,
  number: String.raw`-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?`,
} as const;
const numberHere = new RegExp(patterns.number, "y");
const wordHere = /true|false|null/y;

const hereIn = (pattern: RegExp, text: string, at: number): string | undefined => {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
};

const literal = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

const [quote, comma, backslash] = [0x22, 0x2c, 0x5c];
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d];

/** The quotation mark that ends a text; -1: none does. */
const endOfText = (text: string, from: number): number => {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) return at;
    if (code === backslash) at += 1;
  }
  return -1;
};

/** Behind the object that begins at `from`, if it is JSON; -1: it has no end. */
export const endOfObject = (text: string, from: number): number => {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      at = endOfText(text, at + 1);
      if (at < 0) return -1;
    } else if (code === openObject || code === openList) depth += 1;
    else if (code === closeObject || code === closeList) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return -1;
};

const pathText = (path: Path): string => JSON.stringify(path);

type Layout = {
  readonly pattern: RegExp;
  /** by path; what is null is not there */
  readonly places: ReadonlyMap<string, Place>;
};

/**
 * How an object, which is valid JSON, is written; `undefined`: in a way that is left to the parser.
 * @param isField whether what stands at a path is read
 */
const layoutOf = (object: string, isField: (path: string) => boolean): Layout | undefined => {
  const places = new Map<string, Place>();
  const named = new Set<string>();
  /** the objects and lists that are open; within a list nothing has a path */
  const open: { readonly isObject: boolean; readonly path: Path | undefined }[] = [];
  let path: Path | undefined = [];
  let isName = false;
  let source = "";
  let begun = 0;
  let groups = 0;
  /** From here to there it may be otherwise. */
  const vary = (kind: keyof typeof patterns, from: number, to: number): void => {
    source += literal(object.slice(begun, from));
    begun = to;
    const name = path === undefined ? "" : pathText(path);
    const isRead = isField(name);
    source += isRead ? `(${patterns[kind]})` : patterns[kind];
    if (!isRead) return;
    groups += 1;
    places.set(name, { kind, group: groups });
  };
  for (let at = 0; at < object.length; at++) {
    const code = object.charCodeAt(at);
    if (code === openObject || code === openList) {
      if (path !== undefined && isField(pathText(path))) return undefined;
      isName = code === openObject;
      if (!isName) path = undefined;
      open.push({ isObject: isName, path });
    } else if (code === closeObject || code === closeList) open.pop();
    else if (code === comma) isName = open.at(-1)?.isObject === true;
    else if (code === quote) {
      const end = endOfText(object, at + 1);
      const text = object.slice(at + 1, end);
      const isEscaped = text.includes("\\");
      if (!isName) vary(isEscaped ? "escaped" : "plain", at + 1, end);
      else {
        isName = false;
        const within = open.at(-1)?.path;
        path = within === undefined ? undefined : [...within, text];
        const name = path === undefined ? "" : pathText(path);
        // A name with an escape is another one; and of two members of one name the last one counts.
        if (isEscaped || (path !== undefined && named.has(name))) return undefined;
        named.add(name);
      }
      at = end;
    } else {
      const number = hereIn(numberHere, object, at);
      const word = hereIn(wordHere, object, at);
      if (number !== undefined) vary("number", at, at + number.length);
      if (word !== undefined && word !== "null" && path !== undefined)
        places.set(pathText(path), { kind: "word", word: word === "true" });
      at += Math.max((number ?? word ?? "").length - 1, 0);
    }
  }
  return { pattern: new RegExp(source + literal(object.slice(begun)), "y"), places };
};

/** @param fields what is read of each object, each by its paths */
export const jsonLayouts = (fields: readonly (readonly Path[])[]): JsonLayouts => {
  const fieldPaths = fields.map((paths) => paths.map(pathText));
  const allPaths = new Set(fieldPaths.flat());
  /** the one that was met last comes first */
  const known: { readonly pattern: RegExp; readonly places: readonly (Place | undefined)[] }[] = [];
  let learned = 0;
  let found: readonly (string | undefined)[] = [];
  let places: readonly (Place | undefined)[] = [];

  return {
    read(text, from) {
      for (const [at, layout] of known.entries()) {
        layout.pattern.lastIndex = from;
        const match = layout.pattern.exec(text);
        if (match === null) continue;
        if (at > 0) known.unshift(...known.splice(at, 1));
        found = match;
        places = layout.places;
        return layout.pattern.lastIndex;
      }
      return -1;
    },
    value(field) {
      const place = places[field];
      if (place === undefined) return undefined;
      if (place.kind === "word") return place.word;
      const text = found[place.group] ?? "";
      if (place.kind === "number") return Number(text);
      return place.kind === "plain" ? text : parseJson(`"${text}"`);
    },
    learn(text, from, to) {
      if (learned === learnedMax || to - from > objectMax) return;
      learned += 1;
      const layout = layoutOf(text.slice(from, to), (path) => allPaths.has(path));
      if (layout === undefined) return;
      known.unshift({
        pattern: layout.pattern,
        places: fieldPaths.map((paths) =>
          layout.places.get(paths.find((path) => layout.places.has(path)) ?? ""),
        ),
      });
      known.length = Math.min(known.length, knownMax);
    },
  };
};
