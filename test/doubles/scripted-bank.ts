import type { JsonObject } from "../../lib/core/json.ts";
import type { Clock } from "../../lib/ports.ts";
import { type Scripted, type SentRequest, unanswered } from "./scripted-wire.ts";

/** What the gateway makes of one send. */
export type Made = {
  readonly status: "success" | "fail" | "pending";
  readonly code: number | string;
  /** members of the payment, in the answer and in the feed, that are other than asked */
  readonly payment?: JsonObject;
  /** members of the metadata that come back other than sent; `null`: the feed row has no metadata at all */
  readonly metadata?: JsonObject | null;
  /** the final word of a pending payment, and how long after the send it stands in the feed */
  readonly becomes?: { readonly afterMs: number; readonly status: "success" | "fail"; readonly code: number };
  /** how long the request hangs on its way before it is made */
  readonly madeAfterMs?: number;
  /** how long after that the feed shows it */
  readonly shownAfterMs?: number;
};

/** One send: what is made of it, and what is said. Nothing said: what was made, with 201. */
export type Act = { readonly makes?: Made; readonly says?: Scripted };

export const captured: Made = { status: "success", code: 0 };
export const pays = (payment: JsonObject = {}): Act => ({ makes: { ...captured, payment } });
export const declines = (code: number | string, payment: JsonObject = {}): Act => ({
  makes: { status: "fail", code, payment },
});
export const pends = (becomes?: Made["becomes"], payment: JsonObject = {}): Act => ({
  makes: { status: "pending", code: 0, payment, ...(becomes === undefined ? {} : { becomes }) },
});
/** The money is taken, and the answer is lost. */
export const paysUnheard = (made: Partial<Made> = {}, says: Scripted = unanswered()): Act => ({
  makes: { ...captured, ...made },
  says,
});
/** Nothing comes of it, and nothing is said. */
export const swallows: Act = { says: unanswered() };
export const says = (status: number, body: unknown = ""): Act => ({
  says: { kind: "replied", status, body },
});

type Transaction = {
  readonly atMs: number;
  readonly serial: number;
  readonly made: Made;
  readonly asked: JsonObject;
  readonly consumer: JsonObject;
  readonly metadata: JsonObject;
};

export type ScriptedBankOptions = {
  readonly clock: Clock;
  /** what becomes of each send, in order; a function is told the charge and which send of it this is, from 1 */
  readonly acts: readonly Act[] | ((chargeId: string, nth: number, request: SentRequest) => Act);
  /** what a feed request gets in place of its page; `undefined`: its page */
  readonly feed?: (nth: number, page: () => JsonObject, request: SentRequest) => Scripted | undefined;
  /** rows that nobody sent from here, whatever the window: somebody else's, or made up */
  readonly strangers?: readonly JsonObject[];
};

export type ScriptedBank = {
  /** the script of a wire */
  answer(request: SentRequest): Scripted;
  /** transactions that took the money of this charge by now */
  capturesOf(chargeId: string): number;
};

/** A gateway that does as it is told, and shows in its feed what it did: Centrobill's default profile. */
export const scriptedBank = ({ clock, acts, feed, strangers = [] }: ScriptedBankOptions): ScriptedBank => {
  const transactions: Transaction[] = [];
  const sends = new Map<string, number>();
  let asked = 0;
  let looks = 0;

  const wordOf = ({ made, atMs }: Transaction): Pick<Made, "status" | "code"> =>
    made.becomes !== undefined && clock.nowMs() >= atMs + made.becomes.afterMs ? made.becomes : made;

  const payment = (one: Transaction, word: Pick<Made, "status" | "code">): JsonObject => ({
    code: word.code,
    status: word.status,
    action: "charge",
    mode: "sale",
    amount: one.asked["amount"] ?? null,
    currency: one.asked["currency"] ?? null,
    transactionId: `tx-${one.serial}`,
    orderId: `or-${one.serial}`,
    timestamp: { unixTime: Math.floor(one.atMs / 1_000) },
    ...one.made.payment,
  });

  const pay = (request: SentRequest): Scripted => {
    const body = JSON.parse(request.body ?? "{}") as {
      readonly sku: { readonly price: readonly JsonObject[] };
      readonly consumer: JsonObject;
      readonly metadata: JsonObject;
    };
    const chargeId = String(body.metadata["chargeId"]);
    const nth = (sends.get(chargeId) ?? 0) + 1;
    sends.set(chargeId, nth);
    const act = typeof acts === "function" ? acts(chargeId, nth, request) : acts[asked++];
    if (act === undefined) throw new Error(`the bank was not told what to do with send ${asked}`);
    if (act.makes === undefined) return act.says ?? unanswered();
    const one: Transaction = {
      atMs: clock.nowMs() + (act.makes.madeAfterMs ?? 0),
      serial: transactions.length + 1,
      made: act.makes,
      asked: body.sku.price[0] ?? {},
      consumer: body.consumer,
      metadata: body.metadata,
    };
    transactions.push(one);
    return (
      act.says ?? {
        kind: "replied",
        status: 201,
        body: {
          payment: payment(one, act.makes),
          consumer: one.consumer,
          metadata: { ...one.metadata, ...act.makes.metadata },
        },
        tookMs: 400,
      }
    );
  };

  const page = (request: SentRequest): JsonObject => {
    const query = new URL(request.url).searchParams;
    const number = Number(query.get("page") ?? 1);
    const limit = Number(query.get("limit") ?? 100);
    const transactionId = query.get("transactionId");
    const [fromMs, toMs] = [Date.parse(query.get("dateFrom") ?? ""), Date.parse(query.get("dateTo") ?? "")];
    const rows = [
      ...transactions
        .filter(({ atMs, made }) => clock.nowMs() >= atMs + (made.shownAfterMs ?? 0))
        .filter(({ atMs, serial }) =>
          transactionId === null ? atMs >= fromMs && atMs <= toMs : `tx-${serial}` === transactionId,
        )
        .map((one) => ({
          ...payment(one, wordOf(one)),
          consumer: one.consumer,
          ...(one.made.metadata === null ? {} : { metadata: { ...one.metadata, ...one.made.metadata } }),
        })),
      ...(transactionId === null ? strangers : []),
    ];
    const lastPage = Math.max(1, Math.ceil(rows.length / limit));
    return {
      data: rows.slice((number - 1) * limit, number * limit),
      meta: { currentPage: number, lastPage, perPage: limit, total: rows.length },
    };
  };

  return {
    answer(request) {
      if (request.method === "POST") return pay(request);
      looks += 1;
      const fromFeed = feed?.(looks, () => page(request), request);
      return fromFeed ?? { kind: "replied", status: 200, body: page(request), tookMs: 200 };
    },
    capturesOf: (chargeId) =>
      transactions.filter(
        (one) =>
          one.metadata["chargeId"] === chargeId &&
          one.atMs <= clock.nowMs() &&
          wordOf(one).status === "success",
      ).length,
  };
};
