import { describe, expect, test } from "vitest";
import type { UnknownEntry } from "../../lib/core/ledger.ts";
import type { Resolution } from "../../lib/core/resolution.ts";
import { asTakenBack } from "../../lib/core/taken-back.ts";

const ours = "CANCELLED:BY_US";
const settled = (state: "declined_permanent" | "approved" | "request_error", code: string): Resolution => ({
  kind: "settle",
  state,
  ending: { category: "blocked", code, retry: "never" },
  evidence: { kind: "feed_row", atMs: 9, rowSha256: "0", code },
});
const entry = (voidingAtMs?: number): UnknownEntry =>
  (voidingAtMs === undefined ? {} : { voidingAtMs }) as UnknownEntry;

describe("asTakenBack", () => {
  test("a void of ours that was found is no refusal, whether its answer was written or not: a later attempt may be made", () => {
    const found = settled("declined_permanent", ours);
    expect(asTakenBack(found, entry(5), ours)).toStrictEqual({
      ...found,
      state: "declined_retryable",
      ending: {
        category: "issuer_unavailable",
        code: ours,
        description: "voided by chargeonce: what became of it could not be found out in time",
        retry: "later",
      },
    });
  });

  test.each<[string, Resolution, number | undefined, string | undefined]>([
    ["cancelled by somebody else: we voided nothing", settled("declined_permanent", ours), undefined, ours],
    ["refused before the void came", settled("declined_permanent", "INACTIVE_ASSET"), 5, ours],
    ["approved is nothing that was taken back", settled("approved", ours), 5, ours],
    ["never made", settled("request_error", ours), 5, ours],
    ["a gateway that voids nothing", settled("declined_permanent", ours), 5, undefined],
    [
      "not found out yet",
      { kind: "wait", state: "unknown", reason: "no_answer", nextAct: "lookUp", atMs: 7 },
      5,
      ours,
    ],
  ])("is left as it is: %s", (_why, resolution, voidingAtMs, voidedAs) => {
    expect(asTakenBack(resolution, entry(voidingAtMs), voidedAs)).toBe(resolution);
  });
});
