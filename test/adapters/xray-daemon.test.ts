import { createSocket } from "node:dgram";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { xrayDaemon } from "../../lib/adapters/xray-daemon.ts";
import type { ChargeTrace } from "../../lib/core/charge-trace.ts";

const trace: ChargeTrace = {
  trace_id: "1-00000000-000000000000000000000000",
  id: "0123456789abcdef",
  name: "charge",
  start_time: 1.5,
  end_time: 2.5,
  subsegments: [],
};

const daemonAt = async () => {
  const server = createSocket("udp4").bind(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const daemon = xrayDaemon(`127.0.0.1:${server.address().port}`);
  onTestFinished(() => daemon.close());
  return { server, daemon };
};

test("a trace goes out as one datagram: the daemon's header, and the document", async () => {
  const { server, daemon } = await daemonAt();
  const heard = once(server, "message");
  daemon.send(trace);
  const [datagram] = (await heard) as [Buffer];
  const [header, document] = datagram.toString().split("\n");
  expect(JSON.parse(header ?? "")).toEqual({ format: "json", version: 1 });
  expect(JSON.parse(document ?? "")).toEqual(trace);
});

test("what is too long for a datagram is left out, and what follows is sent", async () => {
  const { server, daemon } = await daemonAt();
  const heard = once(server, "message");
  daemon.send({ ...trace, name: "x".repeat(65_507) });
  daemon.send(trace);
  const [datagram] = (await heard) as [Buffer];
  expect(datagram.toString()).toContain('"name":"charge"');
});

test.each(["nowhere", "127.0.0.1:0", "127.0.0.1:99999", ":"])(
  "an address that is none (%s) harms nobody",
  (address) => {
    const daemon = xrayDaemon(address);
    onTestFinished(() => daemon.close());
    expect(() => daemon.send(trace)).not.toThrow();
  },
);
