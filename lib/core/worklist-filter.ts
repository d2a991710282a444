import { type GatewayName, gatewayNames } from "./charge.ts";
import { type ReviewReason, reviewReasons } from "./ledger.ts";
import { parseSpanMs, type WorklistFilter } from "./worklist.ts";

/** A worklist's filter as a person writes it: flags of a command, or the fields of a page. */
export type WrittenFilter = {
  readonly reasons?: readonly string[];
  readonly gateway?: string;
  /** `90s`, `15m`, `6h`, `2d` */
  readonly olderThan?: string;
  /** major units, `20.00` */
  readonly minMoney?: string;
};

export type FilterProblem = {
  readonly field: keyof WrittenFilter;
  readonly given: string;
  readonly problem: string;
};

/** What a filter says, as far as it can be read, and what is wrong with the rest. */
export const readFilter = ({
  reasons,
  gateway,
  olderThan,
  minMoney,
}: WrittenFilter): { readonly filter: WorklistFilter; readonly problems: readonly FilterProblem[] } => {
  const problems: FilterProblem[] = [];
  const isReason = (text: string): text is ReviewReason =>
    (reviewReasons as readonly string[]).includes(text);
  for (const one of reasons ?? [])
    if (!isReason(one)) problems.push({ field: "reasons", given: one, problem: "no such reason" });
  const known = (reasons ?? []).filter(isReason);
  const isGateway = (gatewayNames as readonly (string | undefined)[]).includes(gateway);
  if (gateway !== undefined && !isGateway)
    problems.push({ field: "gateway", given: gateway, problem: "no such gateway" });
  const olderThanMs = olderThan === undefined ? undefined : parseSpanMs(olderThan);
  if (olderThan !== undefined && olderThanMs === undefined)
    problems.push({ field: "olderThan", given: olderThan, problem: "must be a number with s, m, h or d" });
  const isMoney = minMoney !== undefined && /^(0|[1-9][0-9]{0,7})(\.[0-9]{1,3})?$/.test(minMoney);
  if (minMoney !== undefined && !isMoney)
    problems.push({ field: "minMoney", given: minMoney, problem: "must be an amount such as 20.00" });
  return {
    filter: {
      ...(known.length === 0 ? {} : { reasons: known }),
      ...(isGateway ? { gateway: gateway as GatewayName } : {}),
      ...(olderThanMs === undefined ? {} : { olderThanMs }),
      ...(isMoney ? { minMoney } : {}),
    },
    problems,
  };
};
