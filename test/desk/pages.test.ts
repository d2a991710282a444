import { describe, expect, test } from "vitest";
import { itemOfEntry, waitingOfKey } from "../../lib/adapters/ledger-item.ts";
import { chainProblems } from "../../lib/core/decision-chain.ts";
import type { HistoryEvent, ReviewEntry } from "../../lib/core/ledger.ts";
import { reviewReasons } from "../../lib/core/ledger.ts";
import type { NotedNotice } from "../../lib/core/notice.ts";
import { deadLetterNameOf, QUEUES } from "../../lib/core/queues.ts";
import { reviewDecisions } from "../../lib/core/review-decision.ts";
import { chargePage } from "../../lib/desk/charge-page.ts";
import { decisionPage } from "../../lib/desk/decision-page.ts";
import { keptIndex } from "../../lib/desk/kept-index.ts";
import { html } from "../../lib/desk/markup.ts";
import { moneyPage } from "../../lib/desk/money-page.ts";
import { deskHeaders, plainPage } from "../../lib/desk/page.ts";
import { queuesPage } from "../../lib/desk/queues-page.ts";
import { decisionWords, reasonWords } from "../../lib/desk/review-words.ts";
import type { DeskResponse } from "../../lib/desk/site.ts";
import { waitingRow } from "../../lib/desk/waiting-row.ts";
import { worklistPage } from "../../lib/desk/worklist-page.ts";
import type { ReadingPace, WaitingReview } from "../../lib/ports.ts";
import { final, review, t0 } from "../core/builders.ts";
import { chargeMessage, chargeOf } from "../doubles/samples.ts";
import { pays, paysUnheard, swallows } from "../doubles/scripted-bank.ts";
import { sha256Of } from "../doubles/scripted-wire.ts";
import { testGateway } from "../doubles/worker.ts";
import { type Stage, type StageOptions, stage } from "../flows/stage.ts";
import { formOf, freshMs, get, keptMs, post, siteOn, textOf } from "./site-on.ts";

const message = chargeMessage("order-1");
const charges = [chargeOf(message)];

/** `order-1` in review, certified absent; a new attempt would be taken. */
const inReview = async (options: StageOptions = {}): Promise<Stage> => {
  const on = stage({ bank: () => swallows, policy: { afterAbsence: "review" }, ...options });
  on.send(message);
  await on.run();
  expect(on.entry()?.state).toBe("review");
  return on;
};

describe("a worklist", () => {
  const one = (n: number, more: Partial<WaitingReview> = {}): WaitingReview => ({
    chargeId: `order-${n}` as WaitingReview["chargeId"],
    gateway: "centrobill",
    reason: "mismatch",
    sinceMs: t0 - 3_600_000,
    amount: String(100 * n),
    currency: "EUR",
    ...more,
  });
  const rows = Array.from({ length: 120 }, (_, n) => one(n + 1));
  const page = (
    query: string,
    of: readonly WaitingReview[] = rows,
    unreadable: readonly string[] = [],
  ): DeskResponse => worklistPage({ rows: of, unreadable, atMs: t0 }, new URLSearchParams(query), "Ann", t0);
  const idsOn = ({ body }: DeskResponse): string[] =>
    [...body.matchAll(/charge\?id=([^"]+)"/g)].map(([, id]) => id ?? "");

  test("is sorted by money times age, and cut into pages", () => {
    expect(idsOn(page(""))).toHaveLength(50);
    expect(idsOn(page(""))[0]).toBe("order-120");
    expect(idsOn(page("page=3"))).toEqual(Array.from({ length: 20 }, (_, n) => `order-${20 - n}`));
    expect(textOf(page("page=2"))).toContain("Page 2 of 3");
    expect(textOf(page(""))).toContain("120 wait: 72.60 EUR".replace("72.60", "7260.00"));
  });

  test.each([
    ["reason=mismatch", 3, "the reason"],
    ["reason=absent", 1, "another one"],
    ["gateway=centrapay", 1, "the gateway"],
    ["older-than=1d", 1, "age"],
    ["min-money=1.50", 3, "money, in major units"],
    ["reason=absent&gateway=centrapay", 0, "both at once"],
    ["reason=&gateway=&older-than=&min-money=", 4, "an empty form filters nothing"],
  ] as const)("filtered by %s has %i: %s", (query: string, count: number, _why: string) => {
    const some = [
      one(1),
      one(2, { reason: "absent" }),
      one(3, { gateway: "centrapay" }),
      one(4, { sinceMs: t0 - 90_000_000 }),
    ];
    expect(idsOn(page(query, some))).toHaveLength(count);
  });

  test("keeps its filter from page to page", () => {
    const [, next = ""] = /rel="next" href="([^"]+)"/.exec(page("reason=mismatch&min-money=0.5").body) ?? [];
    expect(next.replaceAll("&#38;", "&")).toBe("./?reason=mismatch&min-money=0.5&page=2");
  });

  test.each(["page=0", "page=999", "page=-1", "page=x", "page=1e9", "page="])(
    "a page that is not there is the nearest one: %s",
    (query) => {
      expect(page(query).status).toBe(200);
      expect(idsOn(page(query)).length).toBeGreaterThan(0);
    },
  );

  test("what cannot be used as a filter is said, and never in silence", () => {
    const text = textOf(page("reason=sad&gateway=bank&older-than=6&min-money=1e3"));
    for (const words of [
      "sad: no such reason",
      "bank: no such gateway",
      "6: must be a number",
      "1e3: must be",
    ])
      expect(text).toContain(words);
  });

  test("nothing waits: said", () => {
    expect(textOf(page("", []))).toContain("Nothing waits for a person.");
  });

  test("what cannot be read is said, with its place, whatever else is shown", () => {
    expect(textOf(page("", rows, ["desk#3: v9 order-7"]))).toContain(
      "120 wait: 7260.00 EUR 1 more cannot be read, and is not in these sums: desk#3: v9 order-7",
    );
    const none = textOf(
      page(
        "",
        [],
        Array.from({ length: 12 }, (_, n) => `desk#${n}: <b>`),
      ),
    );
    expect(none).toContain(
      "Nothing that can be read waits for a person. 12 more cannot be read, and are not",
    );
    expect(none).toContain("desk#9: <b> and 2 more");
    expect(none).not.toContain("desk#10");
  });

  test("a proposal is seen in the list", () => {
    expect(textOf(page("", [one(1, { mark: { e: "proposed", decision: "resend" } })]))).toContain(
      "resend proposed",
    );
  });
});

describe("the list in memory", () => {
  const row = (chargeId: string, more: Partial<WaitingReview> = {}): WaitingReview => ({
    chargeId: chargeId as WaitingReview["chargeId"],
    gateway: "centrobill",
    reason: "absent",
    sinceMs: t0,
    amount: "1",
    currency: "EUR",
    ...more,
  });
  /** An index that answers when it is told to, and a clock that stands. */
  const kept = (unreadable: readonly string[] = []) => {
    const time = { nowMs: 0 };
    const asked: {
      answer(rows: readonly WaitingReview[]): void;
      fail(): void;
      readonly pace: ReadingPace | undefined;
    }[] = [];
    const index = keptIndex(
      {
        waiting: (_, pace) =>
          new Promise((resolve, reject) => {
            asked.push({
              answer: (rows) => resolve({ rows, unreadable }),
              fail: () => reject(new Error("no answer")),
              pace,
            });
          }),
      },
      { nowMs: () => time.nowMs },
      freshMs,
      keptMs,
    );
    const read = async (rows: readonly WaitingReview[]): Promise<void> => {
      const all = index.waiting();
      asked.at(-1)?.answer(rows);
      await all;
    };
    const ids = async () => (await index.waiting()).rows.map(({ chargeId }) => chargeId).sort();
    return { time, asked, index, read, ids };
  };

  test("is read once for those who ask at once, and given again while it is fresh", async () => {
    const { time, asked, index, ids } = kept();
    const both = Promise.all([index.waiting(), index.waiting()]);
    asked[0]?.answer([row("a")]);
    expect((await both).map(({ rows }) => rows.length)).toEqual([1, 1]);
    time.nowMs = freshMs - 1;
    expect(await ids()).toEqual(["a"]);
    expect(asked).toHaveLength(1);
  });

  test("names what could not be read for as long as it is kept", async () => {
    const { index, read } = kept(["desk#1: v9"]);
    await read([row("a")]);
    index.changed("a" as never, undefined);
    expect(await index.waiting()).toMatchObject({ rows: [], unreadable: ["desk#1: v9"] });
  });

  test("older: given again and read anew meanwhile, once", async () => {
    const { time, asked, read, ids } = kept();
    await read([row("a")]);
    time.nowMs = freshMs;
    expect(await ids()).toEqual(["a"]);
    expect(await ids()).toEqual(["a"]);
    expect(asked).toHaveLength(2);
    asked[1]?.answer([row("b")]);
    await expect.poll(ids).toEqual(["b"]);
  });

  test("too old, or of a clock that went back: waited for", async () => {
    const { time, asked, index, read } = kept();
    await read([row("a")]);
    for (const nowMs of [keptMs, -keptMs]) {
      time.nowMs = nowMs;
      const next = index.waiting();
      asked.at(-1)?.answer([row("b")]);
      expect(await next).toEqual({ rows: [row("b")], unreadable: [], atMs: nowMs });
    }
  });

  test("is read without hurry while there is one to be shown, and in a hurry where somebody waits", async () => {
    const { time, asked, index, read } = kept();
    await read([row("a")]);
    time.nowMs = freshMs;
    await index.waiting();
    asked[1]?.answer([]);
    await expect.poll(async () => (await index.waiting()).rows).toEqual([]);
    time.nowMs = freshMs + keptMs;
    await read([]);
    expect(asked.map(({ pace }) => pace?.isUnhurried)).toEqual([false, true, false]);
  });

  test.each<[ageMs: number, readings: number, reason: string]>([
    [keptMs / 2 - 1, 1, "not yet"],
    [keptMs / 2, 2, "it is at hand when somebody comes back to it"],
    [keptMs, 1, "too old to be shown: whoever wants it will wait for it"],
  ])("%i ms after it was read a charge is opened: %i readings (%s)", async (atMs, readings) => {
    const { time, asked, index, read, ids } = kept();
    await read([row("a")]);
    time.nowMs = atMs;
    expect(await index.first(async () => "opened")).toBe("opened");
    expect(asked).toHaveLength(readings);
    asked[1]?.fail();
    if (atMs < keptMs) expect(await ids()).toEqual(["a"]);
  });

  test("its next page waits for what is asked for at that moment, however that ends, and for nothing later", async () => {
    const { asked, index } = kept();
    const all = index.waiting();
    const pace = asked[0]?.pace;
    await pace?.turn();
    const opened: (() => void)[] = [];
    const open = (fails: boolean) =>
      index.first(
        () =>
          new Promise<string>((resolve, reject) => {
            opened.push(() => (fails ? reject(new Error("no answer")) : resolve("opened")));
          }),
      );
    const [one, other] = [open(false), open(true)];
    let isTurn = false;
    const turn = pace?.turn().then(() => {
      isTurn = true;
    });
    const later = open(false);
    opened[0]?.();
    expect(await one).toBe("opened");
    await new Promise((resolve) => setImmediate(resolve));
    expect(isTurn).toBe(false);
    opened[1]?.();
    await expect(other).rejects.toThrow("no answer");
    await turn;
    opened[2]?.();
    await later;
    await pace?.turn();
    asked[0]?.answer([]);
    await all;
  });

  test("a reading that fails is nobody's: who waits for it is told, and the next one reads again", async () => {
    const { asked, index, read, ids } = kept();
    const first = index.waiting();
    asked[0]?.fail();
    await expect(first).rejects.toThrow("no answer");
    await read([row("a")]);
    expect(await ids()).toEqual(["a"]);
  });

  test("what was decided is seen at once, and stays so in a reading that cannot have it yet", async () => {
    const { time, asked, index, read, ids } = kept();
    await read([row("a"), row("b")]);
    const proposed = row("b", { mark: { e: "proposed", decision: "drop" } });
    index.changed("a" as never, undefined);
    index.changed("b" as never, proposed);
    expect((await index.waiting()).rows).toEqual([proposed]);
    time.nowMs = freshMs;
    await ids();
    asked[1]?.answer([row("a"), row("b")]);
    await expect.poll(async () => (await index.waiting()).atMs).toBe(freshMs);
    expect((await index.waiting()).rows).toEqual([proposed]);
    time.nowMs = 3 * freshMs;
    await ids();
    asked[2]?.answer([row("a")]);
    await expect.poll(ids).toEqual(["a"]);
  });

  test("a row made of an entry is the row that the index has of it", () => {
    const proposal = {
      e: "proposed",
      at: t0,
      decision: "drop",
      by: "Ann",
      reason: "so",
      saw: "",
      on: "t",
      hash: "h",
    };
    for (const entry of [
      review(),
      review({ droppedAtMs: t0 }),
      review({ history: [...review().history, proposal as HistoryEvent] }),
      final(),
    ])
      expect(waitingRow(entry)).toEqual(waitingOfKey(itemOfEntry(entry)["deskAt"]?.S ?? ""));
    expect(waitingRow(undefined)).toBeUndefined();
  });
});

describe("a charge's page", () => {
  test("has its facts, its whole story in order, and a form for every decision", async () => {
    const site = siteOn(await inReview(), { charges });
    const page = await get(site, "charge?id=order-1");
    const text = textOf(page);
    for (const words of [
      "19.99 EUR",
      "absent",
      "attempt 1 opened",
      "Sent, no answer",
      "Look-up",
      "recorded: review",
    ])
      expect(text).toContain(words);
    for (const decision of reviewDecisions) expect(page.body).toContain(`value="${decision}"`);
    const times = [...page.body.matchAll(/<li class="[^"]*"><p><b>[^<]*<\/b><time datetime="([^"]+)"/g)].map(
      ([, at]) => at ?? "",
    );
    expect(times.length).toBeGreaterThan(4);
    expect(times).toEqual([...times].sort());
  });

  test("asks the gateway only when it is shown, or where that is asked for", async () => {
    const on = await inReview();
    const site = siteOn(on, { charges });
    const before = on.wire.sent.length;
    await get(site, "charge?id=order-1");
    expect(on.wire.sent).toHaveLength(before);
    expect(textOf(await get(site, "charge?id=order-1&ask=1"))).toContain("absent by 3 searches");
    const word = await get(site, "word?id=order-1");
    expect(word).toMatchObject({
      body: "absent by 3 searches",
      headers: { "Content-Type": "text/plain; charset=utf-8" },
    });
    expect(on.wire.posts()).toHaveLength(2);
  });

  test("a charge that has ended has its story, and no form", async () => {
    const on = stage({ bank: () => pays() });
    on.send(message);
    await on.run();
    const page = await get(siteOn(on), "charge?id=order-1");
    expect(textOf(page)).toContain("It is approved: only what is in review is decided.");
    expect(page.body).not.toContain("<fieldset");
  });

  test.each([
    ["charge?id=none", 404, "No such charge"],
    ["charge?id=no/id", 400, "No charge id"],
    ["charge", 400, "No charge id"],
    ["word?id=none", 404, "No such charge"],
    ["decide", 405, "for POST alone"],
    ["constructor", 404, "no such page"],
    ["__proto__", 404, "no such page"],
    ["charge/", 404, "no such page"],
    ["../etc/passwd", 404, "no such page"],
  ])("%s: %i, %s", async (address, status, words) => {
    const page = await get(siteOn(stage()), address);
    expect(page.status).toBe(status);
    expect(textOf(page)).toContain(words);
  });

  test("a form goes to the page of decisions alone", async () => {
    const page = await post(siteOn(stage()), "charge", { id: "order-1" });
    expect(page).toMatchObject({ status: 405, headers: { Allow: "GET" } });
  });
});

describe("deciding", () => {
  const say = "Say what would happen";
  const dryRun = async (
    site: ReturnType<typeof siteOn>,
    typed: Readonly<Record<string, string>>,
    person = "Ann",
  ): Promise<DeskResponse> =>
    post(site, "decide", formOf(await get(site, "charge?id=order-1", person), say, typed), person);

  test("a dry run says exactly what would be sent and why, and does nothing", async () => {
    const on = await inReview();
    const site = siteOn(on, { charges });
    const before = on.entry();
    const page = await dryRun(site, { decision: "new-attempt", reason: "certified" });
    expect(textOf(page)).toContain("It would send 19.99 EUR as attempt 2, under a new request id.");
    expect(textOf(page)).toContain("another person has to confirm it");
    expect(on.entry()).toEqual(before);
    expect(on.waiting("charges")).toEqual([]);
  });

  test("proposed by one and confirmed by another: it is carried out, and the chain is whole", async () => {
    const on = await inReview();
    const site = siteOn(on, { charges });
    const dry = await dryRun(site, { decision: "new-attempt", reason: "certified" });
    const proposed = await post(site, "decide", formOf(dry, "Propose this"));
    expect(proposed).toMatchObject({ status: 303, headers: { Location: "charge?id=order-1&made=1" } });
    expect(textOf(await get(site, "charge?id=order-1&made=1"))).toContain(
      "Proposed, for another person to confirm: new-attempt by Ann",
    );
    const own = await get(site, "charge?id=order-1");
    expect(textOf(own)).toContain("You proposed new-attempt: another person has to confirm it.");
    expect(textOf(await get(site, ""))).toContain("new-attempt proposed");

    const bos = await get(site, "charge?id=order-1", "Bo");
    expect(textOf(bos)).toContain("Confirm new-attempt?");
    const [confirm = ""] = /<form[^>]*class="told".*?<\/form>/s.exec(bos.body) ?? [];
    const seen = await post(
      site,
      "decide",
      formOf({ ...bos, body: confirm }, say, { reason: "looked, too" }),
      "Bo",
    );
    expect(textOf(seen)).toContain("Ann: certified");
    const decided = await post(site, "decide", formOf(seen, "Confirm what Ann proposed"), "Bo");
    expect(decided.status).toBe(303);
    expect(on.entry()).toMatchObject({ state: "waiting", attempt: 2 });
    expect(on.waiting("charges")).toHaveLength(1);
    const entry = on.entry();
    expect(entry === undefined ? [] : chainProblems(entry, sha256Of)).toEqual([]);
  });

  test("refused: the rule and why; other terms may be tried at once", async () => {
    const on = await inReview({ gateway: testGateway({ feed: false }) });
    const site = siteOn(on, { charges });
    const page = await dryRun(site, { decision: "settle-as-approved", reason: "I think so" });
    expect(textOf(page)).toContain("Refused (S4)");
    expect(textOf(page)).toContain("(Evidence, below)");
    expect(formOf(page, say)).toMatchObject({ id: "order-1", step: "dry" });
    const forced = await post(site, "decide", {
      ...formOf(page, say),
      decision: "settle-as-approved",
      reason: "so",
      step: "go",
    });
    expect(forced.status).toBe(409);
    expect(on.entry()?.state).toBe("review");
  });

  test("without a reason, or with a card number: nothing is asked, nothing is shown again", async () => {
    const on = await inReview();
    const site = siteOn(on, { charges });
    const asked = on.wire.sent.length;
    const none = await dryRun(site, { decision: "drop", reason: " " });
    expect(none.status).toBe(422);
    expect(textOf(none)).toContain("Reason: must be 1 to 500 characters");
    expect(none.body).toMatch(/value="drop"[^>]* checked/);
    const card = await dryRun(site, { decision: "drop", reason: "4111 1111 1111 1111" });
    expect(textOf(card)).toContain("Reason: must not hold a card number");
    expect(card.body).not.toContain("4111");
    const other = await dryRun(site, { decision: "pay-it", reason: "so" });
    expect(textOf(other)).toContain("Decision: choose one");
    expect(on.wire.sent).toHaveLength(asked);
  });

  test.each([
    ["without the version that was seen", { on: "" }],
    ["without a step", { step: "" }],
    ["with another step", { step: "now" }],
  ])("%s nothing is done", async (_, changed) => {
    const on = await inReview();
    const site = siteOn(on, { charges });
    const before = on.entry();
    const form = formOf(await get(site, "charge?id=order-1"), say, { decision: "drop", reason: "so" });
    expect((await post(site, "decide", { ...form, ...changed })).status).toBe(400);
    expect(on.entry()).toEqual(before);
  });

  test("on a version that is gone: refused, and the charge has to be looked at again", async () => {
    const on = await inReview();
    const site = siteOn(on, { charges });
    const dry = await dryRun(site, { decision: "settle-as-declined", reason: "absent" });
    await post(
      site,
      "decide",
      formOf(await dryRun(site, { decision: "drop", reason: "enough" }, "Bo"), "Decide this"),
      "Bo",
    );
    const late = await post(site, "decide", formOf(dry, "Propose this"));
    expect(late.status).toBe(409);
    expect(textOf(late)).toContain("Refused (version)");
    expect(late.body).not.toContain("<fieldset");
  });

  test("the same form sent twice decides once", async () => {
    const on = await inReview();
    const site = siteOn(on, { charges });
    const form = formOf(await dryRun(site, { decision: "drop", reason: "enough" }), "Decide this");
    const both = [await post(site, "decide", form), await post(site, "decide", form)];
    expect(both.map(({ status }) => status)).toEqual([303, 200]);
    expect(textOf(both[1] as DeskResponse)).toContain("Nothing to do: ".replace(": ", ""));
    expect(on.entry()?.history.filter(({ e }) => e === "decided")).toHaveLength(1);
  });

  test("a message that is not at hand sends nothing, and the page says where it would come from", async () => {
    const site = siteOn(await inReview());
    const page = await dryRun(site, { decision: "new-attempt", reason: "certified" });
    expect(textOf(page)).toContain("Refused (S12)");
    expect(textOf(page)).toContain("start the desk with --charge FILE");
  });

  test("a gateway that shows a capture settles by one person, on its own row", async () => {
    const on = await inReview({
      bank: (_, nth) => (nth === 1 ? paysUnheard({ madeAfterMs: 600_000 }) : swallows),
    });
    const site = siteOn(on, { charges });
    on.clock.set(on.clock.nowMs() + 3_600_000);
    const dry = await dryRun(site, { decision: "settle-as-approved", reason: "the feed has it" });
    expect(textOf(dry)).toContain("It would record approved on the evidence feed_row");
    expect((await post(site, "decide", formOf(dry, "Decide this"))).status).toBe(303);
    expect(on.entry()).toMatchObject({ state: "approved", evidence: { kind: "feed_row" } });
  });

  test("a ledger that fails says neither yes nor no, and no more than that", async () => {
    const on = await inReview();
    const site = siteOn(on, { charges });
    const form = formOf(await dryRun(site, { decision: "drop", reason: "enough" }), "Decide this");
    const failing = { ...site, recordOf: () => Promise.reject(new Error("secret of the inside")) };
    const page = await post(failing, "decide", form);
    expect(page.status).toBe(503);
    expect(textOf(page)).toContain("may have been written or not");
    expect(page.body).not.toContain("secret of the inside");
    expect(site.troubles).toHaveLength(1);
  });
});

describe("money and queues", () => {
  test("money by state, age and currency; what was not read is said", () => {
    const page = moneyPage(
      { entries: [review()], notRead: 7 },
      {
        rows: [
          {
            chargeId: "a" as WaitingReview["chargeId"],
            gateway: "centrobill",
            reason: "absent",
            sinceMs: t0 - 90_000_000,
            amount: "1500",
            currency: "KWD",
          },
        ],
        unreadable: ["desk#1: v9 b"],
      },
      "Ann",
      t0,
    );
    expect(textOf(page)).toContain("over 1 day 1 1.500 KWD");
    expect(textOf(page)).toContain("7 more charges");
    expect(textOf(page)).toContain("1 more cannot be read, and is not in these sums: desk#1: v9 b");
  });

  test("every queue and dead-letter queue; one that did not answer says so; dead letters are pointed at", () => {
    const names = [...QUEUES.map(({ name }) => name), deadLetterNameOf("charges")];
    const page = queuesPage(
      names.map((queue) =>
        queue === "review" ? { queue } : { queue, visible: queue === "charges-dlq" ? 3 : 0, hidden: 1 },
      ),
      "Ann",
      t0,
    );
    for (const name of names) expect(page.body).toContain(`>${name}<`);
    expect(textOf(page)).toContain("review not told not told");
    expect(textOf(page)).toContain("chargeonce review redrive charges-dlq");
  });
});

describe("what a page may hold", () => {
  const hostile = `"><img src=x onerror="window.pwned=1"><script>window.pwned=1</script></title></style>'\`&amp;\u202e\u0000`;
  const clean = (page: DeskResponse): void => {
    expect(page.body).not.toContain("<img");
    expect(page.body.match(/<script>/g)).toHaveLength(1);
    expect(page.body.match(/<style>/g)).toHaveLength(1);
    // No tag of ours has a handler, a style of its own, or an address elsewhere.
    const tags = (page.body.match(/<[^>]*>/g) ?? []).map((tag) => tag.replace(/"[^"]*"/g, '""')).join("\n");
    expect(tags).not.toMatch(/\s(on\w+|style|srcdoc)=/);
    expect(page.body).not.toMatch(
      /(href|action|src|data-from)="(?!\.\/|charge\?|word\?|decide|money|queues|charge"|#)/,
    );
    expect(page.body).not.toMatch(/[^\P{C}\n]/u);
    expect(page.body).toContain("&#60;img");
  };
  const events: readonly HistoryEvent[] = [
    { e: "opened", at: t0, attempt: 1, requestId: hostile as never },
    { e: "replied", at: t0, ms: 1, status: 200, code: hostile, sha256: hostile, excerpt: hostile },
    { e: "unanswered", at: t0, ms: 1, cause: hostile as never },
    { e: "never_sent", at: t0, cause: hostile as never },
    { e: "lookup_failed", at: t0, why: hostile },
    { e: "prepared", at: t0, id: hostile },
    { e: "prepare_failed", at: t0, why: hostile },
    { e: "voided", at: t0, status: hostile },
    { e: "notice", at: t0, id: hostile, words: hostile },
    { e: "recorded", at: t0, state: "review", route: hostile },
    {
      e: "proposed",
      at: t0,
      decision: "drop",
      by: hostile,
      reason: hostile,
      stated: hostile,
      transactionId: hostile,
      amount: hostile,
      saw: hostile,
      on: hostile as never,
      confirms: hostile,
      hash: hostile,
    },
  ];
  const entry = review({
    currency: hostile,
    token: hostile as never,
    requestId: hostile as never,
    instrumentRef: hostile,
    instrumentNetwork: hostile,
    ids: { transactionId: hostile, orderId: hostile },
    ending: { category: hostile as never, code: hostile, networkCode: hostile, description: hostile },
    mismatch: { field: hostile as never, asked: hostile, got: hostile },
    evidence: { kind: "feed_row", atMs: t0, code: hostile, rowSha256: hostile, transactionId: hostile },
    history: events,
  }) as ReviewEntry;
  const notice = {
    v: 1,
    id: hostile,
    chargeId: entry.chargeId,
    gateway: "centrobill",
    atMs: t0,
    attempt: 1,
    requestId: hostile,
    state: "review",
    reason: hostile,
    words: hostile,
    mismatch: { field: hostile, asked: hostile, got: hostile },
    evidence: { kind: "notice", atMs: t0, id: hostile, bodySha256: hostile },
  } as unknown as NotedNotice;
  const record = {
    entry,
    notices: [notice],
    rejections: [
      {
        v: 1 as const,
        bodySha256: hostile,
        code: hostile as never,
        problems: [{ field: hostile, must: hostile }],
        atMs: t0,
      },
    ],
  };
  const wish = {
    decision: "drop" as const,
    by: hostile,
    reason: hostile,
    stated: hostile,
    transactionId: hostile,
    amount: hostile,
  };
  const row = {
    chargeId: hostile as never,
    gateway: hostile as never,
    reason: hostile as never,
    sinceMs: t0,
    amount: "1",
    currency: hostile,
    mark: { e: hostile as never, decision: hostile as never },
  };
  const shown = {
    entry,
    notices: [notice],
    word: { says: "not_asked", why: "failed", text: hostile } as const,
    lost: false,
  };

  const pages: Readonly<Record<string, () => DeskResponse>> = {
    "a charge, with every field that a gateway, a message or a person fills": () =>
      chargePage({
        record,
        person: hostile,
        formToken: hostile,
        nowMs: t0,
        made: true,
        problems: [hostile],
        typed: {
          decision: hostile,
          reason: hostile,
          stated: hostile,
          transactionId: hostile,
          amount: hostile,
        },
        word: {
          says: "captured_otherwise",
          reason: hostile as never,
          rows: [{ kind: "feed_row", atMs: 1, rowSha256: "", transactionId: hostile }],
        },
      }),
    "a worklist": () =>
      worklistPage(
        { rows: [row], unreadable: [hostile], atMs: t0 },
        new URLSearchParams({
          reason: hostile,
          gateway: hostile,
          "older-than": hostile,
          "min-money": hostile,
          page: hostile,
        }),
        hostile,
        t0,
      ),
    money: () =>
      moneyPage({ entries: [entry], notRead: 0 }, { rows: [row], unreadable: [hostile] }, hostile, t0),
    queues: () => queuesPage([{ queue: hostile }], hostile, t0),
    "a dry run": () =>
      decisionPage(
        {
          ...shown,
          verdict: {
            kind: "decides",
            effect: { kind: "refund", refund: { gateway: "centrobill", transactionId: hostile } },
            why: hostile,
            confirms: events.at(-1) as never,
          },
        },
        wish,
        true,
        hostile,
        hostile,
      ),
    "a refusal": () =>
      decisionPage(
        { ...shown, verdict: { kind: "refused", rule: "S1", why: hostile } },
        wish,
        true,
        hostile,
        hostile,
      ),
    "a repeat": () =>
      decisionPage(
        { ...shown, verdict: { kind: "already", event: events.at(-1) as never, why: hostile } },
        wish,
        false,
        hostile,
        hostile,
      ),
    "a plain page": () => plainPage(404, hostile, hostile, hostile),
  };
  test.each(Object.keys(pages))("%s: nothing of it is markup", (name) =>
    clean(pages[name]?.() as DeskResponse),
  );

  test("the gateway's word alone is plain text", async () => {
    const on = await inReview();
    expect((await get(siteOn(on), "word?id=order-1")).headers["Content-Type"]).toMatch(/^text\/plain/);
  });

  test("values are escaped wherever they stand, and what nobody would see is shown", () => {
    expect(html`<p title="${`"'<>&\``}">${"a\u0000b\u202ec\ud800"}</p>`.markup).toBe(
      '<p title="&#34;&#39;&#60;&#62;&#38;&#96;">a\ufffdb\ufffdc\ufffd</p>',
    );
  });

  test("the policy allows this style and this script by their hashes, and nothing else", () => {
    const { "Content-Security-Policy": policy = "" } = deskHeaders(sha256Of);
    const { body } = plainPage(200, "a", "b");
    for (const [tag, directive] of [
      ["style", "style-src"],
      ["script", "script-src"],
    ] as const) {
      const [, text = ""] = new RegExp(`<${tag}>(.*?)</${tag}>`, "s").exec(body) ?? [];
      expect(policy).toContain(
        `${directive} 'sha256-${Buffer.from(sha256Of(text), "hex").toString("base64")}'`,
      );
    }
    for (const part of [
      "default-src 'none'",
      "frame-ancestors 'none'",
      "form-action 'self'",
      "base-uri 'none'",
    ])
      expect(policy).toContain(part);
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
  });

  test("a first load is far below 100 KB, with a full page of charges", () => {
    const rows = Array.from({ length: 500 }, (_, n) => ({
      ...row,
      chargeId: `order-${"x".repeat(50)}-${n}` as never,
      gateway: "centrobill" as const,
      reason: "captured_by_earlier_attempt" as const,
      currency: "EUR",
      mark: { e: "proposed" as const, decision: "settle-as-approved" as const },
    }));
    const { body } = worklistPage({ rows, unreadable: [], atMs: t0 }, new URLSearchParams(), "Ann", t0);
    expect(Buffer.byteLength(body)).toBeLessThan(50_000);
  });

  test("every reason and every decision has its words", () => {
    expect(Object.keys(reasonWords).sort()).toEqual([...reviewReasons].sort());
    expect(Object.keys(decisionWords)).toEqual([...reviewDecisions]);
  });
});
