import { writeFileSync } from "node:fs";
import { scenarioNames } from "../sandbox-centrapay/scenario.ts";

/**
 * Makes `centrapay.ndjson`: charges of all three modes, with everything in them that the sandbox can do. Run it
 * after a change here or to the scenarios; the file is committed, and a test compares the two.
 */

type Charge = Readonly<Record<string, unknown>>;

/** Business codes of a pay that end a charge or leave it open (facts/centrapay.md §6.2). */
const payCodes = [
  "INVALID_ASSET_TYPE",
  "REQUEST_EXPIRED",
  "REQUEST_CANCELLED",
  "INACTIVE_ASSET",
  "INVALID_MERCHANT_CONFIG",
  "QUOTA_EXCEEDED",
  "INSUFFICIENT_ASSET_VALUE",
  "ASSET_REDEMPTION_DENIED",
  "PAYMENT_DECLINED",
];
const confirmCodes = ["PRE_AUTH_RELEASED", "PRE_AUTH_PENDING", "INVALID_AMOUNT"];
/** The documents' own test barcodes. */
const barcodes = ["424242424", "424242424", "424242424", "434343434", "454545454", "464646464"];
/** Scenarios that are about a create, a pay or a poll; the others are about any call. */
const payScenarios = scenarioNames.filter((name) => name !== "never-paid");
const confirmScenarios = scenarioNames.filter(
  (name) => !name.startsWith("create-") && !["never-paid", "partial", "unconfirmed-unpaid"].includes(name),
);

const plainPays = 16;
const plainConfirms = 6;

/** The lines of the file, without their ends. The same in every run. */
export const sampleLines = (): readonly string[] => {
  let serial = 0;
  const charge = (request: (chargeId: string, serial: number) => Charge): Charge => {
    serial += 1;
    const chargeId = `cpay-2026-11-${String(serial).padStart(4, "0")}`;
    return {
      v: 1,
      chargeId,
      gateway: "centrapay",
      amount: String(500 + ((serial * 137) % 9_000)),
      currency: serial % 7 === 0 ? "AUD" : "NZD",
      request: request(chargeId, serial),
    };
  };
  const pay = (assetId: string, tag?: string): Charge =>
    charge((_chargeId, n) => ({
      mode: "pay",
      configId: "mc_5efbe2fb96c08357bb2b9242",
      merchantAccountId: "acct-sandbox",
      assetType: "centrapay.nzd.test",
      assetId,
      ...(tag === undefined
        ? {}
        : { lineItems: [{ name: tag, qty: "1", price: String(500 + ((n * 137) % 9_000)) }] }),
    }));
  const confirm = (paymentRequestId: string): Charge =>
    charge((chargeId, n) => ({
      mode: "confirm",
      paymentRequestId: `${paymentRequestId}-${n}`,
      invoiceRef: chargeId,
      lineItems: [{ name: "Order", qty: "1", price: String(500 + ((n * 137) % 9_000)) }],
    }));
  const quickPay = (barcode: string): Charge =>
    charge(() => ({
      mode: "quickPay",
      configId: "mc_5efbe2fb96c08357bb2b9242",
      merchantAccountId: "acct-sandbox",
      barcode,
      patronNotPresent: true,
    }));
  return [
    ...Array.from({ length: plainPays }, (_, n) => pay(`wallet-${n + 1}`)),
    ...payScenarios.map((name) =>
      name.startsWith("create-") ? pay("wallet-1", `sandbox-${name}`) : pay(`sandbox-${name}`),
    ),
    ...payCodes.map((code) => pay(`sandbox-${code}`)),
    ...Array.from({ length: plainConfirms }, () => confirm("preauth")),
    ...confirmScenarios.map((name) => confirm(`sandbox-${name}`)),
    ...confirmCodes.map((code) => confirm(`sandbox-${code}`)),
    ...barcodes.map(quickPay),
    quickPay("sandbox-partial"),
    quickPay("sandbox-never-paid"),
  ].map((one) => JSON.stringify(one));
};

if (import.meta.main)
  writeFileSync(new URL("centrapay.ndjson", import.meta.url), `${sampleLines().join("\n")}\n`);
