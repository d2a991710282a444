import { Tracer } from "@aws-lambda-powertools/tracer";
import { handler as powertools } from "./powertools.ts";

const tracer = new Tracer({ serviceName: "chargeonce" });

/** The same, and its tracer, which traces the invocation. */
export const handler = async () => {
  tracer.putAnnotation("charge_id", "order-1");
  return powertools();
};
