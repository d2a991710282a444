import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { diskSpills } from "../../lib/adapters/disk-spills.ts";
import { judge } from "../../lib/core/judgement.ts";
import {
  type GatewaySide,
  gatewayLine,
  ledgerLine,
  readGatewayLine,
  readLedgerLine,
} from "../../lib/core/sides.ts";
import { joinSides } from "../../lib/flows/join-sides.ts";
import { memorySpills } from "../doubles/memory-spills.ts";
import { expectedOf, findPlanted, type Plant, plantedView, plants, sidesOf } from "../doubles/planted.ts";

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
