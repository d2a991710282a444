import { type NoticeSender, noticeManners, type OutgoingNotice } from "../notice-sender.ts";
import { centrapayClaims, createTokenKey } from "../notice-signing.ts";
import { type Activity, activityJson, type PaymentRequest } from "./book.ts";
import type { Scenario } from "./scenario.ts";

/** Where the sandbox's webhooks go, and what they are signed with. */
export interface CentrapayNotices {
  readonly sender: NoticeSender;
  /** Public halves, as the key set shows them. */
  readonly keys: readonly object[];
  readonly sign: (claims: object) => string;
  /** The base address that the merchant gave. */
  readonly audience: string;
}

/** A key of this run: nobody else can have it. */
export function createCentrapayNotices(sender: NoticeSender, audience: string): CentrapayNotices {
  const key = createTokenKey("sandbox-1");
  return { sender, keys: [key.jwk], sign: key.sign, audience };
}

/** Tells of one activity; without a scenario it is told as soon as it happened. */
export type Notify = (type: string, request: PaymentRequest, activity: Activity, scenario?: Scenario) => void;

/** Of what goes well every so many are told of. */
const plainEvery = 3;

export function notifier(notices: CentrapayNotices | undefined, now: () => number): Notify {
  if (notices === undefined) return () => {};
  let serial = 0;
  // Of the right shape, and of nobody's making.
  const stranger = createTokenKey("sandbox-1");
  return (type, request, activity, scenario) => {
    serial += 1;
    const isPlain =
      scenario !== undefined && scenario.calls.length === 0 && scenario.create.kind === "result";
    if (isPlain && serial % plainEvery !== 0) return;
    const createdAt = new Date(now()).toISOString();
    const id = `n-${activity.id}`;
    const made = (sign: (claims: object) => string): OutgoingNotice => {
      const data = activityJson(activity, request);
      const body = JSON.stringify({ id, type, data, accountId: "sandbox", test: true, createdAt });
      return {
        path: "/notices/centrapay",
        headers: { Authorization: sign(centrapayClaims(body, notices.audience, now())) },
        body,
      };
    };
    const manner = scenario === undefined ? "early" : noticeManners[serial % noticeManners.length];
    notices.sender.send(
      manner ?? "early",
      () => made(notices.sign),
      () => made((claims) => stranger.sign(claims)),
    );
  };
}
