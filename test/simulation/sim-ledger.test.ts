import fc from "fast-check";
import { expect, test } from "vitest";
import type { ChargeId, LeaseToken } from "../../lib/core/charge.ts";
import { memoryLedger } from "../doubles/memory-ledger.ts";
import { chargeMessage, openedEntry } from "../doubles/samples.ts";
import { seededIds } from "../doubles/seeded-ids.ts";
import { simTable } from "./sim-ledger.ts";

const chargeId = fc.constantFrom("c1", "c2", "c3");
const token = fc.constantFrom("t1", "t2", "t3", "t4");
const call = fc.oneof(
  fc.record({ op: fc.constant("open" as const), chargeId, token }),
  fc.record({ op: fc.constant("replace" as const), chargeId, token, previous: token }),
  fc.record({ op: fc.constant("read" as const), chargeIds: fc.array(chargeId, { maxLength: 3 }) }),
);

test("answers like the ledger double that passes the ledger contract, whatever it is asked", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(call, { maxLength: 30 }), async (calls) => {
      const table = simTable(() => {});
      const ledger = memoryLedger();
      const entryOf = (id: string, name: string) => ({
        ...openedEntry(chargeMessage(id), seededIds(1)),
        token: name as LeaseToken,
      });
      for (const one of calls) {
        switch (one.op) {
          case "open": {
            const entry = entryOf(one.chargeId, one.token);
            expect(table.open(entry)).toEqual(await ledger.open(entry));
            break;
          }
          case "replace": {
            const entry = entryOf(one.chargeId, one.token);
            const previous = one.previous as LeaseToken;
            expect(table.replace(previous, entry)).toEqual(await ledger.replace(previous, entry));
            break;
          }
          case "read": {
            const ids = one.chargeIds as ChargeId[];
            expect(table.read(ids)).toEqual(await ledger.read(ids));
            break;
          }
        }
      }
    }),
  );
});

test("tells of every write that takes hold, and of no other", () => {
  const written: (string | undefined)[][] = [];
  const table = simTable((before, after, named) => written.push([before?.token, after.token, named]));
  const entry = { ...openedEntry(chargeMessage("c1"), seededIds(1)), token: "t1" as LeaseToken };
  table.open(entry);
  table.open({ ...entry, token: "t9" as LeaseToken });
  table.replace("t9" as LeaseToken, { ...entry, token: "t2" as LeaseToken });
  table.replace("t1" as LeaseToken, { ...entry, token: "t2" as LeaseToken });
  expect(written).toEqual([
    [undefined, "t1", undefined],
    ["t1", "t2", "t1"],
  ]);
});
