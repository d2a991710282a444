import { reconcileDue } from "../lib/flows/reconcile-due.ts";
import { reconciliationFunction } from "./worker.ts";

/** Compares ledger and gateways, window by window, on a schedule. */
export const handler = reconciliationFunction("reconcile", reconcileDue);
