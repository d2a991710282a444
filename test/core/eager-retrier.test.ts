import { expect, test } from "vitest";
import { eagerRetrier } from "./eager-retrier.ts";

test("400 instruments, 90 days, every code, tried every minute: no attempt is beyond a network's limit", () => {
  const tally = eagerRetrier(400, 90);
  expect([tally.beyondLimit, tally.onClosed]).toEqual([0, 0]);
  // It did try, was held back, and met what closes.
  expect(tally.attempts).toBeGreaterThan(10_000);
  expect(tally.postponed).toBeGreaterThan(100);
  expect(tally.closedInstruments).toBeGreaterThan(50);
});

test("and the count finds what is beyond: without the allowance for what is on its way some are", () => {
  expect(eagerRetrier(30, 90, { slackMs: 0 }).beyondLimit).toBeGreaterThan(0);
});
