const offset = 0x811c9dc5;
const prime = 0x01000193;

const mixed = (fnv: number): number => {
  let hash = fnv ^ (fnv >>> 15);
  hash = Math.imul(hash, 0x2c1b3c6d);
  hash ^= hash >>> 12;
  return hash >>> 0;
};

/**
 * A 32-bit hash of a text (FNV-1a, with its bits mixed once more), as a whole number from 0. Spreads keys over
 * partitions; two texts with the same hash are not the same text.
 */
export const keyHash = (text: string, seed = offset): number => {
  let hash = seed;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), prime);
  return mixed(hash);
};

/** The hash of the text `first` and so many bytes of ASCII after it. */
export const keyHashOfBytes = (first: number, bytes: Uint8Array, from: number, to: number): number => {
  let hash = Math.imul(offset ^ first, prime);
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), prime);
  return mixed(hash);
};
