import { decisions } from "./decisions.ts";
import { instruments } from "./instruments.ts";
import type { Mutant } from "./mutant.ts";
import { notices } from "./notices.ts";
import { orderOfEffects } from "./order-of-effects.ts";
import { pace } from "./pace.ts";
import { paymentRequests } from "./payment-requests.ts";
import { readingTheGateway } from "./reading-the-gateway.ts";
import { reconciliation } from "./reconciliation.ts";

/** Every mutant. The checkers have to find each of them, or they find nothing. */
export const mutants: readonly Mutant[] = [
  ...orderOfEffects,
  ...readingTheGateway,
  ...paymentRequests,
  ...pace,
  ...notices,
  ...reconciliation,
  ...decisions,
  ...instruments,
];
