import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Answered, answeredOf, retryAfterMsOf } from "../../lib/core/answered.ts";
import type { Transport } from "../../lib/core/transport.ts";
import { replied, t0 } from "./builders.ts";

const day = 86_400_000;

describe("retryAfterMsOf", () => {
  test.each<[header: string | undefined, ms: number | undefined, reason: string]>([
    [undefined, undefined, "none there"],
    ["30", 30_000, "seconds"],
    ["0", 0, "at once"],
    [" 30\t", 30_000, "spaces around it are no part of a header's value"],
    ["1.5", 1_500, "a part of a second, which some send"],
    ["0.123456789", 124, "rounded up: never earlier than was said"],
    ["000000007", 7_000, "nine digits"],
    ["86400", day, "a day"],
    ["86401", day, "longer is a mistake: a day"],
    ["999999999", day, "as long as a number may be"],
    ["0000000007", undefined, "ten digits are no number of seconds, nor a date"],
    ["1.0123456789", undefined, "nor are ten behind the point"],
    ["-5", undefined, "a negative number"],
    ["30s", undefined, "a unit"],
    ["x30", undefined, "something before it"],
    ["1.", undefined, "no digit behind the point"],
    ["", undefined, "empty"],
    ["soon", undefined, "a word"],
    ["Sun, 22 Nov 2026 12:00:30 GMT", 30_000, "a date (RFC 9110)"],
    ["Sun, 22 Nov 2026 11:59:30 GMT", 0, "a date that is over"],
    ["Wed, 22 Nov 2028 12:00:00 GMT", day, "a date far away: a day"],
    ["Sun, 22 Nov 2026 99:00:00 GMT", undefined, "a date that does not exist"],
    ["2026-11-22T12:00:30Z", undefined, "a date in another form"],
    ["Sun, 22 Nov 2026 12:00:30 GMT+1", undefined, "something behind it"],
    ["at Sun, 22 Nov 2026 12:00:30 GMT", undefined, "something before it"],
  ])("%j → %s (%s)", (header, ms) => {
    expect(retryAfterMsOf(header, t0)).toBe(ms);
  });

  test("is nothing or a pause from now to a day, whatever a header says", () => {
    const anyHeader = fc.oneof(
      fc.string(),
      fc.double().map(String),
      fc.date({ noInvalidDate: true }).map((at) => at.toUTCString()),
    );
    fc.assert(
      fc.property(anyHeader, (header) => {
        const ms = retryAfterMsOf(header, t0);
        if (ms === undefined) return;
        expect(Number.isSafeInteger(ms)).toBe(true);
        expect(ms).toBeGreaterThanOrEqual(0);
        expect(ms).toBeLessThanOrEqual(day);
      }),
    );
  });
});

describe("answeredOf", () => {
  const limited = (retryAfter?: string): Transport => ({
    ...replied(429, ""),
    headers: retryAfter === undefined ? {} : { "retry-after": retryAfter },
  });
  const well: Answered = { kind: "well" };
  const fault: Answered = { kind: "fault" };
  const refused: Answered = { kind: "refused" };

  test.each<[Transport, Answered | undefined, reason: string]>([
    [{ kind: "neverSent", cause: "too_late" }, undefined, "nothing was tried"],
    [{ kind: "neverSent", cause: "held_back" }, undefined, "nothing was tried: the account is closed"],
    [{ kind: "neverSent", cause: "refused" }, fault, "no connection"],
    [{ kind: "neverSent", cause: "unresolved" }, fault, "no such host"],
    [{ kind: "neverSent", cause: "connect_timeout" }, fault, "nobody there"],
    [{ kind: "sentUnanswered", cause: "timeout" }, fault, "no answer"],
    [{ kind: "sentUnanswered", cause: "reset" }, fault, "no answer"],
    [replied(200, ""), well, "an answer"],
    [replied(400, ""), well, "the gateway works, whatever is wrong with the charge"],
    [replied(403, ""), well, "the rules say whose a 403 is"],
    [replied(404, ""), well, "the gateway works"],
    [replied(430, ""), well, "the status beside the one of too many requests"],
    [replied(428, ""), well, "the status beside the one of too many requests"],
    [replied(499, ""), well, "the last that is not the gateway's fault"],
    [replied(500, ""), fault, "its own fault"],
    [{ ...replied(503, ""), headers: { "retry-after": "2" } }, fault, "its own fault, whatever it asks for"],
    [replied(401, ""), refused, "the rules say that the account is refused"],
    [replied(555, ""), refused, "whatever the status"],
    [limited(), { kind: "limited" }, "too many requests, for it does not say how long"],
    [limited("2"), { kind: "limited", retryAfterMs: 2_000 }, "for two seconds"],
    [limited("soon"), { kind: "limited" }, "for nobody knows how long"],
    [limited("Sun, 22 Nov 2026 12:00:09 GMT"), { kind: "limited", retryAfterMs: 9_000 }, "until then"],
  ])("%j → %j (%s)", (transport, answered) => {
    const refusesAccount = ({ status }: { readonly status: number }): boolean =>
      status === 401 || status === 555 || status === 429;
    expect(answeredOf(transport, { refusesAccount }, t0)).toStrictEqual(answered);
  });
});
