import { join } from "node:path";
import { type NoticeCounts, startNoticeSender } from "../infra/local/notice-sender.ts";
import { createCentrapayNotices } from "../infra/local/sandbox-centrapay/notices.ts";
import { keysPath, startSandboxCentrapay } from "../infra/local/sandbox-centrapay/server.ts";
import { startSandboxCentrobill } from "../infra/local/sandbox-centrobill/server.ts";
import { demonstrationPolicy, sandboxNoticeSecret } from "./demonstration.ts";
import type { RunSettings } from "./run-settings.ts";

/** What the sandbox gateways really did, whatever they told anybody. */
export type SandboxesTruth = {
  /** charges that were captured, and how often */
  readonly captures: ReadonlyMap<string, number>;
  /** captures that are known by their key alone, with the merchant's own reference for each */
  readonly captureOfKey: ReadonlyMap<string, string>;
  /** minor units by currency */
  readonly capturedByCurrency: Readonly<Record<string, string>>;
};

export type Sandboxes = {
  /** the functions' variables that say where they are */
  readonly variables: Readonly<Record<string, string>>;
  /** those of `receive-notices`: what the sandboxes sign with */
  readonly noticeVariables: Readonly<Record<string, string>>;
  /** the notices that the sandboxes sent, and how they were answered */
  notices(): NoticeCounts;
  /** `undefined` where a gateway is not a sandbox: nobody knows then what it did */
  truth(): SandboxesTruth | undefined;
  close(): Promise<void>;
};

/** How long a request that a sandbox swallows is held. */
const stallMs = 5_000;
/** A Payment Request that nobody pays is over soon, as every wait of a demonstration is; not before three slow sends. */
const centrapayExpiryMs = 15_000;

/**
 * Starts a sandbox for each gateway that is not an outside one.
 * @param noticesUrl where they send their notices to
 */
export const startSandboxes = async (
  { gateways, policy, dataDir }: RunSettings,
  stateDir: string,
  noticesUrl: string,
): Promise<Sandboxes> => {
  const sender = startNoticeSender(noticesUrl);
  const dataFile = (name: string) =>
    dataDir === undefined ? {} : { dataFile: join(stateDir, `sandbox-${name}.ndjson`) };
  const centrobill =
    gateways.centrobill.kind === "outside"
      ? undefined
      : await startSandboxCentrobill({
          requestIdLifeMs: policy.requestIdLifeMs,
          feedLagMs: demonstrationPolicy.feedLagMs / 2,
          stallMs,
          notices: { sender, secret: sandboxNoticeSecret },
          ...dataFile("centrobill"),
        });
  const centrapay =
    gateways.centrapay.kind === "outside"
      ? undefined
      : await startSandboxCentrapay({
          expiryMs: centrapayExpiryMs,
          stallMs,
          notices: createCentrapayNotices(sender, noticesUrl),
          ...dataFile("centrapay"),
        }).catch(async (error: unknown) => {
          await centrobill?.close();
          throw error;
        });
  return {
    variables: {
      ...(centrobill === undefined
        ? {}
        : { CENTROBILL_URL: centrobill.url, CENTROBILL_FEED_URL: centrobill.feedUrl }),
      ...(centrapay === undefined ? {} : { CENTRAPAY_URL: centrapay.url }),
    },
    noticeVariables: {
      ...(centrobill === undefined ? {} : { CENTROBILL_IPN_SECRET: sandboxNoticeSecret }),
      ...(centrapay === undefined
        ? {}
        : {
            CENTRAPAY_NOTICE_AUDIENCE: noticesUrl,
            CENTRAPAY_JWKS_URL: `${centrapay.url}${keysPath}`,
          }),
    },
    notices: sender.counts,
    truth() {
      if (centrobill === undefined || centrapay === undefined) return undefined;
      const captures = new Map<string, number>();
      const captureOfKey = new Map<string, string>();
      const sums = new Map<string, bigint>();
      const { capturedChargeIds, doubleCharges, capturedByCurrency } = centrobill.truth();
      for (const chargeId of capturedChargeIds) captures.set(chargeId, 1);
      for (const { chargeId, transactions } of doubleCharges) captures.set(chargeId, transactions.length);
      for (const [currency, minor] of Object.entries(capturedByCurrency)) sums.set(currency, BigInt(minor));
      for (const { chargeId, amount, currency, key } of centrapay.captures()) {
        if (key === undefined) captures.set(chargeId, (captures.get(chargeId) ?? 0) + 1);
        else captureOfKey.set(key, chargeId);
        sums.set(currency, (sums.get(currency) ?? 0n) + BigInt(amount));
      }
      return {
        captures,
        captureOfKey,
        capturedByCurrency: Object.fromEntries(
          [...sums].sort().map(([currency, minor]) => [currency, String(minor)]),
        ),
      };
    },
    async close() {
      await Promise.all([centrobill?.close(), centrapay?.close(), sender.close()]);
    },
  };
};

/** Where charges go, for people and for the record of a run. */
export const gatewaysName = ({ gateways }: Pick<RunSettings, "gateways">): string => {
  const named = Object.entries(gateways).map(([name, gateway]) =>
    gateway.kind === "outside" ? gateway.name : `the sandbox of ${name}`,
  );
  return Object.values(gateways).every(({ kind }) => kind === "sandbox")
    ? "the sandbox"
    : named.join(" and ");
};
