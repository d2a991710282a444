import { describe, expect, test } from "vitest";
import type { Gate } from "../../lib/core/pace.ts";
import { worstCaseMsOf } from "../../lib/core/policy.ts";
import { admit } from "../../lib/flows/admit.ts";
import type { Worked } from "../../lib/flows/charge-worker.ts";
import type { GatewayPace, Purpose, Turn, Worker } from "../../lib/ports.ts";
import { manualClock } from "../doubles/manual-clock.ts";
import { memoryLedger } from "../doubles/memory-ledger.ts";
import { memoryQueues } from "../doubles/memory-queues.ts";
import { chargeMessage, chargeOf } from "../doubles/samples.ts";
import { replied, type Scripted, scriptedWire, unanswered } from "../doubles/scripted-wire.ts";
import { gatewayTimeoutMs, testGateway, testWorker } from "../doubles/worker.ts";

const open: Gate = { kind: "open" };
type ClosedFor = { readonly because: "rate_limited" | "outage" | "credential"; readonly ms: number };

type Scene = {
  /** what the gate says, in order; the last one stays */
  readonly gates?: readonly (Gate | ClosedFor)[];
  /** whether there is a turn, in order, or how far off the next one is; the last one stays */
  readonly turns?: readonly ("go" | number)[];
  /** how long the invocation may run beyond the longest attempt */
  readonly roomMs?: number;
  readonly receives?: number;
  readonly turnWaitMs?: number;
  readonly fraction?: number;
  /** how long the charge may still be sent */
  readonly lastsMs?: number;
  readonly claims?: boolean;
  readonly probed?: Scripted;
};

/** What one message meets at a pace that says what it is told to, and how long that took. */
const meet = async (scene: Scene) => {
  const clock = manualClock();
  const startMs = clock.nowMs();
  const gates = [...(scene.gates ?? [open])];
  const turns = [...(scene.turns ?? ["go"])];
  const next = <T>(left: T[]): T => (left.length > 1 ? left.shift() : left[0]) as T;
  const waitedFor: number[] = [];
  const claimedForMs: number[] = [];
  const noted: boolean[] = [];
  const purposes: Purpose[] = [];
  const wire = scriptedWire({ clock, script: () => scene.probed ?? replied(200, []) });
  const base = testWorker({ clock, wire, ledger: memoryLedger(), queues: memoryQueues() });
  const pace: GatewayPace = {
    ...base.paces.centrobill,
    async gate() {
      const gate = next(gates);
      return "ms" in gate ? { kind: "closed", because: gate.because, untilMs: startMs + gate.ms } : gate;
    },
    async admit(waitMs): Promise<Turn> {
      waitedFor.push(waitMs);
      const turn = next(turns);
      return turn === "go" ? { kind: "go" } : { kind: "held", untilMs: clock.nowMs() + turn };
    },
    async turn(purpose) {
      purposes.push(purpose);
      return { kind: "go" };
    },
    note: async () => {},
    async claimProbe(forMs) {
      claimedForMs.push(forMs);
      if (scene.claims === false) return undefined;
      return {
        because: "outage",
        async note(passed) {
          noted.push(passed);
        },
      };
    },
  };
  const worstMs = worstCaseMsOf(base.policy, gatewayTimeoutMs);
  const worker: Worker = {
    ...base,
    paces: { ...base.paces, centrobill: pace },
    ids: { ...base.ids, fraction: () => scene.fraction ?? 0 },
    remainingMs: () => worstMs + (scene.roomMs ?? 600_000) - (clock.nowMs() - startMs),
  };
  const notAfter =
    scene.lastsMs === undefined ? {} : { notAfter: new Date(startMs + scene.lastsMs).toISOString() };
  const worked: Worked | undefined = await admit(
    {
      charge: chargeOf(chargeMessage("order-1", notAfter)),
      gateway: testGateway(),
      delivery: { messageId: "m", body: "", receives: scene.receives ?? 1 },
      tell: () => ({ kind: "done" }),
    },
    worker,
    ...(scene.turnWaitMs === undefined ? [] : [scene.turnWaitMs]),
  );
  return {
    /** how long the message stays hidden, or that it goes on */
    end: worked?.kind === "giveBack" ? worked.delayMs : "goes on",
    tookMs: clock.nowMs() - startMs,
    waitedFor,
    claimedForMs,
    noted,
    asked: wire.sent.map(({ timeoutMs }) => timeoutMs),
    purposes,
  };
};

type Row = readonly [scene: Scene, end: number | "goes on", tookMs: number, why: string];

describe("a gateway that has no turn", () => {
  test.each<Row>([
    [{}, "goes on", 0, "there is one"],
    [{ turns: [9_000, "go"] }, "goes on", 2_500, "half of the longest wait later there is one"],
    [{ turns: [9_000, "go"], fraction: 1 }, "goes on", 5_000, "by chance up to the whole of it"],
    [{ turns: [9_000, "go"], fraction: 0.5 }, "goes on", 3_750, "or anything between"],
    [{ turns: [60_000] }, 60_000, 15_000, "asked for until it was held for long enough"],
    [{ turns: [60_000], fraction: 1 }, 72_000, 15_000, "and comes back with a fifth of the wait by chance"],
    [{ turns: [500], fraction: 1 }, 750, 15_000, "a quarter second at the least"],
    [{ turns: [900_000], fraction: 1 }, 930_000, 15_000, "half a minute at the most"],
    [{ turns: [60_000], roomMs: 6_000 }, 60_000, 5_000, "not beyond the time in which it could be sent"],
    [{ turns: [60_000], roomMs: 5_000 }, 60_000, 5_000, "up to the very end of that time"],
    [{ turns: [60_000], roomMs: 4_999 }, 60_000, 2_500, "but not over it"],
    [{ turns: [60_000], roomMs: -9_000 }, 60_000, 0, "there is no time at all"],
    [{ turns: [0], receives: 20, fraction: 1 }, 40_000, 15_000, "longer, the more often it came in vain"],
    [{ turns: [0], receives: 20 }, 30_000, 15_000, "three quarters of that at least"],
  ])("%j: %s after %i ms (%s)", async (scene, end, tookMs) => {
    expect(await meet(scene)).toMatchObject({ end, tookMs });
  });

  test.each<[Scene, waitMs: number, string]>([
    [{ roomMs: 600_000 }, 5_000, "five seconds ahead"],
    [{ roomMs: 600_000, turnWaitMs: 10_000 }, 10_000, "what has begun finds turns beyond those"],
    [{ roomMs: 1_200 }, 1_200, "no farther than the time in which it could be sent"],
    [{ roomMs: -1 }, 0, "never a time that is over"],
  ])("%j: a turn within %i ms is taken (%s)", async (scene, waitMs) => {
    expect((await meet(scene)).waitedFor).toEqual([waitMs]);
  });
});

describe("a gateway that is closed", () => {
  const limited = (ms: number): ClosedFor => ({ because: "rate_limited", ms });
  test.each<Row>([
    [{ gates: [limited(2_000), open] }, "goes on", 2_000, "a short pause is waited for"],
    [{ gates: [limited(2_000), open], fraction: 1 }, "goes on", 2_400, "with a fifth of it by chance"],
    [{ gates: [limited(5_000), open] }, "goes on", 5_000, "up to five seconds"],
    [{ gates: [limited(5_001), open] }, 5_001, 0, "a longer one belongs to the queue"],
    [{ gates: [limited(2_000), open], roomMs: 2_000 }, "goes on", 2_000, "there is just the time"],
    [{ gates: [limited(2_000), open], roomMs: 1_999 }, 2_000, 0, "there is not the time"],
    [{ gates: [limited(2_000), open], roomMs: 2_399, fraction: 1 }, 2_400, 0, "not with what chance adds"],
    [{ gates: [{ because: "outage", ms: 2_000 }, open] }, 2_000, 0, "nobody knows when an outage ends"],
    [{ gates: [{ because: "credential", ms: 2_000 }, open] }, 2_000, 0, "nor when a key is mended"],
    [{ gates: [limited(60_000)], lastsMs: 20_000 }, 21_000, 0, "the charge's own time ends sooner"],
    [{ gates: [limited(60_000)], lastsMs: 90_000 }, 60_000, 0, "the charge's own time ends later"],
    [{ gates: [limited(60_000)], lastsMs: -5_000 }, 1_000, 0, "the charge's own time is over"],
  ])("%j: %s after %i ms (%s)", async (scene, end, tookMs) => {
    expect(await meet(scene)).toMatchObject({ end, tookMs });
  });
});

describe("a gateway that a look-up may open", () => {
  const due: Gate = { kind: "probe", because: "outage" };

  test("one worker makes it, for as long as it may take and be noted, and all goes on", async () => {
    const { end, claimedForMs, noted, asked, purposes } = await meet({ gates: [due, open] });
    expect({ end, claimedForMs, noted }).toEqual({
      end: "goes on",
      claimedForMs: [gatewayTimeoutMs + 15_000],
      noted: [true],
    });
    expect(asked).toEqual([gatewayTimeoutMs]);
    expect(purposes).toEqual(["probe"]);
  });

  test.each<[Scripted, boolean, string]>([
    [replied(404), true, "it answered"],
    [replied(503), false, "a fault"],
    [unanswered(), false, "no answer"],
  ])("%j: opens %s (%s)", async (probed, opens) => {
    expect((await meet({ gates: [due, due, open], claims: true, probed })).noted[0]).toBe(opens);
  });

  test("who is not the one waits as long as a note may take, and asks nothing", async () => {
    const { end, asked, noted, tookMs } = await meet({ gates: [due], claims: false });
    expect({ end, asked, noted, tookMs }).toEqual({ end: 5_000, asked: [], noted: [], tookMs: 0 });
  });
});
