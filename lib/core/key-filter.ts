/** A set of keys in so many bits, however many they are (a Bloom filter): a "no" is certain, a "yes" is not. */
export type KeyFilter = {
  add(a: number, b: number): void;
  mayHave(a: number, b: number): boolean;
};

const probes = 5;

/** Where the first probe is, and how far the next is from it: each depends on all bits of both hashes. */
const placeOf = (a: number, b: number): number => Math.imul(a ^ (b >>> 15), 0x85ebca6b) + (b ^ (a >>> 13));
const stepOf = (a: number, b: number): number => (Math.imul(b ^ (a >>> 16), 0xc2b2ae35) ^ (b >>> 11)) | 1;

/** How many bits a key has at the least before the next part is begun: one "yes" in half a million is wrong then. */
const bitsPerKey = 64;
const firstBits = 2 ** 16;
/** By how much each part is larger than the one before. */
const growth = 16;

type Part = { readonly words: Uint32Array; readonly mask: number; keys: number };

const partOf = (bits: number): Part => ({ words: new Uint32Array(bits / 32), mask: bits - 1, keys: 0 });

const isIn = ({ words, mask }: Part, place: number, step: number): boolean => {
  for (let probe = 0, at = place; probe < probes; probe++, at = (at + step) | 0) {
    const bit = at & mask;
    if (((words[bit >>> 5] ?? 0) & (1 << (bit & 31))) === 0) return false;
  }
  return true;
};

/**
 * Takes a key as two hashes that know nothing of each other. It begins small and takes more memory as keys come,
 * up to `bits` in one part; beyond 64 bits a key there it says "yes" more often.
 * @param bits a power of two
 */
export const keyFilter = (bits: number): KeyFilter => {
  const parts: Part[] = [];
  let last: Part | undefined;
  return {
    add(a, b) {
      if (last === undefined || last.keys * bitsPerKey > last.mask) {
        const next = Math.min(bits, last === undefined ? firstBits : (last.mask + 1) * growth);
        if (last === undefined || next > last.mask + 1) {
          last = partOf(next);
          parts.push(last);
        }
      }
      const { words, mask } = last;
      last.keys += 1;
      const step = stepOf(a, b);
      for (let probe = 0, at = placeOf(a, b); probe < probes; probe++, at = (at + step) | 0) {
        const bit = at & mask;
        words[bit >>> 5] = (words[bit >>> 5] ?? 0) | (1 << (bit & 31));
      }
    },
    mayHave(a, b) {
      const [place, step] = [placeOf(a, b), stepOf(a, b)];
      for (const part of parts) if (isIn(part, place, step)) return true;
      return false;
    },
  };
};
