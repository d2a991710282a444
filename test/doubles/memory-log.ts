import type { Log, LogEventName, LogMembers, MetricName } from "../../lib/ports.ts";

export type MemoryLog = Log & {
  readonly events: { readonly name: LogEventName; readonly members: LogMembers }[];
  readonly metrics: { readonly name: MetricName; readonly value: number; readonly members: LogMembers }[];
  /** the members of every event of this name, in order */
  eventsOf(name: LogEventName): LogMembers[];
  /** the sum of a metric, of those with all of these members if any are given */
  sumOf(name: MetricName, members?: LogMembers): number;
};

/** A log that keeps what it is told, as it is told it: masking is `jsonLog`'s, and tested there. */
export const memoryLog = (): MemoryLog => {
  const events: MemoryLog["events"] = [];
  const metrics: MemoryLog["metrics"] = [];
  return {
    events,
    metrics,
    event: (name, members = {}) => void events.push({ name, members }),
    metric: (name, value, members = {}) => void metrics.push({ name, value, members }),
    eventsOf: (name) => events.filter((event) => event.name === name).map((event) => event.members),
    sumOf: (name, members = {}) =>
      metrics
        .filter((metric) => metric.name === name)
        .filter((metric) =>
          Object.entries(members).every(([key, value]) => metric.members[key as keyof LogMembers] === value),
        )
        .reduce((sum, metric) => sum + metric.value, 0),
  };
};
