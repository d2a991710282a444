import { describe, expect, test } from "vitest";
import type { LeaseToken } from "../../lib/core/charge.ts";
import type { Finding } from "../../lib/core/finding.ts";
import { firstFindingsMax } from "../../lib/core/window-record.ts";
import { keptFindings } from "../../lib/flows/kept-findings.ts";

const token = "t-1" as LeaseToken;
const findingOf = (n: number, length = 0): Finding =>
  ({ id: `f-${n}`, kind: "double_charge", pad: "x".repeat(length) }) as unknown as Finding;
/** How long a finding is as it is kept, beside its padding. */
const bare = (n: number): number => JSON.stringify(findingOf(n)).length;

const keeping = async (findings: readonly Finding[]) => {
  const pieces: [piece: number, ids: string][] = [];
  const kept = keptFindings(token, {
    clock: { nowMs: () => 7, sleep: async () => {} },
    book: {
      windows: async () => [],
      replace: async () => ({ kind: "lost" }),
      async keepFindings(...[of, piece, some, nowMs]) {
        expect([of, nowMs]).toEqual([token, 7]);
        pieces.push([piece, some.map(({ id }) => id.slice(2)).join(" ")]);
      },
    },
  });
  for (const finding of findings) await kept.add(finding);
  const before = kept.count();
  await kept.end();
  return { pieces, before, count: kept.count() };
};

const first = Array.from({ length: firstFindingsMax }, (_, n) => findingOf(n));

describe("findings that a run's record does not hold", () => {
  test("are none where it holds all of them, and then nothing is written", async () => {
    expect(await keeping([])).toEqual({ pieces: [], before: 0, count: 0 });
    expect(await keeping(first)).toEqual({ pieces: [], before: 0, count: 0 });
  });

  test("are kept in one piece, in the order in which they came", async () => {
    const more = [findingOf(50), findingOf(51), findingOf(52)];
    expect(await keeping([...first, ...more])).toEqual({ pieces: [[0, "50 51 52"]], before: 0, count: 3 });
  });

  test("go on in the next piece where one is full, to the last letter that fits", async () => {
    const half = 50_000 - bare(50);
    const full = [
      findingOf(50, half),
      findingOf(51, half),
      findingOf(52),
      findingOf(53, half),
      findingOf(54, half),
    ];
    expect(await keeping([...first, ...full])).toEqual({
      pieces: [
        [0, "50 51"],
        [1, "52 53"],
        [2, "54"],
      ],
      before: 4,
      count: 5,
    });
  });

  test("one that is larger than a piece has one of its own", async () => {
    const large = findingOf(51, 150_000);
    expect((await keeping([...first, findingOf(50), large, findingOf(52)])).pieces).toEqual([
      [0, "50"],
      [1, "51"],
      [2, "52"],
    ]);
    expect((await keeping([...first, large, findingOf(52)])).pieces).toEqual([
      [0, "51"],
      [1, "52"],
    ]);
  });
});
