import { describe, expect, test } from "vitest";
import type { GatewaySide, LedgerSide } from "../../lib/core/sides.ts";
import { type Agreed, joinSides } from "../../lib/flows/join-sides.ts";
import type { Spills } from "../../lib/ports.ts";
import { memorySpills } from "../doubles/memory-spills.ts";

/** Spills that tell what was written: the charge ids or pieces of bytes, spill by spill in the order of opening. */
const watchedSpills = () => {
  const kept = memorySpills();
  const written: { lines: string[]; pieces: number[] }[] = [];
  const reads = { lines: 0, bytes: 0 };
  const spills: Spills = {
    open(partitions) {
      const spill = kept.open(partitions);
      const one = { lines: [] as string[], pieces: [] as number[] };
      written.push(one);
      return {
        ...spill,
        write(partition, line) {
          expect(partition).toBeGreaterThanOrEqual(0);
          expect(partition).toBeLessThan(partitions);
          one.lines.push(/\bc-\d+\b/.exec(line)?.[0] ?? line);
          spill.write(partition, line);
        },
        writeBytes(partition, bytes) {
          one.pieces.push(bytes.length);
          spill.writeBytes(partition, bytes);
        },
        read(partition) {
          expect(partition).toBeLessThan(partitions);
          reads.lines += 1;
          return spill.read(partition);
        },
        bytes(partition) {
          reads.bytes += 1;
          return spill.bytes(partition);
        },
      };
    },
  };
  return { spills, written, reads, unclosed: kept.unclosed };
};

const charge = (n: number, changes: Partial<LedgerSide> = {}): LedgerSide => ({
  chargeId: `c-${n}`,
  requestId: `r-${n}`,
  earlierRequestIds: [],
  attempt: 1,
  amount: String(1_000 + n),
  currency: "EUR",
  state: "approved",
  transactionId: `t-${n}`,
  orderId: `o-${n}`,
  firstSentAtMs: n,
  lastSentAtMs: n,
  consumerMarks: [],
  ...changes,
});
const row = (n: number, changes: Partial<GatewaySide> = {}): GatewaySide => ({
  kind: "charge",
  says: "captured",
  chargeId: `c-${n}`,
  requestId: `r-${n}`,
  amount: String(1_000 + n),
  currency: "EUR",
  transactionId: `t-${n}`,
  orderId: `o-${n}`,
  atMs: n + 0.5,
  consumers: [],
  ...changes,
});
const without = <T extends object>(side: T, ...names: (keyof T)[]): T =>
  Object.fromEntries(Object.entries(side).filter(([name]) => !names.includes(name as keyof T))) as T;

type Step = readonly ["charge", LedgerSide] | readonly ["row", GatewaySide];
const charges = (...numbers: number[]): Step[] => numbers.map((n) => ["charge", charge(n)]);
const rows = (...numbers: number[]): Step[] => numbers.map((n) => ["row", row(n)]);

/** What a join of these steps keeps where, and what it finds. */
const join = (steps: readonly Step[], waitingMax?: number) => {
  const { spills, written, reads, unclosed } = watchedSpills();
  const agreed: Agreed[] = [];
  const takenBack: Agreed[] = [];
  const sides = joinSides(
    spills,
    { fromMs: 0, toMs: 1_000_000 },
    { agree: (one) => void agreed.push(one), takeBack: (one) => void takenBack.push(one) },
    waitingMax,
  );
  for (const step of steps) {
    if (step[0] === "charge") sides.addCharge(step[1]);
    else sides.addRow(step[1]);
  }
  const before = structuredClone(written);
  const metAtOnce = agreed.map(({ amount }) => amount - 1_000);
  const groups = [...sides.groups()].map(
    (group) =>
      `${group.ledger?.chargeId ?? "nobody"}: ${group.rows.map(({ transactionId }) => transactionId)}`,
  );
  const repeated = sides.repeatedRows();
  sides.close();
  expect(unclosed()).toBe(0);
  return {
    /** charge ids that left the memory while the sides came: of charges, of rows, of rows that wait there */
    left: before.map(({ lines }) => lines),
    spills: written.length,
    reads,
    pieces: written.flatMap(({ pieces }) => pieces),
    after: written.map(({ lines }) => lines),
    metAtOnce,
    agreed,
    takenBack,
    groups,
    repeated,
  };
};
const numbers = (count: number, from = 0): number[] => Array.from({ length: count }, (_, n) => from + n);
const ids = (...some: number[]): string[] => some.map((n) => `c-${n}`);

describe("a charge meets its row in the memory", () => {
  // biome-ignore format: one row a line
  test.each<[string, Step[], waitingMax: number | undefined]>([
    ["the charges first", [...charges(...numbers(10)), ...rows(...numbers(10))], undefined],
    ["the rows first", [...rows(...numbers(10)), ...charges(...numbers(10))], undefined],
    ["as many as may wait", [...charges(...numbers(4)), ...rows(...numbers(4))], 4],
    ["as many rows as may wait", [...rows(...numbers(4)), ...charges(...numbers(4))], 4],
    ["one after the other, more than may wait at once", numbers(50).flatMap((n) => [...charges(n), ...rows(n)]), 2],
    ["the other way round", numbers(50).flatMap((n) => [...rows(n), ...charges(n)]), 2],
  ])("%s: nothing leaves it but the pairs", (_what, steps, waitingMax) => {
    const one = join(steps, waitingMax);
    const all = numbers(steps.length / 2);
    expect(one.metAtOnce.toSorted((a, b) => a - b)).toEqual(all);
    expect(one.agreed.toSorted((a, b) => a.amount - b.amount)).toEqual(
      all.map((n) => ({ amount: 1_000 + n, currency: "EUR", atMs: n + 0.5 })),
    );
    expect(one.groups).toEqual([]);
    expect(one.takenBack).toEqual([]);
    expect(one.after.flat()).toEqual([]);
    expect(one.pieces).toHaveLength(1);
    // Both sides, which are empty, and the pairs: where nobody is looked for they are not read again.
    expect([one.spills, one.reads.bytes]).toEqual([3, 0]);
  });

  test("pairs are written many at a time", () => {
    const one = join(numbers(3_000).flatMap((n) => [...charges(n), ...rows(n)]));
    expect(one.pieces.length).toBeGreaterThan(2);
    expect(Math.max(...one.pieces)).toBeLessThanOrEqual(65_536);
    expect(Math.min(...one.pieces.slice(0, -1))).toBeGreaterThan(60_000);
    expect(one.groups).toEqual([]);
  });

  test("what does not agree there is left to the rules, at once", () => {
    const other = row(1, { amount: "1" });
    for (const steps of [
      [...charges(1), ["row", other] as const],
      [["row", other] as const, ...charges(1)],
    ]) {
      const one = join(steps);
      expect(one.left).toEqual([ids(1), ids(1)]);
      expect([one.agreed, one.groups]).toEqual([[], ["c-1: t-1"]]);
    }
  });

  test("a capture at a time that nobody says is agreed on, at no time", () => {
    expect(join([...charges(1), ["row", without(row(1), "atMs")]]).agreed).toEqual([
      { amount: 1_001, currency: "EUR", atMs: Number.NaN },
    ]);
  });
});

describe("where too many wait, those that have waited longest leave the memory", () => {
  test("charges: half of them, and each meets its row outside", () => {
    const one = join([...charges(...numbers(5)), ...rows(...numbers(5))], 4);
    expect(one.left.slice(0, 2)).toEqual([ids(0, 1), []]);
    expect(one.metAtOnce).toEqual([2, 3, 4]);
    expect(one.after.slice(0, 2)).toEqual([ids(0, 1), ids(0, 1)]);
    expect(one.agreed).toHaveLength(5);
    expect(one.groups).toEqual([]);
  });

  test("rows: half of them, and their charges follow, without a place in the memory", () => {
    const one = join([...rows(...numbers(5)), ...charges(...numbers(5)), ...charges(9, 10)], 4);
    expect(one.left).toEqual([ids(0, 1), [], ids(0, 1)]);
    expect(one.metAtOnce).toEqual([2, 3, 4]);
    expect(one.after.slice(0, 2)).toEqual([ids(0, 1, 9, 10), ids(0, 1)]);
    expect(one.groups.sort()).toEqual(["c-10: ", "c-9: "]);
  });

  test("a second row of one charge: both, so that they come back in their order", () => {
    const again = row(1, { transactionId: "t-2" });
    const one = join([...rows(1), ["row", again], ...rows(2), ...charges(2, 1)]);
    expect(one.left).toEqual([ids(1), [], ids(1, 1)]);
    expect(one.metAtOnce).toEqual([2]);
    expect(one.groups).toEqual(["c-1: t-1,t-2"]);
  });

  test.each<[string, GatewaySide]>([
    ["its request alone", without(row(1), "chargeId")],
    ["its charge alone", without(row(1), "requestId")],
    ["neither", without(row(1), "chargeId", "requestId")],
  ])("a row that names %s does not wait, and takes nobody with it", (_what, stray) => {
    const one = join([...charges(1), ["row", stray]]);
    expect(one.left.map((lines) => lines.length)).toEqual([0, 0, 1]);
    expect([one.groups, one.agreed.length]).toEqual([["c-1: t-1"], 0]);
  });

  test("a charge of which nothing has left waits in the memory, though others' have", () => {
    const one = join([...rows(1, 1), ...charges(7), ...rows(7)]);
    expect(one.metAtOnce).toEqual([7]);
  });
});

describe("a row that may be of a charge that has met another", () => {
  const stray = (changes: Partial<GatewaySide>): Step => [
    "row",
    { ...without(row(1), "chargeId", "requestId", "transactionId", "orderId"), ...changes },
  ];
  test.each<[string, Step, string]>([
    ["by its charge", stray({ chargeId: "c-1", transactionId: "t-x" }), "t-1,t-x"],
    ["by its request", stray({ requestId: "r-1", transactionId: "t-x" }), "t-1,t-x"],
    ["by its order", stray({ orderId: "o-1" }), "t-1,"],
    [
      "by what it gives back",
      stray({ kind: "reversal", says: "unproven", parentTransactionId: "t-1" }),
      "t-1,",
    ],
  ])("has it joined anew: %s", (_what, step, transactions) => {
    const one = join([...charges(1, 2), ...rows(1, 2), step]);
    expect(one.metAtOnce).toEqual([1, 2]);
    expect(one.takenBack).toEqual([{ amount: 1_001, currency: "EUR", atMs: 1.5 }]);
    expect(one.groups).toEqual([`c-1: ${transactions}`]);
  });

  test("at a time that nobody says it is taken back as it was told", () => {
    const one = join([
      ...charges(1),
      ["row", without(row(1), "atMs")],
      stray({ chargeId: "c-1", transactionId: "t-x" }),
    ]);
    expect(one.takenBack).toEqual(one.agreed);
  });

  test("nobody's leaves all as it is", () => {
    const one = join([...charges(1, 2), ...rows(1, 2), stray({ transactionId: "t-x" })]);
    expect(one.takenBack).toEqual([]);
    expect(one.groups).toEqual(["nobody: t-x"]);
  });
});

describe("a row whose charge is looked for", () => {
  const byOrder = (n: number, changes: Partial<GatewaySide> = {}): Step => [
    "row",
    { ...without(row(n), "chargeId", "requestId", "transactionId"), ...changes },
  ];
  test("only what may be asked for is written of the others, and it is read once for all rows of a name", () => {
    const one = join([...charges(...numbers(5)), byOrder(3)]);
    const named = one.after.flat().filter((text) => /^c-\d$/.test(text));
    // Each as a charge, and the one that is found by its order, which then has the row.
    expect(named.sort()).toEqual(ids(0, 1, 2, 3, 3, 3, 4));
    const two = join([...charges(...numbers(5)), byOrder(3), byOrder(3, { atMs: 9 })]);
    expect(two.reads).toEqual(one.reads);
    expect(two.groups).toContain("c-3: ,");
  });

  test("is found though its charge comes twice", () => {
    const one = join([...charges(1, 2, 3), ...charges(1), byOrder(1)], 2);
    expect(one.left[0]).toEqual(ids(1, 1));
    expect(one.groups).toContain("c-1: ");
    expect(one.groups.filter((group) => group.startsWith("nobody"))).toEqual([]);
  });

  test("is nobody's by a name that two charges have, and stands by itself", () => {
    const two: Step[] = [1, 2].map((n) => ["charge", charge(n, { orderId: "o-0" })]);
    const strays = ["x", "y"].map((transactionId) => byOrder(0, { transactionId }));
    expect(join([...two, ...strays]).groups.sort()).toEqual(["c-1: ", "c-2: ", "nobody: x", "nobody: y"]);
  });

  test("is of nobody who was charged where a reference tells whose it is, and else says who", () => {
    const consumersOf = (...names: (keyof GatewaySide)[]) => {
      const sides = joinSides(memorySpills(), { fromMs: 0, toMs: 9 }, { agree() {}, takeBack() {} });
      sides.addRow(without(row(1, { consumers: ["anna"] }), ...names));
      const consumers = [...sides.groups()].flatMap(({ rows }) => rows.map((one) => one.consumers));
      sides.close();
      return consumers;
    };
    expect(consumersOf("chargeId", "requestId")).toEqual([["anna"]]);
    for (const names of [[], ["chargeId"], ["requestId"]] as const)
      expect(consumersOf(...names)).toEqual([[]]);
  });

  test("in the window may be of a charge that was sent before it", () => {
    const one = join([
      ["charge", charge(1, { firstSentAtMs: -1 })],
      ["row", row(1, { amount: "1" })],
    ]);
    expect(one.groups).toEqual(["c-1: t-1"]);
  });
});

describe("rows of one charge", () => {
  const declined = (n: number): Step => [
    "row",
    row(1, { says: "refused", transactionId: `d-${n}`, orderId: `e-${n}` }),
  ];
  const capture = (n: number): Step => ["row", row(1, { transactionId: `k-${n}`, orderId: `l-${n}` })];
  const kept = (steps: readonly Step[]): readonly string[] =>
    join([...charges(1), ...steps])
      .groups[0]?.slice("c-1: ".length)
      .split(",") ?? [];

  test("as many as 64 are kept, and then the first", () => {
    expect(kept(numbers(64).map(declined))).toHaveLength(64);
    expect(kept(numbers(65).map(declined))).toEqual(numbers(64).map((n) => `d-${n}`));
  });

  test("a capture takes the place of the last that is none, and of no other capture", () => {
    const first = [...numbers(63).map(capture), declined(0)];
    expect(kept([...first, capture(63)])).toEqual(numbers(64).map((n) => `k-${n}`));
    expect(kept([...first, capture(63), capture(64)])).toEqual(numbers(64).map((n) => `k-${n}`));
    expect(kept([declined(0), ...numbers(63).map(capture), capture(63)])).toEqual(
      numbers(64).map((n) => `k-${n}`),
    );
  });

  test("one that comes again, word for word, is counted and not kept, if it says which transaction it is of", () => {
    const twice = (changes: Partial<GatewaySide>, ...names: (keyof GatewaySide)[]) => {
      const step: Step = ["row", { ...without(row(1), ...names), says: "refused", ...changes }];
      const { groups, repeated } = join([...charges(1), step, step, step]);
      return [groups[0]?.split(",").length, repeated];
    };
    expect(twice({})).toEqual([1, 2]);
    expect(twice({}, "orderId")).toEqual([1, 2]);
    expect(twice({}, "transactionId")).toEqual([1, 2]);
    expect(twice({}, "transactionId", "orderId")).toEqual([3, 0]);
  });
});
