import type { GatewayName } from "../../lib/core/charge.ts";
import type { WireRequest } from "../../lib/core/transport.ts";

/** What a gateway says. Names of headers in lower case. */
export type SimAnswer = {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** it looks like an answer, and does not say what became of the request */
  readonly muddled?: boolean;
};

/** Money that was taken and not given back. Amounts in minor units. */
export type Capture = {
  readonly chargeId: string;
  readonly transactionId: string;
  readonly amount: string;
  readonly asked: string;
  /** whether its row, or what that names, names the charge */
  readonly namesUs: boolean;
  /** the transactions that it came in, where they were several */
  readonly parts?: readonly string[];
  /** the key by which alone it names the charge */
  readonly key?: string;
};

/** What a request is, by what the gateway would do with it now: the checkers do not take the worker's word. */
export type Asking = {
  readonly kind: /** moves money, or may set it moving */
    | "charge"
    /** makes what a charge is sent on */
    | "make"
    /** looks for what was made */
    | "find"
    | "lookUp"
    | "void";
  readonly chargeId?: string;
  /** what names the send, where it has a life (S3) */
  readonly requestId?: string;
  /** a look that may set a charge off all the same */
  readonly mayMoveMoney?: boolean;
};

/** A request that is on its way. */
export type Asked = {
  readonly asking: Asking;
  /** it has arrived; `answer` is called when the gateway has something to say, or never */
  receive(answer: (answer: SimAnswer) => void): void;
};

/** A gateway as the world has it, with what it really did. */
export type SimGateway = {
  readonly name: GatewayName;
  ask(request: WireRequest): Asked;
  capturesOf(chargeId: string): readonly Capture[];
  /** those that were given back since among them */
  everCapturedOf(chargeId: string): readonly Capture[];
  captured(): number;
};
