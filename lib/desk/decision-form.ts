import type { LedgerEntry } from "../core/ledger.ts";
import { isSamePerson } from "../core/person-name.ts";
import { type ReviewDecision, reviewDecisions, sinceReview, type Wish } from "../core/review-decision.ts";
import { html, type Markup, nothing } from "./markup.ts";
import { decisionWords } from "./review-words.ts";

/** What was typed into a form that could not be used, without what may not be shown again. */
export type Typed = Partial<
  Readonly<Record<"decision" | "reason" | "stated" | "transactionId" | "amount", string>>
>;

/** A member that comes back with a form. */
export const hidden = (name: string, value: string | undefined): Markup =>
  value === undefined || value === "" ? nothing : html`<input type="hidden" name="${name}" value="${value}">`;

/** What every form that leads to a decision carries: who it came from, the charge, and the version that was seen. */
const bound = (entry: LedgerEntry, formToken: string): Markup =>
  html`${hidden("form", formToken)}${hidden("id", entry.chargeId)}${hidden("on", entry.token)}`;

const field = (
  name: string,
  label: string,
  about: string,
  more: { readonly value?: string | undefined; readonly max: number; readonly required?: boolean },
  place: string,
): Markup =>
  html`<div class="field"><label for="${place}-${name}">${label}</label><input id="${place}-${name}" name="${name}" aria-describedby="${place}-${name}-about" maxlength="${more.max}" autocomplete="off"${more.required === true ? html` required` : nothing} value="${more.value ?? ""}"><p id="${place}-${name}-about" class="soft">${about}</p></div>`;

const reasonField = (typed: Typed, place: string): Markup =>
  field(
    "reason",
    "Reason",
    "Why. It is kept with your name, for ever.",
    { value: typed.reason, max: 500, required: true },
    place,
  );

/** What has been proposed or decided since the charge came to review; a proposal of somebody else's can be confirmed. */
export const soFar = (entry: LedgerEntry, person: string, formToken: string, typed: Typed): Markup => {
  const made = sinceReview(entry);
  if (made.length === 0 || entry.state !== "review") return nothing;
  const proposal = made.findLast(({ e }) => e === "proposed");
  const open =
    proposal !== undefined && !made.some((one) => one.e === "decided" && one.confirms === proposal.hash)
      ? proposal
      : undefined;
  const own = open !== undefined && isSamePerson(open.by, person);
  return html`<h2 id="so-far">So far</h2><ul>${made.map(
    (one) =>
      html`<li><bdi>${one.by}</bdi> ${one.e} <b>${one.decision}</b>${one.transactionId === undefined ? "" : ` of ${one.transactionId}`}: <bdi>${one.reason}</bdi></li>`,
  )}</ul>${
    open === undefined
      ? nothing
      : own
        ? html`<p class="told">You proposed ${open.decision}: another person has to confirm it.</p>`
        : html`<form method="post" action="decide" class="told" aria-labelledby="confirm"><h2 id="confirm">Confirm ${open.decision}?</h2><p>What <bdi>${open.by}</bdi> proposed holds when you confirm it; the gateway is asked anew first.</p>${bound(entry, formToken)}${hidden("decision", open.decision)}${reasonField(typed.decision === open.decision ? typed : {}, "c")}<div class="act"><button name="step" value="dry">Say what would happen</button></div></form>`
  }`;
};

const choice = (decision: ReviewDecision, chosen: string | undefined): Markup =>
  html`<div class="choice"><input type="radio" required name="decision" id="d-${decision}" value="${decision}" aria-describedby="d-${decision}-about"${decision === chosen ? html` checked` : nothing}><div><label for="d-${decision}">${decision}</label><span id="d-${decision}-about">${decisionWords[decision]}</span></div></div>`;

/** The form of a decision. It leads to a dry run, whatever is chosen. */
export const decisionForm = (entry: LedgerEntry, formToken: string, typed: Typed): Markup =>
  html`<h2 id="decide">Decide</h2><form method="post" action="decide" aria-labelledby="decide">${bound(entry, formToken)}
<fieldset><legend>Decision</legend>${reviewDecisions.map((decision) => choice(decision, typed.decision))}</fieldset>
${reasonField(typed, "d")}
<details${typed.stated !== undefined || typed.transactionId !== undefined || typed.amount !== undefined ? html` open` : nothing}><summary>What you know beyond what the gateway says</summary>
${field("evidence", "Evidence", "Recorded as a person's word, and labelled so wherever it is told.", { value: typed.stated, max: 1_000 }, "d")}
${field("transaction", "Transaction", "The gateway's id of what is given back, or of what was taken.", { value: typed.transactionId, max: 100 }, "d")}
${field("amount", "Amount, minor units", "With refund alone: how much; otherwise the whole transaction.", { value: typed.amount, max: 8 }, "d")}
</details>
<div class="act"><button name="step" value="dry">Say what would happen</button><span class="soft">Nothing is done yet.</span></div></form>`;

/** The last step: everything as it was asked, bound to the version that the dry run saw. */
export const goForm = (entry: LedgerEntry, wish: Wish, formToken: string, button: string): Markup =>
  html`<form method="post" action="decide">${bound(entry, formToken)}${hidden("decision", wish.decision)}${hidden("reason", wish.reason)}${hidden("evidence", wish.stated)}${hidden("transaction", wish.transactionId)}${hidden("amount", wish.amount)}<div class="act"><button name="step" value="go">${button}</button><a href="charge?id=${encodeURIComponent(entry.chargeId)}">Back, and do nothing</a></div></form>`;
