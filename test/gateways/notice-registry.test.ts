import { expect, test } from "vitest";
import { type NoticeOptions, noticeDesksOf } from "../../lib/gateways/notice-registry.ts";
import { audience, readsToken, sameText, secret, sha256 } from "./notices.ts";

const centrobill = { secrets: [secret], sha256, sameText };
const centrapay = { audience, verifyToken: readsToken, sameText };

test.each<[NoticeOptions, string[]]>([
  [{}, []],
  [{ centrobill }, ["centrobill"]],
  [{ centrapay }, ["centrapay"]],
  [{ centrobill, centrapay }, ["centrobill", "centrapay"]],
])("%# a gateway is heard if there is something to prove its notices by: %2$j", (options, gateways) => {
  expect(noticeDesksOf(options).map(({ gateway }) => gateway)).toEqual(gateways);
});
