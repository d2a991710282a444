import type { FaultName } from "./faults.ts";
import type { Random } from "./random.ts";
import { type Schedule, still } from "./schedule.ts";
import type { Asking, Capture, SimAnswer, SimGateway } from "./sim-gateway.ts";
import type { SimWord } from "./sim-notices.ts";
import type { Story } from "./story.ts";

type Activity = {
  readonly id: string;
  readonly type: "payment" | "confirmation" | "refund" | "cancellation";
  readonly amount: string;
  readonly idempotencyKey: string | undefined;
  /** the merchant's list shows its key: their samples do not, their table does */
  readonly showsKey: boolean;
  readonly atMs: number;
  /** when the list of activities shows it */
  readonly visibleAtMs: number;
};

/** What one idempotencyKey has brought so far. */
type Key = {
  readonly arrivedAtMs: number;
  activity?: Activity;
  refusal?: string;
  readonly waiting: (() => void)[];
};

type PaymentRequest = {
  readonly id: string;
  readonly externalRef: string | undefined;
  readonly barcode: string | undefined;
  readonly preAuth: boolean;
  readonly amount: string;
  readonly currency: string;
  readonly createdAtMs: number;
  readonly createdAt: string;
  readonly expiresAtMs: number;
  readonly expiresAt: string;
  readonly listedAtMs: number;
  status: "new" | "paid" | "cancelled";
  reason: string | undefined;
  remaining: string;
  /** the first GET of a Quick Pay has come */
  setOff: boolean;
  readonly activities: Activity[];
  readonly keys: Map<string, Key>;
};

type Answer = (answer: SimAnswer) => void;

type Monetary = { readonly amount: string; readonly currency: string };
type Create = { readonly value: Monetary; readonly externalRef: string; readonly barcode?: string };
type Confirm = { readonly value: Monetary; readonly idempotencyKey: string; readonly invoiceRef: string };
/** The members of a request's body that matter here: which there are, its path says. */
type Body = Partial<Create & Confirm>;

const requestsUrl = "https://centrapay.test/api/payment-requests/";
const expiryMs = 120_000;
const voidWithinMs = 24 * 3_600_000;
const preAuthAmount = "99999999";

const payDeclines = [
  "INSUFFICIENT_ASSET_VALUE",
  "QUOTA_EXCEEDED",
  "INACTIVE_ASSET",
  "PAYMENT_DECLINED",
  "ASSET_REDEMPTION_DENIED",
  // Their pages differ in spelling.
  "insufficient asset value",
  "Payment Declined",
];
const confirmDeclines = ["PRE_AUTH_RELEASED", "PRE_AUTH_PENDING"];
const cancellations = ["PAYMENT_DECLINED", "INACTIVE_ASSET", "PATRON_CODE_EXPIRED", "PAYMENT_FAILED"];
const unlistedWord = "A_WORD_OF_TOMORROW";
/** Words after which one has to ask. */
const undetermined = new Set(["PAYMENT_UNCONFIRMED", "REQUEST_PAID", unlistedWord]);

/** By a patron with two assets: a payment is one "towards the request". Not a matter of chance. */
const isPaidInParts = ({ barcode }: PaymentRequest, paid: string): boolean =>
  barcode !== undefined && BigInt(paid) > 3n && BigInt(paid) % 7n === 0n;
const less = (amount: string, minor: string): string => String(BigInt(amount) - BigInt(minor));

const iso = (ms: number): string => new Date(ms).toISOString();

/** Which charge a confirmation is for: its Payment Request may have several. */
export const invoiceRefOf = (chargeId: string): string => `invoice-${chargeId}`;
const chargeOfInvoice = (invoiceRef: string): string => invoiceRef.slice("invoice-".length);

/**
 * Centrapay as its pages describe it, and as badly as they leave room for: a create has no key, so each one
 * makes another Payment Request; a key of a confirmation lives for `requestIdLifeMs`, a refusal is not kept
 * with its key, and a pay whose key was forgotten finds its own payment as REQUEST_PAID; lists lag; a list may
 * start a Quick Pay as the first GET does. A Payment Request that is paid, cancelled or expired stays so.
 */
export const simCentrapay = (options: {
  readonly schedule: Schedule;
  readonly random: Random;
  readonly strikes: (name: FaultName) => boolean;
  readonly requestIdLifeMs: number;
  /** how late a list may show what was made */
  readonly lagMs: number;
  readonly story: Story;
  readonly onCapture: (capture: Capture) => void;
  readonly onWord: (word: SimWord) => void;
}): SimGateway => {
  const { schedule, random, strikes, story } = options;
  const requests = new Map<string, PaymentRequest>();
  const byReference = new Map<string, PaymentRequest[]>();
  const captures = new Map<string, Capture[]>();
  /** those that were given back among them */
  const everCaptured = new Map<string, Capture[]>();
  /** all that the merchant's list has, in the order in which it came to be */
  const merchantActivities: (readonly [Activity, PaymentRequest])[] = [];
  let captured = 0;
  let made = 0;

  const statusOf = (one: PaymentRequest): string =>
    one.status === "new" && !one.preAuth && schedule.nowMs() >= one.expiresAtMs ? "expired" : one.status;
  const laggedMs = (): number => (strikes("feedLags") ? random.between(0, options.lagMs) : 0);

  const message = (status: number, word: string): SimAnswer => ({
    status,
    muddled: undetermined.has(word.toUpperCase().replaceAll(" ", "_")),
    body: JSON.stringify({ statusCode: status, message: word }),
  });

  const requestJson = (one: PaymentRequest) => ({
    id: one.id,
    shortCode: `CP-${one.id.toUpperCase()}`,
    value: { amount: one.amount, currency: one.currency },
    status: statusOf(one),
    createdAt: one.createdAt,
    expiresAt: one.expiresAt,
    ...(one.externalRef === undefined ? {} : { externalRef: one.externalRef }),
    ...(one.reason === undefined ? {} : { cancellationReason: one.reason }),
    ...(one.status === "paid" ? { remainingAmount: one.remaining } : {}),
  });
  const activityJson = (activity: Activity, one: PaymentRequest) => ({
    type: activity.type,
    id: activity.id,
    value: { amount: activity.amount, currency: one.currency },
    paymentRequestId: one.id,
    createdAt: iso(activity.atMs),
    ...(activity.idempotencyKey === undefined ? {} : { idempotencyKey: activity.idempotencyKey }),
  });

  /** What becomes of a word on its way out, after the deed. */
  const told = (answer: SimAnswer): SimAnswer => {
    if (strikes("faultAfterCapture")) return message(500, "SERVER ERROR");
    if (strikes("badGateway")) return { status: random.pick([502, 503, 504]), body: "<html>bad</html>" };
    if (strikes("unreadableAnswer"))
      return {
        status: 200,
        muddled: true,
        body: random.pick(["", "<html></html>", answer.body.slice(0, 30), "[]", "null"]),
      };
    return answer;
  };
  const toldRequest = (one: PaymentRequest): SimAnswer =>
    told({
      status: 200,
      muddled: one.status === "new" && one.barcode !== undefined,
      body: JSON.stringify(requestJson(one)),
    });
  const toldActivity = (activity: Activity, one: PaymentRequest): SimAnswer => {
    if (strikes("unconfirmed"))
      return message(403, random.pick(["PAYMENT_UNCONFIRMED", "Payment Unconfirmed"]));
    const body = activityJson(activity, one);
    const muddled = strikes("contradiction");
    return told({
      status: 200,
      muddled,
      body: JSON.stringify(muddled ? { ...body, idempotencyKey: "of-somebody-else" } : body),
    });
  };

  /** Refused before anything is made of it; `undefined`: it is not. */
  const refusedFirst = (): SimAnswer | undefined => {
    if (strikes("requestError"))
      return random.pick([
        message(400, '"value" is required'),
        message(401, "Missing authentication"),
        message(403, "Forbidden"),
        message(404, "Not Found"),
      ]);
    return strikes("faultBefore") ? message(500, "SERVER ERROR") : undefined;
  };

  const takesMs = (): number =>
    strikes("commitLate") ? random.between(1_000, 90_000) : random.between(20, 400);

  const note = (
    one: PaymentRequest,
    type: Activity["type"],
    amount: string,
    idempotencyKey?: string,
  ): Activity => {
    made += 1;
    const now = schedule.nowMs();
    const activity: Activity = {
      id: `act${made}`,
      type,
      amount,
      idempotencyKey,
      showsKey: !strikes("noMetadataInFeed"),
      atMs: now,
      visibleAtMs: now + laggedMs(),
    };
    one.activities.push(activity);
    merchantActivities.push([activity, one]);
    return activity;
  };

  const capture = (chargeId: string, activity: Activity, asked: string, parts?: readonly string[]): void => {
    captured += 1;
    const one: Capture = {
      chargeId,
      transactionId: activity.id,
      amount: activity.amount,
      asked,
      // A Payment Request that was made for a charge names it; one that was authorised beforehand names nobody.
      namesUs: activity.type === "payment" || activity.showsKey,
      ...(parts === undefined ? {} : { parts }),
      ...(activity.type === "payment" || activity.idempotencyKey === undefined
        ? {}
        : { key: activity.idempotencyKey }),
    };
    captures.set(chargeId, [...(captures.get(chargeId) ?? []), one]);
    everCaptured.set(chargeId, [...(everCaptured.get(chargeId) ?? []), one]);
    story.tell(() => ({ who: "centrapay", what: `captures ${activity.id}`, chargeId }));
    options.onCapture(one);
  };

  /** What it tells by itself. */
  const tells = (one: PaymentRequest, activity: Activity): void =>
    options.onWord({
      gateway: "centrapay",
      chargeId: one.externalRef ?? "",
      kind: activity.type === "refund" ? "reversal" : "charge",
      write: () => ({
        id: `n-${activity.id}`,
        type: activity.type === "refund" ? "payment-request:refund-completed" : "payment-request:paid",
        data: activityJson(activity, one),
      }),
    });

  /** A Payment Request becomes paid, in full or but for one minor unit. */
  const settle = (one: PaymentRequest, key?: string): Activity => {
    one.status = "paid";
    one.remaining = strikes("wrongAmount") ? "1" : "0";
    const paid = less(one.amount, one.remaining);
    const first = isPaidInParts(one, paid) ? note(one, "payment", String(BigInt(paid) / 3n), key) : undefined;
    const activity = note(one, "payment", first === undefined ? paid : less(paid, first.amount), key);
    const whole = { ...activity, amount: paid };
    capture(one.externalRef ?? "", whole, one.amount, first && [first.id, activity.id]);
    tells(one, whole);
    return whole;
  };

  const make = (asked: Pick<PaymentRequest, "id" | "amount" | "currency"> & Partial<PaymentRequest>) => {
    const now = schedule.nowMs();
    const one: PaymentRequest = {
      externalRef: undefined,
      barcode: undefined,
      preAuth: false,
      createdAtMs: now,
      createdAt: iso(now),
      expiresAtMs: now + expiryMs,
      expiresAt: iso(now + expiryMs),
      listedAtMs: now + laggedMs(),
      status: "new",
      reason: undefined,
      remaining: "0",
      setOff: false,
      activities: [],
      keys: new Map(),
      ...asked,
    };
    requests.set(one.id, one);
    const { externalRef } = one;
    if (externalRef !== undefined)
      byReference.set(externalRef, [...(byReference.get(externalRef) ?? []), one]);
    return one;
  };

  const create = (body: Create, answer: Answer) => {
    const refused = refusedFirst();
    if (refused !== undefined) return answer(refused);
    if (body.barcode !== undefined && strikes("decline") && random.chance(0.3))
      return answer(message(403, "PATRON_CODE_INVALID"));
    schedule.after(takesMs(), () => {
      made += 1;
      const one = make({
        id: `pr${made}`,
        externalRef: body.externalRef,
        barcode: body.barcode,
        amount: body.value.amount,
        currency: body.value.currency,
      });
      story.tell(() => ({ who: "centrapay", what: `makes ${one.id}`, chargeId: body.externalRef }));
      answer(toldRequest(one));
      return still;
    });
  };

  /** The first GET of a Quick Pay starts its payment; it ends by itself. */
  const setOff = (one: PaymentRequest) => {
    if (one.barcode === undefined || one.setOff || statusOf(one) !== "new") return;
    one.setOff = true;
    const slow = strikes("pending");
    const declined = strikes("decline");
    const never = slow && random.chance(0.3);
    const tookMs = slow ? random.between(5_000, expiryMs * 1.2) : takesMs();
    schedule.after(tookMs, () => {
      if (never || statusOf(one) !== "new") return still;
      if (!declined) settle(one);
      else {
        one.status = "cancelled";
        one.reason = strikes("unlistedWord") ? unlistedWord : random.pick(cancellations);
        note(one, "cancellation", one.amount);
      }
      return still;
    });
  };

  const ask = (id: string, answer: Answer) => {
    const one = requests.get(id);
    if (one === undefined) return answer(message(403, "Forbidden"));
    if (one.barcode === undefined)
      return look({ status: 200, body: JSON.stringify(requestJson(one)) }, answer);
    const refused = refusedFirst();
    if (refused !== undefined) return answer(refused);
    setOff(one);
    answer(toldRequest(one));
  };

  /** The answer to a request that only looks. */
  const look = (said: SimAnswer, answer: Answer) => {
    if (strikes("feedFails")) {
      if (random.chance(0.5)) answer(message(500, "SERVER ERROR"));
      return;
    }
    answer(strikes("feedCut") ? { ...said, body: said.body.slice(0, -20) } : said);
  };

  const list = (reference: string, pageKey: string | null, answer: Answer) => {
    const now = schedule.nowMs();
    const found = (byReference.get(reference) ?? []).filter(({ listedAtMs }) => listedAtMs <= now);
    if (strikes("listSetsOff")) for (const one of found) setOff(one);
    const at = Number(pageKey ?? 0);
    const end = at + random.between(1, 2);
    const next =
      end < found.length ? { [random.pick(["pageKey", "nextPageKey"])]: String(end) } : ({} as object);
    look(
      { status: 200, body: JSON.stringify({ items: found.slice(at, end).map(requestJson), ...next }) },
      answer,
    );
  };

  const activitiesOf = (id: string, answer: Answer) => {
    const now = schedule.nowMs();
    const one = requests.get(id);
    const items =
      one?.activities
        .filter(({ visibleAtMs }) => visibleAtMs <= now)
        .map((activity) => activityJson(activity, one))
        .reverse() ?? [];
    look({ status: 200, body: JSON.stringify({ items }) }, answer);
  };

  const merchantList = (pageKey: string | null, answer: Answer) => {
    const now = schedule.nowMs();
    const visible = merchantActivities.filter(([{ visibleAtMs }]) => visibleAtMs <= now).reverse();
    const after = pageKey === null ? 0 : 1 + visible.findIndex(([{ id }]) => id === pageKey);
    // Whether a page key is a place that moves as activities come is not said.
    const start = after > 0 && strikes("feedGrowsWhilePaging") ? after - 1 : after;
    const page = visible.slice(start, start + random.between(4, 16));
    const last = page.at(-1)?.[0].id;
    const next =
      start + page.length < visible.length && last !== undefined
        ? { [random.pick(["pageKey", "nextPageKey"])]: last }
        : {};
    const items = page.map(([activity, one]) =>
      activityJson(activity.showsKey ? activity : { ...activity, idempotencyKey: undefined }, one),
    );
    look({ status: 200, body: JSON.stringify({ items, ...next }) }, answer);
  };

  /** Runs `act` for a key: once, while the key is known and what it brought was a success. */
  const keyed = (
    one: PaymentRequest,
    key: string,
    known: (before: Key) => boolean,
    act: () => Activity | string,
    answer: Answer,
  ) => {
    const say = (outcome: Key): void =>
      answer(
        outcome.activity === undefined
          ? told(message(403, outcome.refusal ?? ""))
          : toldActivity(outcome.activity, one),
      );
    const kept = one.keys.get(key);
    const before = kept !== undefined && known(kept) ? kept : undefined;
    if (before !== undefined) {
      if (before.activity !== undefined) return say(before);
      if (before.refusal === undefined) {
        if (strikes("sendsAtOnce")) return answer(message(random.pick([409, 425, 500]), "CONFLICT"));
        before.waiting.push(() => say(before));
        return;
      }
      if (random.chance(0.5)) return say(before);
    }
    const fresh: Key = { arrivedAtMs: before?.arrivedAtMs ?? schedule.nowMs(), waiting: [] };
    one.keys.set(key, fresh);
    schedule.after(takesMs(), () => {
      const outcome = act();
      if (typeof outcome === "string") fresh.refusal = outcome;
      else fresh.activity = outcome;
      say(fresh);
      for (const wake of fresh.waiting) wake();
      return still;
    });
  };

  const pay = (id: string, { idempotencyKey: key = "" }: Body, answer: Answer) => {
    const refused = refusedFirst();
    if (refused !== undefined) return answer(refused);
    const one = requests.get(id);
    if (one === undefined) return answer(message(403, "Forbidden"));
    const act = (): Activity | string => {
      const status = statusOf(one);
      if (status !== "new") return `REQUEST_${status.toUpperCase()}`;
      if (strikes("decline")) return strikes("unlistedWord") ? unlistedWord : random.pick(payDeclines);
      if (!strikes("pending")) return settle(one, key);
      // In the provider's hands, and until the Payment Request can no longer be paid.
      if (random.chance(0.7))
        schedule.after(random.between(1_000, expiryMs * 1.2), () => {
          if (statusOf(one) === "new") settle(one, key);
          return still;
        });
      return "PAYMENT_UNCONFIRMED";
    };
    keyed(one, key, () => !strikes("keyForgotten"), act, answer);
  };

  const confirm = (id: string, body: Confirm, answer: Answer) => {
    const refused = refusedFirst();
    if (refused !== undefined) return answer(refused);
    const one =
      requests.get(id) ??
      make({ id, amount: preAuthAmount, currency: body.value.currency, preAuth: true, status: "paid" });
    const act = (): Activity | string => {
      if (strikes("decline")) return strikes("unlistedWord") ? unlistedWord : random.pick(confirmDeclines);
      const amount = strikes("wrongAmount") ? less(body.value.amount, "1") : body.value.amount;
      const activity = note(one, "confirmation", amount, body.idempotencyKey);
      capture(chargeOfInvoice(body.invoiceRef), activity, body.value.amount);
      return activity;
    };
    const known = ({ arrivedAtMs }: Key): boolean =>
      schedule.nowMs() - arrivedAtMs <= options.requestIdLifeMs;
    keyed(one, body.idempotencyKey, known, act, answer);
  };

  const voided = (id: string, answer: Answer) => {
    const one = requests.get(id);
    if (one === undefined) return answer(message(403, "Forbidden"));
    if (strikes("faultBefore")) return answer(message(500, "SERVER ERROR"));
    if (schedule.nowMs() - one.createdAtMs > voidWithinMs)
      return answer(message(403, "VOID_WINDOW_EXCEEDED"));
    const chargeId = one.externalRef ?? "";
    switch (statusOf(one)) {
      case "new":
        one.status = "cancelled";
        one.reason = "CANCELLED_BY_MERCHANT";
        story.tell(() => ({ who: "centrapay", what: `voids ${one.id}`, chargeId }));
        return answer(
          told({
            status: 200,
            body: JSON.stringify(activityJson(note(one, "cancellation", one.amount), one)),
          }),
        );
      case "paid": {
        if (one.activities.some(({ type }) => type === "refund"))
          return answer(message(403, "ALREADY_REFUNDED"));
        const refund = note(one, "refund", less(one.amount, one.remaining));
        captured -= 1;
        const paid = one.activities.find(({ type }) => type === "payment");
        captures.set(
          chargeId,
          (captures.get(chargeId) ?? []).filter(({ transactionId }) => transactionId !== paid?.id),
        );
        story.tell(() => ({ who: "centrapay", what: `refunds ${one.id}`, chargeId }));
        tells(one, refund);
        return answer(told({ status: 200, body: JSON.stringify(activityJson(refund, one)) }));
      }
      case "cancelled":
        return answer(message(403, "REQUEST_CANCELLED"));
      default:
        return answer(message(403, "REQUEST_EXPIRED"));
    }
  };

  /** What a request is, by its path: of an act on a Payment Request or, under "external-ref", of a reference. */
  const pathOf = (url: string): readonly [id: string, act: string | undefined] => {
    const idAt = requestsUrl.length;
    const end = url.indexOf("?");
    const path = end < 0 ? url : url.slice(0, end);
    const actAt = path.indexOf("/", idAt) + 1;
    return actAt === 0
      ? [decodeURIComponent(path.slice(idAt)), undefined]
      : [decodeURIComponent(path.slice(idAt, actAt - 1)), decodeURIComponent(path.slice(actAt))];
  };

  const askingOf = (id: string, act: string | undefined, body: Body): Asking => {
    if (id === "") return { kind: "make", ...(body.externalRef && { chargeId: body.externalRef }) };
    if (id === "external-ref") {
      const found = byReference.get(act ?? "") ?? [];
      return {
        kind: "find",
        chargeId: act ?? "",
        mayMoveMoney: found.some((one) => one.barcode !== undefined && statusOf(one) === "new"),
      };
    }
    const one = requests.get(id);
    const chargeId = one?.externalRef === undefined ? {} : { chargeId: one.externalRef };
    const requestId = body.idempotencyKey;
    switch (act) {
      case "pay":
        return { kind: "charge", ...chargeId, ...(requestId && { requestId }) };
      case "confirm":
        return {
          kind: "charge",
          chargeId: chargeOfInvoice(body.invoiceRef ?? ""),
          ...(requestId && { requestId }),
        };
      case "void":
        return { kind: "void", ...chargeId };
      case undefined:
        return one?.barcode !== undefined && statusOf(one) === "new"
          ? { kind: "charge", ...chargeId }
          : { kind: "lookUp", ...chargeId };
      default:
        return { kind: "lookUp", ...chargeId };
    }
  };

  return {
    name: "centrapay",

    ask({ method, url, body: text = "{}" }) {
      if (url.includes("/payment-activities?"))
        return {
          asking: { kind: "lookUp" },
          receive: (answer) => merchantList(new URL(url).searchParams.get("pageKey"), answer),
        };
      const [id, act] = pathOf(url);
      if (method === "GET")
        return {
          asking: askingOf(id, act, {}),
          receive(answer) {
            if (id === "external-ref")
              return list(act ?? "", new URL(url).searchParams.get("pageKey"), answer);
            return act === "activities" ? activitiesOf(id, answer) : ask(id, answer);
          },
        };
      const body = JSON.parse(text) as Body;
      return {
        asking: askingOf(id, act, body),
        receive(answer) {
          switch (act) {
            case undefined:
              return create(body as Create, answer);
            case "pay":
              return pay(id, body, answer);
            case "confirm":
              return confirm(id, body as Confirm, answer);
            case "void":
              return voided(id, answer);
            default:
              return answer(message(404, "Not Found"));
          }
        },
      };
    },

    capturesOf: (chargeId) => captures.get(chargeId) ?? [],
    everCapturedOf: (chargeId) => everCaptured.get(chargeId) ?? [],
    captured: () => captured,
  };
};
