import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { diskSpills } from "../../lib/adapters/disk-spills.ts";
import { judge } from "../../lib/core/judgement.ts";
import {
  type GatewaySide,
  gatewayLine,
  type LedgerSide,
  ledgerLine,
  readGatewayLine,
  readLedgerLine,
} from "../../lib/core/sides.ts";
import { joinSides } from "../../lib/flows/join-sides.ts";
import { centrobillFeed } from "../../lib/gateways/centrobill/feed.ts";
import { defaultFeedProfile } from "../../lib/gateways/centrobill/feed-profile.ts";
import { memorySpills } from "../doubles/memory-spills.ts";
import { expectedOf, findPlanted, type Plant, plantedView, plants, sidesOf } from "../doubles/planted.ts";
import { replied } from "../gateways/replied.ts";

const sorted = (map: ReadonlyMap<string, readonly string[]>) =>
  [...map].map(([name, kinds]) => `${name}: ${kinds.join(" ")}`).sort();

describe.each(plants)("%s", (plant) => {
  test("is found, and nothing else", () => {
    const planted = new Map<number, Plant>([[17, plant]]);
    expect(sorted(findPlanted(50, planted, memorySpills()).found)).toEqual(sorted(expectedOf(planted)));
  });
});

test("whatever is planted wherever: exactly that is found", () => {
  const count = 400;
  const plantings = fc
    .uniqueArray(fc.tuple(fc.nat(count - 1), fc.constantFrom(...plants)), {
      selector: ([index]) => index,
      maxLength: 60,
    })
    .map((pairs) => new Map<number, Plant>(pairs));
  fc.assert(
    fc.property(
      plantings,
      fc.nat(),
      fc.integer({ min: -count, max: count }),
      fc.integer({ min: 1, max: count }),
      fc.constantFrom(1, 7),
      (planted, shift, lead, waitingMax, stride) => {
        const order = (index: number): number => (index * stride + shift) % count;
        const { found, matched } = findPlanted(count, planted, memorySpills(), order, { lead, waitingMax });
        expect(sorted(found)).toEqual(sorted(expectedOf(planted)));
        expect(matched).toBe(findPlanted(count, planted, memorySpills()).matched);
      },
    ),
    { numRuns: 100 },
  );
});

test("rows that wait keep their own texts in the memory, and not the pages that they came with", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const feed = centrobillFeed({ feedUrl: "https://feed.test", apiKey: "k" }, defaultFeedProfile);
  const sides = joinSides(memorySpills(), plantedView.window, { agree() {}, takeBack() {} });
  const heapMb = (): number => {
    collect();
    return process.memoryUsage().heapUsed / 1_048_576;
  };
  const before = heapMb();
  for (let page = 0; page < 400; page++) {
    const row = (n: number) =>
      `{"transactionId":"t${page}-${n}","metadata":{"chargeId":"of-another-system-${page}-${n}","requestId":"cccccccc-cccc-4ccc-8ccc-${page}-${n}"}}`;
    const read = feed.readSides?.(
      replied(200, `{"data":[${row(0)},${row(1)}],"meta":{"currentPage":1},"more":"${"x".repeat(200_000)}"}`),
      1,
    );
    if (read?.kind === "page") for (const side of read.rows) sides.addRow(side);
  }
  expect(heapMb() - before).toBeLessThan(40);
  expect([...sides.groups()]).toHaveLength(800);
});

describe("on the disk", () => {
  const folder = mkdtempSync(join(tmpdir(), "chargeonce-spills-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  test("the same is found as in the memory, and nothing is left behind", () => {
    const planted = new Map(plants.map((plant, at) => [at * 311 + 5, plant] as const));
    const onDisk = findPlanted(20_000, planted, diskSpills(folder));
    const inMemory = findPlanted(20_000, planted, memorySpills());
    expect(sorted(onDisk.found)).toEqual(sorted(expectedOf(planted)));
    expect(onDisk.matched).toBe(inMemory.matched);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("where it is full the run ends, and says what to do", () => {
    const fill = `import { diskSpills } from "./lib/adapters/disk-spills.ts";
      const spill = diskSpills(${JSON.stringify(folder)}).open(1);
      for (let at = 0; at < 100; at++) spill.write(0, "x".repeat(20_000) + "\\n");`;
    // A file of this process may have 100 KiB.
    const ended = spawnSync(
      "bash",
      ["-c", 'ulimit -f 100; exec "$0" --input-type=module -e "$1"', process.execPath, fill],
      { cwd: fileURLToPath(new URL("../../", import.meta.url)), encoding: "utf8" },
    );
    expect(ended.status).toBe(1);
    expect(ended.stderr).toMatch(/NoRoom: cannot write: .* is full; .* shorter window, or a larger disk/);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("bytes that are written together come back in one piece", () => {
    const spill = diskSpills(folder).open(2);
    const blocks = [10, 9_000, 9_000, 40_000, 3].map((length, at) => new Uint8Array(length).fill(at + 1));
    for (const block of blocks) spill.writeBytes(1, block);
    const seen: number[][] = [];
    for (const piece of spill.bytes(1)) {
      const lengths = new Map<number, number>();
      for (const byte of piece) lengths.set(byte, (lengths.get(byte) ?? 0) + 1);
      seen.push([...lengths.values()]);
    }
    expect(seen.flat()).toEqual([10, 9_000, 9_000, 40_000, 3]);
    spill.close();
  });

  test("a line that is longer than a piece comes back whole, and in its order", () => {
    const spill = diskSpills(folder).open(2);
    const lines = ["a\n", `${"u".repeat(20_000)}\n`, "b\n", `${"e".repeat(16_383)}\n`, "c\n"];
    for (const line of lines) spill.write(1, line);
    spill.write(0, "other\n");
    expect([...spill.read(1)].join("")).toBe(lines.join(""));
    spill.close();
    spill.close();
  });
});

test("a spill names the partitions that have something, on the disk as in the memory", () => {
  const folder = mkdtempSync(join(tmpdir(), "chargeonce-spills-"));
  for (const spills of [diskSpills(folder), memorySpills()]) {
    const spill = spills.open(1_024);
    expect(spill.held()).toEqual([]);
    // Longer than a piece, in the middle of one, and bytes.
    spill.write(700, `${"u".repeat(20_000)}\n`);
    spill.write(3, "a\n");
    spill.writeBytes(1_023, new Uint8Array([1]));
    spill.write(3, "b\n");
    expect(spill.held().toSorted((a, b) => a - b)).toEqual([3, 700, 1_023]);
    spill.close();
  }
  rmSync(folder, { recursive: true });
});

test("a side comes back from its line as it went, whatever the gateway wrote", () => {
  const text = fc.string({ unit: "binary", maxLength: 80 });
  fc.assert(
    fc.property(text, text, text, (chargeId, requestId, consumer) => {
      const row: GatewaySide = {
        kind: "charge",
        says: "captured",
        requestId,
        chargeId,
        currency: "EUR",
        consumers: [consumer],
      };
      const line = gatewayLine(row);
      expect(line.indexOf("\n")).toBe(line.length - 1);
      const back = readGatewayLine(line.slice(0, -1));
      const isPlain = /^[\x20-\x7e]{1,64}$/.test(chargeId);
      if (isPlain) expect(back.chargeId).toBe(chargeId);
      else expect(back.chargeId ?? "").not.toMatch(/^[\w.:-]{1,64}$/);
    }),
  );
  for (const plant of plants) {
    const { ledger, rows } = sidesOf(3, 10, plant);
    if (ledger !== undefined) expect(readLedgerLine(ledgerLine(ledger).slice(0, -1))).toEqual(ledger);
    for (const row of rows) expect(readGatewayLine(gatewayLine(row).slice(0, -1))).toEqual(row);
  }
});

test("rows of one charge without end do not fill the memory, and a second capture is not lost among them", () => {
  const spills = memorySpills();
  const sides = joinSides(spills, plantedView.window, { agree() {}, takeBack() {} });
  const { ledger, rows } = sidesOf(1, 10);
  if (ledger !== undefined) sides.addCharge(ledger);
  const [row] = rows as [GatewaySide];
  sides.addRow(row);
  for (let n = 0; n < 5_000; n++)
    sides.addRow({ ...row, says: "refused", code: "5051", transactionId: `x-${n}`, orderId: `y-${n}` });
  sides.addRow({ ...row, transactionId: "t-2", orderId: "o-2" });
  const [group, ...others] = [...sides.groups()];
  expect(others).toEqual([]);
  expect(group?.rows.length).toBeLessThan(100);
  expect(judge(group ?? { rows: [] }, plantedView).findings.map(({ kind }) => kind)).toEqual([
    "double_charge",
  ]);
  sides.close();
  expect(spills.unclosed()).toBe(0);
});

describe("a row is known by what it names, the best first", () => {
  const charge = (changes: Partial<LedgerSide> = {}): LedgerSide => ({
    chargeId: "c-1",
    requestId: "r-2",
    earlierRequestIds: ["r-1"],
    attempt: 2,
    amount: "1999",
    currency: "EUR",
    state: "approved",
    transactionId: "t-1",
    orderId: "o-1",
    preparedId: "p-1",
    firstSentAtMs: 5,
    consumerMarks: [],
    ...changes,
  });
  const row = (names: Partial<GatewaySide>): GatewaySide => ({
    kind: "charge",
    says: "captured",
    amount: "1",
    currency: "EUR",
    atMs: 6,
    consumers: [],
    ...names,
  });
  const other = charge({
    chargeId: "c-2",
    requestId: "r-9",
    earlierRequestIds: [],
    transactionId: "t-9",
    orderId: "o-9",
  });
  const { preparedId: _prepared, ...unprepared } = other;
  /** Whose each row is. */
  const ownersOf = (charges: readonly LedgerSide[], rows: readonly GatewaySide[], waitingMax?: number) => {
    const sides = joinSides(
      memorySpills(),
      { fromMs: 0, toMs: 10 },
      { agree() {}, takeBack() {} },
      waitingMax,
    );
    for (const one of charges) sides.addCharge(one);
    for (const one of rows) sides.addRow(one);
    const owners = [...sides.groups()].map(({ ledger, rows: own }) => [ledger?.chargeId, own.length]);
    sides.close();
    return owners.filter(([, count]) => count !== 0);
  };
  // biome-ignore format: one row a line
  test.each<[Partial<GatewaySide>, owner: string | undefined, reason: string]>([
    [{ requestId: "r-2" }, "c-1", "its request id"],
    [{ requestId: "r-1" }, "c-1", "an earlier attempt's"],
    [{ chargeId: "c-1" }, "c-1", "its charge id"],
    [{ transactionId: "t-1" }, "c-1", "the gateway's transaction"],
    [{ orderId: "o-1" }, "c-1", "the gateway's order"],
    [{ orderId: "p-1" }, "c-1", "what was made before it was sent"],
    [{ kind: "reversal", says: "unproven", transactionId: "t-5", parentTransactionId: "t-1" }, "c-1", "the transaction that it gives back"],
    [{ requestId: "r-9", chargeId: "c-1" }, "c-2", "a request id is better than a charge id"],
    [{ requestId: "r-5", chargeId: "c-1", transactionId: "t-9" }, "c-1", "a charge id is better than a transaction"],
    [{ transactionId: "t-9", orderId: "o-1" }, "c-2", "a transaction is better than an order"],
    [{ transactionId: "t-5" }, undefined, "a transaction of nobody's"],
    [{ orderId: "t-1" }, undefined, "an order is no transaction"],
    [{ requestId: "c-1" }, undefined, "nor a request id a charge id"],
    [{ requestId: "undefined" }, undefined, "nor is anything known by a word"],
    [{}, undefined, "it names nothing"],
  ])("%j is %s's (%s)", (names, owner) => {
    expect(ownersOf([charge(), unprepared], [row(names)])).toEqual([[owner, 1]]);
  });

  test("what is not there is known by no word", () => {
    const { transactionId: _t, orderId: _o, preparedId: _p, ...nameless } = charge();
    for (const names of [{ transactionId: "undefined" }, { orderId: "undefined" }])
      expect(ownersOf([nameless], [row(names)])).toEqual([[undefined, 1]]);
    const odd = charge({ transactionId: "undefined", orderId: "undefined" });
    expect(ownersOf([odd], [row({ requestId: "r-7" })])).toEqual([[undefined, 1]]);
  });

  test("a name that two charges have is nobody's", () => {
    expect(ownersOf([charge(), { ...unprepared, orderId: "o-1" }], [row({ orderId: "o-1" })])).toEqual([
      [undefined, 1],
    ]);
    expect(ownersOf([charge(), charge()], [row({ orderId: "o-1" })])).toEqual([["c-1", 1]]);
  });

  test("strangers of one charge or transaction come together, and others each by itself", () => {
    const twos = [
      [row({ chargeId: "x" }), row({ chargeId: "x", transactionId: "t-5" })],
      [row({ requestId: "x" }), row({ requestId: "x", transactionId: "t-5" })],
      [
        row({ transactionId: "x" }),
        row({ kind: "reversal", transactionId: "t-5", parentTransactionId: "x" }),
      ],
      [row({ transactionId: "x" }), row({ transactionId: "x", orderId: "o" })],
      [row({ orderId: "x" }), row({ orderId: "x", amount: "2" })],
    ];
    for (const two of twos) expect(ownersOf([], two)).toEqual([[undefined, 2]]);
    const apart = [
      row({ transactionId: "a", parentTransactionId: "x" }),
      row({ transactionId: "b", parentTransactionId: "x" }),
    ];
    expect(ownersOf([], apart)).toEqual([
      [undefined, 1],
      [undefined, 1],
    ]);
  });

  describe("strangers that are named when all is joined", () => {
    const namedAs = (charges: readonly LedgerSide[], rows: readonly GatewaySide[], agreed: number[] = []) => {
      const spills = memorySpills();
      const agree = ({ amount }: { readonly amount: number }) => agreed.push(amount);
      const sides = joinSides(spills, { fromMs: 0, toMs: 10 }, { agree, takeBack() {} });
      for (const one of charges) sides.addCharge(one);
      for (const one of rows) sides.addRow(one);
      const asked = [...sides.strangers()].map(({ orderId }) => orderId);
      sides.nameStrangers(({ orderId }) => (orderId === "o-2" ? "c-1" : undefined));
      const groups = [...sides.groups()].map(({ ledger, rows: own }) => ({
        charge: ledger?.chargeId,
        rows: own.map(({ orderId, chargeId }) => [orderId, chargeId]),
      }));
      sides.close();
      expect(spills.unclosed()).toBe(0);
      return { asked: asked.sort(), groups };
    };

    test("come to their charge and its own rows; the others stay what they are, as often as they came", () => {
      const rows = ["o-1", "o-2", "o-3", "o-3", "o-4"].map((orderId, n) =>
        row({ orderId, transactionId: `x-${Math.max(n, 3)}` }),
      );
      const { asked, groups } = namedAs([charge()], rows);
      expect(asked).toEqual(["o-2", "o-3", "o-3", "o-4"]);
      expect(groups[0]).toEqual({
        charge: "c-1",
        rows: [
          ["o-1", undefined],
          ["o-2", "c-1"],
        ],
      });
      expect(
        groups
          .slice(1)
          .flatMap(({ rows: own }) => own.map(([orderId]) => orderId))
          .sort(),
      ).toEqual(["o-3", "o-4"]);
    });

    test("stand under their charge's name where that has met its own row, or was not read", () => {
      const own = row({ requestId: "r-2", chargeId: "c-1", transactionId: "t-1", amount: "1999" });
      const agreed: number[] = [];
      const expected = { asked: ["o-2"], groups: [{ charge: undefined, rows: [["o-2", "c-1"]] }] };
      const plain = { ...unprepared, chargeId: "c-1", requestId: "r-2", attempt: 1, transactionId: "t-1" };
      expect(namedAs([plain], [own, row({ orderId: "o-2" })], agreed)).toEqual(expected);
      expect(agreed).toEqual([1999]);
      expect(namedAs([], [row({ orderId: "o-2" })])).toEqual(expected);
    });

    test("are none where every row is somebody's", () => {
      expect(namedAs([charge()], [row({ orderId: "o-1" })])).toEqual({
        asked: [],
        groups: [{ charge: "c-1", rows: [["o-1", undefined]] }],
      });
    });
  });

  test("a charge without a row is of the window that it was sent in", () => {
    const groupsOf = (firstSentAtMs: number): number => {
      const sides = joinSides(memorySpills(), { fromMs: 0, toMs: 10 }, { agree() {}, takeBack() {} });
      sides.addCharge(charge({ firstSentAtMs }));
      const count = [...sides.groups()].length;
      sides.close();
      return count;
    };
    expect([-1, 0, 9, 10].map(groupsOf)).toEqual([0, 1, 1, 0]);
  });

  test("it is the same for a few that wait in the memory, and for many", () => {
    const many = Array.from({ length: 30 }, (_, at) =>
      charge({
        chargeId: `c-${at}`,
        requestId: `r-${at}x`,
        earlierRequestIds: [],
        transactionId: `t-${at}`,
        orderId: `o-${at}`,
      }),
    );
    const rows = many.map(({ chargeId, requestId }) => row({ chargeId, requestId }));
    const found = (waitingMax: number) => ownersOf(many, rows.toReversed(), waitingMax).sort();
    expect(found(4)).toEqual(found(1_000));
    expect(found(4)).toHaveLength(30);
  });
});
