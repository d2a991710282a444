import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { keyHash } from "../../lib/core/key-hash.ts";
import { addPair, isFull, pairBlock, pairsKnownBy } from "../../lib/core/pair-records.ts";
import type { GatewaySide, LedgerSide } from "../../lib/core/sides.ts";

const id = fc.stringMatching(/^[\w.:-]{1,64}$/);
const moment = fc.integer({ min: 0, max: 4_000_000_000_000 });
const some = <T>(key: string, value: fc.Arbitrary<T>) =>
  fc.option(value, { nil: undefined }).map((one) => (one === undefined ? {} : { [key]: one }));

/** A charge and a row that say the same of a capture. */
const agreeing = fc
  .tuple(
    fc.record({
      chargeId: id,
      requestId: id,
      transactionId: id,
      amount: fc.nat().map(String),
      currency: fc.constantFrom("EUR", "JPY"),
    }),
    fc.tuple(some("orderId", id), some("lastSentAtMs", moment)),
    fc.tuple(some("orderId", id), some("atMs", moment), some("code", id)),
    fc.array(fc.stringMatching(/^[0-9a-f]{12}$/), { maxLength: 4 }),
    fc.boolean(),
    moment,
  )
  .map(([own, ledger, row, consumerMarks, isSameOrder, firstSentAtMs]) => ({
    ledger: {
      ...own,
      ...Object.assign({}, ...ledger),
      earlierRequestIds: [],
      attempt: 1,
      state: "approved",
      firstSentAtMs,
      consumerMarks,
    } as LedgerSide,
    row: {
      kind: "charge",
      says: "captured",
      ...own,
      ...Object.assign({}, ...row, isSameOrder ? ledger[0] : {}),
      consumers: [],
    } as GatewaySide,
  }));

describe("pairs as bytes", () => {
  test("come back as they went, each by any key of its charge, and by no other", () => {
    fc.assert(
      fc.property(fc.uniqueArray(agreeing, { selector: ({ ledger }) => ledger.chargeId }), (pairs) => {
        const block = pairBlock(65_536);
        for (const { ledger, row } of pairs) expect(addPair(block, ledger, row)).toBe(true);
        const bytes = block.bytes.slice(0, block.end);
        const back = (asked: readonly string[], keys: readonly string[]) => {
          const hashes = new Set(keys.map((key) => keyHash(key)));
          const found: object[] = [];
          pairsKnownBy(
            bytes,
            new Set(asked),
            (hash) => hashes.has(hash),
            (ledger, row) => {
              found.push({ ledger, row });
            },
          );
          return found;
        };
        expect(
          back(
            ["c"],
            pairs.map(({ ledger }) => `c${ledger.chargeId}`),
          ),
        ).toEqual(pairs);
        for (const { ledger } of pairs) {
          expect(back(["r"], [`r${ledger.requestId}`])).toContainEqual(expect.objectContaining({ ledger }));
          expect(back(["c", "t"], [`t${ledger.transactionId}`])).toContainEqual(
            expect.objectContaining({ ledger }),
          );
          if (ledger.orderId !== undefined)
            expect(back(["o"], [`o${ledger.orderId}`])).toContainEqual(expect.objectContaining({ ledger }));
          expect(back(["r"], [`t${ledger.transactionId}`])).toEqual([]);
        }
        expect(back(["c", "r", "t", "o"], [])).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  const ledger: LedgerSide = {
    chargeId: "c",
    requestId: "r",
    earlierRequestIds: [],
    attempt: 1,
    amount: "1",
    currency: "EUR",
    state: "approved",
    transactionId: "t",
    firstSentAtMs: 1,
    consumerMarks: [],
  };
  const row: GatewaySide = { ...ledger, kind: "charge", says: "captured", consumers: [] };
  test.each<readonly [string, Partial<LedgerSide>, Partial<GatewaySide>]>([
    ["may be known by the request of an earlier attempt", { earlierRequestIds: ["q"] }, {}],
    ["is not of the first attempt", { attempt: 2 }, {}],
    ["says why it is where it is", { reason: "absent" }, {}],
    ["is in somebody's hands", { leaseUntilMs: 9 }, {}],
    ["may be known by what was made before it was sent", { preparedId: "p" }, {}],
    ["has a text that is not printable", {}, { code: "a\nb" }],
    ["has a text that is not ASCII", { orderId: "ü" }, {}],
    ["has a text without end", {}, { orderId: "x".repeat(256) }],
    ["was of many consumers", { consumerMarks: ["1", "2", "3", "4", "5"] }, {}],
  ])("one that %s is left to the rules, and nothing of it stays", (_why, charge, other) => {
    const block = pairBlock(65_536);
    expect(addPair(block, { ...ledger, ...charge }, { ...row, ...other })).toBe(false);
    expect(block.end).toBe(0);
  });

  test("a text may end with the last letter of ASCII that is printed, and be as long as a length says", () => {
    const code = `${"~".repeat(255)}`;
    const block = pairBlock(65_536);
    expect(addPair(block, ledger, { ...row, code })).toBe(true);
    const codes: unknown[] = [];
    pairsKnownBy(
      block.bytes.subarray(0, block.end),
      new Set("c"),
      () => true,
      (_, one) => codes.push(one.code),
    );
    expect(codes).toEqual([code]);
  });

  test("none is known by a key that it has not, nor by one that nobody asks for", () => {
    const block = pairBlock(65_536);
    expect(addPair(block, ledger, row)).toBe(true);
    const knownBy = (asked: readonly string[], key: string): number => {
      let count = 0;
      const bytes = block.bytes.subarray(0, block.end);
      const hash = keyHash(key);
      pairsKnownBy(
        bytes,
        new Set(asked),
        (one) => one === hash,
        () => {
          count += 1;
        },
      );
      return count;
    };
    expect(knownBy(["c", "r", "t", "o"], "cc")).toBe(1);
    // It has no order, and nobody asks for its charge.
    expect([knownBy(["o"], "o"), knownBy(["r"], "\0c")]).toEqual([0, 0]);
  });

  test.each([
    [2, 0, "two that are as long as can be just fit"],
    [1, -1, "a byte less, and the second does not"],
  ])("a block takes %i of the longest pairs in a room of two, %i bytes (%s)", (count, bytes) => {
    const [long, other] = ["x".repeat(255), "y".repeat(255)];
    const own = { chargeId: long, requestId: long, transactionId: long, amount: long, currency: long };
    const whole = { ...ledger, ...own, orderId: long, consumerMarks: [long] };
    const told = { ...row, ...own, orderId: other, code: long };
    const one = pairBlock(65_536);
    expect(addPair(one, whole, told)).toBe(true);
    const block = pairBlock(2 * one.end + bytes);
    let pairs = 0;
    for (; !isFull(block); pairs++) expect(addPair(block, whole, told)).toBe(true);
    expect(pairs).toBe(count);
    expect(block.end).toBeLessThanOrEqual(block.bytes.length);
  });

  test("a block is full while another pair may still fit", () => {
    const block = pairBlock(8_192);
    const long = "x".repeat(255);
    const large = { chargeId: long, requestId: long, transactionId: long };
    let pairs = 0;
    while (!isFull(block)) {
      expect(addPair(block, { ...ledger, ...large }, { ...row, ...large, code: long })).toBe(true);
      pairs += 1;
    }
    expect(pairs).toBeGreaterThan(1);
    expect(block.end).toBeLessThanOrEqual(8_192);
  });
});
