import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";

const logger = new Logger({ serviceName: "chargeonce" });
const metrics = new Metrics({ namespace: "chargeonce", serviceName: "powertools" });

/** A line and a metric by Powertools. */
export const handler = async () => {
  logger.info("charge_recorded", { chargeId: "order-1", gateway: "centrobill", state: "approved" });
  metrics.addDimensions({ gateway: "centrobill", outcome: "approved" });
  metrics.addMetric("ChargeOutcome", MetricUnit.Count, 1);
  metrics.publishStoredMetrics();
  return { batchItemFailures: [] };
};
