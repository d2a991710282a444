import type { Answered } from "./core/answered.ts";
import type { BacklogState } from "./core/backlog.ts";
import type { ChargeId, GatewayName, LeaseToken, RequestId } from "./core/charge.ts";
import type { EndedEntry } from "./core/charge-trace.ts";
import type { FeedWindow } from "./core/feed.ts";
import type { Finding } from "./core/finding.ts";
import type { Gateway } from "./core/gateway.ts";
import type { InstrumentChange, InstrumentKey, InstrumentRecord } from "./core/instrument-record.ts";
import type { JsonObject } from "./core/json.ts";
import type { LedgerEntry, Rejection, ReviewReason } from "./core/ledger.ts";
import type { NotedNotice, Notice, WakeUp } from "./core/notice.ts";
import type { Gate, PaceRecord, ProbedReason } from "./core/pace.ts";
import type { Policy } from "./core/policy.ts";
import type { ChargeQueueName } from "./core/queues.ts";
import type { ReportRecord } from "./core/report-record.ts";
import type { RetryRecord } from "./core/retry-record.ts";
import type { ReviewDecision } from "./core/review-decision.ts";
import type { RouteMessage } from "./core/route-message.ts";
import type { LedgerSide } from "./core/sides.ts";
import type { Transport, WireRequest } from "./core/transport.ts";
import type { WindowMessage } from "./core/window-message.ts";
import type { WindowRecord } from "./core/window-record.ts";

/** Time. `nowMs` is the worker's own clock in milliseconds since 1970; it may be wrong. */
export type Clock = {
  nowMs(): number;
  sleep(ms: number): Promise<void>;
};

/** Everything random that a flow may ask for. */
export type Ids = {
  requestId(): RequestId;
  leaseToken(): LeaseToken;
  /** from 0 up to, not including, 1 */
  fraction(): number;
};

/** Lower-case hex SHA-256 of the text's UTF-8 bytes. */
export type Sha256 = (text: string) => string;

/** HTTP, one request at a time. Never throws for what the network or the gateway does. */
export type Wire = {
  /**
   * Sends the request at most once: no retry, no redirect.
   * `timeoutMs` bounds the whole exchange. `notAfterMs`, by the worker's clock, is compared right before the
   * first byte: once it is over nothing is sent (`neverSent`, `too_late`).
   */
  send(
    request: WireRequest,
    limits: { readonly timeoutMs: number; readonly notAfterMs?: number },
  ): Promise<Transport>;
};

/**
 * The ledger: one entry a charge. Every write is conditional; a write whose answer was lost and which took
 * hold is recognised as ours by its token. Each method throws `LedgerUnavailable` when no answer came before
 * its deadline: the write may or may not have taken hold then. A write by which a lease is taken is told only when
 * `SentCharges` will find the charge, so that nothing is ever sent which it would not.
 */
export type Ledger = {
  /** Writes the first entry of a charge, unless the charge has one already: then that one is returned. */
  open(
    entry: LedgerEntry,
  ): Promise<{ readonly kind: "opened" } | { readonly kind: "exists"; readonly entry: LedgerEntry }>;
  /** Replaces the entry whose token is `previous` (S7): `lost` if it is not, and nothing is written then. */
  replace(
    previous: LeaseToken,
    entry: LedgerEntry,
  ): Promise<{ readonly kind: "replaced" } | { readonly kind: "lost" }>;
  /** The entries of these charges, strongly consistent; a charge that has none is not in the answer. */
  read(chargeIds: readonly ChargeId[]): Promise<ReadonlyMap<ChargeId, LedgerEntry>>;
  /** Keeps a message that was refused before it became a charge. Writing it twice changes nothing. */
  reject(rejection: Rejection): Promise<void>;
};

/**
 * What the ledger keeps of instruments, and its writes of an entry that change an instrument's record: the two are
 * written in one transaction, or neither. `contended`: the record is not the version that the change was made from.
 * Each method throws `LedgerUnavailable` as the ledger's do, and recognises its own write as they do.
 */
export type InstrumentBook = {
  /** Strongly consistent. */
  read(key: InstrumentKey): Promise<InstrumentRecord | undefined>;
  /** As `Ledger.open`. */
  open(
    entry: LedgerEntry,
    change: InstrumentChange,
  ): Promise<Awaited<ReturnType<Ledger["open"]>> | { readonly kind: "contended" }>;
  /** As `Ledger.replace` (S7). */
  replace(
    previous: LeaseToken,
    entry: LedgerEntry,
    change: InstrumentChange,
  ): Promise<Awaited<ReturnType<Ledger["replace"]>> | { readonly kind: "contended" }>;
};

/**
 * The notices that came, kept under the gateway's own name of what they are about. Each method throws
 * `LedgerUnavailable` as the ledger's do.
 */
export type NoticeBook = {
  /** Keeps a notice. The first one of an id stands, whatever a later one says. */
  keep(notice: Notice): Promise<void>;
  /** Remembers which charge the gateway's own name stands for. Writing it twice changes nothing. */
  refer(gateway: GatewayName, reference: string, chargeId: ChargeId): Promise<void>;
  /** What is kept under a name, strongly consistent: its notices, and the charge that it was remembered for. */
  read(
    gateway: GatewayName,
    reference: string,
  ): Promise<{ readonly notices: readonly Notice[]; readonly chargeId?: ChargeId }>;
  /** Keeps beside its charge what a person is told of. The first one of an id stands, and is returned. */
  note(noted: NotedNotice): Promise<NotedNotice>;
};

/**
 * The later attempts of charges, in the ledger's table. Every write is conditional, as the ledger's are. Each method
 * throws `LedgerUnavailable` as the ledger's do.
 */
export type RetryBook = {
  /** Strongly consistent. */
  read(chargeId: ChargeId): Promise<RetryRecord | undefined>;
  /** Writes the record if the one that stands is of version `previous` (or none does). */
  replace(
    previous: LeaseToken | undefined,
    record: RetryRecord,
  ): Promise<{ readonly kind: "replaced" } | { readonly kind: "lost" }>;
};

/** What `schedule-retries` works with: it can neither charge nor look anything up, nor change a charge's entry. */
export type RetryClerk = {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly ledger: Pick<Ledger, "read">;
  readonly instruments: Pick<InstrumentBook, "read">;
  readonly retries: RetryBook;
  readonly queues: Queues;
  readonly log: Log;
  readonly policy: Policy;
};

/** What `release-retries` works with. */
export type RetryReleaser = RetryClerk & {
  /**
   * Writes the entry of an attempt that waits and the record that it comes from, each over the version that is named, in
   * one transaction; `lost`: one of the two is another version, and neither is written. So whoever ends the record knows
   * that nothing is released any more. Recognises its own write, and throws `LedgerUnavailable`, as the ledger does.
   */
  readonly release: (
    previous: { readonly entry: LeaseToken; readonly record: LeaseToken },
    entry: LedgerEntry,
    record: RetryRecord,
  ) => Promise<{ readonly kind: "released" } | { readonly kind: "lost" }>;
  /**
   * Charges whose later attempt is due by then, the longest due first; the index lags a moment behind.
   * Throws `LedgerUnavailable`.
   */
  readonly due: (byMs: number, most: number) => Promise<readonly ChargeId[]>;
  /** puts a charge's message onto the queue of charges; rejects when the queue has not accepted it */
  readonly sendCharge: (charge: JsonObject) => Promise<void>;
  /** how long this invocation may still run */
  remainingMs(): number;
};

/** The queue on which a kept notice waits for a worker. Rejects when the queue has not accepted it. */
export type WakeUps = { send(wakeUp: WakeUp): Promise<void> };

/**
 * The charges that wait in a state, as the ledger's index has them: it lags a moment behind, so this is for
 * metrics and never for a decision. Throws `LedgerUnavailable` as the ledger does.
 */
export type WorkIndex = {
  chargesIn(state: BacklogState): Promise<readonly ChargeId[]>;
};

/**
 * What all workers share of the pace at each gateway account: one record each. Both methods throw
 * `LedgerUnavailable` as the ledger's do.
 */
export type PaceBook = {
  read(gateway: GatewayName): Promise<PaceRecord | undefined>;
  /** Writes the record if the one that stands is `previous` (or none does); else answers what stands. */
  replace(
    gateway: GatewayName,
    previous: LeaseToken | undefined,
    record: PaceRecord,
  ): Promise<{ readonly kind: "replaced" } | { readonly kind: "lost"; readonly record?: PaceRecord }>;
};

/** What a request is for: a look-up moves no money, and a probe is the look-up that opens a closed gateway. */
export type Purpose = "charge" | "lookUp" | "probe";

/** Leave to send one request; or until when nothing may be sent, or no turn is left. */
export type Turn = { readonly kind: "go" } | { readonly kind: "held"; readonly untilMs: number };

/** One worker's part in the pace at one gateway account. Lives as long as the worker's process. */
export type GatewayPace = {
  /** Runs at most so many charges at a time: a few more than may be on their way. */
  readonly limit: Limit;
  /** Has at most so many of them on their way to the gateway at a time; how many follows its answers. */
  readonly exchange: Limit;
  /** Whether the account may be sent to. The shared record is read once a second at the most. */
  gate(): Promise<Gate>;
  /** Waits for a turn before a charge is begun, at most `waitMs`; the next `turn` of a charge is then this one. */
  admit(waitMs: number): Promise<Turn>;
  /** Leave to send one request now: the gate is open for its purpose, and the account's rate has room. */
  turn(purpose: Purpose, waitMs: number): Promise<Turn>;
  /** Learns from an exchange, and closes the account to every worker where it has to be. Never throws. */
  note(purpose: Purpose, answered: Answered | undefined, begunAtMs: number, tookMs: number): Promise<void>;
  /** A look-up showed that the gateway worked a charge sent then, though its answer may never have come. */
  noteWorked(sentAtMs: number): Promise<void>;
  /** The look-up that is due, where this worker is the one that makes it. */
  claimProbe(forMs: number): Promise<Probe | undefined>;
};

/** A claim to the look-up that may open a closed account. */
export type Probe = {
  /** what the account is closed for now, which the look-up has to disprove */
  readonly because: ProbedReason;
  /** Opens the account, or keeps it closed for longer; nothing where the claim is over. Never throws. */
  note(passed: boolean): Promise<void>;
};

/** The outcome queues and the one of unknowns. */
export type Queues = {
  /**
   * Resolves when the queue has accepted the message, rejects when it has not. Messages sent close together
   * go out in one request; `flush` sends what waits at once.
   * @param delayMs how long the message stays invisible; at most 900,000.
   */
  send(queue: ChargeQueueName, message: RouteMessage, delayMs?: number): Promise<void>;
  flush(): void;
};

/** A message as a consumer holds it. */
export type Delivery = {
  readonly messageId: string;
  readonly body: string;
  /** how often it was received, this time included */
  readonly receives: number;
  /** by which it can be made visible again while it is hidden */
  readonly receipt?: string;
};

/**
 * What becomes of a delivery. `done`: the ledger holds the outcome and its route was accepted, so the message
 * may be deleted (S8). `giveBack`: it stays, hidden for `delayMs`.
 */
export type DeliveryEnd = { readonly kind: "done" } | { readonly kind: "giveBack"; readonly delayMs: number };

/** Runs at most so many tasks at a time; the others wait their turn. */
export type Limit = <T>(task: () => Promise<T>) => Promise<T>;

/** Everything that one invocation of a function works with. */
export type Worker = {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly sha256: Sha256;
  readonly wire: Wire;
  readonly ledger: Ledger;
  readonly instruments: InstrumentBook;
  /** absent: no notice can reach this worker */
  readonly notices?: NoticeBook;
  /** absent: this worker hears of no decline that was none */
  readonly retries?: RetryBook;
  readonly queues: Queues;
  /**
   * Makes a hidden message of this worker's own queue visible now; absent: it comes at its own time. Never
   * rejects: a receipt that is no longer the queue's latest changes nothing, and the message comes all the same.
   */
  readonly wake?: (receipt: string) => Promise<void>;
  readonly log: Log;
  /** Takes a charge that has ended, or come to a person, as one trace; absent: nobody traces. Never throws. */
  readonly trace?: (entry: EndedEntry) => void;
  /** for work that no gateway's own limit bounds */
  readonly limit: Limit;
  readonly gateways: Readonly<Partial<Record<GatewayName, Gateway>>>;
  readonly paces: Readonly<Record<GatewayName, GatewayPace>>;
  readonly policy: Policy;
  /** bound on one exchange with a gateway */
  readonly gatewayTimeoutMs: number;
  /** how long this invocation may still run */
  remainingMs(): number;
};

/** Log events by allow-list: a name and members that are known to hold nothing secret. */
export type Log = {
  event(name: LogEventName, members?: LogMembers): void;
  metric(name: MetricName, value: number, members?: LogMembers): void;
};

export type LogEventName =
  | "started"
  | "feed_missing"
  | "charge_opened"
  | "charge_sent"
  | "charge_recorded"
  | "charge_routed"
  | "charge_rejected"
  | "charge_given_back"
  | "lease_lost"
  | "lease_taken_over"
  | "feed_scanned"
  | "feed_failed"
  | "ledger_failed"
  | "queue_failed"
  | "double_charge"
  | "message_failed"
  | "gateway_closed"
  | "gateway_opened"
  | "pace_unread"
  | "notice_kept"
  | "notice_refused"
  | "notice_applied"
  | "notice_failed"
  | "backlog_read"
  | "secret_unread"
  | "reconciled"
  | "reconciliation_failed"
  | "finding"
  | "report_written"
  | "report_failed"
  | "retry_decided"
  | "retry_released"
  | "quick_given_up"
  | "desk_failed";

export type MetricName =
  | "ChargeOutcome"
  | "GatewayLatencyMs"
  | "Sends"
  | "Resends"
  | "Lookups"
  | "MoneyToReview"
  | "DoubleCharges"
  | "Rejections"
  | "BudgetRefusals"
  | "GatewayClosed"
  | "Notices"
  | "NoticesRefused"
  | "GatewayShut"
  | "LookupLagMs"
  | "BacklogCharges"
  | "BacklogMoney"
  | "ReconciliationLagMs"
  | "ReconciliationFindings"
  | "ReconciliationIncomplete"
  | "RetryDecisions"
  | "RetryLagMs"
  | "QuickGivenUp";

/** The only members a log line may have. All are masked for card numbers on the way out. */
export type LogMembers = {
  readonly chargeId?: string;
  readonly requestId?: string;
  readonly gateway?: string;
  readonly attempt?: number;
  readonly state?: string;
  readonly age?: string;
  readonly outcome?: string;
  readonly category?: string;
  readonly code?: string;
  readonly reason?: string;
  readonly day?: string;
  readonly status?: number;
  readonly cause?: string;
  readonly durationMs?: number;
  readonly delayMs?: number;
  readonly amount?: string;
  readonly currency?: string;
  readonly queue?: string;
  readonly messageId?: string;
  readonly count?: number;
  readonly pages?: number;
  readonly rows?: number;
  readonly error?: string;
};

/**
 * Lines of ASCII kept outside the memory, in partitions, for as long as one run takes. A line ends with its newline;
 * lines of a partition come back in the order in which they were written.
 */
export type Spill = {
  /** Adds a line, or several. */
  write(partition: number, lines: string): void;
  /** Adds bytes that belong together: they come back in one piece. */
  writeBytes(partition: number, bytes: Uint8Array): void;
  /** The lines of a partition, many at a time. Nothing may be written while it is read. */
  read(partition: number): Iterable<string>;
  /** The same as bytes, each of whose pieces is over when the next is asked for. */
  bytes(partition: number): Iterable<Uint8Array>;
  /** The partitions that have anything: few of very many, wherever little is joined. */
  held(): readonly number[];
  close(): void;
};
export type Spills = {
  open(partitions: number): Spill;
};

/** Every entry of the ledger, in no order. */
export type LedgerScan = {
  /**
   * Tells `each` of every entry that stood when the scan began; one that changes meanwhile is told once, as it
   * was or as it became. Answers how many could not be read. Throws `LedgerUnavailable`.
   */
  scan(each: (entry: LedgerEntry) => void): Promise<{ readonly unreadable: number }>;
};

/** In which order charges are read: by the moment of their first send. */
export type SentOrder = "oldestFirst" | "newestFirst";
/** Charges, and how many entries among them are of a version that is not known here. */
export type SentBatch = { readonly sides: readonly LedgerSide[]; readonly unreadable: number };

/**
 * The charges of a gateway by the time at which their attempt was first sent (or opened, where nothing was). What was
 * refused before anybody could have sent it is not among them.
 */
export type SentCharges = {
  /**
   * The charges of a stretch of time, both ends in, some at a time. It lags a moment behind the ledger, and a
   * charge that is tried anew meanwhile may come twice. Throws `LedgerUnavailable`.
   */
  read(gateway: GatewayName, window: FeedWindow, order: SentOrder): AsyncIterable<SentBatch>;
};

/** What reconciliation keeps: which windows there are, who is at work on them, and what came out. */
export type ReconciliationBook = {
  /** The windows of a gateway that begin at this moment or later. */
  windows(gateway: GatewayName, fromMs: number): Promise<readonly WindowRecord[]>;
  /** Writes the record if the one that stands is of version `previous` (or none does). */
  replace(
    previous: LeaseToken | undefined,
    record: WindowRecord,
  ): Promise<{ readonly kind: "replaced" } | { readonly kind: "lost" }>;
  /**
   * Keeps a piece of a run's findings under the token that its record will have, for as long as reports are made of it.
   * Again under the same number: that one stands.
   */
  keepFindings(token: LeaseToken, piece: number, findings: readonly Finding[], nowMs: number): Promise<void>;
};

/** What reports of reconciliation are made of, and which of them were written. Each throws `LedgerUnavailable`. */
export type ReportBook = Pick<ReconciliationBook, "windows"> & {
  /** The findings that are kept under a record's token, a piece at a time, in the order in which they were found. */
  findings(token: LeaseToken): AsyncIterable<readonly Finding[]>;
  /** The records of a gateway's reports, from this day (`2026-11-24`) on. */
  reports(gateway: GatewayName, fromDay: string): Promise<readonly ReportRecord[]>;
  /** Writes the record if the one that stands is of version `previous` (or none does). */
  replaceReport(
    previous: LeaseToken | undefined,
    record: ReportRecord,
  ): Promise<{ readonly kind: "replaced" } | { readonly kind: "lost" }>;
};

/** A report as it grows, outside the memory. */
export type ReportDraft = {
  /** Throws `NoRoom` where the disk is full. */
  add(text: string): void;
  /**
   * Puts the whole of it under its name, in place of what it was begun over. Rejects where something else stands there
   * by now, which then stays, and where the store did not say that it has it: the one before may stand, or this one,
   * and never a part.
   */
  put(): Promise<void>;
  /** Gives its room back, whether it was put or not. */
  drop(): void;
};

/** Where reports of reconciliation are kept for people and machines. */
export type Reports = {
  /** Names what stands under a name, as it is now; `undefined` where nothing does. */
  standing(name: string): Promise<string | undefined>;
  /**
   * @param name letters, digits, `.`, `_`, `-` and `/`
   * @param over what `standing` said: the only thing that the report may take the place of
   */
  begin(name: string, contentType: string, over: string | undefined): ReportDraft;
};

/** What `write-reports` works with: it can neither charge nor look anything up, nor change a charge's entry. */
export type ReportWriter = {
  readonly clock: Pick<Clock, "nowMs">;
  readonly ids: Pick<Ids, "leaseToken">;
  readonly sha256: Sha256;
  readonly ledger: Pick<Ledger, "read">;
  readonly book: ReportBook;
  readonly reports: Reports;
  readonly log: Log;
  /** how long this invocation may still run */
  remainingMs(): number;
};

/** The windows that wait for a worker. Rejects when the queue has not accepted the message. */
export type WindowQueue = { send(window: WindowMessage): Promise<void> };

/** Everything that a reconciliation works with. */
export type Reconciler = Worker & {
  readonly sentCharges: SentCharges;
  readonly book: ReconciliationBook;
  readonly spills: Spills;
};

/** A charge that waits for a person, as the ledger's index has it. */
export type WaitingReview = {
  readonly chargeId: ChargeId;
  readonly gateway: GatewayName;
  readonly reason: ReviewReason;
  /** since when; milliseconds since 1970 */
  readonly sinceMs: number;
  /** minor units, digits */
  readonly amount: string;
  readonly currency: string;
  /** a first person's proposal, or a refund that is decided and to be seen */
  readonly mark?: { readonly e: "proposed" | "decided"; readonly decision: ReviewDecision };
};

export type WaitingList = {
  /** in no order */
  readonly rows: readonly WaitingReview[];
  /** where something stands that this code cannot read: whatever it is waits, too, and is not among the rows */
  readonly unreadable: readonly string[];
};

/**
 * The charges that wait for a person. The index lags a moment behind: it is for a worklist, and never for a decision.
 * What cannot be read costs nothing but its own row. Throws `LedgerUnavailable` as the ledger does.
 */
export type DeskIndex = {
  /** @param untilMs only those that have waited since then or longer */
  waiting(untilMs?: number, pace?: ReadingPace): Promise<WaitingList>;
};

/** How a long reading goes on beside what people ask for meanwhile. */
export type ReadingPace = {
  /** nobody waits for it: a page after the other, not many at once */
  readonly isUnhurried: boolean;
  /** waited for before each page */
  turn(): Promise<void>;
};

/** Everything that the ledger holds under one charge id. */
export type ChargeRecord = {
  readonly entry: LedgerEntry | undefined;
  readonly rejections: readonly Rejection[];
  /** notices that a person was told of: what has ended is not written again for them */
  readonly notices: readonly NotedNotice[];
};

/** A review desk: it decides, and sends nothing itself. */
export type Desk = Worker & {
  /** What the ledger holds of a charge, strongly consistent. Throws `LedgerUnavailable`. */
  recordOf(
    chargeId: ChargeId,
  ): Promise<{ readonly entry?: LedgerEntry | undefined; readonly notices: readonly NotedNotice[] }>;
  /** The queue of charges, as their sender sees it. Rejects when the queue has not accepted the message. */
  readonly charges: { send(body: string, delayMs: number): Promise<void> };
};

/** A message as a redrive holds it: hidden from everybody else for a while. */
export type HeldMessage = {
  readonly messageId: string;
  readonly body: string;
  readonly receipt: string;
  /** when it was first sent, however often it was put back since; milliseconds since 1970 */
  readonly firstSentAtMs: number;
};

/** A queue whose messages are put back onto another one. */
export type RedriveQueue = {
  /** Some of the visible messages, hidden from now on; none: there is nothing left to see. */
  receive(): Promise<readonly HeldMessage[]>;
  /** Sends a body to the other queue and then deletes the message. Rejects when the other queue has not accepted it. */
  putBack(message: HeldMessage, body: string): Promise<void>;
  /** Makes messages visible again. Never rejects: they come back by themselves. */
  giveBack(messages: readonly HeldMessage[]): Promise<void>;
};

/** Messages of one queue, as SQS counts them: about. `undefined`: the queue did not say. */
export type QueueDepth = {
  readonly queue: string;
  readonly visible?: number;
  /** received by a worker, or hidden until their time comes */
  readonly hidden?: number;
};
