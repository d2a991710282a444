import type { FinalEntry, HistoryEvent, ReviewEntry } from "./ledger.ts";

/** A charge that has come to its end, or to a person. */
export type EndedEntry = FinalEntry | ReviewEntry;

/** One part of a trace, as an X-Ray segment document has it. Times are seconds of the epoch. */
export type TraceSpan = {
  readonly id: string;
  readonly name: string;
  readonly start_time: number;
  readonly end_time: number;
  /** the gateway or the wire failed */
  readonly fault?: true;
  readonly annotations?: Readonly<Record<string, string | number>>;
};

/** A charge's whole way as one X-Ray segment document (AWS: "X-Ray segment documents"). */
export type ChargeTrace = TraceSpan & {
  readonly trace_id: string;
  readonly subsegments: readonly TraceSpan[];
};

/** A document may have 64 kB (AWS, as above), and a datagram as much; a span takes some 200 bytes. */
const spansMax = 200;

const seconds = (ms: number): number => ms / 1_000;

type Told = Pick<TraceSpan, "name" | "fault" | "annotations"> & { readonly ms?: number };

/** What of an event is told. */
const toldOf = (event: HistoryEvent): Told => {
  switch (event.e) {
    case "replied":
      return {
        name: "gateway",
        ms: event.ms,
        ...(event.status >= 500 ? { fault: true as const } : {}),
        annotations: { status: event.status, ...(event.code === undefined ? {} : { code: event.code }) },
      };
    case "unanswered":
      return { name: "gateway", ms: event.ms, fault: true, annotations: { cause: event.cause } };
    case "never_sent":
      return { name: "never_sent", fault: true, annotations: { cause: event.cause } };
    case "looked_up":
      return { name: "look_up", annotations: { rows: event.rows, found: event.found } };
    case "lookup_failed":
    case "prepare_failed":
      return { name: event.e, fault: true };
    case "recorded":
      return { name: `recorded_${event.state}` };
    case "leased":
    case "taken_over":
    case "absent":
    case "prepared":
    case "voided":
    case "notice":
      return { name: event.e };
    case "proposed":
    case "decided":
      return { name: event.e, annotations: { decision: event.decision } };
    case "opened":
      return { name: "opened", annotations: { attempt: event.attempt, request_id: event.requestId } };
  }
};

/**
 * One trace a charge, over all functions, queues and days that it took: read off the ledger's own history when
 * the charge ends, so that nothing has to be carried along with the messages. Its id follows from the charge,
 * so that a charge that ends again (a person decided, a later attempt) adds to the same trace.
 * @param sha256 of a text, hex digits
 */
export const chargeTrace = (entry: EndedEntry, sha256: (text: string) => string): ChargeTrace => {
  const begunAtMs = entry.history[0]?.at ?? entry.openedAtMs;
  const id = (name: string): string => sha256(`${entry.chargeId} ${entry.token} ${name}`).slice(0, 16);
  const subsegments = entry.history.slice(-spansMax).map((event, index) => {
    const { ms = 0, ...told } = toldOf(event);
    return {
      id: id(String(index)),
      start_time: seconds(event.at),
      end_time: seconds(event.at + ms),
      ...told,
    };
  });
  const { code } = entry.ending;
  return {
    // The first eight digits are the time of the beginning, in seconds (AWS, as above). It has had eight since 1978.
    trace_id: `1-${Math.floor(seconds(begunAtMs)).toString(16)}-${sha256(entry.chargeId).slice(0, 24)}`,
    id: id("charge"),
    name: "charge",
    start_time: seconds(begunAtMs),
    end_time: seconds(entry.finalAtMs),
    annotations: {
      charge_id: entry.chargeId,
      gateway: entry.gateway,
      outcome: entry.state,
      attempts: entry.attempt,
      sends: entry.sends,
      lookups: entry.lookups,
      ...(code === undefined ? {} : { code }),
      ...("reason" in entry ? { reason: entry.reason } : {}),
    },
    subsegments,
  };
};
