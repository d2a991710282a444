/** chargeonce as a construct of your own CDK app: `new Chargeonce(stack, "chargeonce", { … })`. */
export { Chargeonce } from "./chargeonce.ts";
export type { ChargeonceProps, Egress, MoneyLimit } from "./props.ts";
export { WrongProps } from "./wrong-props.ts";
