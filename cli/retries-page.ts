import { moneyText } from "../lib/core/money.ts";
import type { RetryReport, Sums } from "../lib/core/retry-report.ts";
import { html, type Markup, nothing } from "../lib/desk/markup.ts";
import { sumsText } from "./retry-words.ts";

const style = `
:root{color-scheme:light dark;--ink:#1b1d21;--soft:#565b66;--paper:#fff;--card:#f5f6f8;--line:#c9cdd6;--good:#1f7a4d;--open:#8a5a00;--focus:#1a56db}
@media (prefers-color-scheme:dark){:root{--ink:#eceef2;--soft:#aab0bd;--paper:#14161a;--card:#1f2228;--line:#3b404b;--good:#5ecb95;--open:#f0b94d;--focus:#8ab4ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:64rem;margin:0 auto;padding:1rem}
h1{font-size:1.5rem;margin:.5rem 0}h2{font-size:1.2rem;margin:2rem 0 .5rem}h3{font-size:1rem;margin:0}
p{margin:.3rem 0}.soft{color:var(--soft)}
.lead{padding:.7rem 1rem;border-left:.35rem solid var(--good);background:var(--card);overflow-wrap:anywhere}
.scroll{overflow-x:auto}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:1rem 1.5rem}
.charts section{min-width:0}
svg{width:100%;height:auto;display:block;border-bottom:1px solid var(--line)}
svg rect.good{fill:var(--good)}svg rect.open{fill:var(--open)}
svg text{fill:var(--soft);font:12px system-ui,sans-serif}
`;

type Bar = { readonly label: string; readonly value: number; readonly told: string };

/** A bar each; the same numbers stand in a table of the page. */
const barChart = (id: string, title: string, colour: "good" | "open", bars: readonly Bar[]): Markup => {
  const [width, height, foot] = [320, 90, 18];
  const most = Math.max(1, ...bars.map(({ value }) => value));
  const slot = width / Math.max(bars.length, 1);
  const every = Math.max(1, Math.ceil(bars.length / 7));
  const drawn = bars.map(({ label, value, told }, at) => {
    const tall = value === 0 ? 0 : Math.max(1, (value / most) * height);
    const x = (at * slot + slot * 0.15).toFixed(1);
    return html`${
      tall === 0
        ? nothing
        : html`<rect class="${colour}" x="${x}" y="${(height - tall).toFixed(1)}" width="${Math.min(slot * 0.7, 48).toFixed(1)}" height="${tall.toFixed(1)}"><title>${told}</title></rect>`
    }<text x="${x}" y="${height + 13}">${at % every === 0 ? label : ""}</text>`;
  });
  return html`<section aria-labelledby="${id}"><h3 id="${id}">${title}</h3>
<svg viewBox="0 0 ${width} ${height + foot}" role="img" aria-label="${title}: ${bars.map(({ told }) => told).join(", ")}">${drawn}</svg></section>`;
};

const currenciesOf = (all: readonly Sums[]): readonly string[] =>
  [...new Set(all.flatMap(Object.keys))].sort();

const attemptCharts = ({ attempts }: RetryReport): readonly Markup[] =>
  currenciesOf(attempts.slice(1).map(({ money }) => money)).map((currency, at) =>
    barChart(
      `attempt-${at}`,
      `Recovered ${currency}, by attempt`,
      "good",
      attempts.slice(1).map(({ attempt, money }) => ({
        label: String(attempt),
        value: Number(money[currency] ?? 0n),
        told: `attempt ${attempt}: ${moneyText(String(money[currency] ?? 0n), currency)}`,
      })),
    ),
  );

const dayCharts = ({ recoveredByDay }: RetryReport): readonly Markup[] =>
  currenciesOf(recoveredByDay.map(({ sums }) => sums)).map((currency, at) =>
    barChart(
      `day-${at}`,
      `Recovered ${currency}, by day`,
      "good",
      recoveredByDay.map(({ day, sums }) => ({
        label: day.slice(5),
        value: Number(sums[currency] ?? 0n),
        told: `${day}: ${moneyText(String(sums[currency] ?? 0n), currency)}`,
      })),
    ),
  );

const meterChart = ({ meter }: RetryReport): readonly Markup[] =>
  meter.length === 0
    ? []
    : [
        barChart(
          "meter",
          "Attempts not made, by reason",
          "open",
          meter.map(({ kind, because, count }, at) => ({
            label: String(at + 1),
            value: count,
            told: `${at + 1} ${kind}, ${because}: ${count}`,
          })),
        ),
      ];

/** One page with everything in it: nothing is fetched, and no script runs. */
export const retriesPage = (report: RetryReport): string => {
  const { attempts, recovered, meter, feesSaved, waiting, closed } = report;
  const charts = [...attemptCharts(report), ...dayCharts(report), ...meterChart(report)];
  const shut = Object.entries(closed);
  const body = html`<main>
<h1>Later attempts</h1>
<p class="lead">Recovered ${sumsText(recovered.sums)} with ${recovered.count} later attempts; saved at least ${sumsText(feesSaved)} in the networks' fees; ${waiting.count} wait (${sumsText(waiting.sums)}).</p>
<div class="charts">${charts}</div>
<h2>By attempt</h2>
<div class="scroll" tabindex="0" role="region" aria-label="By attempt"><table><thead><tr><th scope="col">Attempt</th><th scope="col" class="number">Made</th><th scope="col" class="number">Approved</th><th scope="col">Money approved</th></tr></thead><tbody>${attempts.map((one) => html`<tr><th scope="row">${one.attempt}</th><td class="number">${one.made}</td><td class="number">${one.approved}</td><td>${sumsText(one.money)}</td></tr>`)}</tbody></table></div>
<h2>Not made, or not when wished for</h2>
${
  meter.length === 0
    ? html`<p>None.</p>`
    : html`<div class="scroll" tabindex="0" role="region" aria-label="Not made"><table><thead><tr><th scope="col" class="number">No.</th><th scope="col">What</th><th scope="col">Reason</th><th scope="col" class="number">Count</th><th scope="col">Fees it would have cost</th></tr></thead><tbody>${meter.map((one, at) => html`<tr><td class="number">${at + 1}</td><td>${one.kind}</td><th scope="row">${one.because}</th><td class="number">${one.count}</td><td>${sumsText(one.fees)}</td></tr>`)}</tbody></table></div>`
}
<h2>Instruments that are closed</h2>
${shut.length === 0 ? html`<p>None.</p>` : html`<ul>${shut.map(([rule, count]) => html`<li>${rule}: ${count}</li>`)}</ul>`}
<p class="soft">Fees are the lowest that a source names for each rule: never more than is sure.</p>
</main>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<title>Later attempts</title><style>${style}</style></head><body>${body.markup}</body></html>
`;
};
