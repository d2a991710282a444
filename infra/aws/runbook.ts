/** The sections of RUNBOOK.md. Each alarm names one; a test compares them with the file's headings. */
export const runbookSections = [
  "Double charge",
  "Money in unknown",
  "Review backlog",
  "Gateway closed: outage",
  "Gateway closed: credential",
  "Dead letters",
  "Queue not worked",
  "Queue not read",
  "Too many messages in flight",
  "Function errors",
  "Function throttled",
  "Schedule did not run",
  "Reconciliation late",
  "Reports not written",
  "Ledger throttled",
  "HTTP entry errors",
] as const;
export type RunbookSection = (typeof runbookSections)[number];
