import { cpus } from "node:os";
import { benchCompare } from "./compare/compare.ts";
import { benchDeadlines } from "./deadlines.ts";
import { benchDurable } from "./durable.ts";
import { benchGrowth } from "./growth.ts";
import { benchMainJob } from "./main-job.ts";
import { benchNotices } from "./notices.ts";
import { benchOutage } from "./outage.ts";
import { benchPace } from "./pace.ts";
import { benchPlanted, benchReconcile } from "./reconcile.ts";
import { benchReview } from "./review.ts";
import { benchThroughput } from "./throughput.ts";
import { benchWatching } from "./watching.ts";

const [name, chargesMax] = process.argv.slice(2);

/** `npm run bench -- [name]`, `growth [charges]`: figures for the README. Ratios hold; the machine is shared and seconds do not. */
const benches: Readonly<Record<string, () => Promise<void>>> = {
  main: () => benchMainJob(),
  pace: async () => {
    await benchPace();
    await benchOutage();
  },
  compare: () => benchCompare(),
  durable: () => benchDurable(),
  watching: () => benchWatching(),
  deadlines: () => benchDeadlines(),
  throughput: () => benchThroughput(),
  growth: () => benchGrowth(Number(chargesMax ?? 100_000)),
  notices: () => benchNotices(),
  reconcile: () => benchReconcile(),
  planted: () => benchPlanted(),
  review: () => benchReview(),
};

const chosen = name === undefined ? Object.keys(benches) : [name];
console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}`);
for (const one of chosen) {
  const bench = benches[one];
  if (bench === undefined) {
    console.error(`no bench ${one}: ${Object.keys(benches).join(", ")}`);
    process.exitCode = 2;
    break;
  }
  console.log(`\n== ${one}`);
  await bench();
}
