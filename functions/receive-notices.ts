import { createHash } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SQSClient } from "@aws-sdk/client-sqs";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { clientLimits } from "../lib/adapters/deadline.ts";
import { dynamodbKeepNotices } from "../lib/adapters/dynamodb-notices.ts";
import { httpWire } from "../lib/adapters/http-wire.ts";
import { joseTokens } from "../lib/adapters/jose-tokens.ts";
import { isSameSecret } from "../lib/adapters/same-secret.ts";
import { sqsWakeUps } from "../lib/adapters/sqs-wake-ups.ts";
import type { GatewayName } from "../lib/core/charge.ts";
import type { NoticeDesk, NoticeRequest } from "../lib/core/notice.ts";
import { type NoticeReceiver, receiveNotice } from "../lib/flows/receive-notice.ts";
import { noticeDesksOf } from "../lib/gateways/notice-registry.ts";
import type { Wire } from "../lib/ports.ts";
import { type NoticeSettings, readNoticeSettings, SettingsError } from "../lib/settings.ts";
import { credentialOf } from "./parts/credential.ts";
import { logOf } from "./parts/function-log.ts";
import { clock, sha256 } from "./parts/machine.ts";

const functionName = "receive-notices";
/** A notice has a few KB. What is larger is not read, whoever signed it. */
const bodyBytesMax = 262_144;
const keysTimeoutMs = 3_000;
/** Names of what was kept a moment ago, so many of them. */
const recentMax = 10_000;

const fetchOnce = async (url: string): ReturnType<Wire["send"]> => {
  const wire = httpWire({ clock, maxBodyBytes: bodyBytesMax });
  try {
    return await wire.send(
      { method: "GET", url, headers: { Accept: "application/json" } },
      { timeoutMs: keysTimeoutMs },
    );
  } finally {
    wire.close();
  }
};

/** The first names go when there are too many: a set keeps their order. */
const recentNames = (): NoticeReceiver["recent"] => {
  const names = new Set<string>();
  return {
    has: (name) => names.has(name),
    add(name) {
      names.add(name);
      const [oldest] = names;
      if (names.size > recentMax && oldest !== undefined) names.delete(oldest);
    },
  };
};

/**
 * The desks, with the secrets of now. A secret in the store is asked for by each invocation: the extension beside
 * the function keeps it for minutes and serves only while one runs. One that cannot be read any more stays in use.
 * @throws `SecretUnavailable` while there is nothing to go on with
 */
const desksNow = ({ centrobill, centrapay }: NoticeSettings): (() => Promise<readonly NoticeDesk[]>) => {
  const credentials = centrobill?.secrets ?? [];
  const known = credentials.map((credential) => (credential.kind === "value" ? credential.value : undefined));
  const verifyToken = centrapay && joseTokens({ url: centrapay.keysUrl, clock, fetch: fetchOnce });
  return async () => {
    const secrets = await Promise.all(
      credentials.map(async (credential, place) => {
        if (credential.kind === "value") return credential.value;
        try {
          known[place] = await credentialOf(credential, process.env);
        } catch (error) {
          if (known[place] === undefined) throw error;
        }
        return known[place] ?? "";
      }),
    );
    return noticeDesksOf({
      ...(centrobill === undefined ? {} : { centrobill: { secrets, sha256, sameText: isSameSecret } }),
      ...(centrapay === undefined || verifyToken === undefined
        ? {}
        : { centrapay: { audience: centrapay.audience, verifyToken, sameText: isSameSecret } }),
    });
  };
};

const build = () => {
  const log = logOf(functionName);
  const settings = readNoticeSettings(process.env);
  const receiver: NoticeReceiver = {
    notices: dynamodbKeepNotices(new DynamoDBClient({ ...clientLimits }), settings.ledgerTable),
    wakeUps: sqsWakeUps(new SQSClient({ ...clientLimits }), settings.unknownOutcomesUrl),
    log,
    recent: recentNames(),
  };
  const heard = (["centrobill", "centrapay"] as const).filter((name) => settings[name] !== undefined);
  log.event("started", { count: heard.length });
  return { heard, desks: desksNow(settings), receiver, log };
};

const buildOrSay = (): ReturnType<typeof build> => {
  try {
    return build();
  } catch (error) {
    if (error instanceof SettingsError) process.stderr.write(`${functionName}: ${error.message}\n`);
    throw error;
  }
};

const { heard, desks, receiver, log } = buildOrSay();

const answer = (
  statusCode: number,
  result: string,
  more: Readonly<Record<string, string>> = {},
): APIGatewayProxyStructuredResultV2 => ({
  statusCode,
  headers: { "Content-Type": "application/json", ...more },
  body: JSON.stringify({ result }),
});

/** `/notices/<gateway>`, behind a stage's name or a path of the merchant's. */
const gatewayAt = (path: string): GatewayName | undefined =>
  heard.find((gateway) => path.replace(/\/+$/, "").endsWith(`/notices/${gateway}`));

/** The body's bytes; `undefined` where there are too many. */
const bytesOf = ({ body: given, isBase64Encoded }: APIGatewayProxyEventV2): Buffer | undefined => {
  // Not everybody who calls by this format leaves out the body that there is none of: some give `null`.
  const body = given ?? "";
  // Four characters of base64 are three bytes. Compared before anything is made of it.
  const atLeast = isBase64Encoded ? (body.length * 3) / 4 - 2 : body.length;
  if (atLeast > bodyBytesMax) return undefined;
  const bytes = Buffer.from(body, isBase64Encoded ? "base64" : "utf8");
  return bytes.length > bodyBytesMax ? undefined : bytes;
};

/** The notices of the gateways, by HTTP API or function URL (payload format 2.0). */
export const handler = async (event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> => {
  const gateway = gatewayAt(event.rawPath ?? "");
  if (gateway === undefined) return answer(404, "no such path");
  if (event.requestContext?.http?.method !== "POST") return answer(405, "POST only", { Allow: "POST" });
  const bytes = bytesOf(event);
  if (bytes === undefined) {
    log.metric("NoticesRefused", 1, { gateway, reason: "too_large" });
    return answer(413, "too large");
  }
  const request: NoticeRequest = {
    headers: Object.fromEntries(
      Object.entries(event.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value ?? ""]),
    ),
    body: bytes.toString("utf8"),
    bodySha256: createHash("sha256").update(bytes).digest("hex"),
    atMs: clock.nowMs(),
  };
  let desk: NoticeDesk | undefined;
  try {
    desk = (await desks()).find((one) => one.gateway === gateway);
  } catch (error) {
    log.event("notice_failed", { gateway, error: error instanceof Error ? error.message : "unknown" });
  }
  if (desk === undefined) return answer(503, "unavailable");
  const { status, result } = await receiveNotice(request, desk, receiver);
  return answer(status, result);
};
