import type { Feed } from "../../../lib/core/feed.ts";
import type { Gateway } from "../../../lib/core/gateway.ts";
import { isJsonObject, type JsonObject, parseJson } from "../../../lib/core/json.ts";
import type { LedgerEntry } from "../../../lib/core/ledger.ts";
import type { Replied, Transport, WireRequest } from "../../../lib/core/transport.ts";
import type { Worker } from "../../../lib/ports.ts";
import type { Mutant } from "./mutant.ts";

type Heard = (transport: Transport, request: WireRequest) => Transport;

const withWire = (sound: Worker, heard: Heard): Worker => ({
  ...sound,
  wire: {
    send: async (request, limits) => heard(await sound.wire.send(request, limits), request),
  },
});

const onPayments =
  (heard: Heard): Heard =>
  (transport, request) =>
    request.method === "POST" ? heard(transport, request) : transport;

const withFeed = (sound: Worker, change: (feed: Feed) => Partial<Feed>): Worker => ({
  ...sound,
  gateways: Object.fromEntries(
    Object.entries(sound.gateways).map(([name, gateway]: [string, Gateway]) => [
      name,
      gateway.feed === undefined
        ? gateway
        : { ...gateway, feed: { ...gateway.feed, ...change(gateway.feed) } },
    ]),
  ),
});

const replied = (body: string, status = 201): Replied => ({
  kind: "replied",
  status,
  headers: {},
  body,
  bodySha256: "0".repeat(64),
});

/** The answer with other words in its payment. */
const withPayment = (transport: Transport, change: (payment: JsonObject) => JsonObject): Transport => {
  if (transport.kind !== "replied") return transport;
  const body = parseJson(transport.body);
  const payment = isJsonObject(body) ? body["payment"] : undefined;
  if (!isJsonObject(body) || !isJsonObject(payment)) return transport;
  return { ...transport, body: JSON.stringify({ ...body, payment: change(payment) }) };
};

const refusal = replied(JSON.stringify({ payment: { code: 5051, status: "fail", mode: "sale" } }));

/** A certificate needs a charge that was absent once more than it was looked for. */
const asIfLookedBefore = (entry: LedgerEntry): LedgerEntry =>
  entry.state === "unknown" && entry.absences.length === 0
    ? { ...entry, absences: [{ atMs: 0, fromMs: 0, toMs: 0, rows: 0 }] }
    : entry;

/** Mistakes in what an answer, or none, or a look into the feed is taken for. */
export const readingTheGateway: readonly Mutant[] = [
  {
    name: "time-out-means-decline",
    what: "no answer is called a decline",
    caughtBy: ["declinedMeansNotCaptured"],
    worker: (sound) =>
      withWire(
        sound,
        onPayments((transport) => (transport.kind === "sentUnanswered" ? refusal : transport)),
      ),
  },
  {
    name: "time-out-means-never-sent",
    what: "no answer is taken for a request that never left",
    caughtBy: [
      "noResendPastKeyLife",
      "noChargeTwice",
      "noSecondPaymentRequest",
      "everyChargeEnds",
      "declinedMeansNotCaptured",
      "ledgerAgreesWithGateway",
    ],
    worker: (sound) =>
      withWire(
        sound,
        onPayments((transport) =>
          transport.kind === "sentUnanswered" ? { kind: "neverSent", cause: "refused" } : transport,
        ),
      ),
  },
  {
    name: "fault-means-decline",
    what: "a 500 is called a decline",
    caughtBy: ["declinedMeansNotCaptured"],
    worker: (sound) =>
      withWire(
        sound,
        onPayments((transport) =>
          transport.kind === "replied" && transport.status >= 500 ? refusal : transport,
        ),
      ),
  },
  {
    name: "any-201-is-approved",
    what: "HTTP 201 is taken for an approval, whatever the body says",
    caughtBy: ["approvedMeansCaptured"],
    worker: (sound) =>
      withWire(
        sound,
        onPayments((transport) =>
          withPayment(transport, (payment) => ({ ...payment, code: 0, status: "success" })),
        ),
      ),
  },
  {
    name: "pending-means-approved",
    what: "code 0 is taken for an approval, though the status says pending",
    caughtBy: ["approvedMeansCaptured"],
    worker: (sound) =>
      withWire(
        sound,
        onPayments((transport) =>
          withPayment(transport, (payment) =>
            payment["status"] === "pending" ? { ...payment, status: "success" } : payment,
          ),
        ),
      ),
  },
  {
    name: "no-echo-check",
    what: "the amount that was taken is not compared with the amount that was asked",
    caughtBy: ["approvedMeansCaptured"],
    worker: (sound) =>
      withWire(
        sound,
        onPayments((transport, request) => {
          const asked = /"amount":([0-9.]+)/.exec(request.body ?? "")?.[1];
          return withPayment(transport, (payment) => ({ ...payment, amount: Number(asked) }));
        }),
      ),
  },
  {
    name: "one-not-found-is-absence",
    what: "a single search that finds nothing proves that nothing happened",
    caughtBy: ["noChargeTwice", "declinedMeansNotCaptured"],
    worker: (sound) => ({
      ...sound,
      policy: { ...sound.policy, afterAbsence: "newAttempt", feedLagMs: 0 },
      ledger: {
        ...sound.ledger,
        read: async (chargeIds) =>
          new Map(
            [...(await sound.ledger.read(chargeIds))].map(([id, entry]) => [id, asIfLookedBefore(entry)]),
          ),
      },
    }),
  },
  {
    name: "feed-lag-ignored",
    what: "searches count at once, though the feed shows rows minutes late",
    caughtBy: ["noChargeTwice", "declinedMeansNotCaptured"],
    worker: (sound) => ({
      ...sound,
      policy: {
        ...sound.policy,
        feedLagMs: 0,
        afterAbsence: "newAttempt",
        lookupScheduleMs: [10_000, 40_000, 60_000, 90_000, ...sound.policy.lookupScheduleMs.slice(1)],
      },
    }),
  },
  {
    name: "failed-feed-is-empty",
    what: "a feed that does not answer is taken for one without rows",
    caughtBy: ["noChargeTwice", "declinedMeansNotCaptured", "noSendWhileClosed"],
    worker: (sound) => ({
      ...withWire(sound, (transport, request) =>
        request.method === "GET" && (transport.kind !== "replied" || transport.status !== 200)
          ? replied('{"data":[],"meta":{"currentPage":1,"lastPage":1,"total":0}}', 200)
          : transport,
      ),
      policy: { ...sound.policy, afterAbsence: "newAttempt" },
    }),
  },
  {
    name: "window-too-short",
    what: "the feed is asked for the last minute before the search alone",
    caughtBy: ["noChargeTwice", "declinedMeansNotCaptured"],
    worker: (sound) => ({
      ...withFeed(sound, (feed) => ({
        pageRequest: ({ toMs }, cursor) => feed.pageRequest({ fromMs: toMs - 60_000, toMs }, cursor),
      })),
      policy: { ...sound.policy, afterAbsence: "newAttempt" },
    }),
  },
  {
    name: "first-rows-only",
    what: "only the first rows of a feed page are read",
    caughtBy: ["noChargeTwice", "declinedMeansNotCaptured"],
    worker: (sound) => ({
      ...withFeed(sound, (feed) => ({
        readPage(reply, cursor) {
          const page = feed.readPage(reply, cursor);
          return page.kind === "page" ? { ...page, rows: page.rows.slice(0, 1), total: 0 } : page;
        },
      })),
      policy: { ...sound.policy, afterAbsence: "newAttempt" },
    }),
  },
  {
    name: "resend-past-key-life",
    what: "a request id is taken to be known for ever",
    caughtBy: ["noResendPastKeyLife"],
    worker: (sound) => ({ ...sound, policy: { ...sound.policy, requestIdLifeMs: 30 * 86_400_000 } }),
  },
  {
    name: "zombie-sends",
    what: "a worker that wakes up sends what it was about to send, however late it is",
    caughtBy: ["sentOnlyUnderLease", "noResendPastKeyLife", "noChargeTwice"],
    worker: (sound) => ({
      ...sound,
      wire: { send: (request, { timeoutMs }) => sound.wire.send(request, { timeoutMs }) },
    }),
  },
];
