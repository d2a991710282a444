import { submitCharges } from "../lib/flows/submit-charge.ts";
import { queueFunction } from "./parts/queue-function.ts";

/** Works the `charges` queue. */
export const handler = queueFunction("submit-charges", "charges", submitCharges);
