import type { Finding } from "../../lib/core/finding.ts";
import type { ReportRecord } from "../../lib/core/report-record.ts";
import type { WindowRecord } from "../../lib/core/window-record.ts";
import type { ReconciliationBook, ReportBook } from "../../lib/ports.ts";

const nameOf = ({ gateway, fromMs, toMs, pass }: WindowRecord): string =>
  `${gateway} ${fromMs} ${toMs} ${pass}`;

export type MemoryWindows = ReconciliationBook &
  ReportBook & {
    readonly records: Map<string, WindowRecord>;
    readonly reportRecords: Map<string, ReportRecord>;
  };

/** What reconciliation and its reports keep in the ledger's table, in the memory. */
export const memoryWindows = (): MemoryWindows => {
  const records = new Map<string, WindowRecord>();
  const reportRecords = new Map<string, ReportRecord>();
  const kept = new Map<string, (readonly Finding[])[]>();
  return {
    records,
    reportRecords,
    windows: async (gateway, fromMs) =>
      [...records.values()].filter((record) => record.gateway === gateway && record.fromMs >= fromMs),
    async replace(previous, record) {
      if (records.get(nameOf(record))?.token !== previous) return { kind: "lost" };
      records.set(nameOf(record), record);
      return { kind: "replaced" };
    },
    async keepFindings(token, piece, findings) {
      const pieces = kept.get(token) ?? [];
      kept.set(token, pieces);
      pieces[piece] = findings;
    },
    async *findings(token) {
      yield* kept.get(token) ?? [];
    },
    reports: async (gateway, fromDay) =>
      [...reportRecords.values()].filter((record) => record.gateway === gateway && record.day >= fromDay),
    async replaceReport(previous, record) {
      const name = `${record.gateway} ${record.day}`;
      if (reportRecords.get(name)?.token !== previous) return { kind: "lost" };
      reportRecords.set(name, record);
      return { kind: "replaced" };
    },
  };
};
