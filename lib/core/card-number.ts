import { isCardBrand } from "./card-brand.ts";

/**
 * Card numbers in text (S12). Two rules, because the two mistakes cost differently: refusing a charge needs
 * a number that a card brand could have issued; masking a log line only needs one that could be a number.
 *
 * Both read a *run*: digit groups joined by up to three spaces or dashes each, or in a card's own groups by one dot or
 * slash. Digits are those of ASCII, Arabic, Persian, and full-width ones. A number is made of whole groups, so that
 * twelve digits out of a longer row of digits are never taken for one. Written as a scan and not as one regular
 * expression, because the text may be hostile and a backtracking engine has limits of its own.
 */
type Run = {
  /** index of the first digit */
  readonly from: number;
  /** index after the last digit */
  readonly to: number;
  readonly groups: readonly string[];
};

/** A card number; what is masked may be shorter by one. A phone number has at most 15 digits (E.164). */
const cardDigitsMin = 13;
const cardDigitsMax = 19;
const maskedDigitsMin = 12;
const phoneDigitsMax = 15;

/**
 * UUIDs and hex digests (object ids of 24, MD5 32, SHA-1 40, SHA-256 64 characters). One UUID in 2,000 holds what
 * reads as a card number by chance, and a charge whose id is a UUID must not be refused for that.
 */
const identifier =
  /(?<![0-9a-z])(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32}|[0-9a-f]{24})(?![0-9a-z])/gi;

/**
 * A card's own groups between dots or slashes; in other groups these make dates, amounts, addresses and paths. Of
 * bounded length: a repetition without end needs room for each of its steps.
 */
const dotted = /\d{4}([./])(?:\d{4}\1\d{4}\1\d{4}(?:\1\d{1,3})?|\d{6}\1\d{4,5})(?!\d)/y;

/** The text, place for place, with its identifiers made unreadable. Without a letter it is no hex but digits. */
const withoutIdentifiers = (text: string): string =>
  text.replace(identifier, (found) => (/[a-f]/i.test(found) ? "x".repeat(found.length) : found));

const noRuns: readonly Run[] = [];

/** Arabic, Persian and full-width digits, without their last four bits, which say the value as in ASCII. */
const otherDigits = new Set([0x66, 0x6f, 0xff1]);
const otherDigit = /[\u0660-\u0669\u06f0-\u06f9\uff10-\uff19]/g;

const isDigit = (code: number): boolean =>
  (code & 15) < 10 && (code < 0x660 ? code >> 4 === 3 : otherDigits.has(code >> 4));

/**
 * Space and hyphen-minus, and what text editors, pages and other keyboards put in their place: no-break, zero-width and
 * full-width ones, soft hyphen, dashes.
 */
const separators = new Set(
  [..." -\u00a0\u00ad\u2007\u200b\u202f\u2010\u2011\u2012\u2013\u2014\u2060\u2212\u3000\uff0d"].map((c) =>
    c.charCodeAt(0),
  ),
);
/** As many of them stand between two groups of one number at the most. */
const separatorsMax = 3;

/** Whether the text has so many digits at all: most texts have not, and are not read any further. */
const hasDigits = (text: string, count: number): boolean => {
  if (text.length < count) return false;
  let digits = 0;
  for (let at = 0; at < text.length; at += 1)
    if (isDigit(text.charCodeAt(at))) {
      digits += 1;
      if (digits === count) return true;
    }
  return false;
};

const behindSeparators = (text: string, from: number): number => {
  let at = from;
  while (at < from + separatorsMax && separators.has(text.charCodeAt(at))) at += 1;
  return at;
};

/** The runs of a text. One that has not `digitsMin` digits in all has none that matters. */
const runsOf = (written: string, digitsMin: number): readonly Run[] => {
  if (!hasDigits(written, digitsMin)) return noRuns;
  const runs: Run[] = [];
  const text = withoutIdentifiers(written.replace(otherDigit, (digit) => String(digit.charCodeAt(0) & 15)));
  let at = 0;
  while (at < text.length) {
    if (!isDigit(text.charCodeAt(at))) {
      at += 1;
      continue;
    }
    const from = at;
    const groups: string[] = [];
    let to = at;
    let dottedTo = 0;
    do {
      dotted.lastIndex = at;
      // What follows a star is the end of a number that was masked.
      if (text[at - 1] !== "*" && dotted.test(text)) dottedTo = dotted.lastIndex;
      to = at;
      while (isDigit(text.charCodeAt(to))) to += 1;
      groups.push(text.slice(at, to));
      at = to < dottedTo ? to + 1 : behindSeparators(text, to);
    } while (isDigit(text.charCodeAt(at)));
    runs.push({ from, to, groups });
    at = to;
  }
  return runs;
};

/** Whether some row of whole groups, `digitsMin` to 19 digits long, passes `test`. Linear: at most 19 groups a row. */
const someNumber = (
  groups: readonly string[],
  digitsMin: number,
  test: (number: string, firstGroup: number) => boolean,
): boolean => {
  const digits = groups.join("");
  let from = 0;
  for (const [first, group] of groups.entries()) {
    let to = from;
    for (const { length } of groups.slice(first, first + cardDigitsMax)) {
      to += length;
      const count = to - from;
      if (count >= digitsMin && count <= cardDigitsMax && test(digits.slice(from, to), first)) return true;
    }
    from += group.length;
  }
  return false;
};

const passesLuhn = (digits: string): boolean => {
  let sum = 0;
  for (let fromRight = 1; fromRight <= digits.length; fromRight += 1) {
    const digit = digits.charCodeAt(digits.length - fromRight) - 0x30;
    const doubled = digit * 2;
    sum += fromRight % 2 === 1 ? digit : doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
};

const runHoldsCard = (text: string, { from, groups }: Run): boolean => {
  const afterPlus = text.charAt(from - 1) === "+";
  if (afterPlus && groups.reduce((digits, group) => digits + group.length, 0) <= phoneDigitsMax) return false;
  return someNumber(
    groups,
    cardDigitsMin,
    (number, firstGroup) => !(afterPlus && firstGroup === 0) && isCardBrand(number) && passesLuhn(number),
  );
};

/**
 * Whether the text holds a card number: 13 to 19 digits, spaces or dashes between them or not (in a card's own
 * groups dots or slashes, too), with the prefix and length of a known brand and a right check digit; not out of a longer
 * row of digits, not behind a `+` (a phone number), and not inside a UUID or hex digest. Takes time linear in the text,
 * whatever is in it.
 */
export const holdsCardNumber = (text: string): boolean => {
  for (const run of runsOf(text, cardDigitsMin)) if (runHoldsCard(text, run)) return true;
  return false;
};

const maskRun = (written: string, digits: number): string => {
  let masked = "";
  let seen = 0;
  for (const char of written) {
    const digit = isDigit(char.charCodeAt(0));
    if (digit) seen += 1;
    masked += digit && seen > 6 && seen <= digits - 4 ? "*" : char;
  }
  return masked;
};

/**
 * The text with everything that may be a card number masked: 12 to 19 digits with a right check digit, whatever
 * the prefix, become the first 6 and the last 4 with `*` between, spaces and dashes kept. Where groups before or
 * after belong to the same run the whole run is masked so: what is left of it then can form no new number,
 * and masking twice changes nothing. `holdsCardNumber` is false for every masked text.
 */
export const maskCardNumbers = (text: string): string => {
  let masked = "";
  let copied = 0;
  for (const { from, to, groups } of runsOf(text, maskedDigitsMin)) {
    if (!someNumber(groups, maskedDigitsMin, passesLuhn)) continue;
    const digits = groups.reduce((sum, group) => sum + group.length, 0);
    masked += text.slice(copied, from) + maskRun(text.slice(from, to), digits);
    copied = to;
  }
  return masked + text.slice(copied);
};

/**
 * A JSON number beyond 2^53 lost its last digits when it was parsed, and its check digit with them: there the
 * brand's prefix and length decide alone. A fraction is no card number.
 */
const numberHoldsCard = (value: unknown): boolean => {
  if (!Number.isInteger(value)) return false;
  const digits = String(value).replace("-", "");
  return Number.isSafeInteger(value) ? holdsCardNumber(digits) : isCardBrand(digits);
};

/** What holds no other values: a string or a number, or what can be no card number at all. */
const scalarHoldsCard = (value: unknown): boolean =>
  typeof value === "string" ? holdsCardNumber(value) : numberHoldsCard(value);

/** A place in parsed JSON, as a chain to the root: a million levels deep, a path a level would be quadratic. */
type Place = { readonly parent: Place | undefined; readonly step: string | number };

const stepsShown = 20;
const pathLengthMax = 200;

const pathOf = (place: Place | undefined): string => {
  const steps: (string | number)[] = [];
  for (let at = place; at !== undefined; at = at.parent) steps.push(at.step);
  const shown = steps.slice(-stepsShown).reverse();
  let path = "";
  for (const step of shown) {
    path += typeof step === "number" ? `[${step}]` : path === "" ? step : `.${step}`;
  }
  if (steps.length > stepsShown) path += "…";
  // Masked before it is cut: a number that was cut has no check digit to be known by.
  const safe = maskCardNumbers(path).replace(/\p{Cc}/gu, "?");
  if (safe === "") return "message";
  return safe.length > pathLengthMax ? `${safe.slice(0, pathLengthMax - 1)}…` : safe;
};

/** Whether `findCardNumber` finds one: most values hold none, and then nobody asks for the place. */
const hasCardNumber = (value: unknown): boolean => {
  const open: unknown[] = [value];
  while (open.length > 0) {
    const found = open.pop();
    if (scalarHoldsCard(found)) return true;
    if (typeof found !== "object" || found === null) continue;
    for (const key of Object.keys(found)) {
      if (holdsCardNumber(key)) return true;
      open.push((found as Record<string, unknown>)[key]);
    }
  }
  return false;
};

/**
 * The first place in parsed JSON that holds a card number, by `holdsCardNumber`: in a string, a number or an
 * object's key. `path` names it for a person ("request.consumer.zip", "lineItems[0].sku", "metadata key";
 * "message" for the root), never shows a card number and has at most about 200 characters. Depth and size of
 * the value do not matter.
 */
export const findCardNumber = (value: unknown): { path: string } | undefined => {
  if (!hasCardNumber(value)) return undefined;
  const open: { readonly value: unknown; readonly place: Place | undefined }[] = [
    { value, place: undefined },
  ];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value: found, place } = next;
    if (scalarHoldsCard(found)) return { path: pathOf(place) };
    if (typeof found !== "object" || found === null) continue;
    const members: [step: string | number, member: unknown][] = Array.isArray(found)
      ? [...found.entries()]
      : Object.entries(found);
    if (members.some(([step]) => holdsCardNumber(String(step)))) return { path: `${pathOf(place)} key` };
    for (const [step, member] of members.reverse()) {
      open.push({ value: member, place: { parent: place, step } });
    }
  }
  return undefined;
};
