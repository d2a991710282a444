import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type SandboxCentrapay, startSandboxCentrapay } from "../../infra/local/sandbox-centrapay/server.ts";

let gateway: SandboxCentrapay;
beforeAll(async () => {
  gateway = await startSandboxCentrapay({ latencyMs: { min: 0, max: 0 }, stallMs: 200 });
});
afterAll(() => gateway.close());

type Answer = { readonly status: number; readonly body: Record<string, unknown> };

const call = async (method: "GET" | "POST", path: string, body?: object): Promise<Answer> => {
  const answer = await fetch(`${gateway.url}/api/payment-requests${path}`, {
    method,
    headers: { "X-Api-Key": "test" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>) };
};

let made = 0;
const create = async (more: object = {}): Promise<string> => {
  made += 1;
  const { body } = await call("POST", "", {
    configId: "mc_1",
    value: { amount: "1999", currency: "NZD" },
    externalRef: `c-${made}`,
    ...more,
  });
  return String(body["id"]);
};
const pay = (id: string, assetId: string, idempotencyKey = `k-${id}`) =>
  call("POST", `/${id}/pay`, { assetType: "centrapay.nzd.test", assetId, idempotencyKey });

describe("the sandbox Centrapay", () => {
  test("pays once for a key, and says the same again", async () => {
    const id = await create();
    const first = await pay(id, "asset-1");
    expect(first).toMatchObject({ status: 200, body: { type: "payment", paymentRequestId: id } });
    expect(await pay(id, "asset-1")).toEqual(first);
    expect(await pay(id, "asset-1", "another")).toMatchObject({
      status: 403,
      body: { message: "REQUEST_PAID" },
    });
    expect(await call("GET", `/${id}`)).toMatchObject({ body: { status: "paid", remainingAmount: "0" } });
  });

  test.each(["INSUFFICIENT_ASSET_VALUE", "PAYMENT_UNCONFIRMED", "QUOTA_EXCEEDED", "REQUEST_CANCELLED"])(
    "says %s on demand, and takes nothing",
    async (message) => {
      const before = gateway.captures().length;
      expect(await pay(await create(), `sandbox-${message}`)).toMatchObject({
        status: 403,
        body: { message },
      });
      expect(gateway.captures()).toHaveLength(before);
    },
  );

  test("an answer that is lost after the payment leaves it paid", async () => {
    const id = await create();
    await expect(pay(id, "sandbox-lost-after")).rejects.toThrow();
    expect(await call("GET", `/${id}`)).toMatchObject({ body: { status: "paid" } });
    expect(await pay(id, "sandbox-lost-after")).toMatchObject({ status: 200, body: { type: "payment" } });
  });

  test("a Quick Pay is started by the first ask and by nothing else", async () => {
    const id = await create({ barcode: "424242424" });
    const before = gateway.captures().length;
    await call("GET", `/external-ref/c-${made}?merchantAccountId=a`);
    await call("GET", `/${id}/activities`);
    expect(gateway.captures()).toHaveLength(before);
    expect(await call("GET", `/${id}`)).toMatchObject({ body: { status: "new" } });
    expect(await call("GET", `/${id}`)).toMatchObject({ body: { status: "paid" } });
    expect(gateway.captures()).toHaveLength(before + 1);
  });

  test("the documents' own barcodes", async () => {
    const id = await create({ barcode: "464646464" });
    expect(await call("GET", `/${id}`)).toMatchObject({
      body: { status: "cancelled", cancellationReason: "INACTIVE_ASSET" },
    });
  });

  test("a capture is told apart by its key", async () => {
    const body = {
      idempotencyKey: "cap-1",
      invoiceRef: "inv-1",
      lineItems: [],
      value: { amount: "500", currency: "NZD" },
    };
    const first = await call("POST", "/preauth-1/confirm", body);
    expect(first).toMatchObject({ status: 200, body: { type: "confirmation", idempotencyKey: "cap-1" } });
    expect(await call("POST", "/preauth-1/confirm", body)).toEqual(first);
    expect(gateway.captures().filter(({ chargeId }) => chargeId === "inv-1")).toHaveLength(1);
  });

  test("what is voided is cancelled, or given back", async () => {
    const unpaid = await create();
    expect(await call("POST", `/${unpaid}/void`)).toMatchObject({ body: { type: "cancellation" } });
    expect(await pay(unpaid, "asset-1")).toMatchObject({
      status: 403,
      body: { message: "REQUEST_CANCELLED" },
    });
    const paid = await create();
    await pay(paid, "asset-1");
    const before = gateway.captures().length;
    expect(await call("POST", `/${paid}/void`)).toMatchObject({ body: { type: "refund" } });
    expect(gateway.captures()).toHaveLength(before - 1);
  });

  test("lists by our reference, page by page", async () => {
    await create({ externalRef: "same" });
    await create({ externalRef: "same" });
    const first = await call("GET", "/external-ref/same?merchantAccountId=a");
    expect(first.body["items"]).toHaveLength(1);
    const next = await call(
      "GET",
      `/external-ref/same?merchantAccountId=a&pageKey=${String(first.body["pageKey"])}`,
    );
    expect(next.body["items"]).toHaveLength(1);
    expect(next.body["pageKey"]).toBeUndefined();
  });

  test("answers 429 with Retry-After beyond its limit", async () => {
    const limited = await startSandboxCentrapay({ requestsPerMinute: 2, latencyMs: { min: 0, max: 0 } });
    const statuses: number[] = [];
    let retryAfter = "";
    for (let n = 0; n < 3; n++) {
      const answer = await fetch(`${limited.url}/api/payment-requests/pr1`, {
        headers: { "X-Api-Key": "k" },
      });
      statuses.push(answer.status);
      retryAfter = answer.headers.get("retry-after") ?? "";
      await answer.text();
    }
    await limited.close();
    expect(statuses).toEqual([403, 403, 429]);
    expect(Number(retryAfter)).toBeGreaterThan(0);
  });
});
