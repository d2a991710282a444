import type { FeedWindow } from "../core/feed.ts";
import { type FindingKind, findingKinds, waitsForPerson } from "../core/finding.ts";
import { moneyText } from "../core/money.ts";
import type { DayMoney } from "../core/money-tally.ts";
import type { MissingPart } from "../core/reconciled-day.ts";
import type { RunRecord } from "../core/window-record.ts";
import { base64Of } from "../desk/base64-of.ts";
import { wordsOf } from "../desk/history-words.ts";
import { html, type Markup, nothing } from "../desk/markup.ts";
import type { ToldFinding } from "./finding-lines.ts";
import type { FindingTotals } from "./finding-tally.ts";
import { kindWords, ledgerWords, missingWords, nextWords, proposalWords, rowWords } from "./finding-words.ts";

export type ReconcilePage = {
  /** the stretch of time that it is about */
  readonly window: FeedWindow;
  readonly runs: readonly RunRecord[];
  /** what of it is not reconciled, beside what its runs say themselves; with any of it no page is clean */
  readonly missing: readonly { readonly gateway: string; readonly part: MissingPart }[];
  readonly withoutFeed: readonly string[];
  readonly findings: FindingTotals;
  /** more that there is to say of it */
  readonly note?: string;
};

const style = `
:root{color-scheme:light dark;--ink:#1b1d21;--soft:#565b66;--paper:#fff;--card:#f5f6f8;--line:#c9cdd6;--good:#1f7a4d;--bad:#b3261e;--open:#8a5a00;--focus:#1a56db}
@media (prefers-color-scheme:dark){:root{--ink:#eceef2;--soft:#aab0bd;--paper:#14161a;--card:#1f2228;--line:#3b404b;--good:#5ecb95;--bad:#ff8a80;--open:#f0b94d;--focus:#8ab4ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:64rem;margin:0 auto;padding:1rem}
h1{font-size:1.5rem;margin:.5rem 0}h2{font-size:1.2rem;margin:2rem 0 .5rem}h3{font-size:1rem;margin:0}
p{margin:.3rem 0}.soft{color:var(--soft)}
.verdict{padding:.7rem 1rem;border-left:.35rem solid var(--good);background:var(--card)}
.verdict.bad{border-color:var(--bad)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}
.filters{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.6rem;margin:.5rem 0}
label{display:block;font-size:.9rem;color:var(--soft)}
select,input{width:100%;font:inherit;padding:.35rem;background:var(--paper);color:var(--ink);border:1px solid var(--soft);border-radius:.3rem}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px}
ul.missing{padding-left:1.3rem;margin:.3rem 0;overflow-wrap:anywhere}
ul.findings{list-style:none;padding:0;margin:0}
ul.findings>li{background:var(--card);border:1px solid var(--line);border-radius:.4rem;padding:.7rem .9rem;margin:.6rem 0;overflow-wrap:anywhere}
ul.findings>li[hidden]{display:none}
.head{display:flex;flex-wrap:wrap;gap:.2rem 1rem;justify-content:space-between}
.money{font-variant-numeric:tabular-nums;font-weight:600}
dl{margin:.4rem 0;display:grid;grid-template-columns:minmax(5rem,auto) 1fr;gap:.15rem .8rem}
dt{color:var(--soft)}dd{margin:0;min-width:0}
@media (max-width:30rem){dl{grid-template-columns:1fr}dt{margin-top:.3rem}}
summary{cursor:pointer}ol{padding-left:1.3rem;margin:.4rem 0}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:1rem 1.5rem}
.charts section{min-width:0}
svg{width:100%;height:auto;display:block;border-bottom:1px solid var(--line)}
.matched{fill:var(--good)}.unmatched{fill:var(--bad)}.unknown{fill:var(--open)}
svg text{fill:var(--soft);font:12px system-ui,sans-serif}
.key{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;font-size:.9rem}
.key i{display:inline-block;width:.8em;height:.8em;margin-right:.4em}
.key .matched{background:var(--good)}.key .unmatched{background:var(--bad)}.key .unknown{background:var(--open)}
`;

const script = `
const list=document.querySelectorAll("ul.findings>li"),shown=document.getElementById("shown");
const fields=["kind","gateway","currency","waits"].map((name)=>[name,document.getElementById("f-"+name)]);
const text=document.getElementById("f-text");
const apply=()=>{let count=0;const wanted=text.value.trim().toLowerCase();
for(const item of list){const fits=fields.every(([name,field])=>field.value===""||item.dataset[name]===field.value)&&(wanted===""||item.textContent.toLowerCase().includes(wanted));
item.hidden=!fits;if(fits)count++;}
shown.textContent=count+" of "+list.length+" shown";};
for(const [,field] of fields)field.addEventListener("change",apply);
text.addEventListener("input",apply);apply();
`;

const countText = (count: number): string => count.toLocaleString("en");
const iso = (ms: number): string => new Date(ms).toISOString();
const classes = ["matched", "unmatched", "unknown"] as const;
const classWords = { matched: "matched", unmatched: "not matched", unknown: "unknown" } as const;

const byCurrencyOf = (runs: readonly RunRecord[]): ReadonlyMap<string, readonly DayMoney[]> => {
  const byCurrency = new Map<string, Map<string, DayMoney>>();
  for (const { days } of runs)
    for (const one of days) {
      const own = byCurrency.get(one.currency) ?? new Map<string, DayMoney>();
      byCurrency.set(one.currency, own);
      const before = own.get(one.day);
      const sum = (name: (typeof classes)[number]) =>
        String(BigInt(before?.[name] ?? "0") + BigInt(one[name]));
      own.set(one.day, {
        ...one,
        matched: sum("matched"),
        unmatched: sum("unmatched"),
        unknown: sum("unknown"),
      });
    }
  return new Map(
    [...byCurrency].map(([currency, days]) => [
      currency,
      [...days.values()].sort((a, b) => (a.day < b.day ? -1 : 1)),
    ]),
  );
};

const totalOf = (days: readonly DayMoney[], name: (typeof classes)[number]): string =>
  String(days.reduce((sum, day) => sum + BigInt(day[name]), 0n));

/** A bar a day, its money stacked; the same numbers stand in a table below it. */
const chart = (currency: string, days: readonly DayMoney[], at: number): Markup => {
  const sums = days.map((day) => classes.map((name) => Number(day[name])));
  const most = Math.max(1, ...sums.map((parts) => parts.reduce((a, b) => a + b, 0)));
  const [width, height, foot] = [320, 90, 18];
  const slot = width / Math.max(days.length, 1);
  const bars = days.map((day, place) => {
    let y = height;
    const parts = classes.map((name, part) => {
      const tall = ((sums[place]?.[part] ?? 0) / most) * height;
      y -= tall;
      return tall === 0
        ? nothing
        : html`<rect class="${name}" x="${(place * slot + slot * 0.15).toFixed(1)}" y="${y.toFixed(1)}" width="${(Math.min(slot * 0.7, 48)).toFixed(1)}" height="${Math.max(tall, 1).toFixed(1)}"><title>${day.day}: ${moneyText(day[name], currency)} ${classWords[name]}</title></rect>`;
    });
    const label = days.length <= 7 || place % Math.ceil(days.length / 7) === 0 ? day.day.slice(5) : "";
    return html`${parts}<text x="${(place * slot + slot * 0.15).toFixed(1)}" y="${height + 13}">${label}</text>`;
  });
  const told = classes
    .map((name) => `${moneyText(totalOf(days, name), currency)} ${classWords[name]}`)
    .join(", ");
  const highest = days
    .map((day) => classes.reduce((sum, name) => sum + BigInt(day[name]), 0n))
    .sort((a, b) => (a < b ? -1 : 1))
    .at(-1);
  return html`<section aria-labelledby="chart-${at}"><h3 id="chart-${at}">${currency}</h3>
<p class="soft">at most ${moneyText(String(highest ?? 0n), currency)} a day</p>
<svg viewBox="0 0 ${width} ${height + foot}" role="img" aria-labelledby="chart-title-${at}"><title id="chart-title-${at}">${currency} by day: ${told}</title>${bars}</svg>
<details><summary>${currency} by day, as a table</summary><div class="scroll" tabindex="0"><table><thead><tr><th scope="col">Day (UTC)</th>${classes.map((name) => html`<th scope="col" class="number">${classWords[name]}</th>`)}</tr></thead><tbody>${days.map(
    (day) =>
      html`<tr><th scope="row">${day.day}</th>${classes.map((name) => html`<td class="number">${moneyText(day[name], currency)}</td>`)}</tr>`,
  )}</tbody></table></div></details></section>`;
};

const findingItem = ({ finding, entry }: ToldFinding): Markup => {
  const proposals = proposalWords(finding);
  const line = (name: string, value: string | undefined): Markup =>
    value === undefined ? nothing : html`<dt>${name}</dt><dd>${value}</dd>`;
  return html`<li data-kind="${finding.kind}" data-gateway="${finding.gateway}" data-currency="${finding.money?.currency ?? ""}" data-waits="${waitsForPerson(finding) ? "yes" : "no"}">
<div class="head"><h3>${kindWords[finding.kind]}</h3><span class="money">${finding.money === undefined ? "" : moneyText(finding.money.amount, finding.money.currency)}</span></div>
<dl>${line("Charge", finding.chargeId)}${line("Gateway", finding.gateway)}${line("Ledger says", finding.ledger === undefined ? "nothing: it has no such charge" : ledgerWords(finding.ledger))}${
    finding.rows.length === 0
      ? line("Gateway says", "nothing: its feed has no such row")
      : finding.rows.map((row) => line("Gateway says", rowWords(row)))
  }${line("Captured under", finding.by === undefined ? undefined : finding.by === "one_request_id" ? "one request id" : "several request ids")}${line("Recorded as", finding.closedAs)}${proposals.map((words) => line("Proposed", words))}${line("Next", nextWords[finding.next])}${line("In review", finding.inReview === true ? "yes, for the same reason" : undefined)}</dl>
<p class="soft">${finding.id}</p>${
    entry === undefined
      ? nothing
      : html`<details><summary>History of ${entry.chargeId}</summary><ol>${entry.history.map((event) => html`<li><time datetime="${iso(event.at)}">${iso(event.at)}</time> ${wordsOf(event)}</li>`)}</ol></details>`
  }</li>`;
};

const options = (values: readonly (readonly [string, string])[], all: string): Markup =>
  html`<option value="">${all}</option>${values.map(([value, label]) => html`<option value="${value}">${label}</option>`)}`;

/**
 * One page with everything in it: nothing is fetched, and nothing but its own script may run.
 * @param sha256 lower-case hex of a text's hash
 */
export const reconcilePage = (
  { window, runs, missing, withoutFeed, findings, note }: ReconcilePage,
  sha256: (text: string) => string,
): string => {
  const { counts, waiting, shown, more } = findings;
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const isComplete = missing.length === 0 && runs.every(({ complete }) => complete);
  const days = byCurrencyOf(runs);
  const moneyOfKind = (kind: FindingKind): string => {
    const sums = new Map<string, bigint>();
    for (const { finding } of shown)
      if (finding.kind === kind && finding.money !== undefined && /^-?\d+$/.test(finding.money.amount))
        sums.set(
          finding.money.currency,
          (sums.get(finding.money.currency) ?? 0n) + BigInt(finding.money.amount),
        );
    return [...sums].map(([currency, minor]) => moneyText(String(minor), currency)).join(", ");
  };
  const verdict = !isComplete
    ? "Not complete: what is missing may hide differences."
    : waiting > 0
      ? `${waiting} of ${all} findings wait for a person.`
      : all > 0
        ? `${all} findings, none of which waits for a person.`
        : "Ledger and gateway tell the same story.";
  const currencies = [...new Set(shown.flatMap(({ finding }) => finding.money?.currency ?? []))].sort();
  const gateways = [...new Set([...runs, ...missing].map(({ gateway }) => gateway))];
  const hash = base64Of(sha256(script));
  const body = html`<main>
<h1>Reconciliation</h1>
<p>${iso(window.fromMs)} to ${iso(window.toMs)} (UTC)</p>
<p class="verdict${isComplete && waiting === 0 ? "" : " bad"}" role="status">${verdict}</p>
${
  missing.length === 0
    ? nothing
    : html`<h2>Not compared</h2><ul class="missing">${missing.map(({ gateway, part }) => html`<li>${gateway}, ${missingWords(part)}</li>`)}</ul>`
}
${note === undefined ? nothing : html`<p class="soft">${note}</p>`}
${withoutFeed.map((gateway) => html`<p class="soft">${gateway} has no feed here, and is not compared.</p>`)}
<h2>What was read</h2>
<div class="scroll" tabindex="0"><table><thead><tr><th scope="col">Gateway</th><th scope="col">From</th><th scope="col">To</th><th scope="col" class="number">Feed rows</th><th scope="col" class="number">Charges</th><th scope="col" class="number">Closed</th><th scope="col">Complete</th></tr></thead><tbody>${runs.map((run) => html`<tr><th scope="row">${run.gateway}</th><td>${iso(run.window.fromMs)}</td><td>${iso(run.window.toMs)}</td><td class="number">${countText(run.feedRows)}</td><td class="number">${countText(run.ledgerEntries)}</td><td class="number">${countText(run.closed)}</td><td>${run.complete ? "yes" : "no"}</td></tr>`)}</tbody></table></div>
<h2>Money by day</h2>
<p class="key"><span><i class="matched"></i>matched</span><span><i class="unmatched"></i>not matched</span><span><i class="unknown"></i>unknown</span></p>
${days.size === 0 ? html`<p>No money in this window.</p>` : html`<div class="charts">${[...days].map(([currency, own], at) => chart(currency, own, at))}</div>`}
<h2>Findings by kind</h2>
<div class="scroll" tabindex="0"><table><thead><tr><th scope="col">Kind</th><th scope="col" class="number">Count</th><th scope="col">${more > 0 ? "Money of those below" : "Money"}</th></tr></thead><tbody>${findingKinds.map((kind) => html`<tr><th scope="row">${kindWords[kind]}</th><td class="number">${countText(counts[kind] ?? 0)}</td><td>${moneyOfKind(kind)}</td></tr>`)}</tbody></table></div>
<h2 id="findings">Findings</h2>
${more > 0 ? html`<p>${more} more are in the files for machines (NDJSON, CSV).</p>` : nothing}
<form class="filters" aria-label="Filter the findings">
<div><label for="f-kind">Kind</label><select id="f-kind">${options(
    findingKinds.map((kind) => [kind, kindWords[kind]] as const),
    "all kinds",
  )}</select></div>
<div><label for="f-gateway">Gateway</label><select id="f-gateway">${options(
    gateways.map((gateway) => [gateway, gateway] as const),
    "all gateways",
  )}</select></div>
<div><label for="f-currency">Currency</label><select id="f-currency">${options(
    currencies.map((currency) => [currency, currency] as const),
    "all currencies",
  )}</select></div>
<div><label for="f-waits">Waits for a person</label><select id="f-waits">${options(
    [
      ["yes", "yes"],
      ["no", "no"],
    ],
    "either",
  )}</select></div>
<div><label for="f-text">Text</label><input id="f-text" type="search" autocomplete="off"></div>
</form>
<p id="shown" aria-live="polite">${shown.length} of ${shown.length} shown</p>
<ul class="findings" aria-labelledby="findings">${shown.map(findingItem)}</ul>
</main>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'">
<title>Reconciliation</title><style>${style}</style></head><body>${body.markup}<script>${script}</script></body></html>
`;
};
