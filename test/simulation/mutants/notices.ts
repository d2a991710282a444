import type { Notice } from "../../../lib/core/notice.ts";
import type { NoticeBook, Worker } from "../../../lib/ports.ts";
import type { Mutant } from "./mutant.ts";

const withNotices = (sound: Worker, change: (notices: NoticeBook) => Partial<NoticeBook>): Worker =>
  sound.notices === undefined ? sound : { ...sound, notices: { ...sound.notices, ...change(sound.notices) } };

/** What is read of the book, with other words in each notice. */
const reading = (sound: Worker, change: (notice: Notice) => Notice): Worker =>
  withNotices(sound, (notices) => ({
    async read(gateway, reference) {
      const kept = await notices.read(gateway, reference);
      return { ...kept, notices: kept.notices.map(change) };
    },
  }));

/** Mistakes in what a notice is taken for. */
export const notices: readonly Mutant[] = [
  {
    name: "signature-means-the-names",
    what: "a signature of one transaction is believed under any charge's names",
    caughtBy: ["approvedMeansCaptured", "ledgerAgreesWithGateway", "noChargeTwice"],
    ways: ["centrobill"],
    worker: (sound) =>
      withNotices(sound, (book) => ({
        // The last notice is read as if no other of its transaction had told another charge or amount.
        async read(gateway, reference) {
          const kept = await book.read(gateway, reference);
          const last = [...kept.notices].sort((a, b) => b.receivedAtMs - a.receivedAtMs)[0];
          return {
            ...kept,
            notices: kept.notices.map((notice) =>
              notice === last
                ? notice
                : ({ ...notice, chargeId: last?.chargeId, reply: { ...notice.reply, echo: {} } } as Notice),
            ),
          };
        },
      })),
  },
  {
    name: "pending-notice-means-approved",
    what: "a notice that says pending is taken for one that says captured",
    caughtBy: ["approvedMeansCaptured", "declinedMeansNotCaptured", "ledgerAgreesWithGateway"],
    ways: ["centrobill"],
    worker: (sound) =>
      reading(sound, (notice) =>
        notice.reply.kind === "accepted"
          ? { ...notice, reply: { ...notice.reply, kind: "captured", code: "0" } }
          : notice,
      ),
  },
  {
    name: "given-back-is-silent",
    what: "a notice of money given back is taken for one that agrees",
    caughtBy: ["givenBackIsTold"],
    ways: ["centrobill"],
    worker: (sound) =>
      reading(sound, (notice) =>
        notice.kind === "reversal"
          ? { ...notice, kind: "charge", reply: { kind: "invalid", code: "" } }
          : notice,
      ),
  },
];
