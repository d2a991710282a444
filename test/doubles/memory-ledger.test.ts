import { describe, expect, test } from "vitest";
import { ledgerContract } from "../adapters/ledger-contract.ts";
import { LedgerUnavailable, memoryLedger } from "./memory-ledger.ts";
import { chargeMessage, openedEntry } from "./samples.ts";
import { seededIds } from "./seeded-ids.ts";

ledgerContract("in memory", async () => {
  const ledger = memoryLedger();
  return {
    ledger,
    losesAnAnswer: () => {
      let lost = false;
      ledger.failBy(() => {
        if (lost) return undefined;
        lost = true;
        return "again";
      });
      return ledger;
    },
    plant: async (chargeId, text) => ledger.plant(chargeId, text),
    rejectionsOf: async (chargeId) => ledger.rejections().filter((one) => one.chargeId === chargeId),
  };
});

describe("what can go wrong with the ledger in memory", () => {
  const entry = openedEntry(chargeMessage("fault-1"), seededIds());

  test("`before`: nothing was done", async () => {
    const ledger = memoryLedger({ fault: () => "before" });
    await expect(ledger.open(entry)).rejects.toBeInstanceOf(LedgerUnavailable);
    expect(ledger.entries()).toEqual([]);
  });

  test("`after`: it was done, and nobody was told", async () => {
    const ledger = memoryLedger({ fault: () => "after" });
    await expect(ledger.open(entry)).rejects.toBeInstanceOf(LedgerUnavailable);
    expect(ledger.entries()).toEqual([entry]);
  });

  test("what is written is a copy", async () => {
    const ledger = memoryLedger();
    const mine = { ...entry, absences: [] as { atMs: number; fromMs: number; toMs: number; rows: number }[] };
    await ledger.open(mine);
    mine.absences.push({ atMs: 1, fromMs: 1, toMs: 1, rows: 1 });
    expect(ledger.entryOf("fault-1")).toEqual(entry);
  });
});
