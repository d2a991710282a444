import { type ChargeId, parseChargeId } from "../core/charge.ts";
import { wordText } from "../core/gateway-word.ts";
import type { LedgerEntry } from "../core/ledger.ts";
import { problemsOfWish, type ReviewDecision, reviewDecisions, type Wish } from "../core/review-decision.ts";
import { decideReview, showReview } from "../flows/decide-review.ts";
import type { ChargeRecord } from "../ports.ts";
import { chargePage } from "./charge-page.ts";
import { decisionPage } from "./decision-page.ts";
import { moneyPage } from "./money-page.ts";
import { plainPage } from "./page.ts";
import { queuesPage } from "./queues-page.ts";
import type { DeskRequest, DeskResponse, DeskSite } from "./site.ts";
import { waitingRow } from "./waiting-row.ts";
import { worklistPage } from "./worklist-page.ts";

type Found = ChargeRecord & { readonly entry: LedgerEntry };

const filled = (text: string | null): string | undefined =>
  text === null || text.trim() === "" ? undefined : text.trim();

/** The charge that a request names, or the page that says why there is none. */
const find = async (
  { fields, person }: DeskRequest,
  site: DeskSite,
): Promise<{ readonly record: Found; readonly chargeId: ChargeId } | DeskResponse> => {
  const chargeId = parseChargeId(fields.get("id")?.trim() ?? "");
  if (chargeId === undefined)
    return plainPage(400, "No charge id", "A charge id is 1 to 64 characters of A-Z a-z 0-9 . _ : -", person);
  const record = await site.index.first(() => site.recordOf(chargeId));
  const { entry } = record;
  return entry === undefined
    ? plainPage(404, "No such charge", `The ledger has no charge ${chargeId}.`, person)
    : { record: { ...record, entry }, chargeId };
};

const show = async (request: DeskRequest, site: DeskSite): Promise<DeskResponse> => {
  const found = await find(request, site);
  if ("status" in found) return found;
  const { fields, person, formToken } = request;
  const word = fields.get("ask") === "1" ? await ask(found.record.entry, site) : undefined;
  return chargePage({
    record: found.record,
    person,
    formToken,
    nowMs: site.desk.clock.nowMs(),
    made: fields.get("made") === "1",
    ...(word === undefined ? {} : { word }),
  });
};

const ask = async (entry: LedgerEntry, site: DeskSite) =>
  (await showReview(entry.chargeId, await site.messageOf(entry, false), site.desk)).word;

/** The gateway's word alone, as text: what the page of a charge asks for once it is shown. */
const word = async (request: DeskRequest, site: DeskSite): Promise<DeskResponse> => {
  const found = await find(request, site);
  if ("status" in found) return found;
  return {
    status: 200,
    headers: { "Content-Type": "text/plain; charset=utf-8" },
    body: wordText(await ask(found.record.entry, site)),
  };
};

const fieldWords: Readonly<Record<string, string>> = {
  by: "Your name",
  reason: "Reason",
  stated: "Evidence",
  transactionId: "Transaction",
  amount: "Amount",
};

const wishOf = ({
  fields,
  person,
}: DeskRequest): { readonly wish: Wish; readonly problems: readonly { field: string; text: string }[] } => {
  const [decision, reason, stated, transactionId, amount] = [
    "decision",
    "reason",
    "evidence",
    "transaction",
    "amount",
  ].map((name) => filled(fields.get(name)));
  const wish: Wish = {
    decision: decision as ReviewDecision,
    by: person,
    reason: reason ?? "",
    ...(stated === undefined ? {} : { stated }),
    ...(transactionId === undefined ? {} : { transactionId }),
    ...(amount === undefined ? {} : { amount }),
  };
  return {
    wish,
    problems: [
      ...((reviewDecisions as readonly (string | undefined)[]).includes(decision)
        ? []
        : [{ field: "decision", text: "Decision: choose one" }]),
      ...problemsOfWish(wish).map(({ field, must }) => ({
        field,
        text: `${fieldWords[field] ?? field}: must ${must}`,
      })),
    ],
  };
};

/** Shows in the worklist at once what its index has a moment later. The decision stands, whether this can be read or not. */
const noteChange = async (chargeId: ChargeId, site: DeskSite): Promise<void> => {
  try {
    site.index.changed(chargeId, waitingRow((await site.recordOf(chargeId)).entry));
  } catch (error) {
    site.trouble(error);
  }
};

/** A dry run, and after it the decision: both by the flow that the command has. */
const decide = async (request: DeskRequest, site: DeskSite): Promise<DeskResponse> => {
  const found = await find(request, site);
  if ("status" in found) return found;
  const { record, chargeId } = found;
  const { fields, person, formToken } = request;
  const on = filled(fields.get("on"));
  const step = fields.get("step");
  // Each form has both: whoever leaves one out has seen no dry run.
  if (on === undefined || (step !== "dry" && step !== "go"))
    return plainPage(
      400,
      "Not a form of this desk",
      "Nothing was done: open the charge, and decide there.",
      person,
    );
  const { wish, problems } = wishOf(request);
  if (problems.length > 0) {
    const wrong = new Set(problems.map(({ field }) => field));
    return chargePage({
      record,
      person,
      formToken,
      nowMs: site.desk.clock.nowMs(),
      problems: problems.map(({ text }) => text),
      // What has a problem may be what must not be shown (S12).
      typed: Object.fromEntries(Object.entries(wish).filter(([name]) => name !== "by" && !wrong.has(name))),
    });
  }
  const charge = await site.messageOf(record.entry, true);
  const dryRun = step === "dry";
  const made = await decideReview(
    { chargeId, wish, on, dryRun, ...(charge === undefined ? {} : { charge }) },
    site.desk,
  );
  if (!dryRun) await noteChange(chargeId, site);
  if (made.event === undefined) return decisionPage(made, wish, dryRun, person, formToken);
  return {
    status: 303,
    headers: { Location: `charge?id=${encodeURIComponent(chargeId)}&made=1` },
    body: "",
  };
};

type Answer = (request: DeskRequest, site: DeskSite) => Promise<DeskResponse>;

const pages: Readonly<Record<string, { readonly method: DeskRequest["method"]; readonly answer: Answer }>> = {
  "": {
    method: "GET",
    answer: async ({ fields, person }, { index, desk }) =>
      worklistPage(await index.waiting(), fields, person, desk.clock.nowMs()),
  },
  charge: { method: "GET", answer: show },
  word: { method: "GET", answer: word },
  decide: { method: "POST", answer: decide },
  money: {
    method: "GET",
    answer: async ({ person }, { unknowns, index, desk }) => {
      const [open, waiting] = await Promise.all([unknowns(), index.waiting()]);
      return moneyPage(open, waiting, person, desk.clock.nowMs());
    },
  },
  queues: {
    method: "GET",
    answer: async ({ person }, { depths, desk }) => queuesPage(await depths(), person, desk.clock.nowMs()),
  },
};

/**
 * The answer to a request that was let in. Everything it shows is read when it is asked for, and everything it decides
 * goes the way that the command's decisions go. What fails is answered, and never says more than that.
 */
export const answerDesk = async (request: DeskRequest, site: DeskSite): Promise<DeskResponse> => {
  const page = Object.hasOwn(pages, request.page) ? pages[request.page] : undefined;
  if (page === undefined) return plainPage(404, "No such page", "The desk has no such page.", request.person);
  if (page.method !== request.method) {
    const refused = plainPage(405, "Not so", `This page is for ${page.method} alone.`, request.person);
    return { ...refused, headers: { ...refused.headers, Allow: page.method } };
  }
  try {
    return await page.answer(request, site);
  } catch (error) {
    site.trouble(error);
    return plainPage(
      503,
      "No answer",
      request.page === "decide"
        ? "The ledger or a queue did not answer. The decision may have been written or not: open the charge and look. Making it again is harmless."
        : "The ledger or a queue did not answer. Nothing was changed: try again in a moment.",
      request.person,
    );
  }
};
