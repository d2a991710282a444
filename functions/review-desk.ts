import { randomBytes } from "node:crypto";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from "aws-lambda";
import { dynamodbDeskIndex, smallPageKeys } from "../lib/adapters/dynamodb-desk.ts";
import { readChargeRecord } from "../lib/adapters/dynamodb-ledger.ts";
import { readWorkEntries } from "../lib/adapters/dynamodb-work.ts";
import { isSameSecret } from "../lib/adapters/same-secret.ts";
import { sqsCharges } from "../lib/adapters/sqs-charges.ts";
import { readQueueDepths } from "../lib/adapters/sqs-depths.ts";
import { lookThroughQueue } from "../lib/adapters/sqs-look.ts";
import { chargeIn } from "../lib/core/charge-in.ts";
import type { JsonObject } from "../lib/core/json.ts";
import { QUEUES } from "../lib/core/queues.ts";
import { problemsOfWish } from "../lib/core/review-decision.ts";
import { answerDesk } from "../lib/desk/answer.ts";
import { keptIndex } from "../lib/desk/kept-index.ts";
import { deskHeaders, plainPage } from "../lib/desk/page.ts";
import type { DeskResponse, DeskSite } from "../lib/desk/site.ts";
import { fairGroupOf } from "../lib/gateways/fair-group.ts";
import { requestParsers } from "../lib/gateways/registry.ts";
import type { Log, Worker } from "../lib/ports.ts";
import { clock, sha256 } from "./parts/machine.ts";
import { workerOf, workerParts } from "./parts/worker-parts.ts";

const parts = workerParts("review-desk");
const { settings, sqs, dynamodb, log } = parts;
const { ledgerTable: table, queueUrls } = settings;
const bodyMaxBytes = 16_384;
const headers = deskHeaders(sha256);
const index = keptIndex(dynamodbDeskIndex(dynamodb, table, undefined, smallPageKeys), clock, 5_000, 5_000);
const sendCharge = sqsCharges(sqs, queueUrls.charges, fairGroupOf);

/** What is in review was told when it came there: a proposal puts no more money there, and finds no second double charge. */
const deskLog: Log = {
  event: log.event,
  metric(name, value, members) {
    if (name !== "MoneyToReview" && name !== "DoubleCharges") log.metric(name, value, members);
  },
};

/** A browser keeps it for this host alone, and no page elsewhere can set it (`__Host-`). */
const cookieName = "__Host-desk-form";

const siteOf = (worker: Worker): DeskSite => {
  const recordOf: DeskSite["recordOf"] = (chargeId) => readChargeRecord(dynamodb, table, chargeId);
  return {
    desk: {
      ...worker,
      log: deskLog,
      recordOf,
      charges: { send: (body, delayMs) => sendCharge(JSON.parse(body) as JsonObject, delayMs) },
    },
    index,
    recordOf,
    messageOf: async (entry, search) =>
      search
        ? lookThroughQueue(sqs, queueUrls.review, (body) => chargeIn(body, entry, requestParsers, sha256))
        : undefined,
    unknowns: () => readWorkEntries(dynamodb, table, ["unknown", "pending"], worker.ledger),
    depths: () =>
      readQueueDepths(sqs, (name) => process.env[QUEUES.find((one) => one.name === name)?.variable ?? ""]),
    trouble(error) {
      log.event("desk_failed", { error: error instanceof Error ? error.message : "unknown" });
    },
  };
};

type Event = Pick<
  APIGatewayProxyEventV2,
  "rawPath" | "rawQueryString" | "headers" | "cookies" | "body" | "isBase64Encoded"
> & {
  readonly requestContext: Pick<APIGatewayProxyEventV2["requestContext"], "http" | "domainName"> & {
    readonly authorizer?: { readonly iam?: { readonly userArn?: string } };
  };
};

/** Who calls, as IAM has proved it: the account, and the role with its session, or the user. */
const personOf = ({ requestContext }: Event): string | undefined =>
  /^arn:[^:]*:(?:iam|sts)::(.+)$/.exec(requestContext.authorizer?.iam?.userArn ?? "")?.[1];

const formTokenOf = ({ cookies = [] }: Event): string | undefined =>
  cookies.flatMap((one) => (one.startsWith(`${cookieName}=`) ? [one.slice(cookieName.length + 1)] : []))[0];

/** Whether a browser says that a form is one of the desk's own pages'. Whoever says nothing is not believed. */
const isOwnForm = ({ headers: sent, requestContext }: Event): boolean => {
  const site = sent["sec-fetch-site"];
  return site === undefined
    ? sent["origin"] === `https://${requestContext.domainName}`
    : site === "same-origin";
};

const answer = async (
  event: Event,
  context: Context,
): Promise<DeskResponse & { readonly cookies?: string[] }> => {
  const person = personOf(event);
  if (person === undefined)
    return plainPage(403, "No entry", "The desk is for callers whom IAM has named (AuthType AWS_IAM).");
  const [problem] = problemsOfWish({ decision: "drop", by: person, reason: "-" });
  if (problem !== undefined)
    return plainPage(
      403,
      "No entry",
      `The caller's name cannot be kept in a record: it must ${problem.must}.`,
    );
  const { method } = event.requestContext.http;
  if (method !== "GET" && method !== "POST") {
    const page = plainPage(405, "Not so", "The desk knows GET and POST.");
    return { ...page, headers: { ...page.headers, Allow: "GET, POST" } };
  }
  const site = event.headers["sec-fetch-site"];
  if (method === "GET" && site !== undefined && site !== "same-origin" && site !== "none")
    return plainPage(403, "From elsewhere", "No other page may lead into the desk: type its address.");
  // The last part alone: a stage's name or a path before it is fine.
  const page = (event.rawPath ?? "/").split("/").at(-1) ?? "";
  const known = formTokenOf(event);
  let fields = new URLSearchParams(event.rawQueryString ?? "");
  if (method === "POST") {
    if (!isOwnForm(event))
      return plainPage(403, "From elsewhere", "This form does not come from a page of the desk.");
    const body = Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8");
    if (body.length > bodyMaxBytes) return plainPage(413, "Too large", "No form of this desk is that large.");
    fields = new URLSearchParams(body.toString("utf8"));
    if (known === undefined || !isSameSecret(fields.get("form") ?? "", known))
      return plainPage(403, "An old form", "This form is not of this session: open the charge again.");
  }
  const formToken = known ?? randomBytes(32).toString("base64url");
  const said = await answerDesk(
    { method, page, fields, person, formToken },
    siteOf(workerOf(parts, await parts.gateways(), context)),
  );
  return known === undefined
    ? { ...said, cookies: [`${cookieName}=${formToken}; Secure; HttpOnly; SameSite=Strict; Path=/`] }
    : said;
};

/** Answers a function URL with AuthType AWS_IAM, or an HTTP API with an IAM authorizer (payload format 2.0). */
export const handler = async (event: Event, context: Context): Promise<APIGatewayProxyStructuredResultV2> => {
  try {
    const { status, body, cookies, ...said } = await answer(event, context);
    return {
      statusCode: status,
      headers: { ...headers, ...said.headers },
      body,
      ...(cookies === undefined ? {} : { cookies }),
    };
  } finally {
    log.flush();
  }
};
