/**
 * List prices of us-east-1 in US dollars, as they were known in November 2026, without free tiers: not looked up
 * at AWS, so compare them with yours.
 */
export const prices = {
  writeUnits: 0.625 / 1e6,
  readUnits: 0.125 / 1e6,
  sqsRequests: 0.4 / 1e6,
  invocations: 0.2 / 1e6,
  gigabyteSeconds: 0.000_013_333_4,
  logGigabytes: 0.5,
  /** a state transition of a Standard workflow */
  stepTransitions: 25 / 1e6,
} as const;

const memoryGb = 0.5;
/** Lambda gives 1,769 MB one whole processor, and 512 MB their share of it. */
const processorShare = 512 / 1_769;

export type Costs = {
  readonly writeUnits: number;
  readonly sqsRequests: number;
  /** processor time of a charge, microseconds */
  readonly cpuMicros: number;
  /** whether the charges of a batch are on their way together */
  readonly together: boolean;
  readonly batchSize: number;
};

/** What a batch is billed for: the wait for the gateway, and the processor at its share. */
const billedMsOf = ({ cpuMicros, together, batchSize }: Costs, gatewayMs: number): number =>
  (together ? gatewayMs : batchSize * gatewayMs) + (batchSize * cpuMicros) / 1_000 / processorShare;

/** US dollars for a million approved charges; logs not among them. */
export const costPerMillion = (costs: Costs, gatewayMs: number): number => {
  const batches = 1e6 / costs.batchSize;
  const gigabyteSeconds = (batches * billedMsOf(costs, gatewayMs) * memoryGb) / 1_000;
  return (
    costs.writeUnits * 1e6 * prices.writeUnits +
    // Received and deleted by Lambda, ten at once, whatever the design.
    (costs.sqsRequests + 0.2) * 1e6 * prices.sqsRequests +
    batches * prices.invocations +
    gigabyteSeconds * prices.gigabyteSeconds
  );
};
