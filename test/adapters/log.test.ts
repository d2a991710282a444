import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jsonLog, metricNamespace, metrics } from "../../lib/adapters/log.ts";
import { holdsCardNumber } from "../../lib/core/card-number.ts";
import type { Log, LogEventName, LogMembers, MetricName } from "../../lib/ports.ts";
import { memoryLog } from "../doubles/memory-log.ts";

const nowMs = Date.UTC(2026, 10, 22, 10, 11, 12, 345);
const card = "4111 1111 1111 1111";

const logged = (act: (log: Log) => void): unknown[] => {
  const lines: string[] = [];
  act(
    jsonLog({ write: (line) => void lines.push(line), nowMs: () => nowMs, functionName: "submit-charges" }),
  );
  for (const line of lines) expect(line).not.toMatch(/[\n\r]/);
  return lines.map((line): unknown => JSON.parse(line));
};

/** Every member there is, so that one that is forgotten in the allow-list is missed here. */
const everyMember: Required<LogMembers> = {
  chargeId: "c-1",
  requestId: "550e8400-e29b-41d4-a716-446655440000",
  gateway: "centrobill",
  attempt: 1,
  state: "opened",
  age: "over_1h",
  outcome: "approved",
  category: "funds",
  code: "051",
  reason: "why",
  day: "2026-11-24",
  status: 201,
  cause: "reset",
  durationMs: 12.5,
  delayMs: 0,
  amount: "1999",
  currency: "EUR",
  queue: "approved",
  messageId: "m-1",
  count: 1,
  pages: 2,
  rows: 3,
  error: "Error: no",
};

describe("events", () => {
  const head = { time: "2026-11-22T10:11:12.345Z", event: "charge_sent", function: "submit-charges" };

  test("are one JSON line each, with every member there is", () => {
    expect(logged((log) => log.event("charge_sent", everyMember))).toEqual([{ ...head, ...everyMember }]);
    expect(logged((log) => log.event("charge_sent"))).toEqual([head]);
  });

  test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ["a member that is not on the list", { apiKey: "k", authorization: "k", card }, {}],
    ["a member that objects treat specially", JSON.parse('{"__proto__": "k", "constructor": "k"}'), {}],
    ["a member that is inherited", Object.create({ chargeId: "k" }), {}],
    ["an object in a member", { chargeId: { number: card }, error: [card] }, {}],
    ["a number for a string, a string for a number", { chargeId: 1, attempt: "one" }, {}],
    ["an absent value", { chargeId: undefined, attempt: null }, {}],
    ["a number that JSON has not", { attempt: Number.NaN, count: Number.POSITIVE_INFINITY }, {}],
    ["a card number", { error: `no such card: ${card}` }, { error: "no such card: 4111 11** **** 1111" }],
    ["a card number as a number", { rows: 4111111111111111 }, { rows: "411111******1111" }],
    ["another function", { function: "x", event: "y", time: "z" }, {}],
    ["a long text", { error: "e".repeat(1_000) }, { error: "e".repeat(256) }],
    [
      "a card number at the cut",
      { error: `${"e".repeat(242)}${card}` },
      { error: `${"e".repeat(242)}4111 11** ****` },
    ],
    ["line ends", { error: "a\nb\u2028c" }, { error: "a\nb\u2028c" }],
  ])("%s", (_, members, written) => {
    expect(logged((log) => log.event("charge_sent", members as LogMembers))).toEqual([
      { ...head, ...written },
    ]);
  });

  test("one that is not on the list does not get its name out", () => {
    const forced = `secret ${card}` as LogEventName;
    expect(logged((log) => log.event(forced))).toEqual([{ ...head, event: "unlisted_event" }]);
  });

  test("no line ever has a card number or a member off the list", () => {
    const names = new Set(["time", "event", "function", ...Object.keys(everyMember)]);
    const text = fc.oneof(
      fc.string(),
      fc.tuple(fc.string(), fc.string()).map(([a, b]) => `${a}${card}${b}`),
    );
    const key = fc.oneof(fc.string(), fc.constantFrom(...Object.keys(everyMember)));
    fc.assert(
      fc.property(fc.dictionary(key, fc.oneof(text, fc.double(), fc.jsonValue())), (members) => {
        const [line] = logged((log) => log.event("charge_sent", members as LogMembers));
        for (const [name, value] of Object.entries(line as object)) {
          expect(names).toContain(name);
          expect(holdsCardNumber(String(value))).toBe(false);
        }
      }),
    );
  });
});

describe("metrics", () => {
  test("are lines of the embedded metric format", () => {
    const members = { gateway: "centrobill", outcome: "approved", chargeId: "c-1" };
    expect(logged((log) => log.metric("ChargeOutcome", 1, members))).toEqual([
      {
        _aws: {
          Timestamp: nowMs,
          CloudWatchMetrics: [
            {
              Namespace: "chargeonce",
              Dimensions: [["function"], ["function", "gateway", "outcome"]],
              Metrics: [{ Name: "ChargeOutcome", Unit: "Count" }],
            },
          ],
        },
        function: "submit-charges",
        ...members,
        ChargeOutcome: 1,
      },
    ]);
  });

  test.each<[string, LogMembers | undefined, string[][]]>([
    [
      "all dimensions",
      { gateway: "g", currency: "EUR" },
      [["function"], ["function", "gateway", "currency"]],
    ],
    ["one dimension", { currency: "EUR" }, [["function"], ["function", "currency"]]],
    ["an empty dimension", { gateway: "", currency: "EUR" }, [["function"], ["function", "currency"]]],
    ["no members", undefined, [["function"]]],
  ])("%s: every dimension has a value in the line", (_, members, dimensions) => {
    const [line] = logged((log) => log.metric("MoneyToReview", 1999, members));
    expect(line).toMatchObject({
      MoneyToReview: 1999,
      _aws: { CloudWatchMetrics: [{ Dimensions: dimensions }] },
    });
  });

  test("a level is never summed over its series", () => {
    const [line] = logged((log) => log.metric("BacklogCharges", 3, { state: "unknown", age: "all" }));
    expect(line).toMatchObject({
      _aws: { CloudWatchMetrics: [{ Dimensions: [["function", "state", "age"]] }] },
    });
  });

  test.each(Object.keys(metrics) as MetricName[])("%s", (name) => {
    const [line] = logged((log) => log.metric(name, 2, everyMember));
    expect(line).toMatchObject({
      [name]: 2,
      _aws: {
        CloudWatchMetrics: [
          { Namespace: metricNamespace, Metrics: [{ Name: name, Unit: metrics[name].unit }] },
        ],
      },
    });
  });

  test.each<[string, string, number, Record<string, unknown>]>([
    ["not a number", "Sends", Number.NaN, {}],
    ["without end", "Sends", Number.POSITIVE_INFINITY, {}],
    ["off the list", card, 1, {}],
    ["a member of every object", "constructor", 1, {}],
  ])("%s: no line", (_, name, value, members) => {
    expect(logged((log) => log.metric(name as MetricName, value, members as LogMembers))).toEqual([]);
  });

  test("a member off the list, or a card number, does not get out", () => {
    const [line] = logged((log) => log.metric("Sends", 1, { gateway: card, apiKey: "k" } as LogMembers));
    expect(line).toMatchObject({ gateway: "4111 11** **** 1111", Sends: 1 });
    expect(line).not.toHaveProperty("apiKey");
  });
});

describe("metrics of a batch", () => {
  const written = (act: (log: ReturnType<typeof jsonLog>) => void): Record<string, unknown>[] => {
    const lines: string[] = [];
    const log = jsonLog({
      write: (line) => void lines.push(line),
      nowMs: () => nowMs,
      functionName: "f",
      gathers: true,
    });
    act(log);
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  };
  const values = (lines: readonly Record<string, unknown>[]) =>
    lines.map(({ _aws, function: _function, ...rest }) => rest);

  test("what comes once a charge is written when it is flushed, a line a series", () => {
    const lines = written((log) => {
      for (const ms of [12, 7.5])
        log.metric("GatewayLatencyMs", ms, { gateway: "centrobill", chargeId: "c" });
      log.metric("GatewayLatencyMs", 3, { gateway: "centrapay" });
      log.metric("ChargeOutcome", 1, { gateway: "centrobill", outcome: "approved" });
      log.flush();
      log.flush();
    });
    expect(values(lines)).toEqual([
      { gateway: "centrobill", GatewayLatencyMs: [12, 7.5] },
      { gateway: "centrapay", GatewayLatencyMs: [3] },
      { gateway: "centrobill", outcome: "approved", ChargeOutcome: [1] },
    ]);
    expect(lines[0]).toMatchObject({
      _aws: { CloudWatchMetrics: [{ Dimensions: [["function"], ["function", "gateway"]] }] },
    });
  });

  test("a line has at most a hundred values", () => {
    const lines = written((log) => {
      for (let n = 0; n < 250; n++) log.metric("Sends", n, { gateway: "centrobill" });
      log.flush();
    });
    expect(lines.map((line) => (line["Sends"] as number[]).length)).toEqual([100, 100, 50]);
    expect(lines.flatMap((line) => line["Sends"])).toEqual(Array.from({ length: 250 }, (_, n) => n));
  });

  test("what somebody has to hear of is written at once", () => {
    for (const [name, { perCharge }] of Object.entries(metrics) as [MetricName, { perCharge?: true }][]) {
      const lines = written((log) => log.metric(name, 1, everyMember));
      expect(lines.length, name).toBe(perCharge === true ? 0 : 1);
    }
    expect(metrics.DoubleCharges).not.toHaveProperty("perCharge");
    expect(metrics.MoneyToReview).not.toHaveProperty("perCharge");
  });
});

test.each<[string, Parameters<typeof jsonLog>[0]]>([
  [
    "a line that cannot be written",
    {
      write: () => {
        throw new Error("EPIPE");
      },
      nowMs: () => nowMs,
      functionName: "f",
    },
  ],
  ["a clock that is wrong", { write: () => {}, nowMs: () => Number.NaN, functionName: "f" }],
])("%s never stops a charge", (_, options) => {
  const log = jsonLog(options);
  log.event("started", everyMember);
  log.metric("Sends", 1, everyMember);
});

test("memoryLog keeps events and metrics", () => {
  const log = memoryLog();
  log.event("started");
  log.event("charge_sent", { chargeId: "a" });
  log.metric("Sends", 1, { gateway: "centrobill" });
  log.metric("Sends", 2, { gateway: "centrapay" });
  expect(log.events).toEqual([
    { name: "started", members: {} },
    { name: "charge_sent", members: { chargeId: "a" } },
  ]);
  expect(log.eventsOf("charge_sent")).toEqual([{ chargeId: "a" }]);
  expect(log.sumOf("Sends")).toBe(3);
  expect(log.sumOf("Sends", { gateway: "centrapay" })).toBe(2);
  expect(log.sumOf("Lookups")).toBe(0);
});
