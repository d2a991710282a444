import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isoTime } from "./iso-time.ts";

describe("isoTime", () => {
  it.each([
    [0, "1970-01-01T00:00:00.000Z"],
    [Date.UTC(2026, 10, 22, 9, 5, 7, 8), "2026-11-22T09:05:07.008Z"],
    [Date.UTC(2026, 10, 22, 23, 59, 59, 999), "2026-11-22T23:59:59.999Z"],
    [Date.UTC(2026, 10, 23), "2026-11-23T00:00:00.000Z"],
    [Date.UTC(2026, 10, 22, 10, 10, 10, 10), "2026-11-22T10:10:10.010Z"],
    [Date.UTC(2026, 10, 22, 10, 10, 10, 100), "2026-11-22T10:10:10.100Z"],
    [8.64e15, "+275760-09-13T00:00:00.000Z"],
    [-0.5, "1970-01-01T00:00:00.000Z"],
    [-1, "1969-12-31T23:59:59.999Z"],
  ])("writes %d as %s", (ms, text) => {
    expect(isoTime(ms)).toBe(text);
  });

  it("writes any moment as a Date does, whatever was written before", () => {
    const moments = fc.oneof(
      fc.integer({ min: 0, max: 4e12 }),
      fc.double({ min: -8.64e15, max: 8.64e15, noNaN: true }),
    );
    fc.assert(
      fc.property(moments, (ms) => {
        expect(isoTime(ms)).toBe(new Date(ms).toISOString());
      }),
    );
  });

  it.each([Number.NaN, 8.64e15 + 1, -8.64e15 - 1, Number.POSITIVE_INFINITY])("refuses %d", (ms) => {
    expect(() => isoTime(ms)).toThrow(RangeError);
  });
});
