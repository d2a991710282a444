/** A running stand-in for an AWS service. */
export interface StandIn {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  /** The process that serves it, or null when it is somebody else's endpoint. */
  readonly pid: number | null;
  /** Resolves with a sentence when the stand-in ends without having been closed; otherwise never. */
  readonly brokeDown: Promise<string>;
  /** Ends it and resolves when its process is gone. May be called twice. */
  close(): Promise<void>;
}

/** The stand-in could not be started; the message says what was tried and what else can be done. */
export class StandInUnavailable extends Error {
  override readonly name = "StandInUnavailable";
}
