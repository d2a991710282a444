import { once } from "node:events";
import { createServer } from "node:http";
import { describe, expect, onTestFinished, test } from "vitest";
import { startNoticeSender } from "../../infra/local/notice-sender.ts";
import { createCentrapayNotices } from "../../infra/local/sandbox-centrapay/notices.ts";
import { keysPath, startSandboxCentrapay } from "../../infra/local/sandbox-centrapay/server.ts";
import { startSandboxCentrobill } from "../../infra/local/sandbox-centrobill/server.ts";
import { httpWire } from "../../lib/adapters/http-wire.ts";
import { joseTokens } from "../../lib/adapters/jose-tokens.ts";
import type { NoticeDesk, NoticeRequest } from "../../lib/core/notice.ts";
import { centrapayNotices } from "../../lib/gateways/centrapay/notice.ts";
import { centrobillNotices } from "../../lib/gateways/centrobill/notice.ts";
import { requestOf, sameText, sha256 } from "../gateways/notices.ts";
import { until } from "./until.ts";

/** A merchant's address: it answers with what the desk says, and keeps what came. */
const merchant = async (deskOf: (url: string) => NoticeDesk) => {
  const came: { readonly request: NoticeRequest; readonly status: number; readonly path: string }[] = [];
  let desk: NoticeDesk | undefined;
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
    const headers = Object.fromEntries(
      Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]),
    );
    const request = requestOf(Buffer.concat(chunks).toString(), headers, { atMs: Date.now() });
    const proof = await desk?.verify(request);
    const status = proof?.kind === "verified" ? 200 : 401;
    came.push({ request, status, path: incoming.url ?? "" });
    response.writeHead(status).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  const sender = startNoticeSender(url);
  desk = deskOf(url);
  onTestFinished(async () => {
    await sender.close();
    server.close();
    server.closeAllConnections();
  });
  return { came, url, sender };
};
const noticeIds = (desk: NoticeDesk, came: readonly { request: NoticeRequest; status: number }[]): string[] =>
  came
    .filter(({ status }) => status === 200)
    .map(({ request }) => {
      const read = desk.read(JSON.parse(request.body) as never, request);
      return read.kind === "notice" ? read.notice.id : read.kind;
    });

describe("notices of the sandboxes", () => {
  test("Centrobill: of what went wrong and what was pending, signed; a forged one is refused; copies come", async () => {
    const secret = "sandbox-s-code";
    const desk = centrobillNotices({ secrets: [secret], sha256, sameText });
    const { came, sender } = await merchant(() => desk);
    const sandbox = await startSandboxCentrobill({
      latencyMs: { min: 0, max: 1 },
      stallMs: 50,
      pendingMs: 50,
      notices: { sender, secret },
    });
    onTestFinished(() => sandbox.close());
    const pay = (scenario: string, n: number) =>
      fetch(`${sandbox.url}/payment`, {
        method: "POST",
        headers: { Authorization: "k", "Content-Type": "application/json", "X-Request-ID": `r-${n}` },
        body: JSON.stringify({
          paymentSource: { type: "consumer", value: "c" },
          consumer: { id: "c", ip: "192.0.2.1" },
          sku: { siteId: "site-1", price: [{ offset: "0d", amount: 19.99, currency: "EUR", repeat: false }] },
          metadata: { scenario, chargeId: `c-${n}`, requestId: `r-${n}` },
        }),
      }).catch(() => undefined);
    for (let n = 0; n < 8; n++) await pay("html-502-after-capture", n);
    await pay("pending-then-approved", 8);
    await pay("approve", 9);
    await until(
      "the notices have come",
      () => sender.counts().believed >= 10 && sender.counts().refused >= 2,
    );
    const ids = noticeIds(desk, came);
    expect(ids.some((id) => id.includes(".pending."))).toBe(true);
    expect(new Set(ids).size).toBeLessThan(ids.length);
    expect(sender.counts().forgedAndNotRefused).toBe(0);
    expect(came.every(({ path }) => path === "/notices/centrobill")).toBe(true);
    expect(came.some(({ request }) => request.body.includes('"c-9"'))).toBe(false);
  });

  test("Centrapay: payments, signed by a key of its own set; one that another key signed is refused", async () => {
    let keysUrl = "";
    const clock = { nowMs: Date.now };
    const deskOf = (url: string): NoticeDesk =>
      centrapayNotices({
        audience: url,
        sameText,
        verifyToken: (token) =>
          joseTokens({
            url: keysUrl,
            clock,
            fetch: async (at) => {
              const wire = httpWire({ clock });
              return wire
                .send({ method: "GET", url: at, headers: {} }, { timeoutMs: 2_000 })
                .finally(() => wire.close());
            },
          })(token),
      });
    const { came, url, sender } = await merchant(deskOf);
    const sandbox = await startSandboxCentrapay({
      latencyMs: { min: 0, max: 0 },
      stallMs: 20,
      notices: createCentrapayNotices(sender, url),
    });
    onTestFinished(() => sandbox.close());
    keysUrl = `${sandbox.url}${keysPath}`;
    const call = async (path: string, body: object): Promise<{ id?: string }> =>
      fetch(`${sandbox.url}${path}`, {
        method: "POST",
        headers: { "X-Api-Key": "k", "Content-Type": "application/json" },
        body: JSON.stringify(body),
      }).then(
        (answer) => answer.json() as Promise<{ id?: string }>,
        () => ({}),
      );
    for (let n = 0; n < 4; n++) {
      const { id } = await call("/api/payment-requests", {
        configId: "mc_1",
        value: { amount: "1999", currency: "NZD" },
        externalRef: `c-${n}`,
      });
      await call(`/api/payment-requests/${id}/pay`, {
        idempotencyKey: `r-${n}`,
        assetType: "a",
        assetId: "sandbox-fault-after",
      });
    }
    await until("the notices have come", () => sender.counts().believed >= 3 && sender.counts().refused >= 1);
    expect(sender.counts().forgedAndNotRefused).toBe(0);
    const [first] = came.filter(({ status }) => status === 200);
    expect(JSON.parse(first?.request.body ?? "{}")).toMatchObject({
      type: "payment-request:paid",
      data: { type: "payment", value: { amount: "1999", currency: "NZD" } },
    });
  });
});
