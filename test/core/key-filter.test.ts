import { expect, test } from "vitest";
import { keyFilter } from "../../lib/core/key-filter.ts";
import { keyHash } from "../../lib/core/key-hash.ts";

const requestHash = (n: number): number => keyHash(`r-${(n * 2_654_435_761) % 4_294_967_296}-${n}`);
const chargeHash = (n: number): number => keyHash(`inv-${n}`);

test("what was added is there; what was not hardly ever seems to be, though it shares half its key", () => {
  const many = 50_000;
  const filter = keyFilter(2 ** 22);
  for (let n = 0; n < many; n++) filter.add(requestHash(n), chargeHash(n));
  let wrong = 0;
  for (let n = 0; n < many; n++) {
    expect(filter.mayHave(requestHash(n), chargeHash(n))).toBe(true);
    if (filter.mayHave(requestHash(n), chargeHash(n + many))) wrong += 1;
    if (filter.mayHave(requestHash(n + many), chargeHash(n))) wrong += 1;
  }
  // 84 bits a key: one in a million and a half.
  expect(wrong).toBeLessThan(3);
});

test("it begins small, takes more memory as keys come, and never more than it may", () => {
  const bytesOf = (bits: number, keys: number): number => {
    const before = process.memoryUsage().arrayBuffers;
    const filter = keyFilter(bits);
    for (let n = 0; n < keys; n++) filter.add(requestHash(n), chargeHash(n));
    expect(filter.mayHave(requestHash(0), chargeHash(0))).toBe(true);
    return process.memoryUsage().arrayBuffers - before;
  };
  // 32 MB in the end, 8 kB for the first thousand keys.
  expect(bytesOf(2 ** 28, 1_000)).toBeLessThan(2 ** 20);
  expect(bytesOf(2 ** 16, 100_000)).toBeLessThan(2 ** 18);
});

test("beyond its memory it says yes of nearly anything, and never no of what was added", () => {
  const filter = keyFilter(2 ** 16);
  for (let n = 0; n < 50_000; n++) filter.add(requestHash(n), chargeHash(n));
  let wrong = 0;
  for (let n = 0; n < 1_000; n++)
    if (filter.mayHave(requestHash(n + 50_000), chargeHash(n + 50_000))) wrong += 1;
  expect(wrong).toBeGreaterThan(500);
  for (let n = 0; n < 50_000; n += 100) expect(filter.mayHave(requestHash(n), chargeHash(n))).toBe(true);
});
