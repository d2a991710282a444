import type { Charge } from "../../lib/core/charge.ts";
import { answerDesk } from "../../lib/desk/answer.ts";
import { keptIndex } from "../../lib/desk/kept-index.ts";
import type { DeskRequest, DeskResponse, DeskSite } from "../../lib/desk/site.ts";
import type { QueueDepth } from "../../lib/ports.ts";
import { memoryDesk } from "../doubles/memory-desk.ts";
import { deskOn } from "../flows/desk-on.ts";
import type { Stage } from "../flows/stage.ts";

export const freshMs = 5_000;
export const keptMs = 60_000;

export type SiteOn = DeskSite & { readonly troubles: unknown[] };

/** The desk's pages over a stage: its own flows, its ledger, its gateway. */
export const siteOn = (
  on: Stage,
  more: { readonly charges?: readonly Charge[]; readonly depths?: readonly QueueDepth[] } = {},
): SiteOn => {
  const desk = deskOn(on);
  const troubles: unknown[] = [];
  return {
    troubles,
    desk,
    index: keptIndex(memoryDesk(on.ledger), on.clock, freshMs, keptMs),
    recordOf: async (chargeId) => ({
      entry: on.entry(chargeId),
      notices: on.notices.notedOf(chargeId),
      rejections: on.ledger.rejections().filter((one) => one.chargeId === chargeId),
    }),
    messageOf: async ({ chargeId }) => more.charges?.find((one) => one.chargeId === chargeId),
    unknowns: async () => ({
      entries: on.ledger.entries().filter(({ state }) => state === "unknown" || state === "pending"),
      notRead: 0,
    }),
    depths: async () => more.depths ?? [],
    trouble(error) {
      troubles.push(error);
    },
  };
};

const ofPerson = (person: string) => ({ person, formToken: `form-of-${person}` });

export const get = (site: DeskSite, address: string, person = "Ann"): Promise<DeskResponse> => {
  const [page = "", query = ""] = address.split("?");
  return answerDesk({ method: "GET", page, fields: new URLSearchParams(query), ...ofPerson(person) }, site);
};

export const post = (
  site: DeskSite,
  page: string,
  fields: Readonly<Record<string, string>>,
  person = "Ann",
): Promise<DeskResponse> =>
  answerDesk(
    { method: "POST", page, fields: new URLSearchParams(fields), ...ofPerson(person) } satisfies DeskRequest,
    site,
  );

/** The fields of a page's last form that has this button, as a browser would send them, with `typed` on top. */
export const formOf = (
  { body }: DeskResponse,
  button: string,
  typed: Readonly<Record<string, string>> = {},
): Record<string, string> => {
  const forms = body.match(/<form[^>]*>.*?<\/form>/gs) ?? [];
  const form = forms.findLast((one) => one.includes(`>${button}</button>`));
  if (form === undefined) throw new Error(`no form with the button ${button}`);
  const fields: Record<string, string> = {};
  for (const [, name = "", value = ""] of form.matchAll(
    /<input type="hidden" name="([^"]*)" value="([^"]*)"/g,
  ))
    fields[name] = value.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
  const [, step] = new RegExp(`<button name="step" value="(\\w+)">${button}<`).exec(form) ?? [];
  return { ...fields, ...(step === undefined ? {} : { step }), ...typed };
};

/** What a page says, without its markup. */
export const textOf = ({ body }: DeskResponse): string =>
  body
    .replace(/<(style|script)>.*?<\/\1>/gs, "")
    .replace(/<[^>]*>/g, " ")
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
    .replace(/\s+/g, " ");
