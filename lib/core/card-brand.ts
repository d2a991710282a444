/** Issuer prefixes, `low` to `high` of the same number of digits (at most 4), and the lengths they come in. */
type CardRange = {
  readonly low: string;
  readonly high: string;
  readonly lengths: readonly number[];
};

const from16 = [16, 17, 18, 19];

/**
 * Prefixes of the brands that Centrobill names for its test cards, from the brands' published ranges.
 * Maestro is narrowed to the prefixes it was issued under (not every 6…), because each further digit
 * makes one in ten of a merchant's own long numbers look like a card.
 */
const cardRanges: readonly CardRange[] = [
  // Visa
  { low: "4", high: "4", lengths: [13, 16, 19] },
  // Mastercard
  { low: "51", high: "55", lengths: [16] },
  { low: "2221", high: "2720", lengths: [16] },
  // American Express
  { low: "34", high: "34", lengths: [15] },
  { low: "37", high: "37", lengths: [15] },
  // Discover
  { low: "6011", high: "6011", lengths: from16 },
  { low: "644", high: "659", lengths: from16 },
  // JCB
  { low: "3528", high: "3589", lengths: from16 },
  // Diners Club
  { low: "300", high: "305", lengths: [14, ...from16] },
  { low: "3095", high: "3095", lengths: [14, ...from16] },
  { low: "36", high: "36", lengths: [14, 15, ...from16] },
  { low: "38", high: "39", lengths: [14, ...from16] },
  // UnionPay
  { low: "62", high: "62", lengths: from16 },
  { low: "8110", high: "8171", lengths: from16 },
  // Maestro
  { low: "50", high: "50", lengths: [13, 14, 15, ...from16] },
  { low: "56", high: "59", lengths: [13, 14, 15, ...from16] },
  { low: "63", high: "63", lengths: [13, 14, 15, ...from16] },
  { low: "67", high: "67", lengths: [13, 14, 15, ...from16] },
];

/** The first 4 digits as a number, so that a text of a million digit groups is still read in a moment. */
const prefixes = cardRanges.map(({ low, high, lengths }) => ({
  low: Number(low.padEnd(4, "0")),
  high: Number(high.padEnd(4, "9")),
  lengths: new Set(lengths),
}));

/** Whether a string of digits has the prefix and length of a known card brand. The check digit is not looked at. */
export const isCardBrand = (digits: string): boolean => {
  const prefix = Number(digits.slice(0, 4));
  return prefixes.some(
    ({ low, high, lengths }) => low <= prefix && prefix <= high && lengths.has(digits.length),
  );
};
