/**
 * A 32-bit hash of a text (FNV-1a, with its bits mixed once more), as a whole number from 0. Spreads keys over
 * partitions; two texts with the same hash are not the same text.
 */
export const keyHash = (text: string, seed = 0x811c9dc5): number => {
  let hash = seed;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  hash ^= hash >>> 12;
  return hash >>> 0;
};
