import { gatewayNames } from "../core/charge.ts";
import { reviewReasons } from "../core/ledger.ts";
import { moneyText } from "../core/money.ts";
import { firstOfWorklist } from "../core/worklist.ts";
import { readFilter, type WrittenFilter } from "../core/worklist-filter.ts";
import type { WaitingReview } from "../ports.ts";
import { ageText } from "./age-text.ts";
import type { KeptList } from "./kept-index.ts";
import { html, type Markup, nothing } from "./markup.ts";
import { sumText } from "./money-sum.ts";
import { deskPage } from "./page.ts";
import type { DeskResponse } from "./site.ts";
import { timeOf } from "./time-text.ts";
import { unreadableWords } from "./unreadable-words.ts";

export const rowsOnPage = 50;

const filled = (text: string | null): string | undefined =>
  text === null || text.trim() === "" ? undefined : text.trim();

const writtenFilter = (fields: URLSearchParams): WrittenFilter => {
  const reasons = fields.getAll("reason").filter((one) => one !== "");
  const [gateway, olderThan, minMoney] = ["gateway", "older-than", "min-money"].map((name) =>
    filled(fields.get(name)),
  );
  return {
    ...(reasons.length === 0 ? {} : { reasons }),
    ...(gateway === undefined ? {} : { gateway }),
    ...(olderThan === undefined ? {} : { olderThan }),
    ...(minMoney === undefined ? {} : { minMoney }),
  };
};

const addressOf = (written: WrittenFilter, page: number): string => {
  const query = new URLSearchParams();
  for (const reason of written.reasons ?? []) query.append("reason", reason);
  if (written.gateway !== undefined) query.set("gateway", written.gateway);
  if (written.olderThan !== undefined) query.set("older-than", written.olderThan);
  if (written.minMoney !== undefined) query.set("min-money", written.minMoney);
  if (page > 1) query.set("page", String(page));
  const text = query.toString();
  return text === "" ? "./" : `./?${text}`;
};

const option = (value: string, name: string, chosen: string | undefined): Markup =>
  html`<option value="${value}"${value === (chosen ?? "") ? html` selected` : nothing}>${name}</option>`;

const ages = [
  ["10m", "10 minutes"],
  ["1h", "an hour"],
  ["6h", "6 hours"],
  ["1d", "a day"],
  ["3d", "3 days"],
  ["7d", "a week"],
] as const;

const filterForm = (written: WrittenFilter): Markup => {
  const reason = written.reasons?.[0];
  const { gateway, olderThan, minMoney } = written;
  const ownAge = olderThan !== undefined && !ages.some(([value]) => value === olderThan);
  return html`<form class="fields" action="./" aria-label="Filter">
<div><label for="f-reason">Reason</label><select id="f-reason" name="reason">${option("", "all reasons", reason)}${reviewReasons.map((one) => option(one, one.replaceAll("_", " "), reason))}</select></div>
<div><label for="f-gateway">Gateway</label><select id="f-gateway" name="gateway">${option("", "all gateways", gateway)}${gatewayNames.map((one) => option(one, one, gateway))}</select></div>
<div><label for="f-age">Waits for</label><select id="f-age" name="older-than">${option("", "any time", olderThan)}${ages.map(([value, name]) => option(value, `${name} or longer`, olderThan))}${ownAge ? option(olderThan, `${olderThan} or longer`, olderThan) : nothing}</select></div>
<div><label for="f-money">At least (20.00)</label><input id="f-money" name="min-money" inputmode="decimal" autocomplete="off" maxlength="12" value="${minMoney ?? ""}"></div>
<div class="act"><button>Show</button><a href="./">All</a></div>
</form>`;
};

const row = (one: WaitingReview, nowMs: number): Markup =>
  html`<tr role="row"><th scope="row" role="rowheader"><a href="charge?id=${encodeURIComponent(one.chargeId)}">${one.chargeId}</a></th><td role="cell" class="number" data-name="Money">${moneyText(one.amount, one.currency)}</td><td role="cell" class="number" data-name="Waits">${ageText(nowMs - one.sinceMs)}</td><td role="cell" data-name="Gateway">${one.gateway}</td><td role="cell" data-name="Reason">${one.reason.replaceAll("_", " ")}</td><td role="cell" data-name="So far">${one.mark === undefined ? "" : `${one.mark.decision} ${one.mark.e}`}</td></tr>`;

/** What waits for a person, the most pressing first. `rows` is all of it. */
export const worklistPage = (
  { rows, unreadable, atMs }: KeptList,
  fields: URLSearchParams,
  person: string,
  nowMs: number,
): DeskResponse => {
  const written = writtenFilter(fields);
  const { filter, problems } = readFilter(written);
  const asked = Number(fields.get("page") ?? "1");
  const wanted = Number.isSafeInteger(asked) ? Math.max(asked, 1) * rowsOnPage : rowsOnPage;
  const { fitting, first } = firstOfWorklist(rows, filter, nowMs, wanted);
  const pages = Math.max(1, Math.ceil(fitting.length / rowsOnPage));
  const page = Number.isSafeInteger(asked) ? Math.min(Math.max(asked, 1), pages) : 1;
  const from = (page - 1) * rowsOnPage;
  const count =
    rows.length === 0
      ? unreadable.length === 0
        ? "Nothing waits for a person."
        : "Nothing that can be read waits for a person."
      : fitting.length === rows.length
        ? `${rows.length} wait: ${sumText(rows)}`
        : `${fitting.length} of ${rows.length}: ${fitting.length === 0 ? "nothing" : sumText(fitting)}`;
  const wrong =
    problems.length === 0
      ? nothing
      : html`<div class="told bad" role="alert"><p>Not used as a filter:</p><ul>${problems.map(({ given, problem }) => html`<li>${given}: ${problem}</li>`)}</ul></div>`;
  const table =
    fitting.length === 0
      ? nothing
      : html`<table class="stack" role="table"><caption>Most pressing first: money times age. Read at ${timeOf(atMs)}</caption><thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">Charge</th><th scope="col" role="columnheader" class="number">Money</th><th scope="col" role="columnheader" class="number">Waits</th><th scope="col" role="columnheader">Gateway</th><th scope="col" role="columnheader">Reason</th><th scope="col" role="columnheader">So far</th></tr></thead><tbody role="rowgroup">${first.slice(from, from + rowsOnPage).map((one) => row(one, nowMs))}</tbody></table>`;
  const step = (to: number, name: string, rel: string): Markup =>
    to < 1 || to > pages ? nothing : html`<a rel="${rel}" href="${addressOf(written, to)}">${name}</a>`;
  return deskPage({
    title: pages > 1 ? `Worklist, page ${page}` : "Worklist",
    person,
    at: "",
    main: html`<h1>What waits for a person</h1>
<p role="status">${count}</p>${unreadableWords(unreadable)}${wrong}${filterForm(written)}${table}
${pages > 1 ? html`<nav class="pages" aria-label="Pages"><p>Page ${page} of ${pages}</p>${step(1, "First", "first")}${step(page - 1, "Previous", "prev")}${step(page + 1, "Next", "next")}${step(pages, "Last", "last")}</nav>` : nothing}`,
  });
};
