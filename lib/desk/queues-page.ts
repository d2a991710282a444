import { deadLetterNameOf, isConsumed, QUEUES } from "../core/queues.ts";
import { redriveSources } from "../core/redrive.ts";
import type { QueueDepth } from "../ports.ts";
import { html, type Markup, nothing } from "./markup.ts";
import { deskPage } from "./page.ts";
import type { DeskResponse } from "./site.ts";
import { timeOf } from "./time-text.ts";

const consumerOf = (name: string): string => {
  const queue = QUEUES.find((one) => one.name === name);
  return queue === undefined ? "a person" : (queue.consumedBy ?? "you");
};

const deadLetters = new Set<string>(QUEUES.filter(isConsumed).map(({ name }) => deadLetterNameOf(name)));

const numberText = (count: number | undefined): string => (count === undefined ? "not told" : String(count));

const row = ({ queue, visible, hidden }: QueueDepth): Markup =>
  html`<tr role="row"><th scope="row" role="rowheader">${queue}</th><td role="cell" class="number" data-name="Waiting">${numberText(visible)}</td><td role="cell" class="number" data-name="Hidden">${numberText(hidden)}</td><td role="cell" data-name="Read by">${consumerOf(queue)}</td></tr>`;

const head = html`<thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">Queue</th><th scope="col" role="columnheader" class="number">Waiting</th><th scope="col" role="columnheader" class="number">Hidden</th><th scope="col" role="columnheader">Read by</th></tr></thead>`;

/** How full each queue is, as SQS counts: about. */
export const queuesPage = (depths: readonly QueueDepth[], person: string, nowMs: number): DeskResponse => {
  const dead = depths.filter(({ queue }) => deadLetters.has(queue));
  const full = dead.filter(
    ({ queue, visible = 0, hidden = 0 }) =>
      visible + hidden > 0 && redriveSources.some(({ name }) => name === queue),
  );
  return deskPage({
    title: "Queues",
    person,
    at: "queues",
    main: html`<h1>Queues</h1>
<p class="soft">As of ${timeOf(nowMs)}; SQS counts about. Hidden: held by a worker, or until their time comes.</p>
${
  full.length === 0
    ? nothing
    : html`<div class="told bad" role="status"><p>Dead letters wait. A dry run says what would follow: <code>chargeonce review redrive ${full[0]?.queue ?? ""}</code></p></div>`
}
<h2 id="own">Queues</h2><table class="stack" role="table" aria-labelledby="own">${head}<tbody role="rowgroup">${depths.filter(({ queue }) => !deadLetters.has(queue)).map(row)}</tbody></table>
<h2 id="dead">Dead letters</h2><table class="stack" role="table" aria-labelledby="dead">${head}<tbody role="rowgroup">${dead.map(row)}</tbody></table>`,
  });
};
