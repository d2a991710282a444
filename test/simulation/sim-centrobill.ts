import type { FaultName } from "./faults.ts";
import type { Random } from "./random.ts";
import { type Schedule, still } from "./schedule.ts";
import type { Capture, SimAnswer, SimGateway } from "./sim-gateway.ts";
import type { SimWord } from "./sim-notices.ts";
import type { Story } from "./story.ts";

type Transaction = {
  readonly transactionId: string;
  readonly orderId: string;
  readonly requestId: string;
  readonly chargeId: string;
  readonly consumerId: string;
  readonly amount: string;
  readonly asked: string;
  readonly currency: string;
  status: "success" | "pending" | "fail";
  code: number;
  readonly atMs: number;
  readonly visibleAtMs: number;
  readonly namesUs: boolean;
};

const declineCodes = [5051, 5005, 5043, 5041, 5054, 6801, 3001, 5999];

/**
 * Centrobill as its pages describe it, and as badly as they leave room for: ids live for `requestIdLifeMs`
 * from their first arrival and are then forgotten; what a second send of an id in flight gets is not written
 * anywhere, so it waits, is told of a conflict, or gets a fault.
 */
export const simCentrobill = (options: {
  readonly schedule: Schedule;
  readonly random: Random;
  readonly strikes: (name: FaultName) => boolean;
  readonly requestIdLifeMs: number;
  readonly feedLagMs: number;
  readonly story: Story;
  readonly onCapture: (capture: Capture) => void;
  readonly onWord: (word: SimWord) => void;
  /** how long after a no the money is taken all the same, if it is */
  readonly turnsAfterMs: (declined: {
    readonly chargeId: string;
    readonly transactionId: string;
  }) => number | undefined;
}): SimGateway => {
  const { schedule, random, strikes, story } = options;
  const transactions: Transaction[] = [];
  const captures = new Map<string, Capture[]>();
  let captured = 0;
  const known = new Map<string, { arrivedAtMs: number; done?: Transaction; waiting: (() => void)[] }>();
  let made = 0;

  const paymentOf = (one: Transaction) => ({
    code: random.chance(0.5) ? one.code : String(one.code),
    description: one.code === 0 ? "Approved" : "Declined",
    action: "charge",
    mode: "sale",
    status: one.status,
    amount: Number(one.amount),
    currency: one.currency,
    orderId: one.orderId,
    transactionId: one.transactionId,
    timestamp: { unixTime: Math.floor(one.atMs / 1_000) },
  });

  const told = (one: Transaction): SimAnswer => {
    const body = {
      payment: paymentOf(one),
      consumer: { id: one.consumerId },
      metadata: { chargeId: one.chargeId, requestId: one.requestId },
    };
    if (strikes("faultAfterCapture")) return { status: 500, body: '{"message":"Internal Server Error"}' };
    if (strikes("badGateway")) return { status: random.pick([502, 503, 504]), body: "<html>bad</html>" };
    if (strikes("unreadableAnswer"))
      return {
        status: 201,
        muddled: true,
        body: random.pick(["", "<html></html>", JSON.stringify(body).slice(0, 40), "[]", "null"]),
      };
    if (strikes("contradiction"))
      return {
        status: 201,
        muddled: true,
        body: JSON.stringify({
          ...body,
          payment: { ...body.payment, code: one.code === 0 ? 5051 : 0, status: one.status },
        }),
      };
    return { status: 201, muddled: one.status === "pending", body: JSON.stringify(body) };
  };

  const capture = (one: Transaction): void => {
    captured += 1;
    captures.set(one.chargeId, [...(captures.get(one.chargeId) ?? []), one]);
    options.onCapture(one);
    // By somebody at the merchant's, a part of it: what was captured stays so.
    if (strikes("givenBack"))
      schedule.after(3_600_000 * (captured % 3) + 1_000, () =>
        options.onWord({
          gateway: "centrobill",
          chargeId: one.chargeId,
          kind: "reversal",
          write: () => ({
            payment: {
              code: 0,
              action: "credit",
              mode: "refund",
              status: "success",
              amount: 1,
              currency: one.currency,
              transactionId: `9${one.transactionId}`,
              parentTransactionId: one.transactionId,
            },
            ...(one.namesUs ? { metadata: { chargeId: one.chargeId, requestId: one.requestId } } : {}),
          }),
        }),
      );
  };

  /** What it tells by itself: what stands then, for it is written when it is sent. */
  const tells = (one: Transaction): void =>
    options.onWord({
      gateway: "centrobill",
      chargeId: one.chargeId,
      kind: "charge",
      write: () => ({
        payment: {
          code: one.code,
          action: "charge",
          mode: "sale",
          status: one.status,
          amount: Number(one.amount),
          currency: one.currency,
          orderId: one.orderId,
          transactionId: one.transactionId,
        },
        ...(one.namesUs ? { metadata: { chargeId: one.chargeId, requestId: one.requestId } } : {}),
      }),
    });

  const commit = (requestId: string, message: ReturnType<typeof readBody>): Transaction => {
    made += 1;
    const lag = strikes("feedLags") ? random.between(0, options.feedLagMs) : random.between(0, 2_000);
    const outcome = strikes("decline") ? "fail" : strikes("pending") ? "pending" : "success";
    const wrong = strikes("wrongAmount");
    const one: Transaction = {
      transactionId: String(700_000 + made),
      orderId: String(2_000_000 + made),
      requestId,
      chargeId: message.chargeId,
      consumerId: message.consumerId,
      asked: message.amount,
      amount: wrong ? String(Number(message.amount) + 1) : message.amount,
      currency: message.currency,
      status: outcome,
      code: outcome === "fail" ? random.pick(declineCodes) : 0,
      atMs: schedule.nowMs(),
      visibleAtMs: schedule.nowMs() + lag,
      namesUs: !strikes("noMetadataInFeed"),
    };
    transactions.push(one);
    story.tell(() => ({
      who: "gateway",
      what: `commits ${one.transactionId} ${one.status} ${one.code} for ${requestId.slice(0, 8)} (in the feed after ${lag} ms)`,
      chargeId: one.chargeId,
    }));
    if (outcome === "success") capture(one);
    tells(one);
    const turnsAfterMs = outcome === "fail" && one.namesUs && !wrong ? options.turnsAfterMs(one) : undefined;
    if (turnsAfterMs !== undefined)
      schedule.after(turnsAfterMs, () => {
        one.status = "success";
        one.code = 0;
        story.tell(() => ({
          who: "gateway",
          what: `${one.transactionId} was taken after all`,
          chargeId: one.chargeId,
        }));
        capture(one);
        tells(one);
        return still;
      });
    if (outcome === "pending")
      schedule.after(random.between(60_000, 7_200_000), () => {
        const succeeds = random.chance(0.7);
        one.status = succeeds ? "success" : "fail";
        one.code = succeeds ? 0 : random.pick(declineCodes);
        story.tell(() => ({
          who: "gateway",
          what: `${one.transactionId} is now ${one.status}`,
          chargeId: one.chargeId,
        }));
        if (succeeds) capture(one);
        tells(one);
        return still;
      });
    return one;
  };

  const pay = (
    requestId: string,
    message: ReturnType<typeof readBody>,
    answer: (answer: SimAnswer) => void,
  ) => {
    const now = schedule.nowMs();
    if (strikes("requestError"))
      return answer({ status: random.pick([400, 401, 403]), body: '{"message":"no"}' });
    if (strikes("faultBefore")) return answer({ status: 500, body: "{}" });
    const before = known.get(requestId);
    if (before !== undefined && now - before.arrivedAtMs <= options.requestIdLifeMs) {
      const { done } = before;
      if (done !== undefined) return answer(told(done));
      if (strikes("sendsAtOnce")) return answer({ status: random.pick([409, 500, 425]), body: "{}" });
      before.waiting.push(() => before.done !== undefined && answer(told(before.done)));
      return;
    }
    const fresh: { arrivedAtMs: number; done?: Transaction; waiting: (() => void)[] } = {
      arrivedAtMs: now,
      waiting: [],
    };
    known.set(requestId, fresh);
    const takes = strikes("commitLate") ? random.between(1_000, 90_000) : random.between(20, 400);
    schedule.after(takes, () => {
      fresh.done = commit(requestId, message);
      const { done } = fresh;
      answer(told(done));
      for (const wake of fresh.waiting) wake();
      return still;
    });
  };

  const feed = (url: string): SimAnswer | undefined => {
    if (strikes("feedFails")) return random.chance(0.5) ? { status: 500, body: "" } : undefined;
    const query = new URLSearchParams(url.slice(url.indexOf("?")));
    const byId = query.get("transactionId") ?? query.get("orderId");
    const from = Date.parse(query.get("dateFrom") ?? "");
    const to = Date.parse(query.get("dateTo") ?? "");
    const now = schedule.nowMs();
    const rows = transactions.filter(
      (one) =>
        one.visibleAtMs <= now &&
        (byId === null
          ? one.atMs >= from && one.atMs <= to
          : one.transactionId === byId || one.orderId === byId),
    );
    const perPage = Math.max(1, Number(query.get("limit") ?? 50));
    const page = Number(query.get("page") ?? 1);
    // Rows that are committed between two pages move the others on: nothing is lost, something comes twice.
    const shift = strikes("feedGrowsWhilePaging") && page > 1 ? 1 : 0;
    const start = Math.max(0, (page - 1) * perPage - shift);
    const body = JSON.stringify({
      data: rows.slice(start, start + perPage).map((one) => ({
        ...paymentOf(one),
        consumer: { id: one.consumerId },
        metadata: one.namesUs ? { chargeId: one.chargeId, requestId: one.requestId } : {},
      })),
      meta: {
        currentPage: page,
        lastPage: Math.max(1, Math.ceil(rows.length / perPage)),
        perPage,
        total: rows.length,
      },
    });
    return { status: 200, body: strikes("feedCut") ? body.slice(0, body.length - 20) : body };
  };

  return {
    name: "centrobill",
    ask({ method, url, headers, body }) {
      if (method === "POST") {
        const message = readBody(body ?? "");
        const requestId = headers["X-Request-ID"] ?? "";
        return {
          asking: { kind: "charge", chargeId: message.chargeId, requestId },
          receive: (answer) => pay(requestId, message, answer),
        };
      }
      return {
        asking: { kind: "lookUp" },
        receive(answer) {
          // Anything else on the host that charges: what is not documented, and asks for the key.
          if (!url.startsWith("https://feed.")) return answer({ status: 200, body: "[]" });
          const page = feed(url);
          if (page !== undefined) answer(page);
        },
      };
    },
    capturesOf: (chargeId) => captures.get(chargeId) ?? [],
    // What is given back there are parts: what was captured stays so.
    everCapturedOf: (chargeId) => captures.get(chargeId) ?? [],
    captured: () => captured,
  };
};

const readBody = (text: string) => {
  const body = JSON.parse(text) as {
    sku: { price: [{ amount: number; currency: string }] };
    consumer: { externalId: string };
    metadata: { chargeId: string };
  };
  const [price] = body.sku.price;
  return {
    chargeId: body.metadata.chargeId,
    consumerId: body.consumer.externalId,
    amount: String(price.amount),
    currency: price.currency,
  };
};
