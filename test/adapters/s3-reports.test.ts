import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ReportNotKept, type S3ReportsOptions, s3Reports } from "../../lib/adapters/s3-reports.ts";
import { type S3Server, s3Server, type Trouble } from "../doubles/s3-server.ts";
import { reportsContract } from "./reports-contract.ts";

const credentials = {
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  sessionToken: "session/of+the=function",
};
const region = "eu-central-1";

const optionsOn = (server: S3Server, waits: number[] = []): S3ReportsOptions => ({
  url: server.url,
  region,
  credentials: () => credentials,
  clock: { nowMs: () => Date.UTC(2026, 10, 24, 12, 30, 5), sleep: async (ms) => void waits.push(ms) },
  folder: tmpdir(),
});

reportsContract(async () => {
  const server = await s3Server(credentials, region);
  return {
    reports: s3Reports(optionsOn(server)),
    keptOf: (name) => server.kept.get(name),
    failNext: () => server.trouble({ kind: "answers", status: 403, code: "AccessDenied" }),
    close: server.close,
  };
});

describe("a PUT to a bucket", () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await s3Server(credentials, region);
  });
  afterAll(() => server.close());
  const put = async (changes: Partial<S3ReportsOptions>, ...trouble: readonly Trouble[]) => {
    const [waits, before] = [[] as number[], server.requests.length];
    server.trouble(...trouble);
    server.kept.delete("day.html");
    const reports = s3Reports({ ...optionsOn(server, waits), ...changes });
    const draft = reports.begin("day.html", "text/html", undefined);
    draft.add("<p>");
    const error = await draft.put().catch((reason: unknown) => reason);
    draft.drop();
    return { error, waits, requests: server.requests.slice(before) };
  };

  const busy: Trouble = { kind: "answers", status: 503, code: "SlowDown" };
  test.each<[string, readonly Trouble[]]>([
    ["the store is busy", [busy, busy]],
    ["the connection was reset", [{ kind: "resets" }]],
    ["another write is in its way", [{ kind: "answers", status: 409, code: "ConditionalRequestConflict" }]],
    ["of a 500", [{ kind: "answers", status: 500, code: "InternalError" }]],
  ])("is made again, with the same bytes, when %s", async (_why, troubles) => {
    const { error, requests, waits } = await put({}, ...troubles);
    expect(error).toBeUndefined();
    expect(requests).toEqual(Array.from({ length: troubles.length + 1 }, () => "PUT day.html"));
    expect(waits).toEqual([200, 800].slice(0, troubles.length));
    expect(server.kept.get("day.html")?.text).toBe("<p>");
  });

  test("whose answer was lost finds its own report there, and is content", async () => {
    const { error, requests } = await put({}, { kind: "takesAndResets" });
    expect(error).toBeUndefined();
    expect(requests).toEqual(["PUT day.html", "PUT day.html", "HEAD day.html"]);
    expect(server.kept.get("day.html")?.text).toBe("<p>");
  });

  test("whose answer was lost, and over which another report was put since, is refused", async () => {
    server.kept.delete("day.html");
    const reports = s3Reports({
      ...optionsOn(server),
      clock: {
        nowMs: () => Date.UTC(2026, 10, 24, 12, 30, 5),
        async sleep() {
          const over = await reports.standing("day.html");
          const other = reports.begin("day.html", "text/html", over);
          other.add("<b>");
          await other.put();
          other.drop();
        },
      },
    });
    const draft = reports.begin("day.html", "text/html", undefined);
    draft.add("<p>");
    server.trouble({ kind: "takesAndResets" });
    await expect(draft.put()).rejects.toThrow("day.html: HTTP 412 PreconditionFailed");
    draft.drop();
    expect(server.kept.get("day.html")?.text).toBe("<b>");
  });

  test.each<[string, readonly Trouble[], string]>([
    ["it is led elsewhere", [{ kind: "answers", status: 301, code: "" }], "day.html: HTTP 301 to a HEAD"],
    ["it is busy for too long", [busy, busy, busy], "day.html: HTTP 503"],
  ])("looks first, and fails when %s", async (_why, troubles, says) => {
    server.trouble(...troubles);
    await expect(s3Reports(optionsOn(server)).standing("day.html")).rejects.toThrow(says);
  });

  test.each<[string, readonly Trouble[], Partial<S3ReportsOptions>, string, tries: number]>([
    [
      "may not write there",
      [{ kind: "answers", status: 403, code: "AccessDenied" }],
      {},
      "HTTP 403 AccessDenied",
      1,
    ],
    [
      "is led elsewhere",
      [{ kind: "answers", status: 301, code: "PermanentRedirect" }],
      {},
      "HTTP 301 PermanentRedirect",
      1,
    ],
    ["is refused without a code", [{ kind: "answers", status: 400, code: "" }], {}, "HTTP 400", 1],
    ["finds it busy for too long", [busy, busy, busy], {}, "HTTP 503 SlowDown", 3],
    ["gets no answer", [{ kind: "hangs" }], { timeoutMs: 50, tries: 1 }, "", 1],
    [
      "has another key",
      [],
      { credentials: () => ({ ...credentials, secretAccessKey: "other" }) },
      "HTTP 403 SignatureDoesNotMatch",
      1,
    ],
    ["signs for another region", [], { region: "us-east-1" }, "HTTP 403 SignatureDoesNotMatch", 1],
    ["has no key", [], { credentials: () => undefined }, "no credentials", 0],
    ["finds nobody", [], { url: "http://127.0.0.1:1/bucket", tries: 1 }, "ECONNREFUSED", 0],
  ])(
    "fails, and names the report and nothing secret, when it %s",
    async (_why, troubles, changes, says, tries) => {
      const { error, requests } = await put(changes, ...troubles);
      expect(error).toBeInstanceOf(ReportNotKept);
      const { message } = error as ReportNotKept;
      expect(message).toMatch(/^day\.html: ./);
      expect(message).toContain(says);
      expect(message).not.toMatch(/wJalr|session/);
      expect(requests).toHaveLength(tries);
    },
  );

  test("leaves nothing in the folder in which its draft grew, and says when there is no room", () => {
    const folder = mkdtempSync(join(tmpdir(), "chargeonce-test-"));
    const draft = s3Reports({ ...optionsOn(server), folder }).begin("r", "text/plain", undefined);
    draft.add("x".repeat(200_000));
    expect(readdirSync(folder)).toEqual([]);
    draft.drop();
    rmSync(folder, { recursive: true });
    expect(() => s3Reports({ ...optionsOn(server), folder }).begin("r", "text/plain", undefined)).toThrow(
      "ENOENT",
    );
  });
});
