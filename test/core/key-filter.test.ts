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
