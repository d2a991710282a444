import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { isSameSecret } from "../lib/adapters/same-secret.ts";
import { problemsOfWish } from "../lib/core/review-decision.ts";
import { answerDesk } from "../lib/desk/answer.ts";
import { html } from "../lib/desk/markup.ts";
import { deskHeaders, deskPage, plainPage } from "../lib/desk/page.ts";
import type { DeskResponse, DeskSite } from "../lib/desk/site.ts";
import type { DeskDoor, LinkState } from "./desk-door.ts";

export type DeskServer = {
  readonly origin: string;
  /** works once, and leads in */
  readonly link: string;
  close(): Promise<void>;
};

export type DeskServerParts = {
  readonly site: DeskSite;
  readonly door: DeskDoor;
  /** who decides; not given: whoever opens the link says who they are */
  readonly person?: string;
  /** 0: a free one */
  readonly port: number;
};

const host = "127.0.0.1";
const bodyMaxBytes = 16_384;
const headers = deskHeaders((text) => createHash("sha256").update(text).digest("hex"));

/** Answers the request with this page; the body of a request is not read for it. */
class Refusal extends Error {
  override readonly name = "Refusal";
  readonly response: DeskResponse;

  constructor(status: number, title: string, text: string, more: Readonly<Record<string, string>> = {}) {
    super(text);
    const page = plainPage(status, title, text);
    this.response = { ...page, headers: { ...page.headers, ...more } };
  }
}

const linkWords: Readonly<Record<Exclude<LinkState, "good">, string>> = {
  wrong: "This is not the link that the command told.",
  used: "This link was used before: it works once. If that was not you, end the command now. Start it again for a new link.",
  expired: "This link was not used in time: it works for ten minutes. Start the command again for a new one.",
};

/** Where a request may come from: pages of this desk, or an address that a person typed or followed from outside a browser. */
const fromElsewhere = (request: IncomingMessage): boolean => {
  const site = request.headers["sec-fetch-site"];
  return site !== undefined && site !== "same-origin" && site !== "none";
};

/** A form is taken from this desk's own pages alone. A browser that says neither is too old to be trusted with it. */
const checkOrigin = (request: IncomingMessage, origin: string): void => {
  const from = request.headers.origin;
  const site = request.headers["sec-fetch-site"];
  const isOwn = from === undefined ? site === "same-origin" : from === origin && !fromElsewhere(request);
  if (!isOwn) throw new Refusal(403, "From elsewhere", "This form does not come from a page of the desk.");
};

const readForm = async (request: IncomingMessage): Promise<URLSearchParams> => {
  const [type = ""] = (request.headers["content-type"] ?? "").split(";");
  if (type.trim().toLowerCase() !== "application/x-www-form-urlencoded")
    throw new Refusal(415, "Not a form", "The desk takes forms alone.");
  const tooLarge = () =>
    new Refusal(413, "Too large", "No form of this desk is that large.", { Connection: "close" });
  if (Number(request.headers["content-length"] ?? 0) > bodyMaxBytes) throw tooLarge();
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > bodyMaxBytes) throw tooLarge();
    pieces.push(piece);
  }
  return new URLSearchParams(Buffer.concat(pieces).toString("utf8"));
};

const redirect = (to: string, more: Readonly<Record<string, string>> = {}): DeskResponse => ({
  status: 303,
  headers: { Location: to, ...more },
  body: "",
});

const askPerson = (token: string, problem?: string): DeskResponse =>
  deskPage({
    title: "Who are you?",
    status: problem === undefined ? 200 : 422,
    main: html`<h1>Who decides at this desk?</h1><p>Your name stands in the record of each decision, for ever.</p><form method="post" action="enter"><input type="hidden" name="token" value="${token}"><div class="field"><label for="by">Your name</label><input id="by" name="by" required maxlength="100" autocomplete="name" aria-describedby="by-about"><p id="by-about" class="soft">${problem ?? "As your colleagues know you: a second person is another name."}</p></div><div class="act"><button>Enter</button></div></form>`,
  });

/**
 * The desk for a browser on this machine. It listens on loopback, answers under its own name alone (a page elsewhere
 * that points its name here gets nothing), lets in whoever has the link, once, and takes forms from its own pages
 * alone. It reads no file: what it serves is made here.
 */
export const startDeskServer = async ({ site, door, person, port }: DeskServerParts): Promise<DeskServer> => {
  let origin = "";

  const enter = async (request: IncomingMessage, query: URLSearchParams): Promise<DeskResponse> => {
    const isForm = request.method === "POST";
    if (isForm) checkOrigin(request, origin);
    const fields = isForm ? await readForm(request) : query;
    const token = fields.get("token") ?? "";
    const state = door.linkState(token);
    if (state !== "good") throw new Refusal(403, "No entry", linkWords[state]);
    // What only looks ahead does not use the link up.
    const purpose = `${request.headers["sec-purpose"] ?? ""}${request.headers["purpose"] ?? ""}`;
    if (request.method === "HEAD" || purpose.includes("prefetch"))
      throw new Refusal(403, "No entry", "This link works once, and is opened by a person.");
    if (person !== undefined) return redirect(door.folder, { "Set-Cookie": door.enter(person) });
    if (!isForm) return askPerson(token);
    const by = (fields.get("by") ?? "").trim();
    const problem = problemsOfWish({ decision: "drop", by, reason: "-" }).at(0);
    return problem === undefined
      ? redirect(door.folder, { "Set-Cookie": door.enter(by) })
      : askPerson(token, `Your name must ${problem.must}.`);
  };

  const answer = async (request: IncomingMessage): Promise<DeskResponse> => {
    if (request.headers.host !== `${host}:${(server.address() as AddressInfo).port}`)
      throw new Refusal(421, "Another name", "The desk answers under its own address alone.");
    const { method = "" } = request;
    if (method !== "GET" && method !== "HEAD" && method !== "POST")
      throw new Refusal(405, "Not so", "The desk knows GET and POST.", { Allow: "GET, HEAD, POST" });
    const [path = "", search = ""] = (request.url ?? "").split(/\?(.*)/s);
    const query = new URLSearchParams(search);
    if (path === "/enter") return enter(request, query);
    if (!path.startsWith(door.folder)) throw new Refusal(404, "No such page", "Nothing is here.");
    if (fromElsewhere(request))
      throw new Refusal(403, "From elsewhere", "No other page may lead into the desk: type its address.");
    if (method === "POST") checkOrigin(request, origin);
    const session = door.sessionOf(request.headers.cookie);
    if (session === undefined)
      throw new Refusal(401, "No entry", "Open the link that the command told; it works once.");
    const fields = method === "POST" ? await readForm(request) : query;
    if (method === "POST" && !isSameSecret(fields.get("form") ?? "", session.formToken))
      throw new Refusal(403, "An old form", "This form is not of this session: open the charge again.");
    return answerDesk(
      {
        method: method === "POST" ? "POST" : "GET",
        page: path.slice(door.folder.length),
        fields,
        ...session,
      },
      site,
    );
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let said: DeskResponse;
    try {
      said = await answer(request);
    } catch (error) {
      said =
        error instanceof Refusal
          ? error.response
          : plainPage(
              500,
              "Something broke",
              "Nothing is known of what was asked: look before you repeat it.",
            );
    }
    response.writeHead(said.status, { ...headers, ...said.headers });
    response.end(request.method === "HEAD" ? undefined : said.body);
  };

  const server: Server = createServer(
    { requestTimeout: 30_000, headersTimeout: 10_000, maxHeaderSize: 16_384 },
    (request, response) => void handle(request, response),
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  origin = `http://${host}:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    link: `${origin}/enter?token=${door.linkToken}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
