import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/core/json.ts";
import { submitCharges } from "../../lib/flows/submit-charge.ts";
import type { LogMembers } from "../../lib/ports.ts";
import { chargeMessage } from "../doubles/samples.ts";
import { declines, pays, paysUnheard, says, swallows } from "../doubles/scripted-bank.ts";
import { neverSent } from "../doubles/scripted-wire.ts";
import { type Stage, type StageOptions, stage } from "./stage.ts";

const charge = chargeMessage("order-1");

/** Members in a few words. The charge's own, the same on every line that has them, are told by who is named. */
const written = (members: LogMembers): string => {
  const { chargeId, requestId, gateway, messageId, ...rest } = members;
  const named = [
    chargeId === undefined ? "" : "charge",
    requestId === undefined ? "" : "send",
    gateway === undefined ? "" : "gateway",
    messageId ?? "",
  ].filter((name) => name !== "");
  return [
    `[${named.join(" ")}]`,
    ...Object.entries(rest).map(([name, value]) => `${name}=${String(value)}`),
  ].join(" ");
};
const eventsOf = ({ log }: Stage): string[] =>
  log.events.map(({ name, members }) => `${name} ${written(members)}`);
const metricsOf = ({ log }: Stage): string[] =>
  log.metrics.map(
    ({ name, value, members: { gateway, ...rest } }) =>
      [name, value, ...Object.values(rest)].join(" ") + (gateway === "centrobill" ? "" : " nowhere"),
  );

const opened = "charge_opened [charge send gateway] attempt=1";
const sent = (what: string, attempt = 1): string =>
  `charge_sent [charge send gateway] attempt=${attempt} outcome=${what}`;
const recorded = (what: string, attempt = 1): string =>
  `charge_recorded [charge send gateway] attempt=${attempt} state=${what}`;
const routed = (outcome: string, queue: string): string =>
  `charge_routed [charge send] outcome=${outcome} queue=${queue}`;
const approval = [
  sent("approved durationMs=400 status=201 code=0"),
  recorded("approved code=0"),
  routed("approved", "approved"),
];
/** Two sends that nobody answered. */
const unheard = [
  opened,
  sent("unknown durationMs=30000 cause=timeout"),
  sent("unknown durationMs=30000 cause=timeout"),
  recorded("unknown reason=no_answer"),
  routed("unknown", "unknown-outcomes"),
];
const unheardMetrics = [
  "GatewayLatencyMs 30000",
  "Resends 1",
  "GatewayLatencyMs 30000",
  "ChargeOutcome 1 unknown",
];
const lookedUp = (lagMs: number): string[] => ["Lookups 1", `LookupLagMs ${lagMs}`];
const scanned = (rows: number): string => `feed_scanned [] pages=1 rows=${rows} durationMs=200`;
const stillUnknown = (delayMs: number): string[] => [
  recorded("unknown reason=no_answer"),
  `charge_given_back [m2] delayMs=${delayMs}`,
];

describe("what the log is told of a charge, from its first line to its last", () => {
  test.each<[string, StageOptions, events: string[], metrics: string[]]>([
    [
      "approved",
      { bank: [pays()] },
      [opened, ...approval],
      ["GatewayLatencyMs 400", "ChargeOutcome 1 approved", "Sends 1"],
    ],
    [
      "declined",
      { bank: [declines(5051)] },
      [
        opened,
        sent("declined durationMs=400 status=201 code=5051"),
        recorded("declined_retryable code=5051 category=insufficient_funds"),
        routed("declined_retryable", "retryable-declines"),
      ],
      ["GatewayLatencyMs 400", "ChargeOutcome 1 declined_retryable", "Sends 1"],
    ],
    [
      "refused as wrong",
      { bank: [says(400, { message: "Bad" })] },
      [
        opened,
        sent("requestError durationMs=0 status=400 code=http_400"),
        recorded("request_error code=http_400"),
        routed("request_error", "request-errors"),
      ],
      ["GatewayLatencyMs 0", "ChargeOutcome 1 request_error", "Sends 1"],
    ],
    [
      "another amount: money for a person to look at",
      { bank: [pays({ amount: 20 })] },
      [
        opened,
        sent("mismatch durationMs=400 status=201 code=0"),
        recorded("review reason=mismatch code=0"),
        routed("review", "review"),
      ],
      ["GatewayLatencyMs 400", "ChargeOutcome 1 review", "Sends 1", "MoneyToReview 1999 EUR"],
    ],
    [
      "captured unheard, and found",
      { bank: [paysUnheard(), swallows] },
      [...unheard, scanned(1), recorded("approved code=0"), routed("approved", "approved")],
      [...unheardMetrics, ...lookedUp(200), "ChargeOutcome 1 approved", "Sends 2"],
    ],
    [
      "captured twice",
      { bank: [paysUnheard(), paysUnheard()] },
      [
        ...unheard,
        scanned(2),
        recorded("review reason=double_charge"),
        "double_charge [charge send gateway] attempt=1 state=review amount=1999 currency=EUR",
        routed("review", "review"),
      ],
      [
        ...unheardMetrics,
        ...lookedUp(200),
        "ChargeOutcome 1 review",
        "Sends 2",
        "MoneyToReview 1999 EUR",
        "DoubleCharges 1",
      ],
    ],
    [
      "a feed that fails first",
      {
        bank: [paysUnheard(), swallows],
        feed: (nth) => (nth <= 2 ? { kind: "replied", status: 500, body: "" } : undefined),
      },
      [
        ...unheard,
        "feed_failed [] pages=0 rows=0 durationMs=500 reason=HTTP 500",
        ...stillUnknown(15_000),
        scanned(1),
        recorded("approved code=0"),
        routed("approved", "approved"),
      ],
      [...unheardMetrics, ...lookedUp(500), ...lookedUp(200), "ChargeOutcome 1 approved", "Sends 2"],
    ],
    [
      "the gateway's own fault, and the resend that it asks for",
      { bank: [says(500), pays()] },
      [
        opened,
        sent("unknown durationMs=0 status=500"),
        recorded("unknown reason=gateway_fault"),
        routed("unknown", "unknown-outcomes"),
        recorded("opened"),
        ...approval,
      ],
      [
        "GatewayLatencyMs 0",
        "ChargeOutcome 1 unknown",
        "Resends 1",
        "ChargeOutcome 1 opened",
        "GatewayLatencyMs 400",
        "ChargeOutcome 1 approved",
        "Sends 2",
      ],
    ],
    [
      "absent, and sent again",
      { bank: [swallows, swallows, pays()] },
      [
        ...unheard,
        scanned(0),
        ...stillUnknown(299_800),
        scanned(0),
        ...stillUnknown(119_600),
        scanned(0),
        recorded("opened"),
        ...approval,
      ],
      [
        ...unheardMetrics,
        ...lookedUp(200),
        ...lookedUp(400),
        ...lookedUp(600),
        "Resends 1",
        ...["ChargeOutcome 1 opened", "GatewayLatencyMs 400", "ChargeOutcome 1 approved", "Sends 3"],
      ],
    ],
    [
      "absent, and a new attempt",
      { bank: [swallows, swallows, pays()], policy: { afterAbsence: "newAttempt" } },
      [
        ...unheard,
        scanned(0),
        ...stillUnknown(299_800),
        scanned(0),
        ...stillUnknown(119_600),
        scanned(0),
        recorded("opened", 2),
        sent("approved durationMs=400 status=201 code=0", 2),
        recorded("approved code=0", 2),
        routed("approved", "approved"),
      ],
      [
        ...unheardMetrics,
        ...lookedUp(200),
        ...lookedUp(400),
        ...lookedUp(600),
        ...["ChargeOutcome 1 opened", "GatewayLatencyMs 400", "ChargeOutcome 1 approved", "Sends 3"],
      ],
    ],
  ])("%s", async (_name, options, events, metrics) => {
    const on = stage(options);
    on.send(charge);
    await on.run();
    expect(eventsOf(on)).toStrictEqual(events);
    expect(metricsOf(on)).toStrictEqual(metrics);
    const { requestId } = on.entry() ?? {};
    for (const { members } of on.log.events) {
      expect([undefined, "order-1"]).toContain(members.chargeId);
      expect([undefined, "centrobill"]).toContain(members.gateway);
      if (members.attempt === on.entry()?.attempt) expect(members.requestId).toBe(requestId);
    }
  });

  test("a request that never left comes back later, whole milliseconds", async () => {
    const on = stage({ bank: [{ says: neverSent("refused") }] });
    on.send(charge);
    await on.round();
    expect(eventsOf(on).slice(0, -1)).toStrictEqual([
      opened,
      sent("notProcessed durationMs=0 cause=refused"),
      recorded("waiting"),
    ]);
    expect(eventsOf(on).at(-1)).toMatch(/^charge_given_back \[m1\] delayMs=\d+$/);
  });

  test("a message that is no charge: its code, and the places of what is wrong", async () => {
    const on = stage();
    on.send({ ...charge, amount: "x", v: 2 });
    on.send("{");
    await on.round();
    expect(eventsOf(on)).toStrictEqual([
      "charge_rejected [m2] code=invalid_message reason=message",
      "charge_rejected [charge m1] code=invalid_message reason=v amount",
      "charge_routed [] outcome=request_error queue=request-errors",
      "charge_routed [charge] outcome=request_error queue=request-errors",
    ]);
    expect(metricsOf(on)).toStrictEqual(["Rejections 1 nowhere", "Rejections 1 nowhere"]);
  });

  test("another content under the same id is refused, the same one told again", async () => {
    const on = stage({ bank: [pays()] });
    on.send(charge);
    await on.round();
    on.log.events.length = 0;
    on.send({ ...charge, amount: "2000" });
    on.send(charge);
    await on.round();
    expect(eventsOf(on)).toStrictEqual([
      "charge_rejected [charge m2] code=conflicting_duplicate reason=chargeId",
      routed("approved", "approved"),
      "charge_routed [charge] outcome=request_error queue=request-errors",
    ]);
  });

  test("messages of unknowns that cannot be worked are kept, and said why", async () => {
    const on = stage({ bank: [swallows, swallows] });
    on.send(charge);
    await on.round();
    const [message] = on.waiting("unknown-outcomes");
    const told = JSON.parse(message?.body ?? "") as JsonObject;
    on.log.events.length = 0;
    on.clock.advance(5_000);
    on.send("{", "unknown-outcomes");
    on.send({ ...told, charge: { ...charge, chargeId: "order-2" }, chargeId: "order-2" }, "unknown-outcomes");
    on.send({ ...told, charge: { ...charge, amount: "2000" } }, "unknown-outcomes");
    const ends = await on.round("unknown-outcomes");
    expect(ends.map((end) => end.kind === "giveBack" && end.delayMs)).toStrictEqual([
      900_000, 900_000, 900_000,
    ]);
    expect(on.log.eventsOf("message_failed")).toStrictEqual([
      { messageId: "m3", error: expect.stringMatching(/./) },
      { messageId: "m4", chargeId: "order-2", error: "not in the ledger" },
      { messageId: "m5", chargeId: "order-1", error: "another content than the ledger knows" },
    ]);
  });

  test("the same unknown twice in one batch is worked once, and the copy comes back in half a minute", async () => {
    const on = stage({ bank: [paysUnheard(), swallows] });
    on.send(charge);
    await on.round();
    const [message] = on.waiting("unknown-outcomes");
    on.clock.advance(message?.inMs ?? 0);
    on.send(message?.body ?? "", "unknown-outcomes");
    expect(await on.round("unknown-outcomes")).toStrictEqual([
      { kind: "done" },
      { kind: "giveBack", delayMs: 30_000 },
    ]);
    expect(on.wire.gets()).toHaveLength(1);
    expect(on.log.eventsOf("message_failed")).toStrictEqual([]);
  });

  test("a lease that is taken over, and the worker that comes back to it", async () => {
    const on = stage({
      bank: [pays()],
      async afterPost() {
        on.clock.advance(72_001);
        await submitCharges([{ messageId: "m9", body: JSON.stringify(charge), receives: 2 }], on.worker());
      },
    });
    on.send(charge);
    await on.round();
    expect(eventsOf(on)).toStrictEqual([
      opened,
      "lease_taken_over [charge send]",
      recorded("unknown reason=worker_lost"),
      routed("unknown", "unknown-outcomes"),
      sent("approved durationMs=72401 status=201 code=0"),
      "lease_lost [charge send gateway] attempt=1 state=approved",
      "charge_given_back [m1] delayMs=1000",
    ]);
  });
});
