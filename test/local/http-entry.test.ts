import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { startFunctionThread } from "../../infra/local/function-thread.ts";
import { startHttpEntry } from "../../infra/local/http-entry.ts";

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}.mjs`, import.meta.url));
const entryOf = async () => {
  const entry = await startHttpEntry();
  onTestFinished(() => entry.close());
  return entry;
};

describe("the local address of a function", () => {
  test("makes events of payload format 2.0, and passes the answer on", async () => {
    const entry = await entryOf();
    const events: unknown[] = [];
    entry.serve(async (event) => {
      events.push(event);
      return { statusCode: 201, headers: { "X-Own": "1" }, body: "héllo" };
    });
    const answer = await fetch(`${entry.url}/a/b?c=d&e`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Signature": "Ab" },
      body: '{"a":"é"}',
    });
    expect([answer.status, answer.headers.get("x-own"), await answer.text()]).toEqual([201, "1", "héllo"]);
    expect(events).toMatchObject([
      {
        version: "2.0",
        rawPath: "/a/b",
        rawQueryString: "c=d&e",
        headers: { "x-signature": "Ab", "content-type": "application/json" },
        requestContext: { http: { method: "POST", path: "/a/b" } },
        body: '{"a":"é"}',
        isBase64Encoded: false,
      },
    ]);
  });

  test("what is not text comes in base64, and nothing as no body", async () => {
    const entry = await entryOf();
    const events: { body?: string; isBase64Encoded?: boolean }[] = [];
    entry.serve(async (event) => {
      events.push(event as object);
      return {};
    });
    const bytes = Uint8Array.from([0, 255, 1]);
    await fetch(entry.url, {
      method: "POST",
      headers: { "Content-Type": "application/octet-stream" },
      body: bytes,
    });
    await fetch(entry.url);
    expect(events[0]).toMatchObject({ body: Buffer.from(bytes).toString("base64"), isBase64Encoded: true });
    expect(events[1]).toMatchObject({ isBase64Encoded: false });
    expect(events[1]?.body).toBeUndefined();
  });

  test("answers 503 before there is a function, 502 for one that throws, 413 past what Lambda takes", async () => {
    const entry = await entryOf();
    const statusOf = async (body?: Buffer): Promise<number> =>
      (await fetch(entry.url, body === undefined ? {} : { method: "POST", body })).status;
    expect(await statusOf()).toBe(503);
    entry.serve(() => Promise.reject(new Error("its own affair")));
    expect(await statusOf()).toBe(502);
    expect(await statusOf(Buffer.alloc(6 * 1024 * 1024 + 1))).toBe(413);
  });
});

describe("a function in a thread", () => {
  const start = async (name: string, env: Readonly<Record<string, string>> = {}) => {
    const lines: string[] = [];
    const thread = await startFunctionThread({
      functionName: "echo",
      bundle: fixture(name),
      env,
      onLog: ({ line }) => lines.push(line),
    });
    onTestFinished(() => thread.stop());
    return { thread, lines };
  };

  test("has its own environment alone, runs several at once, and rejects with what was thrown", async () => {
    const { thread } = await start("answers-http", { OWN: "1" });
    const answers = await Promise.all([thread.invoke({ n: 1 }), thread.invoke({ n: 2 })]);
    expect(answers).toEqual([
      { n: 1, own: "1", path: null },
      { n: 2, own: "1", path: null },
    ]);
    await expect(thread.invoke({ throws: "no" })).rejects.toThrow("no");
  });

  test.each(["refuses-start", "no-handler"])("that cannot start (%s) says why", async (name) => {
    await expect(start(name)).rejects.toMatchObject({ name: "FunctionUnstartable" });
  });

  test("that was stopped answers nobody", async () => {
    const { thread } = await start("answers-http");
    await thread.stop();
    await expect(thread.invoke({})).rejects.toThrow();
  });
});
