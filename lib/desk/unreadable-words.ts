import { html, type Markup, nothing } from "./markup.ts";

const shownMost = 10;

/** What waits and cannot be read, where it stands: a list without it says so. Nothing where all was read. */
export const unreadableWords = (places: readonly string[]): Markup =>
  places.length === 0
    ? nothing
    : html`<div class="told bad" role="alert"><p>${places.length} more cannot be read, and ${places.length === 1 ? "is" : "are"} not in these sums:</p><ul>${places
        .slice(0, shownMost)
        .map(
          (place) => html`<li>${place}</li>`,
        )}${places.length > shownMost ? html`<li>and ${places.length - shownMost} more</li>` : nothing}</ul></div>`;
