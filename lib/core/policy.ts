import { type GatewayName, gatewayNames } from "./charge.ts";
import { isJsonObject, type Json } from "./json.ts";
import { type RateLimit, turnsApartMs } from "./pace.ts";
import { type Region, regions } from "./retry-rules/sources.ts";
import { decidedByTwo, type ReviewDecision, reviewDecisions } from "./review-decision.ts";

/** What follows an absence certificate (S5) while the key life still runs. */
export type AfterAbsence = "resendWithinLife" | "review" | "newAttempt";

/**
 * The numbers a user may change: every wait, limit and horizon. All times are milliseconds.
 * The defaults are in `defaultPolicy`; the table in the README says what each is for.
 */
export type Policy = {
  /** wait before the same-id resend that follows a time-out */
  readonly resendDelayMs: number;
  /** same-id resends after a time-out */
  readonly resendsMax: number;
  /** wait before the first same-id resend after a documented gateway fault; it doubles */
  readonly faultResendDelayMs: number;
  /** same-id resends after a documented gateway fault */
  readonly faultResendsMax: number;
  /** how long a request id is taken to be recognised, from its first send (S3) */
  readonly requestIdLifeMs: number;
  /** how long an attempt belongs to one worker; `undefined`: derived from the gateway time-out */
  readonly leaseMs: number | undefined;
  /** when to look up an unknown, after its last send; used up → review (S6) */
  readonly lookupScheduleMs: readonly number[];
  /** how late a row may appear in the feed (S5) */
  readonly feedLagMs: number;
  /** allowance between our clock and the gateway's, on both ends of a feed window */
  readonly clockSkewMs: number;
  /** how long after the last send a look-up still searches for a charge that was processed late */
  readonly lateProcessingMs: number;
  readonly afterAbsence: AfterAbsence;
  /**
   * waits before later attempts of a retryable decline, each from the decline before; empty: none are made, and a
   * retryable decline is the merchant's to read
   */
  readonly retryScheduleMs: readonly number[];
  /** where the cards were issued or the acquirer is, as far as the networks' rules differ by it */
  readonly retryRegion: Region;
  /**
   * at whom attempts on an instrument are counted: `ledger`, one merchant for all charges of this ledger (the
   * stricter one); `gateway`, each gateway account is a merchant of its own
   */
  readonly budgetBy: "ledger" | "gateway";
  /** attempts a charge may have */
  readonly attemptsMax: number;
  /** charges at once at a gateway that answers badly: each worker goes down to this, and no further */
  readonly concurrencyMin: number;
  /** faults in a row, seen by one worker, that close a gateway account to all of them */
  readonly closeAfterFaults: number;
  /** refusals of the account itself in a row, seen by one worker, that close it to all of them */
  readonly closeAfterRefusals: number;
  /**
   * wait before the first look-up that may open a closed account, doubling up to 24 times as long;
   * `undefined`: two and a half times `resendDelayMs`
   */
  readonly probeDelayMs: number | undefined;
  /** requests that an account may make; a gateway that is not here has no limit that is known */
  readonly rateLimits: Readonly<Partial<Record<GatewayName, RateLimit>>>;
  /** decisions in review that hold only when another person has confirmed them */
  readonly secondPersonFor: readonly ReviewDecision[];
};

/**
 * Rates that a gateway documents for its own host (docs.centrapay.com/api/rate-limits: "200 requests per minute in
 * general"; Centrobill documents none). On another host they are kept from its first 429 on.
 */
export const documentedRates: Policy["rateLimits"] = { centrapay: { requests: 200, perMs: 60_000 } };

export const defaultPolicy: Policy = {
  resendDelayMs: 2_000,
  resendsMax: 1,
  faultResendDelayMs: 10_000,
  faultResendsMax: 3,
  // Undocumented at Centrobill (facts §1, "how long ids are kept": NOT FOUND), so short.
  requestIdLifeMs: 900_000,
  leaseMs: undefined,
  lookupScheduleMs: [
    60_000, 360_000, 480_000, 900_000, 1_800_000, 3_600_000, 10_800_000, 21_600_000, 43_200_000, 86_400_000,
  ],
  feedLagMs: 300_000,
  clockSkewMs: 120_000,
  lateProcessingMs: 3_600_000,
  afterAbsence: "resendWithinLife",
  retryScheduleMs: [86_400_000, 259_200_000, 432_000_000],
  retryRegion: "global",
  budgetBy: "ledger",
  attemptsMax: 4,
  concurrencyMin: 1,
  closeAfterFaults: 10,
  closeAfterRefusals: 3,
  probeDelayMs: undefined,
  rateLimits: documentedRates,
  secondPersonFor: decidedByTwo,
};

/** Whether retryable declines are tried again, or are the merchant's to read. */
export const retriesLater = ({ retryScheduleMs }: Pick<Policy, "retryScheduleMs">): boolean =>
  retryScheduleMs.length > 0;

/** The longest time-out of a request to a gateway that a user may ask for. */
export const gatewayTimeoutMaxMs = 120_000;

/**
 * How much later than it was opened an attempt may reach the network: it may be sent until its lease ends, and again
 * until its key life does, and two workers' clocks may differ.
 */
export const networkSlackMs = (policy: Policy): number =>
  Math.max(policy.requestIdLifeMs, leaseMsOf(policy, gatewayTimeoutMaxMs)) + policy.clockSkewMs;

/** How long an attempt belongs to one worker: long enough for every send and wait it may make, and 10 s. */
export const leaseMsOf = (policy: Policy, gatewayTimeoutMs: number): number =>
  policy.leaseMs ??
  gatewayTimeoutMs * (policy.resendsMax + 1) + policy.resendDelayMs * policy.resendsMax + 10_000;

/** The waits before look-ups that may open a closed account: the first, and the longest. */
export const probeDelaysOf = (
  policy: Pick<Policy, "probeDelayMs" | "resendDelayMs">,
): { readonly firstMs: number; readonly longestMs: number } => {
  // Runs with short waits have short ones here, too.
  const firstMs = policy.probeDelayMs ?? Math.max(100, policy.resendDelayMs * 2.5);
  return { firstMs, longestMs: firstMs * 24 };
};

/** Time that the writes around a send may take: two ledger writes at their deadline, and the route. */
export const writesMs = 6_000;

/** How long one attempt may take at the worst: every send at its time-out, the waits between, the writes. */
export const worstCaseMsOf = (policy: Policy, gatewayTimeoutMs: number): number =>
  gatewayTimeoutMs * (policy.resendsMax + 1) + policy.resendDelayMs * policy.resendsMax + writesMs;

/** How much later than it was sent a request may be met by the gateway, which may no longer know its id then. */
const onTheWayMs = 30_000;

/**
 * The last moment, by any worker's clock, at which a request id first sent at `firstSendAtMs` may be sent
 * again (S3). Two workers' clocks may differ by the clock skew, and a request may be on its way for a time-out: both
 * are kept back; of a life shorter than five times that, a fifth of it, or nothing could be sent again. Without a life
 * nothing is, by whatever clock.
 */
export const keyLifeEndMs = ({ requestIdLifeMs, clockSkewMs }: Policy, firstSendAtMs: number): number => {
  const kept = clockSkewMs + onTheWayMs;
  return (
    firstSendAtMs + requestIdLifeMs - (requestIdLifeMs === 0 ? kept : Math.min(kept, requestIdLifeMs / 5))
  );
};

type Parsed =
  | { readonly ok: true; readonly policy: Policy }
  | { readonly ok: false; readonly problems: string[] };

const dayMs = 86_400_000;

const isMs = (value: unknown, max: number): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= max;

const isSchedule = (value: unknown, maxMs: number): value is number[] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.length <= 50 &&
  value.every((wait, index) => isMs(wait, maxMs) && (index === 0 || wait > (value[index - 1] as number)));

const isFrom1 = (value: unknown, max: number): boolean => isMs(value, max) && value >= 1;

/**
 * Turns that stand further apart are not to be had within the waits of `paced-send`: a charge of several requests would
 * be begun and given back for ever.
 */
const turnsApartMaxMs = 5_000;

const isRateLimits = (value: unknown): boolean =>
  isJsonObject(value as Json) &&
  Object.entries(value as Record<string, unknown>).every(
    ([gateway, limit]) =>
      (gatewayNames as readonly string[]).includes(gateway) &&
      isJsonObject(limit as Json) &&
      Object.keys(limit as object).every((name) => name === "requests" || name === "perMs") &&
      isMs((limit as RateLimit).requests, 1e9) &&
      (limit as RateLimit).requests >= 2 &&
      isMs((limit as RateLimit).perMs, dayMs) &&
      (limit as RateLimit).perMs >= 100 &&
      turnsApartMs(limit as RateLimit) <= turnsApartMaxMs,
  );

const schedule = "a list of 1 to 50 rising whole numbers of milliseconds";
/** An unknown waits on its queue, and SQS forgets a message after 14 days. */
const lookupMaxMs = 12 * dayMs;

/** Between opening an attempt and sending it a write is waited for: what ends sooner would let nothing be sent. */
const sendableMs = 1_000;

/** Each number's check and what it must be, in words. A new member of `Policy` does not compile without one. */
const checks: { readonly [K in keyof Policy]: readonly [check: (value: unknown) => boolean, must: string] } =
  {
    resendDelayMs: [(v) => isMs(v, 600_000), "a whole number of milliseconds up to 600000"],
    resendsMax: [(v) => isMs(v, 5), "a whole number from 0 to 5"],
    faultResendDelayMs: [(v) => isMs(v, 3_600_000), "a whole number of milliseconds up to 3600000"],
    faultResendsMax: [(v) => isMs(v, 10), "a whole number from 0 to 10"],
    requestIdLifeMs: [(v) => isMs(v, 365 * dayMs), "a whole number of milliseconds"],
    leaseMs: [
      (v) => isMs(v, dayMs) && v >= sendableMs,
      `a whole number of milliseconds from ${sendableMs} to ${dayMs}`,
    ],
    lookupScheduleMs: [(v) => isSchedule(v, lookupMaxMs), `${schedule}, at most ${lookupMaxMs}`],
    feedLagMs: [(v) => isMs(v, 7 * dayMs), "a whole number of milliseconds"],
    clockSkewMs: [(v) => isMs(v, dayMs), "a whole number of milliseconds"],
    lateProcessingMs: [(v) => isMs(v, 7 * dayMs), "a whole number of milliseconds"],
    afterAbsence: [
      (v) => v === "resendWithinLife" || v === "review" || v === "newAttempt",
      '"resendWithinLife", "review" or "newAttempt"',
    ],
    retryScheduleMs: [
      (v) => Array.isArray(v) && v.length <= 50 && v.every((wait) => isMs(wait, 60 * dayMs)),
      `a list of up to 50 whole numbers of milliseconds, each at most ${60 * dayMs}`,
    ],
    retryRegion: [(v) => (regions as readonly unknown[]).includes(v), `one of ${regions.join(", ")}`],
    budgetBy: [(v) => v === "ledger" || v === "gateway", '"ledger" or "gateway"'],
    attemptsMax: [(v) => isFrom1(v, 20), "a whole number from 1 to 20"],
    concurrencyMin: [(v) => isFrom1(v, 1_000), "a whole number from 1 to 1000"],
    closeAfterFaults: [(v) => isFrom1(v, 1_000), "a whole number from 1 to 1000"],
    closeAfterRefusals: [(v) => isFrom1(v, 1_000), "a whole number from 1 to 1000"],
    probeDelayMs: [(v) => isFrom1(v, 3_600_000), "a whole number of milliseconds from 1 to 3600000"],
    rateLimits: [
      isRateLimits,
      `an object of ${gatewayNames.join(", ")} to {"requests": from 2, "perMs": from 100, at most 4850 for each two requests}`,
    ],
    secondPersonFor: [
      (v) =>
        Array.isArray(v) &&
        new Set(v).size === v.length &&
        v.every((one) => (reviewDecisions as readonly unknown[]).includes(one)),
      `a list of ${reviewDecisions.join(", ")}, each at most once`,
    ],
  };

/**
 * The default policy with a user's overrides. Each problem names the member and what it must be; an unknown
 * name is a problem (a typo must not be ignored where money is concerned).
 */
export const parsePolicy = (overrides: Json): Parsed => {
  if (!isJsonObject(overrides)) return { ok: false, problems: ["the policy must be a JSON object"] };
  const problems: string[] = [];
  for (const [name, value] of Object.entries(overrides)) {
    const check = Object.hasOwn(checks, name) ? checks[name as keyof Policy] : undefined;
    if (check === undefined) problems.push(`${name}: no such number in the policy`);
    else if (!check[0](value)) problems.push(`${name}: must be ${check[1]}`);
  }
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, policy: { ...defaultPolicy, ...(overrides as Partial<Policy>) } };
};
