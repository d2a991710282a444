import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ledgerSideOfText } from "../../lib/core/entry-text.ts";
import { parseJson } from "../../lib/core/json.ts";
import type { LedgerEntry } from "../../lib/core/ledger.ts";
import { ledgerSideOf } from "../../lib/core/sides.ts";
import { chargeMessage } from "../doubles/samples.ts";
import { pays } from "../doubles/scripted-bank.ts";
import { always, stage } from "../flows/stage.ts";

const approvedText = async (): Promise<string> => {
  const on = stage({ bank: always(pays()) });
  on.send(chargeMessage("order-1", { notAfter: "2030-01-01T00:00:00Z", instrument: { ref: "card-1" } }));
  await on.round();
  return JSON.stringify(on.entry());
};

describe("what an entry says, out of its text", () => {
  test("is what the parsed entry says; of an approved charge without parsing it", async () => {
    const text = await approvedText();
    const parse = JSON.parse;
    const parsed = ledgerSideOf(parse(text) as LedgerEntry);
    expect(parsed).toMatchObject({ state: "approved", consumerMarks: [expect.any(String)] });
    JSON.parse = () => {
      throw new Error("it was parsed");
    };
    try {
      expect(ledgerSideOfText(text)).toEqual(parsed);
    } finally {
      JSON.parse = parse;
    }
  });

  test.each(["centrapay", "centrobill", "another"])("is the same of a charge at %s", async (name) => {
    const text = (await approvedText()).replace('"gateway":"centrobill"', `"gateway":"${name}"`);
    expect(ledgerSideOfText(text)).toEqual(ledgerSideOf(JSON.parse(text) as LedgerEntry));
  });

  test("is the same of what has no marks, and of what begins as no entry does", async () => {
    const { consumerMarks: _marks, ...unmarked } = JSON.parse(await approvedText()) as LedgerEntry;
    const { absences: _absences, ...odd } = unmarked;
    for (const entry of [unmarked, odd])
      expect(ledgerSideOfText(JSON.stringify(entry))).toEqual(ledgerSideOf(entry as LedgerEntry));
  });

  test("is the same, whatever else stands in the entry and in which order", async () => {
    const entry = JSON.parse(await approvedText()) as Record<string, unknown>;
    const value = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.integer(),
      fc.constant(entry),
      fc.constant('"state":"approved"}],"lastSendAtMs":1,"ids":{"transactionId":"x","orderId":"y"}'),
      fc.constant({ transactionId: "t", orderId: "o" }),
      fc.constant([]),
    );
    const name = fc.constantFrom(...Object.keys(entry), "reason", "earlierRequestIds", "preparation", "more");
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 3 }), fc.nat(30), (members, place) => {
        const some = Object.entries(entry);
        const changed = {
          ...Object.fromEntries(some.slice(place)),
          ...Object.fromEntries(some.slice(0, place)),
        };
        const own: Record<string, unknown> = place > 20 ? entry : changed;
        const text = JSON.stringify({ ...own, ...Object.fromEntries(members) });
        const whole = JSON.parse(text) as LedgerEntry;
        let expected: unknown;
        try {
          expected = whole.v === 1 ? ledgerSideOf(whole) : undefined;
        } catch {
          return;
        }
        expect(ledgerSideOfText(text)).toEqual(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  test("is the same with any one letter of it left out, or another", async () => {
    const text = await approvedText();
    for (let at = 0; at < text.length; at += 1)
      for (const put of ["", "7", "x", '"', "\\"]) {
        const changed = text.slice(0, at) + put + text.slice(at + 1);
        const entry = parseJson(changed) as LedgerEntry | undefined;
        // The ledger keeps nothing that is no JSON, or names no charge.
        if (entry?.v !== 1 || typeof entry.state !== "string" || !Array.isArray(entry.history)) continue;
        let expected: unknown;
        try {
          expected = ledgerSideOf(entry);
        } catch {
          continue;
        }
        expect(ledgerSideOfText(changed), changed).toEqual(expected);
      }
  });

  test.each(["", "{", "[]", "null", '{"v":2}'])("%s is of no version that is known here", (text) => {
    expect(ledgerSideOfText(text)).toBeUndefined();
  });
});
