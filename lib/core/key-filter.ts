/** A set of keys in so many bits, however many they are (a Bloom filter): a "no" is certain, a "yes" is not. */
export type KeyFilter = {
  add(hash: number): void;
  mayHave(hash: number): boolean;
};

const probes = 4;

/** The hash of two texts that belong together. */
export const pairHash = (a: number, b: number): number =>
  Math.imul(a ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(b, 0xc2b2ae35);

/**
 * Takes keys by their hashes (`keyHash`).
 * @param bits a power of two; eight bits a key are wrong about one "yes" in forty
 */
export const keyFilter = (bits: number): KeyFilter => {
  const words = new Uint32Array(bits / 32);
  const mask = bits - 1;
  return {
    add(hash) {
      const step = Math.imul(hash, 0x9e3779b1) | 1;
      for (let probe = 0, at = hash; probe < probes; probe++, at += step) {
        const bit = at & mask;
        words[bit >>> 5] = (words[bit >>> 5] ?? 0) | (1 << (bit & 31));
      }
    },
    mayHave(hash) {
      const step = Math.imul(hash, 0x9e3779b1) | 1;
      for (let probe = 0, at = hash; probe < probes; probe++, at += step) {
        const bit = at & mask;
        if (((words[bit >>> 5] ?? 0) & (1 << (bit & 31))) === 0) return false;
      }
      return true;
    },
  };
};
