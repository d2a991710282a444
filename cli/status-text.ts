import type { GatewayName } from "../lib/core/charge.ts";
import { formatMoney, parseCurrency } from "../lib/core/money.ts";
import { gateOf, type PaceRecord } from "../lib/core/pace.ts";
import type { WaitingMoney } from "../lib/core/waiting-money.ts";
import type { QueueDepth } from "../lib/ports.ts";
import { textTable } from "./text-table.ts";

/** How a stack stands at a moment. */
export type Status = {
  readonly at: string;
  readonly queues: readonly QueueDepth[];
  readonly paces: Readonly<Record<GatewayName, PaceRecord | undefined>>;
  readonly waiting: readonly WaitingMoney[];
  /** charges that wait and were not read, since there are so many */
  readonly notRead: number;
};

const timeOf = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");

/** What a worker would find at a gateway account, in words. */
export const paceText = (record: PaceRecord | undefined, nowMs: number): string => {
  const gate = gateOf(record, nowMs);
  const since = record?.closing === undefined ? "" : `, since ${timeOf(record.closing.sinceMs)}`;
  switch (gate.kind) {
    case "open":
      return record?.closing?.openedAtMs === undefined
        ? "open"
        : `open; was closed (${record.closing.because}) until ${timeOf(record.closing.openedAtMs)}`;
    case "closed":
      return `closed (${gate.because})${since}; until ${timeOf(gate.untilMs)}${gate.because === "rate_limited" ? "" : ", then a look-up"}`;
    case "probe":
      return `closed (${gate.because})${since}; a look-up is due`;
  }
};

const moneyText = ({ amountMinor, currency: code }: WaitingMoney): string => {
  const currency = parseCurrency(code);
  return currency === undefined ? `${amountMinor} ${code}` : formatMoney({ amountMinor, currency });
};

/** The status for people. Pure. */
export const statusText = (status: Status): string => {
  const nowMs = Date.parse(status.at);
  const count = (number: number | undefined): string => (number === undefined ? "?" : String(number));
  return [
    `as of ${status.at}`,
    "",
    ...(status.queues.length === 0
      ? []
      : [
          ...textTable(
            [{ title: "queue" }, { title: "waiting", align: "right" }, { title: "hidden", align: "right" }],
            status.queues.map(({ queue, visible, hidden }) => [queue, count(visible), count(hidden)]),
          ),
          "",
        ]),
    ...textTable(
      [{ title: "gateway" }, { title: "pace" }],
      Object.entries(status.paces).map(([gateway, record]) => [gateway, paceText(record, nowMs)]),
    ),
    "",
    ...(status.waiting.length === 0
      ? ["nothing is unknown, pending or in review"]
      : textTable(
          [
            { title: "without a final outcome" },
            { title: "age" },
            { title: "charges", align: "right" },
            { title: "money", align: "right" },
          ],
          status.waiting.map((row) => [row.state, row.age, String(row.count), moneyText(row)]),
        )),
    ...(status.notRead === 0 ? [] : [`and ${status.notRead} more that were not read`]),
  ].join("\n");
};

/** The same as JSON: minor units as digits. */
export const statusJson = (status: Status): string =>
  JSON.stringify({
    ...status,
    paces: Object.fromEntries(
      Object.entries(status.paces).map(([gateway, record]) => [
        gateway,
        { gate: gateOf(record, Date.parse(status.at)), ...(record === undefined ? {} : { record }) },
      ]),
    ),
    waiting: status.waiting.map((row) => ({ ...row, amountMinor: String(row.amountMinor) })),
  });
