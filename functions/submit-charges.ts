import { submitCharges } from "../lib/flows/submit-charge.ts";
import { queueFunction } from "./worker.ts";

/** Works the `charges` queue. */
export const handler = queueFunction("submit-charges", "charges", submitCharges);
