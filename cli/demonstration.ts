import type { Policy } from "../lib/core/policy.ts";

/**
 * The waits of a run against the sandbox: the real ones are minutes to days, which nobody watches. Their order
 * and what follows from them is the same. `feedLagMs` and `clockSkewMs` are what the sandbox has, with room.
 */
export const demonstrationPolicy = {
  resendDelayMs: 300,
  faultResendDelayMs: 500,
  requestIdLifeMs: 60_000,
  lookupScheduleMs: [1_000, 2_500, 4_000, 6_000, 9_000, 12_000],
  feedLagMs: 1_000,
  clockSkewMs: 1_000,
  lateProcessingMs: 10_000,
  probeDelayMs: 500,
  // The sandboxes have none unless they are told to.
  rateLimits: {},
} as const satisfies Partial<Policy>;

export const demonstrationGatewayTimeoutMs = 800;

/** Any key will do: the sandbox only wants to see one. */
export const sandboxApiKey = "sandbox";

/** What the sandbox Centrobill signs its notices with: both ends are this command. */
export const sandboxNoticeSecret = "sandbox-s-code";
