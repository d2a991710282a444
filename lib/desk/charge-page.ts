import { type GatewayWord, wordText } from "../core/gateway-word.ts";
import type { LedgerEntry } from "../core/ledger.ts";
import { moneyText } from "../core/money.ts";
import { decisionsOf } from "../core/review-decision.ts";
import { sinceMsOf } from "../core/waiting-money.ts";
import type { ChargeRecord } from "../ports.ts";
import { ageText } from "./age-text.ts";
import { decisionForm, soFar, type Typed } from "./decision-form.ts";
import { html, type Markup, nothing } from "./markup.ts";
import { deskPage } from "./page.ts";
import { reasonWords } from "./review-words.ts";
import type { DeskResponse } from "./site.ts";
import { storyOf } from "./story.ts";

export type ChargePage = {
  readonly record: ChargeRecord & { readonly entry: LedgerEntry };
  readonly person: string;
  readonly formToken: string;
  readonly nowMs: number;
  /** what the gateway says, where it was asked already */
  readonly word?: GatewayWord;
  /** the person comes from a decision that was just made */
  readonly made?: boolean;
  /** what was wrong with a form, and what it had */
  readonly problems?: readonly string[];
  readonly typed?: Typed;
};

const line = (name: string, value: string | undefined): Markup =>
  value === undefined || value === "" ? nothing : html`<dt>${name}</dt><dd><bdi>${value}</bdi></dd>`;

const factsOf = (entry: LedgerEntry, nowMs: number): Markup => {
  const ending = "ending" in entry ? entry.ending : {};
  const waits = ["unknown", "pending", "review"].includes(entry.state);
  const { transactionId, orderId } = entry.ids ?? {};
  return html`<dl>${line("Money", moneyText(entry.amount, entry.currency))}${line("Gateway", entry.gateway)}${line("State", `${entry.state}${entry.state === "review" && entry.droppedAtMs !== undefined ? ", dropped: nobody is waited for" : ""}`)}${
    entry.state === "review"
      ? line("Why here", `${entry.reason.replaceAll("_", " ")}. ${reasonWords[entry.reason] ?? ""}`)
      : "reason" in entry
        ? line("Why open", entry.reason.replaceAll("_", " "))
        : nothing
  }${
    "mismatch" in entry && entry.mismatch !== undefined
      ? line(
          "Differs",
          `asked ${entry.mismatch.field} ${entry.mismatch.asked}, the gateway says ${entry.mismatch.got}`,
        )
      : nothing
  }${line("Waits", waits ? ageText(nowMs - sinceMsOf(entry)) : undefined)}${line("Category", ending.category)}${line("Code", ending.code)}${line("Network code", ending.networkCode)}${line("In words", ending.description)}${line("Attempts", `${entry.attempt}; sends ${entry.sends}, look-ups ${entry.lookups}`)}${line("Request id", entry.requestId)}${line("Transaction", transactionId)}${line("Order", orderId)}${line("Instrument", entry.instrumentRef === undefined ? undefined : `${entry.instrumentRef}${entry.instrumentNetwork === undefined ? "" : ` (${entry.instrumentNetwork})`}`)}${line("Not after", entry.notAfterMs === undefined ? undefined : new Date(entry.notAfterMs).toISOString())}${line("Version", entry.token)}</dl>`;
};

/** Asked once the page is shown: a gateway that is slow holds up nobody's reading. */
const wordOf = ({ chargeId }: LedgerEntry, word: GatewayWord | undefined): Markup => {
  const id = encodeURIComponent(chargeId);
  return html`<h2 id="now">The gateway says now</h2>${
    word === undefined
      ? html`<p id="word" aria-live="polite" data-from="word?id=${id}">not asked yet: <a href="charge?id=${id}&amp;ask=1">ask now</a></p>`
      : html`<p id="word"><bdi>${wordText(word)}</bdi></p>`
  }`;
};

const madeOf = (entry: LedgerEntry): Markup => {
  const last = decisionsOf(entry).at(-1);
  return last === undefined
    ? nothing
    : html`<div class="told good" role="status"><p>${last.e === "proposed" ? "Proposed, for another person to confirm" : "Decided"}: <b>${last.decision}</b> by <bdi>${last.by}</bdi>. The charge is now ${entry.state}.</p><p class="soft">Record: ${last.hash}</p></div>`;
};

/** One charge: what is known, what happened, what the gateway says now, and what can be decided. */
export const chargePage = ({
  record,
  person,
  formToken,
  nowMs,
  word,
  made = false,
  problems = [],
  typed = {},
}: ChargePage): DeskResponse => {
  const { entry } = record;
  const inReview = entry.state === "review";
  return deskPage({
    title: entry.chargeId,
    person,
    status: problems.length === 0 ? 200 : 422,
    main: html`<h1>${entry.chargeId}</h1>${made ? madeOf(entry) : nothing}${
      problems.length === 0
        ? nothing
        : html`<div class="told bad" role="alert"><p>Nothing was done:</p><ul>${problems.map((one) => html`<li>${one}</li>`)}</ul></div>`
    }
<div class="sides"><div>${factsOf(entry, nowMs)}
<h2 id="story">Story</h2>${storyOf(record)}
${"evidence" in entry ? html`<details><summary>Evidence, in the ledger's own words</summary><pre>${JSON.stringify(entry.evidence, undefined, 1)}</pre></details>` : nothing}</div>
<div>${inReview ? wordOf(entry, word) : nothing}${soFar(entry, person, formToken, typed)}${
      inReview
        ? decisionForm(entry, formToken, typed)
        : html`<p class="soft">It is ${entry.state}: only what is in review is decided.</p>`
    }</div></div>`,
  });
};
