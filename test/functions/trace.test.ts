import { createSocket } from "node:dgram";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { chargeMessage } from "../doubles/samples.ts";
import { functionStand } from "./function-stand.ts";

test("a charge that two functions worked is one trace, told when it ends, if X-Ray samples the invocation", async () => {
  const daemon = createSocket("udp4").bind(0, "127.0.0.1");
  onTestFinished(() => void daemon.close());
  await once(daemon, "listening");
  const traces: { readonly trace_id: string; readonly annotations: Readonly<Record<string, unknown>> }[] = [];
  daemon.on("message", (datagram) => traces.push(JSON.parse(datagram.toString().split("\n")[1] ?? "")));

  const stand = await functionStand();
  onTestFinished(() => stand.close());
  const start = (name: "submit-charges" | "resolve-unknowns", sampled: 0 | 1) =>
    stand.start(name, {
      POLICY: JSON.stringify({ resendDelayMs: 100, lookupScheduleMs: [200, 60_000], feedLagMs: 50 }),
      AWS_XRAY_DAEMON_ADDRESS: `127.0.0.1:${daemon.address().port}`,
      _X_AMZN_TRACE_ID: `Root=1-00000000-000000000000000000000000;Sampled=${sampled}`,
    });
  const charge = (id: string, scenario: string) =>
    JSON.stringify(chargeMessage(id, { metadata: { scenario } }));

  const [submit, unsampled] = [await start("submit-charges", 1), await start("submit-charges", 0)];
  await stand.send("charges", [charge("untold", "approve")]);
  await unsampled.invoke("charges", await stand.receive("charges"));
  await stand.send("charges", [charge("at-once", "approve"), charge("lost", "timeout-twice-after-capture")]);
  await submit.invoke("charges", await stand.receive("charges"));
  await expect.poll(() => traces.length).toBe(1);
  expect(traces[0]?.annotations).toMatchObject({ charge_id: "at-once", outcome: "approved", sends: 1 });

  const resolve = await start("resolve-unknowns", 1);
  await expect
    .poll(
      async () => {
        await resolve.invoke("unknown-outcomes", await stand.receive("unknown-outcomes"));
        return traces.length;
      },
      { timeout: 30_000, interval: 300 },
    )
    .toBe(2);
  expect(traces[1]).toMatchObject({
    annotations: { charge_id: "lost", outcome: "approved", sends: 2 },
    subsegments: expect.arrayContaining([
      expect.objectContaining({ name: "gateway", fault: true }),
      expect.objectContaining({ name: "recorded_unknown" }),
      expect.objectContaining({ name: "look_up" }),
    ]),
  });
  expect(traces[1]?.trace_id).not.toBe(traces[0]?.trace_id);
});
