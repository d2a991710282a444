import { request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http";
import { connect } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { deskDoor, linkLifeMs, sessionLifeMs } from "../../cli/desk-door.ts";
import { type DeskServer, startDeskServer } from "../../cli/desk-server.ts";
import { isSameSecret } from "../../lib/adapters/same-secret.ts";
import { formOf, siteOn } from "../desk/site-on.ts";
import { chargeMessage, chargeOf } from "../doubles/samples.ts";
import { swallows } from "../doubles/scripted-bank.ts";
import { type Stage, stage } from "../flows/stage.ts";

type Answer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string };

const form = "application/x-www-form-urlencoded";

/** One request as it is written here: nothing is added that a browser or a library would add. */
const ask = (
  server: DeskServer,
  method: string,
  path: string,
  headers: OutgoingHttpHeaders = {},
  body = "",
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { port } = new URL(server.origin);
    const sent = httpRequest(
      {
        host: "127.0.0.1",
        port,
        method,
        path,
        headers: { host: `127.0.0.1:${port}`, ...headers },
        agent: false,
      },
      (answer) => {
        let text = "";
        answer.setEncoding("utf8");
        answer.on("data", (piece: string) => {
          text += piece;
        });
        answer.on("end", () =>
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }),
        );
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });

type Opened = {
  readonly on: Stage;
  readonly server: DeskServer;
  /** the path of the link, with its token */
  readonly link: string;
  readonly time: { nowMs: number };
  readonly folder: string;
};

const message = chargeMessage("order-1");

/** A desk over a charge in review, on a free port. */
const opened = async (person: string | null = "Ann"): Promise<Opened> => {
  const on = stage({ bank: () => swallows, policy: { afterAbsence: "review" } });
  on.send(message);
  await on.run();
  const time = { nowMs: 0 };
  const door = deskDoor(() => time.nowMs);
  const server = await startDeskServer({
    site: siteOn(on, { charges: [chargeOf(message)] }),
    door,
    port: 0,
    ...(person === null ? {} : { person }),
  });
  onTestFinished(() => server.close());
  return { on, server, link: server.link.slice(server.origin.length), time, folder: door.folder };
};

const cookieOf = ({ headers }: Answer): string => (headers["set-cookie"]?.[0] ?? "").split(";")[0] ?? "";

/** The same, and somebody who was let in. */
const entered = async () => {
  const desk = await opened();
  const { server, link, folder } = desk;
  const cookie = cookieOf(await ask(server, "GET", link));
  const own = { origin: server.origin, "sec-fetch-site": "same-origin", "content-type": form, cookie };
  return {
    ...desk,
    cookie,
    /** the headers of a form of the desk's own page */
    own,
    get: (page: string, headers: OutgoingHttpHeaders = {}) =>
      ask(server, "GET", `${folder}${page}`, { cookie, ...headers }),
    post: (fields: Readonly<Record<string, string>> | string, headers: OutgoingHttpHeaders = own) =>
      ask(
        server,
        "POST",
        `${folder}decide`,
        headers,
        typeof fields === "string" ? fields : new URLSearchParams(fields).toString(),
      ),
  };
};

/** The dry run's form, as the charge's page has it. */
const dryForm = async (desk: Awaited<ReturnType<typeof entered>>): Promise<Record<string, string>> => {
  const { body } = await desk.get("charge?id=order-1");
  return formOf({ status: 200, headers: {}, body }, "Say what would happen", {
    decision: "drop",
    reason: "enough",
  });
};

describe("the link", () => {
  test("lets one in, once, into a folder that nobody knows, by a cookie that no script reads", async () => {
    const { server, link, folder } = await opened();
    const answer = await ask(server, "GET", link);
    expect(answer).toMatchObject({ status: 303, headers: { location: folder } });
    expect(answer.headers["set-cookie"]).toEqual([
      expect.stringMatching(
        /^chargeonce-desk=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/[\w-]{16}\/; Max-Age=43200$/,
      ),
    ]);
    const list = await ask(server, "GET", folder, { cookie: cookieOf(answer) });
    expect(list.status).toBe(200);
    expect(list.body).toContain("order-1");
  });

  test("used twice it is refused, and says why; who is in stays in", async () => {
    const { server, link, folder } = await opened();
    const first = await ask(server, "GET", link);
    const second = await ask(server, "GET", link);
    expect(second.status).toBe(403);
    expect(second.body).toContain("This link was used before: it works once.");
    expect(second.headers["set-cookie"]).toBeUndefined();
    expect((await ask(server, "GET", folder, { cookie: cookieOf(first) })).status).toBe(200);
  });

  test.each([
    ["another token", (link: string) => link.replace(/.$/, (last) => (last === "A" ? "B" : "A"))],
    ["a shorter one", (link: string) => link.slice(0, -1)],
    ["none", () => "/enter"],
    ["an empty one", () => "/enter?token="],
  ])("%s is refused, and does not use the link up", async (_, changed) => {
    const { server, link } = await opened();
    expect((await ask(server, "GET", changed(link))).status).toBe(403);
    expect((await ask(server, "GET", link)).status).toBe(303);
  });

  test("too late it is refused, and says why", async () => {
    const { server, link, time } = await opened();
    time.nowMs = linkLifeMs;
    const answer = await ask(server, "GET", link);
    expect(answer.status).toBe(403);
    expect(answer.body).toContain("not used in time");
  });

  test.each([
    ["HEAD", {}],
    ["GET", { "sec-purpose": "prefetch;prerender" }],
    ["GET", { purpose: "prefetch" }],
  ])("what looks ahead does not use it up: %s %o", async (method, headers) => {
    const { server, link } = await opened();
    expect((await ask(server, method, link, headers)).status).toBe(403);
    expect((await ask(server, "GET", link)).status).toBe(303);
  });

  test("a session ends", async () => {
    const { get, time } = await entered();
    time.nowMs = sessionLifeMs - 1;
    expect((await get("")).status).toBe(200);
    time.nowMs = sessionLifeMs;
    expect((await get("")).status).toBe(401);
  });
});

describe("who decides, asked on entering", () => {
  test("a name is wanted, by a form of this desk, and stands in what is decided", async () => {
    const { server, link, folder } = await opened(null);
    const token = link.split("=")[1] ?? "";
    const own = { origin: server.origin, "content-type": form };
    const enter = (by: string, headers: OutgoingHttpHeaders = own) =>
      ask(server, "POST", "/enter", headers, new URLSearchParams({ token, by }).toString());
    expect(await ask(server, "GET", link)).toMatchObject({
      status: 200,
      body: expect.stringContaining("Who decides at this desk?"),
    });
    for (const by of ["", "  ", "a\u0000b", "x".repeat(101), "4111111111111111"])
      expect((await enter(by)).status).toBe(422);
    expect((await enter("Bo", { ...own, origin: "http://evil.test" })).status).toBe(403);
    const answer = await enter("Bo <b>");
    expect(answer.status).toBe(303);
    expect((await enter("Cy")).status).toBe(403);
    const list = await ask(server, "GET", folder, { cookie: cookieOf(answer) });
    expect(list.body).toContain("Bo &#60;b&#62;");
  });
});

describe("who is let in", () => {
  test.each([
    ["without a cookie", {}],
    ["with another one", { cookie: `chargeonce-desk=${"A".repeat(43)}` }],
    ["with an empty one", { cookie: "chargeonce-desk=" }],
  ] as const)("nobody %s", async (_, headers) => {
    const { server, folder } = await entered();
    for (const page of ["", "charge?id=order-1", "word?id=order-1", "money", "queues"])
      expect((await ask(server, "GET", `${folder}${page}`, headers)).status, page).toBe(401);
  });

  test.each([
    ["another name", "desk.evil.test"],
    ["another name with the port", (port: string) => `evil.test:${port}`],
    ["another address", (port: string) => `127.0.0.2:${port}`],
    ["its name without the port", "127.0.0.1"],
    ["localhost, which a page elsewhere may be", (port: string) => `localhost:${port}`],
  ] as const)("not under %s: a name that was pointed here gets nothing", async (_, host) => {
    const { server, folder, cookie, link } = await entered();
    const name = typeof host === "string" ? host : host(new URL(server.origin).port);
    for (const path of [folder, `${folder}charge?id=order-1`, link]) {
      const answer = await ask(server, "GET", path, { host: name, cookie });
      expect(answer.status).toBe(421);
      expect(answer.body).not.toContain("order-1");
    }
  });

  test.each(["cross-site", "same-site"])("no page elsewhere leads in, nor frames it: %s", async (site) => {
    const { get } = await entered();
    expect((await get("", { "sec-fetch-site": site })).status).toBe(403);
    expect((await get("", { "sec-fetch-site": "none" })).status).toBe(200);
  });
});

describe("a form", () => {
  test("of the desk's own page is taken", async () => {
    const desk = await entered();
    const dry = await desk.post(await dryForm(desk));
    expect(dry.status).toBe(200);
    const go = await desk.post(formOf({ ...dry, headers: {} }, "Decide this"));
    expect(go).toMatchObject({ status: 303, headers: { location: "charge?id=order-1&made=1" } });
    expect(desk.on.entry()?.history.at(-1)).toMatchObject({ e: "decided", decision: "drop", by: "Ann" });
  });

  test("the person is the session's, whatever the form says", async () => {
    const desk = await entered();
    const dry = await desk.post({ ...(await dryForm(desk)), by: "Bo", person: "Bo" });
    await desk.post({ ...formOf({ ...dry, headers: {} }, "Decide this"), by: "Bo" });
    expect(desk.on.entry()?.history.at(-1)).toMatchObject({ e: "decided", by: "Ann" });
  });

  test.each([
    ["from another origin", { origin: "https://evil.test" }],
    ["from another port of this machine", { origin: "http://127.0.0.1:1" }],
    ["from localhost", { origin: "http://localhost" }],
    ["from nowhere", { origin: "null" }],
    ["that says no origin and no site", { origin: undefined, "sec-fetch-site": undefined }],
    ["that says no origin, and another site", { origin: undefined, "sec-fetch-site": "cross-site" }],
    ["that says its origin, and another site", { "sec-fetch-site": "same-site" }],
  ] as const)("%s is refused, and nothing is done", async (_, changed) => {
    const desk = await entered();
    const fields = { ...(await dryForm(desk)), step: "go" };
    const before = desk.on.entry();
    const headers = Object.fromEntries(
      Object.entries({ ...desk.own, ...changed }).filter(([, value]) => value !== undefined),
    ) as OutgoingHttpHeaders;
    expect((await desk.post(fields, headers)).status).toBe(403);
    expect(desk.on.entry()).toEqual(before);
  });

  test.each([
    ["without its token", { form: "" }],
    ["with another one", { form: "A".repeat(43) }],
  ])("%s is refused, and nothing is done", async (_, changed) => {
    const desk = await entered();
    const before = desk.on.entry();
    const answer = await desk.post({ ...(await dryForm(desk)), step: "go", ...changed });
    expect(answer.status).toBe(403);
    expect(desk.on.entry()).toEqual(before);
  });

  test("without the cookie is refused, though its token is right", async () => {
    const desk = await entered();
    const { cookie: _none, ...headers } = desk.own;
    expect((await desk.post(await dryForm(desk), headers)).status).toBe(401);
  });

  test.each([
    ["JSON", "application/json"],
    ["text", "text/plain"],
    ["parts", "multipart/form-data; boundary=x"],
    ["nothing", undefined],
  ])("as %s is refused", async (_, type) => {
    const desk = await entered();
    const headers = { ...desk.own, "content-type": type };
    const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
    expect((await desk.post(await dryForm(desk), given as OutgoingHttpHeaders)).status).toBe(415);
  });

  test("that is too large is refused: told before, and not told", async () => {
    const desk = await entered();
    const large = `reason=${"x".repeat(20_000)}`;
    expect((await desk.post(large)).status).toBe(413);
    expect((await desk.post(large, { ...desk.own, "transfer-encoding": "chunked" })).status).toBe(413);
    expect((await desk.get("")).status).toBe(200);
  });
});

describe("what is served", () => {
  test.each([
    "../../../etc/passwd",
    "%2e%2e/%2e%2e/etc/passwd",
    "..%2f..%2fpackage.json",
    "package.json",
    "./",
    "charge/../queues",
    "charge%00",
    "favicon.ico",
  ])("no file, whatever is asked for: %s", async (path) => {
    const { get } = await entered();
    const answer = await get(path);
    expect(answer.status).toBe(404);
    expect(answer.body).not.toMatch(/root:|"dependencies"/);
  });

  test.each(["/", "/etc/passwd", "//evil.test/", "http://evil.test/", "*"])(
    "outside its folder is nothing: %s",
    async (path) => {
      const { server, cookie } = await entered();
      expect((await ask(server, "GET", path, { cookie })).status).toBe(404);
    },
  );

  test.each(["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])("%s is not known", async (method) => {
    const { server, cookie, folder } = await entered();
    expect(await ask(server, method, `${folder}decide`, { cookie })).toMatchObject({
      status: 405,
      headers: { allow: "GET, HEAD, POST" },
    });
  });

  test("every answer is kept by nobody, framed by nobody, and is what it says", async () => {
    const desk = await entered();
    const answers = [
      await desk.get(""),
      await desk.get("charge?id=order-1"),
      await desk.get("word?id=order-1"),
      await desk.get("none"),
      await desk.post({}),
      await ask(desk.server, "GET", desk.link),
      await ask(desk.server, "GET", "/"),
      await ask(desk.server, "GET", "/", { host: "evil.test" }),
    ];
    for (const { headers } of answers) {
      expect(headers["content-security-policy"]).toMatch(
        /^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/,
      );
      expect(headers).toMatchObject({
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
      });
      expect(headers).not.toHaveProperty("access-control-allow-origin");
    }
  });

  test("HEAD has no body", async () => {
    const { server, cookie, folder } = await entered();
    expect(await ask(server, "HEAD", folder, { cookie })).toMatchObject({ status: 200, body: "" });
  });

  test("what is no HTTP is closed, and the desk goes on", async () => {
    const { server, get } = await entered();
    const said = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(new URL(server.origin).port), "127.0.0.1", () =>
        socket.write("\u0000\u0001\r\n\r\n"),
      );
      let text = "";
      socket.on("data", (piece) => {
        text += piece.toString();
      });
      socket.on("close", () => resolve(text));
      socket.on("error", reject);
    });
    expect(said).toMatch(/^HTTP\/1\.1 400 /);
    expect((await get("")).status).toBe(200);
  });
});

test("secrets are compared whole", () => {
  expect(isSameSecret("a", "a")).toBe(true);
  for (const [a, b] of [
    ["a", "b"],
    ["a", "ab"],
    ["", "a"],
    ["é", "e\u0301"],
  ] as const)
    expect(isSameSecret(a, b)).toBe(false);
});
