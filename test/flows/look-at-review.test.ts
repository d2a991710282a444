import { describe, expect, test } from "vitest";
import { consumerMarks } from "../../lib/core/consumer-marks.ts";
import type { Feed, FeedRow } from "../../lib/core/feed.ts";
import type { Gateway } from "../../lib/core/gateway.ts";
import type { LookUp } from "../../lib/core/look-up.ts";
import { lookAtReview } from "../../lib/flows/look-at-review.ts";
import { aCharge, policyOf, review, row, stranger, t0 } from "../core/builders.ts";
import { manualClock } from "../doubles/manual-clock.ts";
import { memoryLedger } from "../doubles/memory-ledger.ts";
import { memoryQueues } from "../doubles/memory-queues.ts";
import { replied, type Scripted, scriptedWire, sha256Of, unanswered } from "../doubles/scripted-wire.ts";
import { testGateway, testWorker } from "../doubles/worker.ts";

const nowMs = t0 + 3_600_000;
const request = (name: string) =>
  ({ method: "GET", url: `https://feed.test/${name}`, headers: {}, body: undefined }) as never;
const nameOf = (url: string): string => url.split("/").at(-1) ?? "";

/** What is asked, and which rows come of it; a `Scripted` in their place is what the wire says. */
type Answers = Readonly<Record<string, readonly FeedRow[] | Scripted>>;

const look = async (
  answers: Answers,
  gatewayOf: (answer: (name: string) => readonly FeedRow[]) => Partial<Gateway>,
  {
    entry = review(),
    charge = aCharge(),
  }: { entry?: ReturnType<typeof review>; charge?: ReturnType<typeof aCharge> | null } = {},
) => {
  const clock = manualClock(nowMs);
  const asked: string[] = [];
  const wire = scriptedWire({
    clock,
    script(sent) {
      const name = nameOf(sent.url);
      asked.push(name);
      const answer = answers[name];
      return answer === undefined || Array.isArray(answer) ? replied(200, name) : (answer as Scripted);
    },
  });
  const rowsOf = (name: string): readonly FeedRow[] => {
    const answer = answers[name] ?? [];
    return Array.isArray(answer) ? answer : [];
  };
  const gateway = { ...testGateway(), ...gatewayOf(rowsOf) } as Gateway;
  const ledger = memoryLedger();
  const worker = {
    ...testWorker({ clock, wire, ledger, queues: memoryQueues() }),
    gateways: { centrobill: gateway },
  };
  const word = await lookAtReview(entry, charge ?? undefined, worker);
  expect(ledger.calls).toEqual([]);
  return { word, asked };
};

/** A feed of one page, and look-ups by id. */
const withFeed = (rowsOf: (name: string) => readonly FeedRow[]): Partial<Gateway> => {
  const feed: Feed = {
    firstCursor: 1,
    pagesMax: 2,
    pageRequest: () => request("page"),
    readPage: ({ body }) => ({ kind: "page", rows: rowsOf(body.replaceAll('"', "")), unreadRows: 0 }),
    idRequest: (id) => request("transactionId" in id ? `by-${id.transactionId}` : `by-order-${id.orderId}`),
  };
  return { feed };
};
const own = row("captured");

describe("a gateway with a feed", () => {
  test("shows its capture, with the hash of the row", async () => {
    const { word, asked } = await look({ page: [own] }, withFeed);
    expect(word).toMatchObject({ says: "captured", evidence: { transactionId: "tx-1" } });
    expect(word.says === "captured" && word.evidence.rowSha256).toMatch(/^[0-9a-f]{64}$/);
    expect(asked).toEqual(["page"]);
  });

  test("that could not be read says so, and nothing else", async () => {
    const { word } = await look({ page: unanswered() }, withFeed);
    expect(word).toEqual({ says: "not_asked", why: "failed", text: "sentUnanswered: timeout" });
  });

  test("whatever it says of a failure is shown in short", async () => {
    const long: Partial<Gateway> = {
      feed: {
        ...(withFeed(() => []).feed as Feed),
        readPage: () => ({ kind: "unreadable", why: "x".repeat(300) }),
      },
    };
    const { word } = await look({}, () => long);
    expect(word).toEqual({ says: "not_asked", why: "failed", text: "x".repeat(120) });
  });

  const known = { transactionId: "tx-1", orderId: "or-1" };
  // biome-ignore format: one row a line
  test.each<[string, object, Answers, asked: string[], says: string]>([
    ["the feed has it: nothing more is asked", { ids: known }, { page: [own] }, ["page"], "captured"],
    ["asked for by its transaction", { ids: known }, { "by-tx-1": [own] }, ["page", "by-tx-1"], "captured"],
    ["which is all that is known", { ids: { transactionId: "tx-1" } }, { "by-tx-1": [own] }, ["page", "by-tx-1"], "captured"],
    ["or by its order", { ids: { orderId: "or-1" } }, { "by-order-or-1": [own] }, ["page", "by-order-or-1"], "captured"],
    ["the ledger has no name of the gateway's", { ids: {} }, {}, ["page"], "nothing"],
    ["nor any ids", {}, {}, ["page"], "nothing"],
    ["a capture counts, though the feed could not be read", { ids: known }, { page: unanswered(), "by-tx-1": [own] }, ["page", "page", "by-tx-1"], "captured"],
    ["one that was refused does not: the rest may say otherwise", { ids: known }, { page: unanswered(), "by-tx-1": [row("refused")] }, ["page", "page", "by-tx-1"], "not_asked"],
    ["of an earlier attempt, too", { ids: known, requestId: "request-2", attempt: 2, earlierRequestIds: ["request-1"] }, { page: unanswered(), "by-tx-1": [own] }, ["page", "page", "by-tx-1"], "captured_otherwise"],
  ])("%s", async (_what, changes, answers, asked, says) => {
    const looked = await look(answers, withFeed, { entry: review(changes) });
    expect(looked.asked).toEqual(asked);
    expect(looked.word.says).toBe(says);
  });

  test("a row without our reference is recognised by the mark of who was charged", async () => {
    const marks = consumerMarks(["user-of-order-1"], sha256Of);
    const known = await look({ page: [stranger("captured")] }, withFeed, {
      entry: review({ consumerMarks: marks }),
    });
    expect(known.word.says).toBe("weak");
    const unknown = await look({ page: [stranger("captured")] }, withFeed);
    expect(unknown.word.says).toBe("nothing");
  });
});

describe("a gateway that is asked for one charge", () => {
  const withLookUp =
    (changes: Partial<LookUp> = {}) =>
    (rowsOf: (name: string) => readonly FeedRow[]): Partial<Gateway> => ({
      lookUpOf: () => ({
        requests: () => [request("one")],
        read: () => ({ kind: "rows", rows: rowsOf("one") }),
        maySetOff: () => false,
        ...changes,
      }),
    });

  test("shows its capture; no feed is asked", async () => {
    const { word, asked } = await look({ one: [own] }, withLookUp());
    expect(word.says).toBe("captured");
    expect(asked).toEqual(["one"]);
  });

  test("is not asked without the charge's own message", async () => {
    const { word, asked } = await look({ one: [own] }, withLookUp(), { charge: null });
    expect(word).toEqual({ says: "not_asked", why: "no_charge_message" });
    expect(asked).toEqual([]);
  });

  test("is not asked where asking may move money, with or without anything that was made first", async () => {
    const prepared = { id: "pr-1", madeAtMs: t0, expiresAtMs: t0 + 60_000 };
    for (const preparation of [undefined, { prepared }]) {
      const seen: unknown[] = [];
      const maySetOff: LookUp["maySetOff"] = (of, atMs) => {
        seen.push([of, atMs]);
        return true;
      };
      const entry = review(preparation === undefined ? {} : { preparation });
      const { word, asked } = await look({ one: [own] }, withLookUp({ maySetOff }), { entry });
      expect(word).toEqual({ says: "not_asked", why: "asking_moves_money" });
      expect(asked).toEqual([]);
      // By the gateway's clock it may be that much earlier.
      expect(seen).toEqual([[preparation?.prepared, nowMs - policyOf().clockSkewMs]]);
    }
  });

  test("nor where what was to be made first is not known", async () => {
    const preparation = { prepared: { id: "pr-1" } };
    const gatewayOf = (rowsOf: (name: string) => readonly FeedRow[]): Partial<Gateway> => ({
      ...withLookUp()(rowsOf),
      preparationOf: () => ({}) as never,
    });
    const text = "what was made for it at the gateway is not known";
    for (const entry of [review(), review({ preparation: {} })]) {
      const { word, asked } = await look({ one: [own] }, gatewayOf, { entry });
      expect(word).toEqual({ says: "not_asked", why: "failed", text });
      expect(asked).toEqual([]);
    }
    const known = await look({ one: [own] }, gatewayOf, { entry: review({ preparation } as never) });
    expect(known.word.says).toBe("captured");
  });

  test("nor where it has become so in the meantime", async () => {
    let asks = 0;
    const entry = review({ firstSendAtMs: nowMs - 1_000 });
    const { word, asked } = await look({}, withLookUp({ maySetOff: () => ++asks > 1 }), { entry });
    expect(word).toEqual({ says: "not_asked", why: "asking_moves_money" });
    expect(asked).toEqual([]);
  });

  test("what could not be read is said", async () => {
    const { word } = await look({}, withLookUp({ read: () => ({ kind: "unreadable", why: "no items" }) }));
    expect(word).toEqual({ says: "not_asked", why: "failed", text: "no items" });
  });
});

test("a gateway that has nothing to ask is not asked", async () => {
  const { word } = await look({}, () => ({ feed: undefined }));
  expect(word).toEqual({ says: "not_asked", why: "no_feed" });
});

test("nor is one that this desk has no credential for", async () => {
  const clock = manualClock(nowMs);
  const worker = testWorker({
    clock,
    wire: scriptedWire({ clock, script: [] }),
    ledger: memoryLedger(),
    queues: memoryQueues(),
  });
  const word = await lookAtReview(review({ gateway: "centrapay" }), aCharge(), worker);
  expect(word).toEqual({ says: "not_asked", why: "failed", text: "no credential for it here" });
});
