import { wordText } from "../core/gateway-word.ts";
import type { Wish } from "../core/review-decision.ts";
import type { MadeDecision } from "../flows/decide-review.ts";
import { decisionForm, goForm } from "./decision-form.ts";
import { effectText } from "./effect-words.ts";
import { html, type Markup, nothing } from "./markup.ts";
import { deskPage } from "./page.ts";
import type { DeskResponse } from "./site.ts";

const line = (name: string, value: string | undefined): Markup =>
  value === undefined ? nothing : html`<dt>${name}</dt><dd><bdi>${value}</bdi></dd>`;

const wishLines = (wish: Wish): Markup =>
  html`${line("Decision", wish.decision)}${line("By", wish.by)}${line("Reason", wish.reason)}${line("Evidence", wish.stated)}${line("Transaction", wish.transactionId)}${line("Amount", wish.amount)}`;

const told = (look: "good" | "bad" | "", title: string, words: string): Markup =>
  html`<div class="told ${look}" role="${look === "bad" ? "alert" : "status"}"><h2>${title}</h2><p>${words}</p></div>`;

/** The rules' words name flags of the command; a page has fields. */
const pageWords = (why: string): string =>
  why
    .replaceAll("--evidence", "Evidence, below")
    .replaceAll("--transaction", "Transaction, below")
    .replaceAll("--charge", "start the desk with --charge FILE");

/** What a decision would do, or why none was made. */
export const decisionPage = (
  { entry, verdict, word, lost }: MadeDecision,
  wish: Wish,
  dryRun: boolean,
  person: string,
  formToken: string,
): DeskResponse => {
  const back = html`<p><a href="charge?id=${encodeURIComponent(entry.chargeId)}">Back to ${entry.chargeId}</a></p>`;
  const asked = html`${line("The gateway says now", wordText(word))}${wishLines(wish)}`;
  const stopped = (
    look: "bad" | "",
    title: string,
    words: string,
    status: number,
    again = nothing,
  ): DeskResponse =>
    deskPage({
      title: `${title}: ${entry.chargeId}`,
      person,
      status,
      main: html`<h1>${entry.chargeId}: ${wish.decision}</h1>${told(look, title, words)}<dl>${asked}</dl>${back}${again}`,
    });
  switch (verdict.kind) {
    case "refused":
      return stopped(
        "bad",
        `Refused (${verdict.rule})`,
        `${pageWords(verdict.why)}. Nothing was done.`,
        dryRun ? 200 : 409,
        // Other facts are looked at first; other terms may be tried at once.
        entry.state === "review" && verdict.rule !== "version"
          ? decisionForm(entry, formToken, wish)
          : nothing,
      );
    case "already":
      return stopped("", "Nothing to do", verdict.why, 200);
    case "proposes":
    case "decides": {
      if (lost)
        return stopped(
          "bad",
          "Refused (version)",
          "The charge has changed meanwhile: look at it again. Nothing was done.",
          409,
        );
      const confirms = verdict.kind === "decides" ? verdict.confirms : undefined;
      const button =
        verdict.kind === "proposes"
          ? "Propose this"
          : confirms === undefined
            ? "Decide this"
            : `Confirm what ${confirms.by} proposed`;
      return deskPage({
        title: `Dry run: ${entry.chargeId}`,
        person,
        main: html`<h1>${entry.chargeId}: ${wish.decision}</h1>
${told("good", "What would happen", `It would ${effectText(verdict.effect, entry)}.`)}
<dl>${line(verdict.kind === "proposes" ? "Why it may be proposed" : "Why it is safe", verdict.why)}${confirms === undefined ? nothing : line("Proposed by", `${confirms.by}: ${confirms.reason}${confirms.stated === undefined ? "" : `; states: ${confirms.stated}`}`)}${asked}</dl>
<p class="soft">Nothing has been done. What the gateway says is weighed once more when it is.</p>
${goForm(entry, wish, formToken, button)}`,
      });
    }
  }
};
