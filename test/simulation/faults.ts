import type { Random } from "./random.ts";

/** Everything that the world may do to the pipeline. Each rate is a probability for each occasion. */
export const faultNames = [
  // queues
  "deliverTwice",
  "deliverLate",
  "deleteLost",
  "sendRefused",
  "sendAnswerLost",
  "visibilityLost",
  "messageAgainDaysLater",
  // workers
  "killBeforeEffect",
  "killAfterEffect",
  "freeze",
  // ledger
  "ledgerThrottled",
  "ledgerAnswerLost",
  // wire
  "connectionRefused",
  "requestLost",
  "answerLost",
  "answerLate",
  "requestStuck",
  // gateway
  "faultBefore",
  "faultAfterCapture",
  "badGateway",
  "rateLimited",
  "unreadableAnswer",
  "contradiction",
  "wrongAmount",
  "pending",
  "decline",
  "requestError",
  "commitLate",
  "sendsAtOnce",
  "noMetadataInFeed",
  // feed
  "feedFails",
  "feedCut",
  "feedLags",
  "feedGrowsWhilePaging",
  // pace
  "accountRate",
  "outage",
  "badCredential",
  // Centrapay alone
  "keyForgotten",
  "unconfirmed",
  "listSetsOff",
  "unlistedWord",
  // notices
  "noticeComes",
  "noticeEarly",
  "noticeLate",
  "noticeTwice",
  "noticeForged",
  "noticeStolen",
  "noticeUnkept",
  "givenBack",
  // how far clocks go wrong in a history: a share of what the policy allows between two of them
  "clockSkew",
] as const;
export type FaultName = (typeof faultNames)[number];

/** What of the world is switched on in one seed, and how often it strikes. */
export type Faults = Readonly<Record<FaultName, number>>;

export const noFaults: Faults = Object.fromEntries(faultNames.map((name) => [name, 0])) as Faults;

/** Faults that strike a gateway account for a while, at most once in a history: see `sim-trouble.ts`. */
export type TroubleName = Extract<FaultName, "accountRate" | "outage" | "badCredential">;

/** How often each fault may strike at the most: what happens at every effect must be rarer than what happens once. */
const highest: Readonly<Partial<Record<FaultName, number>>> = {
  killBeforeEffect: 0.03,
  killAfterEffect: 0.03,
  freeze: 0.02,
  ledgerThrottled: 0.1,
  ledgerAnswerLost: 0.05,
  decline: 0.5,
  pending: 0.2,
  requestStuck: 0.05,
  commitLate: 0.1,
  noMetadataInFeed: 0.05,
  wrongAmount: 0.05,
  messageAgainDaysLater: 0.1,
  accountRate: 0.5,
  outage: 0.5,
  badCredential: 0.5,
  unlistedWord: 0.05,
  noticeComes: 1,
  noticeEarly: 0.7,
  noticeLate: 0.7,
  noticeTwice: 0.7,
  noticeForged: 0.7,
  noticeStolen: 0.7,
  // All of what is allowed, in many of those histories that have it.
  clockSkew: 2,
};

/**
 * Swarm testing: each seed turns a random part of the faults on, at random rates, so that rare mixtures
 * occur which the average of all faults would never show.
 */
export const drawFaults = (random: Random, strength: number): Faults => {
  const share = random.fraction();
  return Object.fromEntries(
    faultNames.map((name) => {
      const on = random.chance(share);
      const rate = random.fraction() ** 2 * (highest[name] ?? 0.25) * strength;
      return [name, on ? Math.min(1, rate) : 0];
    }),
  ) as Faults;
};
