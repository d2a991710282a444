import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FeedRow } from "../../lib/core/feed.ts";
import type { LedgerEntry } from "../../lib/core/ledger.ts";
import { type Found, matcherFor, type Wanted } from "../../lib/core/matching.ts";
import { chargeIdOf, requestIdOf, reversal, row, stranger, unknown } from "./builders.ts";

/** Two charges of one consumer and one amount: `order-1` with an attempt before, `order-2` known to the gateway. */
const first: LedgerEntry = unknown({
  requestId: requestIdOf("request-1"),
  earlierRequestIds: [requestIdOf("request-0"), requestIdOf("request-00")],
});
const second: LedgerEntry = unknown({
  chargeId: chargeIdOf("order-2"),
  requestId: requestIdOf("request-2"),
  ids: { transactionId: "tx-of-2", orderId: "or-of-2" },
});
const lena = { consumers: ["lena"] };
const wanted: readonly Wanted[] = [
  { entry: first, ...lena },
  { entry: second, consumers: ["lena", "lena@example.net"] },
];

const places = ["own", "otherAttempt", "reversals", "weak"] as const;

const foundIn = (rows: readonly FeedRow[], of = wanted): readonly Found[] => {
  const matcher = matcherFor(of);
  for (const one of rows) matcher.add(one);
  return of.map(({ entry }) => matcher.foundOf(entry.chargeId));
};

/** Where a row went: "order-1 own", or nothing. */
const placeOf = (one: FeedRow, of = wanted): string => {
  const founds = foundIn([one], of);
  return of
    .flatMap(({ entry }, at) =>
      places
        .filter((place) => (founds[at]?.[place].length ?? 0) > 0)
        .map((place) => `${entry.chargeId} ${place}`),
    )
    .join(", ");
};

const by = (references: Partial<FeedRow>): FeedRow => stranger("captured", { ...lena, ...references });
/** Our own references, which `stranger` leaves out. */
const ours = (references: Partial<FeedRow>): FeedRow => ({ ...stranger("captured", lena), ...references });

describe("whose row it is", () => {
  test.each<[FeedRow, place: string, reason: string]>([
    [ours({ requestId: "request-1" }), "order-1 own", "our request id"],
    [ours({ requestId: "request-1", chargeId: "order-1" }), "order-1 own", "both references"],
    [ours({ chargeId: "order-1" }), "order-1 own", "our charge id alone"],
    [ours({ requestId: "request-2", chargeId: "order-2" }), "order-2 own", "the other's"],
    [ours({ requestId: "request-0" }), "order-1 otherAttempt", "an attempt before"],
    [ours({ requestId: "request-00" }), "order-1 otherAttempt", "the first of two before"],
    [ours({ requestId: "request-0", chargeId: "order-1" }), "order-1 otherAttempt", "with the charge id"],
    [
      ours({ requestId: "request-9", chargeId: "order-1" }),
      "order-1 otherAttempt",
      "a send that nobody knows",
    ],
    [ours({ requestId: "request-1", chargeId: "order-2" }), "order-1 own", "the request id counts (S13)"],
    [ours({ requestId: "request-1", chargeId: "order-9" }), "order-1 own", "the request id counts"],
    [ours({ requestId: "request-9" }), "", "somebody else's request id"],
    [ours({ chargeId: "order-9" }), "", "somebody else's charge id, though all else is alike (S14)"],
    [ours({ requestId: "request-9", chargeId: "order-9" }), "", "somebody else's charge"],
    [ours({ chargeId: "" }), "", "an empty reference is one"],
    [
      ours({ requestId: "request-9", transactionId: "tx-of-2" }),
      "",
      "a reference that is not ours counts before an id of the gateway's",
    ],
    [
      ours({ requestId: "request-1", transactionId: "tx-of-2" }),
      "order-1 own",
      "a reference of ours counts before an id of the gateway's (S13)",
    ],
    [by({ transactionId: "tx-of-2" }), "order-2 own", "the gateway's id of the transaction"],
    [by({ transactionId: "tx-9", orderId: "or-of-2" }), "order-2 own", "the gateway's id of the order"],
    [by({ transactionId: "tx-of-2", consumers: [] }), "order-2 own", "whoever was charged"],
    [by({ transactionId: "tx-9", parentTransactionId: "tx-of-2" }), "order-2 own", "what followed from it"],
    [ours({ chargeId: "constructor", ...lena }), "", "a member of every object is nobody's charge"],

    [
      { ...reversal({ requestId: "request-1" }), chargeId: "order-1" },
      "order-1 reversals",
      "given back, by our reference",
    ],
    [
      { ...reversal(), requestId: "request-0" },
      "order-1 reversals",
      "given back of an attempt before: it is this charge's",
    ],
    [
      stranger("unproven", { kind: "reversal", parentTransactionId: "tx-of-2", transactionId: "tx-9" }),
      "order-2 reversals",
      "given back, by what it was taken with",
    ],
    [
      stranger("unproven", { ...lena, kind: "reversal", transactionId: "tx-9" }),
      "",
      "given back to the same consumer: no weak match, it took nothing",
    ],
  ])("%j → %j (%s)", (one, place) => {
    expect(placeOf(one)).toBe(place);
  });

  test("what a feed does not hold is not found", () => {
    const nothing = { own: [], otherAttempt: [], reversals: [], weak: [] };
    expect(foundIn([])).toStrictEqual([nothing, nothing]);
    expect(matcherFor([]).foundOf(chargeIdOf("order-1"))).toStrictEqual(nothing);
    expect(matcherFor(wanted).foundOf(chargeIdOf("__proto__"))).toStrictEqual(nothing);
    expect(() => matcherFor([]).add(row("captured"))).not.toThrow();
  });

  test("rows are kept in the order in which they came", () => {
    const rows = [row("captured", { transactionId: "a" }), row("refused", { transactionId: "b" })];
    expect(foundIn(rows)[0]?.own).toStrictEqual(rows);
  });
});

describe("what only looks like it (S14)", () => {
  test.each<[Partial<FeedRow>, place: string, reason: string]>([
    [{}, "order-1 weak, order-2 weak", "the same consumer, amount and currency: of both, and of neither"],
    [{ consumers: ["lena@example.net"] }, "order-2 weak", "by another of the consumer's names"],
    [{ consumers: ["lena", "lena@example.net"] }, "order-1 weak, order-2 weak", "by two names: once each"],
    [{ amount: "19.990" }, "order-1 weak, order-2 weak", "the same amount, written longer"],
    [{ amount: "19.98" }, "order-1 weak, order-2 weak", "another amount was taken: a wrong one, perhaps"],
    [{ currency: "USD" }, "order-1 weak, order-2 weak", "in another currency"],
    [{ amount: "19,99" }, "order-1 weak, order-2 weak", "not an amount: who knows what was taken"],
    [{ consumers: [] }, "", "nobody"],
    [{ consumers: ["Lena"] }, "", "in other letters"],
    [{ consumers: ["otto"] }, "", "somebody else"],
  ])("%j → %j (%s)", (changes, place) => {
    expect(placeOf(by(changes))).toBe(place);
  });

  const declined = (changes: Partial<FeedRow>): FeedRow => stranger("refused", { ...lena, ...changes });
  const both = "order-1 weak, order-2 weak";
  test.each<[FeedRow, place: string, reason: string]>([
    [declined({}), both, "a decline of the same amount: it may be of this charge"],
    [declined({ amount: "19.990" }), both, "written longer"],
    [declined({ amount: "19.98" }), "", "of another amount: it took nothing, whoever's it is"],
    [declined({ amount: "1999" }), "", "a hundred times the amount"],
    [declined({ amount: "-19.99" }), "", "given back"],
    [declined({ amount: "19,99" }), "", "not an amount"],
    [declined({ currency: "USD" }), "", "another currency"],
    [declined({ currency: "eur" }), "", "not a currency"],
    [declined({ currency: "ZZZ" }), "", "no currency"],
    [stranger("invalid", { ...lena, amount: "19.98" }), "", "a request error took nothing, either"],
    [stranger("accepted", { ...lena, amount: "19.98" }), both, "accepted: it may be taken yet"],
    [stranger("unproven", { ...lena, amount: "19.98" }), both, "nobody knows what it did"],
  ])("%j → %j (%s)", (one, place) => {
    expect(placeOf(one)).toBe(place);
  });

  test.each(["amount", "currency"] as const)(
    "without its %s only what may have taken something",
    (member) => {
      const { [member]: _taken, ...captured } = by({});
      const { [member]: _gone, ...refused } = declined({});
      expect([placeOf(captured), placeOf(refused)]).toEqual([both, ""]);
    },
  );

  test("the digits of a currency count: 1999 JPY is not 19.99", () => {
    const yen: readonly Wanted[] = [{ entry: unknown({ currency: "JPY" }), ...lena }];
    expect(placeOf(declined({ amount: "1999", currency: "JPY" }), yen)).toBe("order-1 weak");
    expect(placeOf(declined({ amount: "19.99", currency: "JPY" }), yen)).toBe("");
  });
});

describe("many rows of one charge", () => {
  const many = (count: number, changes: Partial<FeedRow> = {}): FeedRow[] =>
    Array.from({ length: count }, (_, at) => row("refused", { transactionId: `tx-${at}`, ...changes }));

  test.each<[number, string[], reason: string]>([
    [15, ["tx-0", "tx-14"], "all"],
    [16, ["tx-0", "tx-15"], "as many as are kept"],
    [17, ["tx-0", "tx-16"], "the last place is the newest row's"],
    [1_000, ["tx-0", "tx-999"], "however many"],
  ])("%i rows: from %j (%s)", (count, ends) => {
    const own = foundIn(many(count))[0]?.own ?? [];
    expect(own).toHaveLength(Math.min(count, 16));
    expect([own[0]?.transactionId, own.at(-1)?.transactionId]).toStrictEqual(ends);
  });

  test("each kind is bounded by itself", () => {
    const rows = [
      ...many(20),
      ...many(20, { requestId: "request-0" }),
      ...Array.from({ length: 20 }, () => reversal()),
      ...Array.from({ length: 20 }, () => by({ transactionId: "tx-9" })),
    ];
    const [found] = foundIn(rows);
    expect(places.map((place) => found?.[place].length)).toStrictEqual([16, 16, 16, 16]);
  });

  test.each<[captured: string, newest: "captured" | "refused", kept: string, reason: string]>([
    ["0 to 15", "captured", "0 to 15", "sixteen captures: what comes then is one more of the same"],
    ["0 to 15", "refused", "0 to 15", "sixteen captures, and a row that is none"],
    ["0, 2 to 15", "captured", "0, 2 to 16", "the one that is none makes room"],
    ["1 to 15", "captured", "1 to 16", "wherever it is"],
    ["0 to 14", "refused", "0 to 14, 16", "the newest of those that are none stays"],
  ])("captures %s of sixteen, then one %s: %s stay (%s)", (captured, newest, kept) => {
    const numbers = (text: string): number[] =>
      text.split(", ").flatMap((part) => {
        const [from = 0, to = from] = part.split(" to ").map(Number);
        return Array.from({ length: to - from + 1 }, (_, at) => from + at);
      });
    const rows = Array.from({ length: 16 }, (_, at) =>
      row(numbers(captured).includes(at) ? "captured" : "refused", { transactionId: `tx-${at}` }),
    );
    const own = foundIn([...rows, row(newest, { transactionId: "tx-16" })])[0]?.own ?? [];
    expect(own.map(({ transactionId }) => transactionId)).toStrictEqual(
      numbers(kept).map((at) => `tx-${at}`),
    );
  });

  // A capture cannot be unseen: where the sixteenth row is one, the next takes its place (S13).
  test("a capture is not pushed out by the rows after it", () => {
    const rows = [...many(15), row("captured", { transactionId: "tx-captured" }), ...many(5)];
    expect(foundIn(rows)[0]?.own.some(({ reply }) => reply.kind === "captured")).toBe(true);
  });
});

describe("always", () => {
  const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 1 });
  const anyRow: fc.Arbitrary<FeedRow> = fc
    .record({
      requestId: maybe(fc.constantFrom("request-0", "request-00", "request-1", "request-2", "request-9")),
      chargeId: maybe(fc.constantFrom("order-1", "order-2", "order-9")),
      transactionId: maybe(fc.constantFrom("tx-of-2", "tx-9")),
      orderId: maybe(fc.constantFrom("or-of-2", "or-9")),
      parentTransactionId: maybe(fc.constantFrom("tx-of-2", "tx-9")),
      kind: fc.constantFrom("charge", "reversal"),
    })
    .map((changes) => {
      const { transactionId: _transaction, ...bare } = stranger("captured", lena);
      return {
        ...bare,
        ...Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)),
      } as FeedRow;
    });

  test("one row is one charge's, in one place, by reference; what is weak is never both (S13, S14)", () => {
    fc.assert(
      fc.property(fc.array(anyRow, { maxLength: 12 }), (rows) => {
        const founds = foundIn(rows);
        for (const one of rows) {
          const held = (place: (typeof places)[number]) =>
            founds.filter((found) => found[place].includes(one));
          const strong = (["own", "otherAttempt", "reversals"] as const).flatMap(held);
          expect(strong.length).toBeLessThanOrEqual(1);
          if (held("weak").length > 0) {
            expect(strong).toStrictEqual([]);
            expect([one.requestId, one.chargeId]).toStrictEqual([undefined, undefined]);
            expect(one.kind).toBe("charge");
          }
        }
      }),
    );
  });

  test("a row of this charge's own request id is never another attempt's, and never another charge's", () => {
    fc.assert(
      fc.property(anyRow, (one) => {
        const place = placeOf(one);
        if (one.requestId === "request-1") expect(place).toMatch(/^order-1 (own|reversals)$/);
        if (one.requestId === "request-2") expect(place).toMatch(/^order-2 (own|reversals)$/);
        if (place.endsWith("own") && one.requestId !== undefined)
          expect(["request-1", "request-2"]).toContain(one.requestId);
      }),
    );
  });

  test("what is found of one charge does not depend on what else is looked for, but for weak rows", () => {
    fc.assert(
      fc.property(fc.array(anyRow, { maxLength: 12 }), (rows) => {
        const alone = foundIn(rows, wanted.slice(0, 1))[0];
        const together = foundIn(rows)[0];
        for (const place of ["own", "otherAttempt", "reversals"] as const)
          expect(together?.[place]).toStrictEqual(alone?.[place]);
      }),
    );
  });
});
