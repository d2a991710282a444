import { createHash, timingSafeEqual } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SQSClient } from "@aws-sdk/client-sqs";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { clientLimits } from "../lib/adapters/deadline.ts";
import { dynamodbNotices } from "../lib/adapters/dynamodb-notices.ts";
import { httpWire } from "../lib/adapters/http-wire.ts";
import { joseTokens } from "../lib/adapters/jose-tokens.ts";
import { sqsWakeUps } from "../lib/adapters/sqs-wake-ups.ts";
import type { NoticeDesk } from "../lib/core/notice.ts";
import { type NoticeReceiver, receiveNotice } from "../lib/flows/receive-notice.ts";
import { noticeDesksOf } from "../lib/gateways/notice-registry.ts";
import type { Wire } from "../lib/ports.ts";
import { readNoticeSettings } from "../lib/settings.ts";
import { clock, credentialOf, logOf, refuseToStart, sha256 } from "./worker.ts";

const functionName = "receive-notices";
/** A notice has a few KB. What is larger is not read, whoever signed it. */
const bodyBytesMax = 262_144;
const keysTimeoutMs = 3_000;
/** Names of what was kept a moment ago, so many of them. */
const recentMax = 10_000;

const sameText = (a: string, b: string): boolean => {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
};

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

const build = async () => {
  const log = logOf(functionName);
  const settings = readNoticeSettings(process.env);
  const { centrobill, centrapay } = settings;
  const secrets = await Promise.all(
    (centrobill?.secrets ?? []).map((secret) => credentialOf(secret, process.env)),
  );
  const desks = noticeDesksOf({
    ...(centrobill === undefined ? {} : { centrobill: { secrets, sha256, sameText } }),
    ...(centrapay === undefined
      ? {}
      : {
          centrapay: {
            audience: centrapay.audience,
            verifyToken: joseTokens({ url: centrapay.keysUrl, clock, fetch: fetchOnce }),
            sameText,
          },
        }),
  });
  const receiver: NoticeReceiver = {
    notices: dynamodbNotices(new DynamoDBClient({ ...clientLimits }), settings.ledgerTable),
    wakeUps: sqsWakeUps(new SQSClient({ ...clientLimits }), settings.unknownOutcomesUrl),
    log,
    recent: recentNames(),
  };
  log.event("started", { count: desks.length });
  return { desks, receiver, log };
};

const { desks, receiver, log } = await build().catch(refuseToStart(functionName));

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
const deskAt = (path: string): NoticeDesk | undefined =>
  desks.find(({ gateway }) => path.replace(/\/+$/, "").endsWith(`/notices/${gateway}`));

/** The notices of the gateways, by HTTP API or function URL (payload format 2.0). */
export const handler = async (event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> => {
  const desk = deskAt(event.rawPath ?? "");
  if (desk === undefined) return answer(404, "no such path");
  if (event.requestContext?.http?.method !== "POST") return answer(405, "POST only", { Allow: "POST" });
  const text = event.body ?? "";
  // Four characters of base64 are three bytes.
  const isTooLarge = event.isBase64Encoded
    ? (text.length * 3) / 4 > bodyBytesMax + 2
    : text.length > bodyBytesMax;
  const bytes = isTooLarge ? undefined : Buffer.from(text, event.isBase64Encoded ? "base64" : "utf8");
  if (bytes === undefined || bytes.length > bodyBytesMax) {
    log.metric("NoticesRefused", 1, { gateway: desk.gateway, reason: "too_large" });
    return answer(413, "too large");
  }
  const { status, result } = await receiveNotice(
    {
      headers: Object.fromEntries(
        Object.entries(event.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value ?? ""]),
      ),
      body: bytes.toString("utf8"),
      bodySha256: createHash("sha256").update(bytes).digest("hex"),
      atMs: clock.nowMs(),
    },
    desk,
    receiver,
  );
  return answer(status, result);
};
