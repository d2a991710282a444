import { parse } from "csv-parse/sync";
import { holdsCardNumber } from "../lib/core/card-number.ts";
import type { JsonObject } from "../lib/core/json.ts";

/** What a CSV file of charges looks like, for `--help`. */
export const csvHelp = `CSV files (by the ending .csv; UTF-8, commas, quotes as in RFC 4180) begin with a row of column names:
  chargeId, gateway, amount, currency      must be there
  notAfter, instrument.ref, instrument.network, v
  metadata.<key>                           one column for each key
  request.<path with dots>                 the gateway's own part, for example
                                           request.paymentSource.type, request.consumer.id, request.sku.siteId
An empty cell is a member that is not there. Amounts are digits in minor units (1999 is 19.99 EUR), as in JSON.`;

const required = ["chargeId", "gateway", "amount", "currency"] as const;
const plain = new Set<string>([...required, "v", "notAfter", "instrument.ref", "instrument.network"]);
const pathPattern = /^(metadata\.[^\s.][^\n]{0,99}|request(\.[A-Za-z][A-Za-z0-9_]{0,59}){1,6})$/;
const isRequestStep = (step: string): boolean => step !== "__proto__" && step !== "constructor";

/** The columns of a CSV file, each as the path of the member that it fills. */
export type Columns = readonly (readonly string[])[];

/** A name that may be shown: a file without its header row must not print its first charge's values. */
const shown = (name: string): string =>
  /^[A-Za-z][A-Za-z0-9._-]{0,40}$/.test(name) && !holdsCardNumber(name) ? ` "${name}"` : "";

/** The cells of one record, or undefined where its quotes are wrong. */
export const cellsOf = (record: string): readonly string[] | undefined => {
  // Most records have no quote, and then a comma is a comma.
  if (!record.includes('"')) return record.split(",");
  try {
    const rows: string[][] = parse(record, {
      relax_column_count: true,
      record_delimiter: ["\r\n", "\n"],
      skip_empty_lines: true,
    });
    return rows.length === 1 ? rows[0] : undefined;
  } catch {
    return undefined;
  }
};

const pathOf = (name: string): readonly string[] | undefined => {
  if (plain.has(name)) return name.split(".");
  if (!pathPattern.test(name)) return undefined;
  if (name.startsWith("metadata.")) return ["metadata", name.slice("metadata.".length)];
  const steps = name.split(".");
  return steps.every(isRequestStep) ? steps : undefined;
};

/** Reads the row of column names. Each problem names its column. */
export const readColumns = (
  header: string,
): { readonly columns: Columns } | { readonly problems: readonly string[] } => {
  const names = cellsOf(header)?.map((name) => name.trim());
  if (names === undefined) return { problems: ["the row of column names has wrong quotes"] };
  const problems: string[] = [];
  const columns: (readonly string[])[] = [];
  for (const [index, name] of names.entries()) {
    const path = pathOf(name);
    if (path === undefined) problems.push(`column ${index + 1}${shown(name)}: no such column`);
    else columns.push(path);
    if (names.indexOf(name) < index) problems.push(`column ${index + 1}${shown(name)}: is there twice`);
  }
  const inside = columns.find((path) =>
    columns.some((other) => other.length > path.length && path.every((step, at) => other[at] === step)),
  );
  if (inside !== undefined) problems.push(`column "${inside.join(".")}": other columns are inside it`);
  for (const name of required) if (!names.includes(name)) problems.push(`column "${name}": must be there`);
  return problems.length === 0 ? { columns } : { problems };
};

type Branch = { [key: string]: string | number | Branch };

/** The charge message of one row, as JSON. `v` is 1 where no column says otherwise. */
export const messageOfRow = (columns: Columns, cells: readonly string[]): string => {
  const message: Branch = { v: 1 };
  for (const [index, path] of columns.entries()) {
    const cell = cells[index] ?? "";
    if (cell === "") continue;
    let at = message;
    for (const step of path.slice(0, -1)) {
      const next = Object.hasOwn(at, step) ? at[step] : undefined;
      const branch: Branch = typeof next === "object" ? next : {};
      if (branch !== next) Object.defineProperty(at, step, { value: branch, enumerable: true });
      at = branch;
    }
    const last = path.at(-1) ?? "";
    const value = path.length === 1 && last === "v" && cell === "1" ? 1 : cell;
    // Defined and not assigned: a metadata key may be called __proto__.
    Object.defineProperty(at, last, { value, enumerable: true, writable: true, configurable: true });
  }
  return JSON.stringify(message satisfies JsonObject);
};
