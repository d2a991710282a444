/** A set of keys in so many bits, however many they are (a Bloom filter): a "no" is certain, a "yes" is not. */
export type KeyFilter = {
  add(a: number, b: number): void;
  mayHave(a: number, b: number): boolean;
};

const probes = 5;

/** Where the first probe is, and how far the next is from it: each depends on all bits of both hashes. */
const placeOf = (a: number, b: number): number => Math.imul(a ^ (b >>> 15), 0x85ebca6b) + (b ^ (a >>> 13));
const stepOf = (a: number, b: number): number => (Math.imul(b ^ (a >>> 16), 0xc2b2ae35) ^ (b >>> 11)) | 1;

/**
 * Takes a key as two hashes that know nothing of each other.
 * @param bits a power of two. With 64 bits a key one "yes" in half a million is wrong.
 */
export const keyFilter = (bits: number): KeyFilter => {
  const words = new Uint32Array(bits / 32);
  const mask = bits - 1;
  return {
    add(a, b) {
      const step = stepOf(a, b);
      for (let probe = 0, at = placeOf(a, b); probe < probes; probe++, at = (at + step) | 0) {
        const bit = at & mask;
        words[bit >>> 5] = (words[bit >>> 5] ?? 0) | (1 << (bit & 31));
      }
    },
    mayHave(a, b) {
      const step = stepOf(a, b);
      for (let probe = 0, at = placeOf(a, b); probe < probes; probe++, at = (at + step) | 0) {
        const bit = at & mask;
        if (((words[bit >>> 5] ?? 0) & (1 << (bit & 31))) === 0) return false;
      }
      return true;
    },
  };
};
