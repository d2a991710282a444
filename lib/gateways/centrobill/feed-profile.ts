import { isJsonObject, type Json } from "../../core/json.ts";

/** How a time is written into a query. `format` is read in `zone` (an IANA name), as `YYYY-MM-DD HH:mm:ss`. */
export type TimeFormat = "iso" | "unix" | { readonly format: "YYYY-MM-DD HH:mm:ss"; readonly zone: string };

/** Where a member stands: a path with dots, or several of which the first that is there counts. */
export type Path = string | readonly string[];

export const rowFields = [
  "code",
  "codeCategory",
  "description",
  "action",
  "mode",
  "status",
  "amount",
  "currency",
  "transactionId",
  "orderId",
  "parentTransactionId",
  "chargeId",
  "requestId",
  "consumerId",
  "consumerExternalId",
  "unixTime",
] as const;
export type RowField = (typeof rowFields)[number];

/**
 * Everything about Centrobill's Feed API that its public pages do not say (facts §4: host, path, parameters,
 * paging, authentication and shape are NOT FOUND), as data.
 */
export type FeedProfile = {
  readonly path: string;
  readonly params: {
    readonly from: string;
    readonly to: string;
    readonly page: string;
    readonly limit: string;
    readonly orderId: string;
    readonly transactionId: string;
  };
  readonly timeFormat: TimeFormat;
  readonly paging: {
    /** `page` counts pages, `offset` counts rows, `cursor` hands on the gateway's mark, `none` has one page */
    readonly style: "page" | "offset" | "cursor" | "none";
    readonly first: number;
    readonly limit: number;
    /** where the answer names the page it is, the last page, the rows in all, the next mark */
    readonly currentPath: string;
    readonly lastPath: string;
    readonly totalPath: string;
    readonly nextPath: string;
    readonly pagesMax: number;
  };
  readonly auth: { readonly in: "header" | "query"; readonly name: string };
  readonly rowsPath: string;
  readonly fields: Readonly<Record<RowField, Path>>;
};

/** Assumed: compare with the Feed reference that your account manager sends (contract, section 5). */
export const defaultFeedProfile: FeedProfile = {
  path: "/transactions",
  params: {
    from: "dateFrom",
    to: "dateTo",
    page: "page",
    limit: "limit",
    orderId: "orderId",
    transactionId: "transactionId",
  },
  timeFormat: "iso",
  paging: {
    style: "page",
    first: 1,
    limit: 100,
    currentPath: "meta.currentPage",
    lastPath: "meta.lastPage",
    totalPath: "meta.total",
    nextPath: "meta.nextCursor",
    pagesMax: 1_000,
  },
  auth: { in: "header", name: "Authorization" },
  rowsPath: "data",
  // A row is the payment object itself, or holds it as the pay response does.
  fields: {
    code: ["code", "payment.code"],
    codeCategory: ["codeCategory", "payment.codeCategory"],
    description: ["description", "payment.description"],
    action: ["action", "payment.action"],
    mode: ["mode", "payment.mode"],
    status: ["status", "payment.status"],
    amount: ["amount", "payment.amount"],
    currency: ["currency", "payment.currency"],
    transactionId: ["transactionId", "payment.transactionId"],
    orderId: ["orderId", "payment.orderId"],
    parentTransactionId: ["parentTransactionId", "payment.parentTransactionId"],
    chargeId: ["metadata.chargeId", "payment.metadata.chargeId"],
    requestId: ["metadata.requestId", "payment.metadata.requestId"],
    consumerId: ["consumer.id", "payment.consumer.id"],
    consumerExternalId: ["consumer.externalId", "payment.consumer.externalId"],
    unixTime: ["timestamp.unixTime", "payment.timestamp.unixTime"],
  },
};

type Parsed =
  | { readonly ok: true; readonly profile: FeedProfile }
  | { readonly ok: false; readonly problems: readonly string[] };

const isPath = (value: unknown): boolean =>
  (typeof value === "string" && value.length > 0) ||
  (Array.isArray(value) &&
    value.length > 0 &&
    value.every((path) => typeof path === "string" && path !== ""));

const isZone = (zone: unknown): boolean => {
  if (typeof zone !== "string") return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
};

const isTimeFormat = (value: unknown): boolean =>
  value === "iso" ||
  value === "unix" ||
  (isJsonObject(value) && value["format"] === "YYYY-MM-DD HH:mm:ss" && isZone(value["zone"]));

const isCount =
  (min: number, max: number) =>
  (value: unknown): boolean =>
    Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max;
const isName = (value: unknown): boolean => typeof value === "string" && /^[\w.[\]-]{1,100}$/.test(value);
const oneOf =
  (...words: readonly string[]) =>
  (value: unknown): boolean =>
    words.includes(value as string);

type Check = readonly [test: (value: unknown) => boolean, must: string];

const path: Check = [isPath, "a path like meta.total, or a list of them"];
const plainPath: Check = [(v) => typeof v === "string" && v !== "", "a path like meta.total"];
const name: Check = [isName, "a parameter name"];

const checks: Readonly<Record<string, Check | Readonly<Record<string, Check>>>> = {
  path: [(v) => typeof v === "string" && /^\/\S*$/.test(v), "a path that begins with /"],
  params: { from: name, to: name, page: name, limit: name, orderId: name, transactionId: name },
  timeFormat: [isTimeFormat, '"iso", "unix", or {format: "YYYY-MM-DD HH:mm:ss", zone: an IANA zone}'],
  paging: {
    style: [oneOf("page", "offset", "cursor", "none"), '"page", "offset", "cursor" or "none"'],
    first: [isCount(0, 1), "0 or 1"],
    limit: [isCount(1, 10_000), "a whole number from 1 to 10000"],
    currentPath: plainPath,
    lastPath: plainPath,
    totalPath: plainPath,
    nextPath: plainPath,
    pagesMax: [isCount(1, 100_000), "a whole number from 1 to 100000"],
  },
  auth: { in: [oneOf("header", "query"), '"header" or "query"'], name },
  rowsPath: [(v) => typeof v === "string", 'a path, or "" where the answer itself is the list'],
  fields: Object.fromEntries(rowFields.map((field) => [field, path])),
};

/** The default profile with a user's changes. Every problem names its place; an unknown name is one. */
export const parseFeedProfile = (file: Json): Parsed => {
  if (!isJsonObject(file)) return { ok: false, problems: ["the feed profile must be a JSON object"] };
  const problems: string[] = [];
  const check = (place: string, value: Json | undefined, rule: Check): void => {
    if (!rule[0](value)) problems.push(`${place}: must be ${rule[1]}`);
  };
  const merged: Record<string, Json> = {};
  for (const [key, value] of Object.entries(file)) {
    const rule = Object.hasOwn(checks, key) ? checks[key] : undefined;
    if (rule === undefined) problems.push(`${key}: no such part of a feed profile`);
    else if (Array.isArray(rule)) check(key, value, rule as unknown as Check);
    else if (!isJsonObject(value)) problems.push(`${key}: must be an object`);
    else {
      for (const [inner, item] of Object.entries(value)) {
        const innerRule = Object.hasOwn(rule, inner) ? (rule as Record<string, Check>)[inner] : undefined;
        if (innerRule === undefined) problems.push(`${key}.${inner}: no such part of a feed profile`);
        else check(`${key}.${inner}`, item, innerRule);
      }
    }
    const standard = (defaultFeedProfile as unknown as Record<string, Json>)[key];
    merged[key] = isJsonObject(value) && isJsonObject(standard) ? { ...standard, ...value } : value;
  }
  const profile: FeedProfile = { ...defaultFeedProfile, ...(merged as Partial<FeedProfile>) };
  if (problems.length === 0 && sharesName(profile))
    problems.push(
      "params: must be another name for each thing that is asked for at once, auth.name among them",
    );
  return problems.length > 0 ? { ok: false, problems } : { ok: true, profile };
};

/** Of two parameters of one name only one is sent: a search would be over another window than it says (S5). */
const sharesName = ({ params, auth }: FeedProfile): boolean => {
  const { from, to, page, limit, orderId, transactionId } = params;
  const key = auth.in === "query" ? [auth.name] : [];
  return [
    [from, to, page, limit, ...key],
    [orderId, ...key],
    [transactionId, ...key],
  ].some((names) => new Set(names).size < names.length);
};
