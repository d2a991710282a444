import { base64Of } from "./base64-of.ts";
import { html, type Markup, nothing } from "./markup.ts";
import { script } from "./script.ts";
import type { DeskResponse } from "./site.ts";
import { style } from "./style.ts";

export type Page = {
  readonly title: string;
  readonly main: Markup;
  readonly status?: number;
  /** absent: nobody is let in, so nothing leads on */
  readonly person?: string;
  /** the page that this is, for the way through the desk */
  readonly at?: "" | "money" | "queues";
};

const ways = [
  ["", "Worklist"],
  ["money", "Money by age"],
  ["queues", "Queues"],
] as const;

/** Addresses are relative: the desk's root may be anywhere. */
const hrefOf = (page: string): string => (page === "" ? "./" : page);

/** A whole page. Nothing is fetched for it: style and script stand in it. */
export const deskPage = ({ title, main, status = 200, person, at }: Page): DeskResponse => {
  const header =
    person === undefined
      ? nothing
      : html`<header><nav aria-label="Desk"><ul>${ways.map(
          ([page, name]) =>
            html`<li><a href="${hrefOf(page)}"${page === at ? html` aria-current="page"` : nothing}>${name}</a></li>`,
        )}</ul></nav><span class="who">as <bdi>${person}</bdi></span><form action="charge" role="search" aria-label="Open a charge"><input name="id" aria-label="Charge id" placeholder="charge id" required maxlength="64" pattern="[A-Za-z0-9._:\\-]+" autocomplete="off" spellcheck="false"><button class="plain">Open</button></form></header>`;
  const body = html`<a class="skip" href="#main">Skip to the content</a>${header}<main id="main" tabindex="-1">${main}</main>`;
  return {
    status,
    headers: { "Content-Type": "text/html; charset=utf-8" },
    body: `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${html`${title} · chargeonce`.markup}</title><style>${style}</style></head><body>${body.markup}<script>${script}</script></body></html>
`,
  };
};

/** A page that says one thing. */
export const plainPage = (
  status: number,
  title: string,
  text: string,
  person?: string,
  more: Markup = nothing,
): DeskResponse =>
  deskPage({
    title,
    status,
    ...(person === undefined ? {} : { person }),
    main: html`<h1>${title}</h1><p>${text}</p>${more}`,
  });

/**
 * What every answer of the desk carries, whatever it is: nothing but its own style and script is used, nobody frames
 * it, nothing is kept. The referrer stays within the desk; without any, a form's `Origin` would be `null`.
 */
export const deskHeaders = (sha256: (text: string) => string): Readonly<Record<string, string>> => ({
  "Content-Security-Policy": [
    "default-src 'none'",
    `style-src 'sha256-${base64Of(sha256(style))}'`,
    `script-src 'sha256-${base64Of(sha256(script))}'`,
    "connect-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join("; "),
  "Cache-Control": "no-store",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "same-origin",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
});
