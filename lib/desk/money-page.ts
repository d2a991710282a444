import type { LedgerEntry } from "../core/ledger.ts";
import { moneyText } from "../core/money.ts";
import { moneyByAge, sinceMsOf, type WaitingMoney } from "../core/waiting-money.ts";
import type { WaitingList } from "../ports.ts";
import { html, type Markup, nothing } from "./markup.ts";
import { deskPage } from "./page.ts";
import type { DeskResponse } from "./site.ts";
import { timeOf } from "./time-text.ts";
import { unreadableWords } from "./unreadable-words.ts";

const states = [
  ["unknown", "Unknown", "May have been charged; the pipeline is finding out."],
  ["pending", "Pending", "Accepted by the gateway; its last word is to come."],
  ["review", "In review", "A person's turn."],
] as const;

const table = (name: string, rows: readonly WaitingMoney[]): Markup =>
  rows.length === 0
    ? html`<p>Nothing.</p>`
    : html`<table><caption class="soft">${name}, by age</caption><thead><tr><th scope="col">Age</th><th scope="col" class="number">Charges</th><th scope="col" class="number">Money</th></tr></thead><tbody>${rows.map(
        ({ age, currency, count, amountMinor }) =>
          html`<tr><th scope="row">${age}</th><td class="number">${count}</td><td class="number">${moneyText(String(amountMinor), currency)}</td></tr>`,
      )}</tbody></table>`;

/** Money that has no final outcome, by state and age. */
export const moneyPage = (
  { entries, notRead }: { readonly entries: readonly LedgerEntry[]; readonly notRead: number },
  waiting: WaitingList,
  person: string,
  nowMs: number,
): DeskResponse => {
  const open = entries.filter(({ state }) => state === "unknown" || state === "pending");
  const rows = moneyByAge(
    [
      ...open.map((entry) => ({
        state: entry.state,
        sinceMs: sinceMsOf(entry),
        amount: entry.amount,
        currency: entry.currency,
      })),
      ...waiting.rows.map((one) => ({ ...one, state: "review" as const })),
    ],
    nowMs,
  );
  return deskPage({
    title: "Money by age",
    person,
    at: "money",
    main: html`<h1>Money without a final outcome</h1>
<p class="soft">As of ${timeOf(nowMs)}</p>
${notRead === 0 ? nothing : html`<p class="told bad">${notRead} more charges are unknown or pending and were not read: their money is not in these sums.</p>`}${unreadableWords(waiting.unreadable)}
${states.map(
  ([state, name, words]) =>
    html`<h2>${name}</h2><p class="soft">${words}</p>${table(
      name,
      rows.filter((one) => one.state === state),
    )}`,
)}`,
  });
};
