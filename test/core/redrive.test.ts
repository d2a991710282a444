import { describe, expect, test } from "vitest";
import type { LedgerEntry } from "../../lib/core/ledger.ts";
import { type RedriveEnd, readRedriveMessage, redriveEndOf, redriveSources } from "../../lib/core/redrive.ts";
import { chargeMessage } from "../doubles/samples.ts";
import { final, opened, pending, policyOf, review, t0, unknown, waiting } from "./builders.ts";

const message = readRedriveMessage(JSON.stringify(chargeMessage("order-1")));
const fingerprint = opened().fingerprint;
const minute = 60_000;

describe("what follows from putting a message back", () => {
  test.each<[string, LedgerEntry | undefined, minutes: number, RedriveEnd, reason: string]>([
    ["no entry", undefined, 0, "first_send", "it never got so far"],
    ["waiting", waiting(), 5 * 24 * 60, "never_sent_is_sent", "its life has not begun"],
    ["opened", opened(), 1, "left_to_its_worker", "a living lease"],
    ["opened", opened(), 2, "found_out_in_key_life", "a dead lease, a young id"],
    ["opened", opened(), 14, "looked_up", "a dead lease, an old id (S3)"],
    ["unknown", unknown(), 12.5, "found_out_in_key_life", "S2"],
    ["unknown", unknown(), 14, "looked_up", "S3"],
    ["unknown", unknown(), 9 * 24 * 60, "looked_up", "days later"],
    ["pending", pending(), 9 * 24 * 60, "looked_up", "days later"],
    ["approved", final(), 0, "told_again", "final"],
    ["declined", final("declined_retryable"), 0, "told_again", "no new attempt by a redrive"],
    ["in review", review(), 0, "told_as_in_review", "a person's turn"],
  ])("%s %j after %i minutes: %s (%s)", (_what, entry, minutes, end) => {
    expect(redriveEndOf(message, entry, fingerprint, policyOf(), t0 + minutes * minute)).toBe(end);
  });

  const young = unknown({ firstSendAtMs: t0 + 10 * minute });
  test.each<[string, LedgerEntry, atMs: number, RedriveEnd]>([
    ["its lease ends at this moment", opened(), opened().leaseUntilMs, "left_to_its_worker"],
    ["and has ended", opened(), opened().leaseUntilMs + 1, "found_out_in_key_life"],
    ["its id was first sent later than it was opened", young, t0 + 20 * minute, "found_out_in_key_life"],
    ["its id was first sent long ago", young, t0 + 24 * minute, "looked_up"],
  ])("%s", (_what, entry, atMs, end) => {
    expect(redriveEndOf(message, entry, fingerprint, policyOf(), atMs)).toBe(end);
  });

  test("what is no charge is applied, or stays where it is", () => {
    const end = (one: Parameters<typeof redriveEndOf>[0]) =>
      redriveEndOf(one, undefined, undefined, policyOf(), t0);
    expect([end({ kind: "notice" }), end({ kind: "unreadable" })]).toEqual([
      "notice_applied",
      "left_unreadable",
    ]);
  });

  test("another content under its id is refused, whatever its state", () => {
    for (const entry of [opened(), waiting(), unknown(), final(), review()])
      expect(redriveEndOf(message, entry, "0".repeat(64), policyOf(), t0)).toBe("refused");
  });
});

describe("a message as it is read", () => {
  test.each<[string, string, object, reason: string]>([
    [
      "a charge",
      JSON.stringify(chargeMessage("a")),
      { kind: "charge", chargeId: "a", gateway: "centrobill" },
      "",
    ],
    [
      "a route message",
      JSON.stringify({ v: 1, code: "5051", chargeId: "a", charge: chargeMessage("a") }),
      { kind: "charge", chargeId: "a", code: "5051", charge: chargeMessage("a") },
      "its charge is what goes back",
    ],
    [
      "a wake-up",
      JSON.stringify({ v: 1, kind: "notice", gateway: "centrapay", reference: "r", notice: "n" }),
      { kind: "notice", gateway: "centrapay" },
      "",
    ],
    ["no JSON", "{", { kind: "unreadable" }, ""],
    ["a list", "[]", { kind: "unreadable" }, ""],
    ["no charge id", '{"v":1}', { kind: "unreadable" }, ""],
    [
      "nested without end",
      `${'{"charge":'.repeat(200)}1${"}".repeat(200)}`,
      { kind: "unreadable" },
      "no stack is overflown",
    ],
  ])("%s", (_what, body, read) => {
    expect(readRedriveMessage(body)).toMatchObject(read);
  });
});

test("every dead-letter queue and both queues of declines can be redriven", () => {
  expect(redriveSources.map(({ name, to }) => `${name} → ${to}`)).toEqual([
    "charges-dlq → charges",
    "unknown-outcomes-dlq → unknown-outcomes",
    "permanent-declines → charges",
    "retryable-declines-dlq → retryable-declines",
    "retryable-declines → charges",
  ]);
  for (const { name, isDeadLetters } of redriveSources) expect(isDeadLetters).toBe(name.endsWith("-dlq"));
});
