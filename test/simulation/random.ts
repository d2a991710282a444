/** A seeded source of chance: the same seed gives the same numbers, on every machine. */
export type Random = {
  /** from 0 up to, not including, 1 */
  fraction(): number;
  /** a whole number from `low` to `high`, both ends in */
  between(low: number, high: number): number;
  /** true with this probability */
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** a source of its own: what it is asked does not move this one */
  fork(): Random;
};

/** sfc32, seeded through splitmix32: small, fast, and passes PractRand. */
export const randomOf = (seed: number): Random => {
  let mix = seed >>> 0;
  const next32 = (): number => {
    mix = (mix + 0x9e3779b9) >>> 0;
    let z = mix;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  let a = next32();
  let b = next32();
  let c = next32();
  let counter = 1;
  const uint32 = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  };
  for (let warm = 0; warm < 12; warm++) uint32();
  const fraction = (): number => uint32() / 4_294_967_296;
  return {
    fraction,
    between: (low, high) => low + Math.floor(fraction() * (high - low + 1)),
    chance: (probability) => probability > 0 && fraction() < probability,
    pick: (items) => items[Math.floor(fraction() * items.length)] as (typeof items)[number],
    fork: () => randomOf(uint32()),
  };
};
