/** What JSON can hold. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export type JsonObject = { readonly [key: string]: Json };

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** `JSON.parse` as a value: `undefined` where the text is not JSON (JSON itself has no `undefined`). */
export const parseJson = (text: string): Json | undefined => {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
};

/** The braces of a JSON text and its strings, each with the colon that makes it a name. */
const braceOrString = /[{}]|"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?/g;

/** A name that an object in the JSON text gives to two of its members: `JSON.parse` drops all but the last, unsaid. */
export const repeatedName = (json: string): string | undefined => {
  const open: Set<string>[] = [];
  for (const [token, colon] of json.matchAll(braceOrString)) {
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (colon !== undefined) {
      const written = token.slice(1, -colon.length - 1);
      const name: string = written.includes("\\") ? JSON.parse(`"${written}"`) : written;
      const names = open.at(-1);
      if (names?.has(name)) return name;
      names?.add(name);
    }
  }
  return undefined;
};

/** The member of a JSON object, or `undefined` where `value` is not an object or has no such member of its own. */
export const member = (value: unknown, key: string): Json | undefined =>
  isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;

export const asString = (value: unknown): string | undefined =>
  typeof value === "string" ? value : undefined;

const asMember = { writable: true, enumerable: true, configurable: true } as const;

/** Gives an object a member of its own, whatever its name. */
const put = (object: Record<string, unknown>, key: string, value: unknown): void => {
  // The one name that an assignment does not make a member of.
  if (key === "__proto__") Object.defineProperty(object, key, { ...asMember, value });
  else object[key] = value;
};

/**
 * A copy of the object without the keys whose value is `undefined`: with `exactOptionalPropertyTypes` an
 * absent member and an undefined one are different things, and only the first may be stored or sent.
 */
export const defined = <T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } => {
  const kept: Record<string, unknown> = {};
  for (const key of Object.keys(object)) {
    const value = (object as Record<string, unknown>)[key];
    if (value !== undefined) put(kept, key, value);
  }
  return kept as { [K in keyof T]: Exclude<T[K], undefined> };
};

/**
 * A copy with the keys of every object in one order (that of their UTF-16 units, whole numbers first as
 * JavaScript keeps them), so that the same content is the same text however it was written.
 */
export const inKeyOrder = <T extends Json>(value: T): T => {
  if (Array.isArray(value)) return value.map(inKeyOrder) as unknown as T;
  if (!isJsonObject(value)) return value;
  const ordered: Record<string, unknown> = {};
  for (const key of Object.keys(value).sort()) put(ordered, key, inKeyOrder(value[key] ?? null));
  return ordered as T;
};

/**
 * JSON text in which the order of keys does not matter: two messages with the same content have the same
 * canonical text, however they were written.
 */
export const canonicalJson = (value: Json): string => JSON.stringify(inKeyOrder(value));

/** Whether objects and lists are nested deeper than `depth`. Goes no deeper than that, so any JSON is safe. */
export const isDeeperThan = (value: Json, depth: number): boolean => {
  if (typeof value !== "object" || value === null) return false;
  const members = value as { readonly [key: string]: Json };
  for (const key of Object.keys(members))
    if (depth === 0 || isDeeperThan(members[key] ?? null, depth - 1)) return true;
  return false;
};
