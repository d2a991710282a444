import { html, type Markup } from "./markup.ts";

/** A moment as people read it, to the second: `2026-11-25 22:31:29 UTC`. */
export const timeOf = (ms: number): Markup => {
  const iso = new Date(ms).toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC</time>`;
};
