import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { diskSpills } from "../../lib/adapters/disk-spills.ts";
import { expectedOf, findPlanted, type Plant, plants } from "../doubles/planted.ts";
import { randomOf } from "../simulation/random.ts";

type Joined = {
  readonly seconds: number;
  readonly heapPeakMb: number;
  readonly residentPeakMb: number;
  readonly agreed: number;
  readonly findings: number;
};

const joinOnce = (way: string, count: number, pages: string, heapMb: number): Promise<Joined> =>
  new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [
        `--max-old-space-size=${heapMb}`,
        fileURLToPath(new URL("reconcile-join.ts", import.meta.url)),
        way,
        String(count),
        pages,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    child.once("close", (status) =>
      status === 0
        ? resolve(JSON.parse(text) as Joined)
        : reject(new Error(`${way} ${count}: exit ${status}`)),
    );
  });

/** A short run is made so often: a busy moment of the machine is as long as it. The median counts, of each way. */
const shortRuns = 5;
const shortCount = 100_000;

/** To so many a side the two Maps are given reconciliation's own readers, too. */
const alikeMax = 1_000_000;

/** Both ways, one after the other and again, so that neither has the quieter machine. */
const joinBoth = async (
  count: number,
  pages: string,
): Promise<{ spilled: Joined; maps: Joined; alike: Joined | undefined }> => {
  const spilled: Joined[] = [];
  const maps: Joined[] = [];
  const alike: Joined[] = [];
  for (let run = 0; run < (count <= shortCount ? shortRuns : 1); run++) {
    spilled.push(await joinOnce("spilled", count, pages, 128));
    maps.push(await joinOnce("two-maps", count, pages, 16_000));
    if (pages === "raw" && count <= alikeMax)
      alike.push(await joinOnce("two-maps-alike", count, pages, 16_000));
  }
  const median = (all: readonly Joined[]): Joined =>
    all.toSorted((a, b) => a.seconds - b.seconds)[all.length >> 1] as Joined;
  return {
    spilled: median(spilled),
    maps: median(maps),
    alike: alike.length === 0 ? undefined : median(alike),
  };
};

/**
 * So many charges against as many feed rows: joined with 128 MB of heap, and by two Maps with all the memory that
 * there is, both in processor seconds. `raw`: the gateway's pages and the ledger's texts, read and joined, which is
 * what has to be done; `read`: the join alone, of what both ways have parsed in the same way.
 */
export const benchReconcile = async (): Promise<void> => {
  const heaps = new Map<number, number>();
  for (const pages of ["raw", "read"])
    for (const count of [shortCount, 1_000_000, 4_000_000]) {
      const { spilled, maps, alike } = await joinBoth(count, pages);
      // One charge in a thousand was refunded, which only the join by transaction tells.
      const refunded = count / 1_000;
      if (spilled.agreed !== count - refunded || spilled.findings !== refunded || maps.agreed !== count)
        throw new Error("they do not find what is there");
      if (pages === "raw") heaps.set(count, spilled.heapPeakMb);
      const rate = (joined: Joined): string => `${Math.round((2 * count) / joined.seconds / 1_000)}k`;
      console.log(
        `${pages} ${count} a side: ${rate(spilled)} rows/s, heap ${spilled.heapPeakMb.toFixed(0)} MB, resident ${spilled.residentPeakMb.toFixed(0)} MB; two Maps ${rate(maps)} rows/s, heap ${maps.heapPeakMb.toFixed(0)} MB; ratio ${(maps.seconds / spilled.seconds).toFixed(2)}${pages === "raw" ? " (limit 1.5)" : ""}${alike === undefined ? "" : `; over two Maps with the same readers ${(alike.seconds / spilled.seconds).toFixed(2)}`}`,
      );
    }
  const [small = 1, large = 0] = [heaps.get(1_000_000), heaps.get(4_000_000)];
  console.log(`heap at 4,000,000 over heap at 1,000,000: ${(large / small).toFixed(2)} (limit 1.25)`);
};

/** A hundred differences of all kinds at random places of a million rows, and again: all found, nothing else. */
export const benchPlanted = async (plantings = 20, count = 1_000_000): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), "chargeonce-bench-"));
  let [found, missed, wrong] = [0, 0, 0];
  try {
    for (let seed = 1; seed <= plantings; seed++) {
      const random = randomOf(seed);
      const planted = new Map<number, Plant>();
      const real = plants.filter((plant) => !plant.startsWith("noise"));
      while (planted.size < 200) {
        const index = random.between(0, count - 1);
        // A hundred differences, and a hundred things that only look odd.
        const some = planted.size < 100 ? real : plants.filter((plant) => plant.startsWith("noise"));
        if (!planted.has(index)) planted.set(index, some[planted.size % some.length] as Plant);
      }
      const expected = expectedOf(planted);
      // Every other time the ledger comes in no order and all of it first, so that nothing meets in the memory.
      const seen =
        seed % 2 === 1
          ? findPlanted(count, planted, diskSpills(folder), (index) => index, { lead: 500 }).found
          : findPlanted(count, planted, diskSpills(folder), (index) => (index * 1_000_003) % count).found;
      for (const [name, kinds] of expected) {
        if (seen.get(name)?.join() === kinds.join()) found += 1;
        else missed += 1;
      }
      for (const name of seen.keys()) if (!expected.has(name)) wrong += 1;
      console.log(`planting ${seed}: ${found} found so far, ${missed} missed, ${wrong} false`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(
    `${plantings} plantings in ${count} rows: found ${found}, missed ${missed}, false findings ${wrong}`,
  );
  if (missed + wrong > 0) process.exitCode = 1;
};
