import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { diskSpills } from "../../lib/adapters/disk-spills.ts";
import { ledgerSideOfText } from "../../lib/core/entry-text.ts";
import { type Judgement, judge, type View } from "../../lib/core/judgement.ts";
import type { LedgerEntry } from "../../lib/core/ledger.ts";
import { moneyTally } from "../../lib/core/money-tally.ts";
import { comparedPage, type GatewaySide, type LedgerSide, ledgerSideOf } from "../../lib/core/sides.ts";
import { joinSides } from "../../lib/flows/join-sides.ts";
import { centrobillFeed } from "../../lib/gateways/centrobill/feed.ts";
import { defaultFeedProfile } from "../../lib/gateways/centrobill/feed-profile.ts";
import {
  chargesPage,
  dayMs,
  entryText,
  feedPage,
  flat,
  perPage,
  rowsPage,
  shuffled,
  startMs,
} from "./reconcile-sides.ts";

/**
 * One join of so many charges and rows, in a process of its own: `node reconcile-join.ts <way> <count> <pages>`.
 * `raw` pages are the gateway's own and the ledger's own texts: `two-maps` parses pages and entries as one would, where
 * reconciliation (`spilled`) reads what it needs out of their texts; `two-maps-alike` reads them as that does. `read`
 * pages are JSON of what the readers leave, parsed by both ways: the join alone. Prints JSON; the time that making the pages took is
 * left out.
 */
const [way = "", countText = "", pages = "read"] = process.argv.slice(2);
const parses = way === "two-maps";
/** Joined once, unmeasured, before what is measured: a process that works for minutes is warm. */
const warmUp = 20_000;
let count = warmUp;
const feed = centrobillFeed({ feedUrl: "https://feed.test", apiKey: "k" }, defaultFeedProfile);
const window = { fromMs: startMs, toMs: startMs + dayMs };
const view: View = {
  gateway: "centrobill",
  window,
  read: { fromMs: startMs - dayMs, toMs: startMs + 2 * dayMs },
  whole: true,
  rowWithinMs: 3_720_000,
  clockSkewMs: 120_000,
  nowMs: startMs + 3 * dayMs,
};

let heapPeak = 0;
let residentPeak = 0;
const look = (): void => {
  const { heapUsed, rss } = process.memoryUsage();
  heapPeak = Math.max(heapPeak, heapUsed);
  residentPeak = Math.max(residentPeak, rss);
};
/** Processor seconds: the machine is shared, and what others do must not count. */
const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
let makingSeconds = 0;
const made = <T>(make: () => T): T => {
  const begunAt = cpuSeconds();
  const result = make();
  makingSeconds += cpuSeconds() - begunAt;
  return result;
};

const indexesFrom = (from: number): readonly number[] =>
  Array.from({ length: Math.min(perPage, count - from) }, (_, at) => from + at);

const ledgerPages = function* (): Iterable<readonly LedgerSide[]> {
  for (let from = 0; from < count; from += perPage) {
    const indexes = indexesFrom(from);
    if (pages === "read") yield JSON.parse(made(() => chargesPage(indexes, count))) as LedgerSide[];
    else {
      const texts = made(() => indexes.map((index) => flat(entryText(index, count))));
      yield texts.map((text) =>
        parses ? ledgerSideOf(JSON.parse(text) as LedgerEntry) : (ledgerSideOfText(text) as LedgerSide),
      );
    }
    if (from % (20 * perPage) === 0) look();
  }
};
const feedPages = function* (): Iterable<readonly GatewaySide[]> {
  for (let from = 0; from < count; from += perPage) {
    const indexes = shuffled(indexesFrom(from));
    if (pages === "read") yield JSON.parse(made(() => rowsPage(indexes, count))) as GatewaySide[];
    else {
      const reply = made(() => feedPage(indexes, count));
      const page = parses ? comparedPage(feed.readPage(reply, 1)) : feed.readSides?.(reply, 1);
      if (page?.kind !== "page") throw new Error(page?.why);
      yield page.rows;
    }
    if (from % (20 * perPage) === 0) look();
  }
};

let tally = moneyTally(startMs);
let agreedCharges = 0;
let findings = 0;
const tell = ({ findings: found }: Judgement): void => {
  findings += found.length;
};

const byTwoMaps = (): void => {
  const [charges, rows] = [new Map<string, LedgerSide>(), new Map<string, GatewaySide>()];
  for (const page of ledgerPages()) for (const side of page) charges.set(side.requestId, side);
  for (const page of feedPages())
    for (const side of page)
      if (side.requestId !== undefined) rows.set(side.requestId, side);
      else tell(judge({ rows: [side] }, view));
  look();
  for (const [requestId, ledger] of charges) {
    const row = rows.get(requestId);
    rows.delete(requestId);
    if (row !== undefined && row.amount === ledger.amount && row.currency === ledger.currency) {
      agreedCharges += 1;
      tally.add("matched", Number(row.amount), row.currency, row.atMs ?? Number.NaN);
    } else tell(judge({ ledger, rows: row === undefined ? [] : [row] }, view));
  }
  for (const row of rows.values()) tell(judge({ rows: [row] }, view));
};

const bySides = (): void => {
  const folder = mkdtempSync(join(tmpdir(), "chargeonce-bench-"));
  mkdirSync(folder, { recursive: true });
  const sides = joinSides(diskSpills(folder), window, {
    agree({ amount, currency, atMs }) {
      agreedCharges += 1;
      tally.add("matched", amount, currency, atMs);
    },
    takeBack({ amount, currency, atMs }) {
      agreedCharges -= 1;
      tally.add("matched", -amount, currency, atMs);
    },
  });
  // As a run reads them: a page of the feed, and the charges of its time.
  const ledger = ledgerPages()[Symbol.iterator]();
  for (const page of feedPages()) {
    for (const side of ledger.next().value ?? []) sides.addCharge(side);
    for (const side of page) sides.addRow(side);
  }
  for (const group of sides.groups()) {
    look();
    tell(judge(group, view));
  }
  sides.close();
  rmSync(folder, { recursive: true, force: true });
};

const run = way === "spilled" ? bySides : byTwoMaps;
run();
count = Number(countText);
tally = moneyTally(startMs);
[agreedCharges, findings, makingSeconds, heapPeak, residentPeak] = [0, 0, 0, 0, 0];
const begunAt = cpuSeconds();
run();
look();
console.log(
  JSON.stringify({
    seconds: cpuSeconds() - begunAt - makingSeconds,
    makingSeconds,
    heapPeakMb: heapPeak / 1_048_576,
    residentPeakMb: residentPeak / 1_048_576,
    agreed: agreedCharges,
    findings,
    money: tally.byCurrency(),
  }),
);
