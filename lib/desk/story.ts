import type { HistoryEvent } from "../core/ledger.ts";
import type { ChargeRecord } from "../ports.ts";
import { noticeWords, wordsOf } from "./history-words.ts";
import { html, type Markup } from "./markup.ts";
import { timeOf } from "./time-text.ts";

type Moment = { readonly at: number; readonly kind: string; readonly look: string; readonly words: string };

/** What kind of moment an event is, in a word or two, and how it looks. Total. */
const kindOf = (event: HistoryEvent): readonly [kind: string, look: string] => {
  switch (event.e) {
    case "opened":
      return ["Attempt", ""];
    case "leased":
      return ["Lease", ""];
    case "replied":
      return ["Sent, answered", "sent"];
    case "unanswered":
      return ["Sent, no answer", "sent"];
    case "never_sent":
      return ["Not sent", ""];
    case "taken_over":
      return ["Taken over", ""];
    case "looked_up":
    case "lookup_failed":
      return ["Look-up", ""];
    case "prepared":
    case "prepare_failed":
      return ["Preparation", ""];
    case "voided":
      return ["Void", ""];
    case "notice":
      return ["Notice", ""];
    case "absent":
      return ["Absence", ""];
    case "proposed":
      return ["Proposal", "decision"];
    case "decided":
      return ["Decision", "decision"];
    case "recorded":
      return [
        "Outcome",
        event.state === "review" || event.state === "unknown" || event.state === "pending"
          ? "person"
          : "outcome",
      ];
  }
};

const momentsOf = ({ entry, notices, rejections }: ChargeRecord): readonly Moment[] =>
  [
    ...(entry?.history ?? []).map((event): Moment => {
      const [kind, look] = kindOf(event);
      return { at: event.at, kind, look, words: wordsOf(event) };
    }),
    ...notices.map(
      (notice): Moment => ({ at: notice.atMs, kind: "Notice", look: "person", words: noticeWords(notice) }),
    ),
    ...rejections.map(
      ({ atMs, code, problems }): Moment => ({
        at: atMs,
        kind: "Refused message",
        look: "refused",
        words: `${code}: ${problems.map(({ field, must }) => `${field} must ${must}`).join("; ")}`,
      }),
    ),
  ]
    // Events of one moment keep their order; what stands beside the entry comes in at its own.
    .sort((a, b) => (notices.length + rejections.length === 0 ? 0 : a.at - b.at));

/** Everything that happened under a charge id, oldest first. */
export const storyOf = (record: ChargeRecord): Markup =>
  html`<ol class="story">${momentsOf(record).map(
    ({ at, kind, look, words }) =>
      html`<li class="${look}"><p><b>${kind}</b>${timeOf(at)}</p><p><bdi>${words}</bdi></p></li>`,
  )}</ol>`;
