import { type NoticeDesk, type NoticeRequest, wakeUpOf } from "../core/notice.ts";
import type { Log, NoticeBook, WakeUps } from "../ports.ts";

/** How a request is answered. A gateway sends again what was not answered with 200. */
export type NoticeAnswer = {
  readonly status: 200 | 400 | 401 | 503;
  readonly result: "OK" | "malformed" | "unauthorized" | "unavailable";
};

export type NoticeReceiver = {
  readonly notices: Pick<NoticeBook, "keep">;
  readonly wakeUps: WakeUps;
  readonly log: Log;
  /** ids that were kept and queued a moment ago: a flood of copies costs nothing more */
  readonly recent: { has(id: string): boolean; add(id: string): void };
};

const malformed = { status: 400, result: "malformed" } as const;
const unavailable = { status: 503, result: "unavailable" } as const;
const ok = { status: 200, result: "OK" } as const;

/**
 * The way in of one notice: prove it, keep it, queue it, and only then say yes (S15). What is not proved is not
 * read, leaves nothing behind, and is counted. Never throws for what the request is.
 */
export const receiveNotice = async (
  request: NoticeRequest,
  desk: NoticeDesk,
  { notices, wakeUps, log, recent }: NoticeReceiver,
): Promise<NoticeAnswer> => {
  const { gateway } = desk;
  const refuse = (reason: string): void => {
    log.event("notice_refused", { gateway, reason });
    log.metric("NoticesRefused", 1, { gateway, reason });
  };
  const proof = await desk.verify(request);
  switch (proof.kind) {
    case "refused":
      refuse(proof.why);
      return { status: 401, result: "unauthorized" };
    case "malformed":
      refuse("malformed");
      return malformed;
    case "unavailable":
      log.event("notice_failed", { gateway, error: proof.why });
      return unavailable;
    case "verified":
      break;
  }
  const read = desk.read(proof.payload, request);
  if (read.kind === "malformed") {
    refuse("malformed");
    return malformed;
  }
  if (read.kind === "ignored") {
    log.metric("Notices", 1, { gateway, outcome: "ignored" });
    return ok;
  }
  const { notice } = read;
  const name = `${gateway} ${notice.reference} ${notice.id}`;
  if (recent.has(name)) return ok;
  try {
    await notices.keep(notice);
    await wakeUps.send(wakeUpOf(notice));
  } catch (error) {
    log.event("notice_failed", {
      gateway,
      error: error instanceof Error ? `${error.name}: ${error.message}` : "unknown",
    });
    return unavailable;
  }
  recent.add(name);
  log.event("notice_kept", {
    gateway,
    code: notice.words,
    ...(notice.chargeId === undefined ? {} : { chargeId: notice.chargeId }),
  });
  return ok;
};
