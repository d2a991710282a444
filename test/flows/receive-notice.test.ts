import { describe, expect, test } from "vitest";
import type { ChargeId } from "../../lib/core/charge.ts";
import type { Notice, NoticeDesk, NoticeProof, NoticeReading, WakeUp } from "../../lib/core/notice.ts";
import { receiveNotice } from "../../lib/flows/receive-notice.ts";
import { memoryLog } from "../doubles/memory-log.ts";
import { memoryNotices } from "../doubles/memory-notices.ts";

const notice: Notice = {
  v: 1,
  gateway: "centrobill",
  reference: "1001",
  id: "1001.success",
  receivedAtMs: 5,
  chargeId: "order-1" as ChargeId,
  kind: "charge",
  words: "success",
  reply: { kind: "unproven", why: "contradiction", ids: {} },
  bodySha256: "b0",
  signed: "whole",
};
const verified: NoticeProof = { kind: "verified", payload: {} };
const request = { headers: {}, body: "", bodySha256: "b0", atMs: 5 };

/** One request at a desk that proves and reads as it is told to. */
const comeIn = async (
  proof: NoticeProof,
  read: NoticeReading = { kind: "notice", notice },
  { fails, seen = [] }: { readonly fails?: "keep" | "queue"; readonly seen?: readonly string[] } = {},
) => {
  const log = memoryLog();
  const notices = memoryNotices();
  notices.failBy((op) => op === fails);
  const queued: WakeUp[] = [];
  const recent = new Set<string>(seen);
  const desk: NoticeDesk = { gateway: "centrobill", verify: async () => proof, read: () => read };
  const answer = await receiveNotice(request, desk, {
    notices,
    wakeUps: {
      async send(wakeUp) {
        if (fails === "queue") throw new TypeError("no queue");
        queued.push(wakeUp);
      },
    },
    log,
    recent,
  });
  return { answer, log, kept: notices.kept(), queued, recent };
};

const gateway = "centrobill";
type Row = readonly [
  proof: NoticeProof,
  read: NoticeReading | undefined,
  answer: object,
  counted: object,
  told: readonly object[],
  why: string,
];

describe("what is no notice leaves nothing behind, and is counted", () => {
  test.each<Row>([
    [
      { kind: "refused", why: "wrong_signature" },
      undefined,
      { status: 401, result: "unauthorized" },
      { name: "NoticesRefused", value: 1, members: { gateway, reason: "wrong_signature" } },
      [{ name: "notice_refused", members: { gateway, reason: "wrong_signature" } }],
      "not signed by the gateway",
    ],
    [
      { kind: "malformed", why: "no JSON" },
      undefined,
      { status: 400, result: "malformed" },
      { name: "NoticesRefused", value: 1, members: { gateway, reason: "malformed" } },
      [{ name: "notice_refused", members: { gateway, reason: "malformed" } }],
      "nothing that a signature could be of",
    ],
    [
      verified,
      { kind: "malformed", why: "no id" },
      { status: 400, result: "malformed" },
      { name: "NoticesRefused", value: 1, members: { gateway, reason: "malformed" } },
      [{ name: "notice_refused", members: { gateway, reason: "malformed" } }],
      "signed, and not to be read",
    ],
    [
      verified,
      { kind: "ignored", why: "a subscription" },
      { status: 200, result: "OK" },
      { name: "Notices", value: 1, members: { gateway, outcome: "ignored" } },
      [],
      "signed, and about nothing of ours",
    ],
  ])("%j %j: %j", async (proof, read, answer, counted, told) => {
    const came = await comeIn(proof, read);
    expect(came.answer).toStrictEqual(answer);
    expect(came.log.metrics).toStrictEqual([counted]);
    expect(came.log.events).toStrictEqual(told);
    expect([came.kept, came.queued, [...came.recent]]).toStrictEqual([[], [], []]);
  });
});

describe("what the gateway has to send again", () => {
  const answer = { status: 503, result: "unavailable" };
  test.each<[NoticeProof, "keep" | "queue" | undefined, error: string, why: string]>([
    [{ kind: "unavailable", why: "no keys" }, undefined, "no keys", "the keys could not be had"],
    [verified, "keep", "LedgerUnavailable: keep: nothing was done", "it could not be kept"],
    [verified, "queue", "TypeError: no queue", "it was kept, and nobody would wake for it"],
  ])("%j, %s fails: 503 (%s)", async (proof, fails, error) => {
    const came = await comeIn(proof, undefined, fails === undefined ? {} : { fails });
    expect(came.answer).toStrictEqual(answer);
    expect(came.log.events).toStrictEqual([{ name: "notice_failed", members: { gateway, error } }]);
    expect([came.queued, [...came.recent]]).toStrictEqual([[], []]);
  });
});

test("what was kept is queued, and remembered under gateway, transaction and notice", async () => {
  const came = await comeIn(verified);
  expect(came.answer).toStrictEqual({ status: 200, result: "OK" });
  expect(came.kept).toStrictEqual([notice]);
  expect(came.queued).toStrictEqual([
    { v: 1, kind: "notice", gateway, reference: "1001", notice: "1001.success" },
  ]);
  expect([...came.recent]).toStrictEqual(["centrobill 1001 1001.success"]);
  expect(came.log.events).toStrictEqual([
    { name: "notice_kept", members: { gateway, code: "success", chargeId: "order-1" } },
  ]);
  const { chargeId: _chargeId, ...unnamed } = notice;
  const other = await comeIn(verified, { kind: "notice", notice: unnamed });
  expect(other.log.events).toStrictEqual([{ name: "notice_kept", members: { gateway, code: "success" } }]);
});

test("a copy of what was kept a moment ago costs nothing", async () => {
  const came = await comeIn(verified, undefined, { seen: ["centrobill 1001 1001.success"] });
  expect(came.answer).toStrictEqual({ status: 200, result: "OK" });
  expect([came.kept, came.queued, came.log.events]).toStrictEqual([[], [], []]);
});
