import { describe, expect, test } from "vitest";
import { type Answered, answeredOf, retryAfterMsOf } from "../../lib/core/answered.ts";
import type { Transport } from "../../lib/core/transport.ts";

const t0 = Date.UTC(2026, 10, 24, 12);
const replied = (status: number, headers: Record<string, string> = {}): Transport => ({
  kind: "replied",
  status,
  headers,
  body: "",
  bodySha256: "",
});
const rules = { refusesAccount: ({ status }: { readonly status: number }) => status === 401 };

describe("retryAfterMsOf", () => {
  test.each<[string | undefined, number | undefined, string]>([
    [undefined, undefined, "not there"],
    ["7", 7_000, "seconds"],
    [" 7 ", 7_000, "with spaces around"],
    ["0", 0, "at once"],
    ["1.5", 1_500, "parts of a second, though the standard has none"],
    ["Tue, 24 Nov 2026 12:00:30 GMT", 30_000, "a date"],
    ["Tue, 24 Nov 2026 11:59:00 GMT", 0, "a date that is over"],
    ["999999", 86_400_000, "a day at most"],
    ["soon", undefined, "neither"],
    ["", undefined, "empty"],
    ["never again", undefined, "nor is this"],
  ])("%j → %s (%s)", (header, ms) => {
    expect(retryAfterMsOf(header, t0)).toBe(ms);
  });
});

describe("answeredOf", () => {
  test.each<[Transport, Answered | undefined, string]>([
    [replied(201), { kind: "well" }, "an answer"],
    [replied(400), { kind: "well" }, "a request error is the charge's, and the gateway works"],
    [replied(403), { kind: "well" }, "the rules say whose a 403 is"],
    [replied(401), { kind: "refused" }, "the account's"],
    [replied(429), { kind: "limited" }, "too many, and not for how long"],
    [replied(429, { "retry-after": "2" }), { kind: "limited", retryAfterMs: 2_000 }, "for how long"],
    [replied(500), { kind: "fault" }, "its own fault"],
    [replied(503, { "retry-after": "2" }), { kind: "fault" }, "its own fault"],
    [{ kind: "sentUnanswered", cause: "timeout" }, { kind: "fault" }, "no answer"],
    [{ kind: "neverSent", cause: "refused" }, { kind: "fault" }, "not there"],
    [{ kind: "neverSent", cause: "connect_timeout" }, { kind: "fault" }, "not there"],
    [{ kind: "neverSent", cause: "too_late" }, undefined, "nothing was tried"],
    [{ kind: "neverSent", cause: "held_back" }, undefined, "nothing was tried"],
  ])("%#: %2$s", (transport, expected) => {
    expect(answeredOf(transport, rules, t0)).toEqual(expected);
  });
});
