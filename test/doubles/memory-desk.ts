import { itemOfEntry, waitingOfKey } from "../../lib/adapters/ledger-item.ts";
import type { DeskIndex } from "../../lib/ports.ts";
import type { MemoryLedger } from "./memory-ledger.ts";

/** The desk's index over a ledger in memory, by the same keys as the DynamoDB table's. */
export const memoryDesk = (ledger: Pick<MemoryLedger, "entries">): DeskIndex => ({
  waiting: async (untilMs) => ({
    rows: ledger
      .entries()
      .flatMap((entry) => waitingOfKey(itemOfEntry(entry)["deskAt"]?.S ?? "") ?? [])
      .filter(({ sinceMs }) => untilMs === undefined || sinceMs <= untilMs),
    unreadable: [],
  }),
});
