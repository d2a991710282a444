import { keyHash } from "./key-hash.ts";

/** A set of keys in so many bits, however many they are (a Bloom filter): a "no" is certain, a "yes" is not. */
export type KeyFilter = {
  add(key: string): void;
  mayHave(key: string): boolean;
};

const probes = 4;

/** @param bits a power of two; eight bits a key are wrong about one "yes" in forty. */
export const keyFilter = (bits: number): KeyFilter => {
  const words = new Uint32Array(bits / 32);
  const mask = bits - 1;
  return {
    add(key) {
      let at = keyHash(key);
      const step = Math.imul(at, 0x9e3779b1) | 1;
      for (let probe = 0; probe < probes; probe++, at += step) {
        const bit = at & mask;
        words[bit >>> 5] = (words[bit >>> 5] ?? 0) | (1 << (bit & 31));
      }
    },
    mayHave(key) {
      let at = keyHash(key);
      const step = Math.imul(at, 0x9e3779b1) | 1;
      for (let probe = 0; probe < probes; probe++, at += step) {
        const bit = at & mask;
        if (((words[bit >>> 5] ?? 0) & (1 << (bit & 31))) === 0) return false;
      }
      return true;
    },
  };
};
