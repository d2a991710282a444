import type { ChargeId, GatewayName } from "../../lib/core/charge.ts";
import type { JsonObject } from "../../lib/core/json.ts";
import type { NotedNotice, Notice, NoticeDesk, WakeUp } from "../../lib/core/notice.ts";
import { receiveNotice } from "../../lib/flows/receive-notice.ts";
import { centrapayNotices } from "../../lib/gateways/centrapay/notice.ts";
import { centrobillNotices } from "../../lib/gateways/centrobill/notice.ts";
import type { FaultName } from "./faults.ts";
import type { Random } from "./random.ts";
import type { Schedule } from "./schedule.ts";
import type { Story } from "./story.ts";

/** What a gateway has to tell by itself. */
export type SimWord = {
  readonly gateway: GatewayName;
  readonly chargeId: string;
  readonly kind: Notice["kind"];
  /** the body as it is when it is sent */
  readonly write: () => JsonObject;
};

const secret = "s-code";
const audience = "https://hooks.test";
const triesMax = 5;
const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const same = (a: string, b: string): boolean => a === b;

type Request = { readonly headers: Readonly<Record<string, string>>; readonly body: string };
type Payment = { readonly transactionId: string; readonly status: string };

/** What the table of the world holds of notices: the conditions of the adapter, and no faults of its own. */
export const noticeTable = () => {
  const kept = new Map<string, Map<string, Notice>>();
  const refers = new Map<string, ChargeId>();
  const noted = new Map<string, NotedNotice>();
  return {
    keep(notice: Notice): void {
      const name = `${notice.gateway} ${notice.reference}`;
      const under = kept.get(name) ?? new Map<string, Notice>();
      kept.set(name, under);
      if (!under.has(notice.id)) under.set(notice.id, notice);
    },
    refer(gateway: GatewayName, reference: string, chargeId: ChargeId): void {
      const name = `${gateway} ${reference}`;
      if (!refers.has(name)) refers.set(name, chargeId);
    },
    read(gateway: GatewayName, reference: string) {
      const name = `${gateway} ${reference}`;
      const chargeId = refers.get(name);
      return {
        notices: [...(kept.get(name)?.values() ?? [])],
        ...(chargeId === undefined ? {} : { chargeId }),
      };
    },
    note(one: NotedNotice): NotedNotice {
      const name = `${one.chargeId} ${one.id}`;
      const standing = noted.get(name) ?? one;
      noted.set(name, standing);
      return standing;
    },
    notedOf: (chargeId: string): readonly NotedNotice[] =>
      [...noted.values()].filter((one) => one.chargeId === chargeId),
    all: (): readonly Notice[] => [...kept.values()].flatMap((under) => [...under.values()]),
  };
};
export type NoticeTable = ReturnType<typeof noticeTable>;

/**
 * The way of the gateways' notices to the door, through the shipped desks and the shipped flow: each comes or
 * never does, early, late, twice, after a forged one, and beside one that repeats another's signature under this
 * charge's names. What is not said yes to is sent again, as often as Centrobill does.
 */
export const simNotices = (options: {
  readonly schedule: Schedule;
  readonly random: Random;
  readonly strikes: (name: FaultName) => boolean;
  readonly story: Story;
  readonly sha256: (text: string) => string;
  readonly table: NoticeTable;
  readonly wakeUp: (wakeUp: WakeUp) => void;
  /** the names of some charge that is open, for whoever forges: the worst of them would know them, too */
  readonly openNames: () =>
    | {
        readonly chargeId: string;
        readonly requestId: string;
        readonly amount: number;
        readonly currency: string;
      }
    | undefined;
  readonly onBelievedForgery: (chargeId: string) => void;
}): ((word: SimWord) => void) => {
  const { schedule, random, strikes, story, sha256, table } = options;
  const desks: Readonly<Record<GatewayName, NoticeDesk>> = {
    centrobill: centrobillNotices({ secrets: [secret], sha256, sameText: same }),
    centrapay: centrapayNotices({
      audience,
      sameText: same,
      verifyToken: async (token) => {
        const [head, claims, signature] = token.split(".");
        return signature === sha256(`${secret}.${head}.${claims}`)
          ? {
              kind: "verified",
              claims: JSON.parse(Buffer.from(claims ?? "", "base64url").toString()) as JsonObject,
            }
          : { kind: "refused", why: "wrong_signature" };
      },
    }),
  };
  const seen: Payment[] = [];

  const sign = (gateway: GatewayName, payload: JsonObject, by: string): Request => {
    const body = JSON.stringify(payload);
    if (gateway === "centrobill") {
      const { transactionId, status } = payload["payment"] as Payment;
      return { headers: { "x-signature": sha256(`${by}${transactionId}${status}`) }, body };
    }
    const head = base64({ alg: "ES256", kid: "k" });
    const exp = Math.floor(schedule.nowMs() / 1_000) + 300;
    const claims = base64({ aud: audience, exp: String(exp), request_body_sha256: sha256(body) });
    return { headers: { authorization: `${head}.${claims}.${sha256(`${by}.${head}.${claims}`)}` }, body };
  };

  const comes = async (gateway: GatewayName, { headers, body }: Request): Promise<number> => {
    const { status } = await receiveNotice(
      { headers, body, bodySha256: sha256(body), atMs: schedule.nowMs() },
      desks[gateway],
      {
        notices: {
          async keep(notice) {
            if (strikes("noticeUnkept")) throw new Error("not kept");
            table.keep(notice);
          },
        },
        wakeUps: {
          async send(wakeUp) {
            if (strikes("noticeUnkept")) throw new Error("not queued");
            options.wakeUp(wakeUp);
          },
        },
        log: { event() {}, metric() {} },
        recent: new Set(),
      },
    );
    return status;
  };

  const deliver = async (word: SimWord, tried = 0): Promise<void> => {
    const payload = word.write();
    const status = await comes(word.gateway, sign(word.gateway, payload, secret));
    story.tell(() => ({ who: word.gateway, what: `notifies: ${status}`, chargeId: word.chargeId }));
    if (status === 200 && word.gateway === "centrobill") seen.push(payload["payment"] as Payment);
    if (status === 503 && tried < triesMax)
      schedule.after(random.between(1_000, 600_000), () => void deliver(word, tried + 1));
  };
  const forge = async (word: SimWord): Promise<void> => {
    const status = await comes(word.gateway, sign(word.gateway, word.write(), "guessed"));
    if (status !== 401) options.onBelievedForgery(word.chargeId);
  };
  /** The signature of another's notice that has come, under the names of a charge that is open. */
  const steal = async (): Promise<void> => {
    const names = options.openNames();
    if (seen.length === 0 || names === undefined) return;
    const { transactionId, status } = random.pick(seen);
    const { chargeId, requestId, amount, currency } = names;
    const payment = { code: 0, action: "charge", mode: "settle", status, amount, currency, transactionId };
    await comes("centrobill", sign("centrobill", { payment, metadata: { chargeId, requestId } }, secret));
  };

  return (word) => {
    if (strikes("noticeStolen")) schedule.after(random.between(0, 60_000), () => void steal());
    if (!strikes("noticeComes")) return;
    const afterMs = strikes("noticeEarly")
      ? 0
      : strikes("noticeLate")
        ? random.between(60_000, 20_000_000)
        : random.between(50, 5_000);
    if (strikes("noticeForged")) schedule.after(afterMs, () => void forge(word));
    schedule.after(afterMs, () => void deliver(word));
    if (strikes("noticeTwice"))
      schedule.after(afterMs + random.between(0, 3_600_000), () => void deliver(word));
  };
};
