import { pathToFileURL } from "node:url";
import type { APIGatewayProxyStructuredResultV2, Context } from "aws-lambda";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ChargeId } from "../../lib/core/charge.ts";
import { chainProblems } from "../../lib/core/decision-chain.ts";
import { recordVerdict } from "../../lib/core/verdict.ts";
import { tokenOf } from "../core/builders.ts";
import { formOf } from "../desk/site-on.ts";
import { chargeMessage, openedEntry } from "../doubles/samples.ts";
import { sha256Of } from "../doubles/scripted-wire.ts";
import { seededIds } from "../doubles/seeded-ids.ts";
import { bundleOf, type FunctionStand, functionStand } from "./function-stand.ts";

type Answer = APIGatewayProxyStructuredResultV2;
type Asked = {
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookies?: readonly string[];
  /** as IAM names them; `null`: nobody is named */
  readonly arn?: string | null;
};

const domainName = "abc.lambda-url.eu-west-1.on.aws";
const ann = "arn:aws:sts::123456789012:assumed-role/Reviewers/ann";
const bo = "arn:aws:sts::123456789012:assumed-role/Reviewers/bo";
const own = { "sec-fetch-site": "same-origin" };
const message = chargeMessage("desk-1", { amount: "4200" });
const chargeId = "desk-1" as ChargeId;

describe("the web desk behind IAM", () => {
  let stand: FunctionStand;
  let handler: (event: unknown, context: Partial<Context>) => Promise<Answer>;
  const lines: string[] = [];
  let unspied = (): void => {};
  beforeAll(async () => {
    stand = await functionStand();
    Object.assign(process.env, stand.env);
    const write = process.stdout.write.bind(process.stdout);
    process.stdout.write = ((chunk: string) => {
      if (!chunk.startsWith("{")) return write(chunk);
      lines.push(chunk);
      return true;
    }) as typeof process.stdout.write;
    unspied = () => {
      process.stdout.write = write;
    };
    ({ handler } = (await import(pathToFileURL(bundleOf("review-desk")).href)) as {
      handler: typeof handler;
    });
    const opened = openedEntry(message, seededIds(), Date.now() - 3_600_000, 1_000);
    await stand.ledger.open(opened);
    await stand.ledger.replace(
      opened.token,
      recordVerdict(
        opened,
        {
          kind: "review",
          reason: "lookups_used_up",
          evidence: { kind: "lookups", atMs: 1, made: 10, failed: 0, lastSendAtMs: 1 },
        },
        { token: tokenOf("seen"), nowMs: Date.now() - 600_000 },
      ),
    );
    await stand.send("review", [JSON.stringify({ v: 1, id: "desk-1#1#review", charge: message })]);
  }, 120_000);
  afterAll(async () => {
    unspied();
    await stand?.close();
  });

  const ask = ({
    method = "GET",
    path = "/",
    query = "",
    fields,
    headers = {},
    cookies = [],
    arn = ann,
  }: Asked): Promise<Answer> =>
    handler(
      {
        version: "2.0",
        rawPath: path,
        rawQueryString: query,
        headers,
        cookies,
        requestContext: {
          domainName,
          http: { method, path },
          ...(arn === null ? {} : { authorizer: { iam: { userArn: arn } } }),
        },
        ...(fields === undefined
          ? {}
          : { body: Buffer.from(new URLSearchParams(fields).toString()).toString("base64") }),
        isBase64Encoded: fields !== undefined,
      },
      { getRemainingTimeInMillis: () => 60_000 },
    );
  const cookieOf = ({ cookies = [] }: Answer): string => (cookies[0] ?? "").split(";")[0] ?? "";
  const pageOf = ({ statusCode = 0, body = "" }: Answer) => ({ status: statusCode, headers: {}, body });
  /** A charge's page, the cookie that came with it, and what its form would send. */
  const opened = async (arn: string) => {
    const page = await ask({ path: "/charge", query: "id=desk-1", arn });
    return {
      page,
      cookies: [cookieOf(page)],
      form: (typed: Record<string, string>) => formOf(pageOf(page), "Say what would happen", typed),
    };
  };

  test("nobody is let in whom IAM has not named, or whose name is too long to be kept", async () => {
    for (const arn of [
      null,
      "",
      "ann",
      `arn:aws:sts::123456789012:assumed-role/${"R".repeat(64)}/${"s".repeat(64)}`,
    ])
      expect((await ask({ arn })).statusCode, String(arn)).toBe(403);
  });

  test("the worklist, under any path before it, as whom IAM has named; a cookie for its forms", async () => {
    const answer = await ask({ path: "/prod/desk/" });
    expect(answer.statusCode).toBe(200);
    expect(answer.body).toContain("charge?id=desk-1");
    expect(answer.body).toContain("123456789012:assumed-role/Reviewers/ann");
    expect(answer.cookies).toEqual([
      expect.stringMatching(/^__Host-desk-form=[\w-]{43}; Secure; HttpOnly; SameSite=Strict; Path=\/$/),
    ]);
    expect(answer.headers).toMatchObject({
      "Content-Security-Policy": expect.stringContaining("default-src 'none'"),
      "Cache-Control": "no-store",
    });
    expect((await ask({ cookies: [cookieOf(answer)] })).cookies).toBeUndefined();
  });

  test("money and every queue, dead letters among them", async () => {
    expect((await ask({ path: "/money" })).body).toContain("42.00 EUR");
    const { body } = await ask({ path: "/queues" });
    expect(body).toContain(">charges-dlq<");
    expect(body).not.toContain("not told");
  });

  test.each([
    ["from elsewhere", { "sec-fetch-site": "cross-site" }, true, {}],
    ["from a neighbour", { "sec-fetch-site": "same-site" }, true, {}],
    ["of another origin, where no site is said", { origin: "https://evil.test" }, true, {}],
    ["that says nothing", {}, true, {}],
    ["without the cookie", own, false, {}],
    ["with another token", own, true, { form: "A".repeat(43) }],
    ["without a token", own, true, { form: "" }],
  ] as const)("a form %s is refused, and nothing is done", async (_, headers, withCookie, changed) => {
    const { cookies, form } = await opened(ann);
    const before = (await stand.ledger.read([chargeId])).get(chargeId);
    const answer = await ask({
      method: "POST",
      path: "/decide",
      fields: { ...form({ decision: "drop", reason: "so" }), step: "go", ...changed },
      headers,
      ...(withCookie ? { cookies } : {}),
    });
    expect(answer.statusCode).toBe(403);
    expect((await stand.ledger.read([chargeId])).get(chargeId)).toEqual(before);
  });

  test("other methods, larger forms and pages elsewhere get nothing", async () => {
    const { cookies } = await opened(ann);
    expect((await ask({ method: "PUT" })).statusCode).toBe(405);
    expect((await ask({ headers: { "sec-fetch-site": "cross-site" } })).statusCode).toBe(403);
    expect(
      (
        await ask({
          method: "POST",
          path: "/decide",
          fields: { reason: "x".repeat(20_000) },
          headers: own,
          cookies,
        })
      ).statusCode,
    ).toBe(413);
  });

  test("two people decide; the charge's own message is found on the queue review, and goes back onto charges", async () => {
    const step = async (
      arn: string,
      button: string,
      typed: Record<string, string>,
      from?: Answer,
      cookies?: readonly string[],
    ) => {
      const page = from ?? (await ask({ path: "/charge", query: "id=desk-1", arn }));
      const kept = cookies ?? [cookieOf(page)];
      const answer = await ask({
        method: "POST",
        path: "/decide",
        fields: formOf(pageOf(page), button, typed),
        headers: own,
        cookies: kept,
        arn,
      });
      return { answer, kept };
    };
    const say = "Say what would happen";
    const stated = {
      decision: "settle-as-declined",
      reason: "looked",
      evidence: "the gateway's mail, case 7",
    };
    const dry = await step(ann, say, stated);
    expect(dry.answer.body).toContain("It would record declined_permanent");
    expect((await step(ann, "Propose this", {}, dry.answer, dry.kept)).answer.statusCode).toBe(303);
    const bos = await step(bo, say, { decision: "settle-as-declined", reason: "looked, too" });
    const confirm = "Confirm what 123456789012:assumed-role/Reviewers/ann proposed";
    expect((await step(bo, confirm, {}, bos.answer, bos.kept)).answer).toMatchObject({
      statusCode: 303,
      headers: { Location: "charge?id=desk-1&made=1" },
    });
    const entry = (await stand.ledger.read([chargeId])).get(chargeId);
    expect(entry).toMatchObject({
      state: "declined_permanent",
      evidence: {
        kind: "stated",
        by: ["123456789012:assumed-role/Reviewers/ann", "123456789012:assumed-role/Reviewers/bo"],
      },
    });
    expect(entry === undefined ? ["none"] : chainProblems(entry, sha256Of)).toEqual([]);
    // It was told when it came to review: what is proposed there puts no more money there.
    expect(lines.join("")).not.toMatch(/MoneyToReview|DoubleCharges/);
    expect(lines.join("")).toContain("charge_recorded");
    expect(await stand.depth("charges")).toMatchObject({ hidden: 1 });
    expect(await stand.depth("review")).toMatchObject({ visible: 1 });
  });
});
