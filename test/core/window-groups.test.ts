import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { groupWindows } from "../../lib/core/window-groups.ts";

type Window = readonly [from: number, to: number];

const group = (windows: readonly Window[], nearMs: number): string =>
  groupWindows(
    windows.map(([fromMs, toMs], index) => ({ window: { fromMs, toMs }, item: "abcdefgh"[index] })),
    nearMs,
  )
    .map(({ window, items }) => `${window.fromMs}-${window.toMs}:${items.join("")}`)
    .join(" ");

describe("groupWindows", () => {
  test.each<[windows: Window[], near: number, groups: string, reason: string]>([
    [[], 10, "", "nothing is looked for"],
    [[[0, 10]], 0, "0-10:a", "one alone"],
    [
      [
        [0, 10],
        [5, 20],
      ],
      0,
      "0-20:ab",
      "overlapping",
    ],
    [
      [
        [0, 10],
        [10, 20],
      ],
      0,
      "0-20:ab",
      "touching: both ends are in",
    ],
    [
      [
        [0, 10],
        [11, 20],
      ],
      0,
      "0-10:a 11-20:b",
      "apart",
    ],
    [
      [
        [0, 10],
        [15, 20],
      ],
      5,
      "0-20:ab",
      "near enough",
    ],
    [
      [
        [0, 10],
        [16, 20],
      ],
      5,
      "0-10:a 16-20:b",
      "a little too far",
    ],
    [
      [
        [0, 100],
        [10, 20],
      ],
      0,
      "0-100:ab",
      "one inside the other does not shorten it",
    ],
    [
      [
        [0, 100],
        [10, 20],
        [90, 110],
      ],
      0,
      "0-110:abc",
      "the longest end so far counts",
    ],
    [
      [
        [50, 60],
        [0, 10],
      ],
      0,
      "0-10:b 50-60:a",
      "in any order",
    ],
    [
      [
        [0, 10],
        [0, 10],
      ],
      0,
      "0-10:ab",
      "twice the same",
    ],
    [
      [
        [0, 10],
        [20, 30],
        [12, 18],
      ],
      2,
      "0-30:acb",
      "a chain of near ones",
    ],
  ])("%j near %i → %s (%s)", (windows, near, groups) => {
    expect(group(windows, near)).toBe(groups);
  });

  const anyWindows = fc.array(
    fc.tuple(fc.integer({ min: 0, max: 1_000 }), fc.nat(100)).map(([from, length]) => ({
      window: { fromMs: from, toMs: from + length },
      item: {},
    })),
    { maxLength: 30 },
  );

  test("everyone is in exactly one group, whose scan covers its window (S5)", () => {
    fc.assert(
      fc.property(anyWindows, fc.nat(50), (wanted, nearMs) => {
        const groups = groupWindows(wanted, nearMs);
        expect(groups.flatMap(({ items }) => items)).toHaveLength(wanted.length);
        for (const { window, item } of wanted) {
          const own = groups.filter(({ items }) => items.includes(item));
          expect(own).toHaveLength(1);
          expect(own[0]?.window.fromMs).toBeLessThanOrEqual(window.fromMs);
          expect(own[0]?.window.toMs).toBeGreaterThanOrEqual(window.toMs);
        }
      }),
    );
  });

  test("two groups lie further apart than near", () => {
    fc.assert(
      fc.property(anyWindows, fc.nat(50), (wanted, nearMs) => {
        const groups = groupWindows(wanted, nearMs);
        for (const [index, { window }] of groups.entries()) {
          const next = groups[index + 1];
          if (next !== undefined) expect(next.window.fromMs).toBeGreaterThan(window.toMs + nearMs);
        }
      }),
    );
  });

  test("does not change what it was given", () => {
    const wanted = [
      { window: { fromMs: 5, toMs: 6 }, item: "b" },
      { window: { fromMs: 0, toMs: 9 }, item: "a" },
    ];
    const before = structuredClone(wanted);
    groupWindows(wanted, 0);
    expect(wanted).toStrictEqual(before);
  });
});
