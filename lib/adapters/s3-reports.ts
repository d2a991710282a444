import { createHash, hash } from "node:crypto";
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { join } from "node:path";
import { NoRoom } from "../core/no-room.ts";
import type { Clock, ReportDraft, Reports } from "../ports.ts";
import { type AwsCredentials, authorizationFor, signingTime } from "./quick-signature.ts";

/** The bucket did not say that it has a report; it may have it. Names it, and never a credential. */
export class ReportNotKept extends Error {
  override readonly name = "ReportNotKept";
}

export type S3ReportsOptions = {
  /** the bucket's own address; of a store that has buckets as folders, with the bucket in its path */
  readonly url: string;
  readonly region: string;
  readonly credentials: () => AwsCredentials | undefined;
  readonly clock: Clock;
  /** where drafts grow */
  readonly folder: string;
  /** for one try, the whole of it */
  readonly timeoutMs?: number;
  readonly tries?: number;
};

const names = /^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/;
/** What goes to the disk in one piece, UTF-16 units, and to the bucket, bytes. */
const pieceMax = 65_536;
/** Of an answer that says no. */
const errorMax = 4_096;
/** What Node calls a disk, a share of it, or a file that is full. */
const full = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

type Draft = { readonly file: number; readonly bytes: number; readonly sha256: string };
type Answer = {
  readonly status: number;
  readonly code: string;
  readonly etag: string | undefined;
  /** of what stands, as whoever put it said */
  readonly sha256: string | undefined;
};

/** The member of an object's own metadata that says which draft it was. */
const draftHeader = "x-amz-meta-sha256";
const nothingSha256 = hash("sha256", "", "hex");

/** Sends a draft once, and reads nothing of it any more when it ends. Rejects when no answer came. */
const send = (
  method: "PUT" | "HEAD",
  { file, bytes }: Pick<Draft, "file" | "bytes">,
  url: URL,
  headers: Readonly<Record<string, string>>,
  timeoutMs: number,
): Promise<Answer> => {
  const ask = url.protocol === "https:" ? tlsRequest : plainRequest;
  const signal = AbortSignal.timeout(timeoutMs);
  const request = ask(url, { method, headers, signal, agent: false });
  // A piece at a time, each when the one before has gone.
  const sendFrom = (from: number): void => {
    if (request.destroyed) return;
    if (from >= bytes) {
      request.end();
      return;
    }
    try {
      const piece = Buffer.allocUnsafe(Math.min(pieceMax, bytes - from));
      const read = readSync(file, piece, 0, piece.length, from);
      if (read === 0) throw new Error("a draft is shorter than what was written");
      request.write(piece.subarray(0, read), (error) => {
        if (!error) sendFrom(from + read);
      });
    } catch (error) {
      request.destroy(error instanceof Error ? error : new Error("unknown"));
    }
  };
  return new Promise<Answer>((resolve, reject) => {
    request.on("error", reject);
    request.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (some: string) => {
        if (text.length < errorMax) text += some;
      });
      response.on("error", reject);
      response.on("end", () => {
        const [, code = ""] = /<Code>(\w{1,64})<\/Code>/.exec(text) ?? [];
        const { etag, [draftHeader]: sha256 } = response.headers;
        resolve({
          status: response.statusCode ?? 0,
          code,
          etag,
          sha256: typeof sha256 === "string" ? sha256 : undefined,
        });
      });
    });
    sendFrom(0);
  }).finally(() => request.destroy());
};

/** What went wrong, without anything that is secret. */
const wordsOf = (answer: Answer | Error): string =>
  answer instanceof Error
    ? ((answer as NodeJS.ErrnoException).code ?? answer.name)
    : `HTTP ${answer.status} ${answer.code}`.trim();

/** Whether the same request may be answered otherwise in a moment. */
const passes = ({ status }: Answer): boolean => status >= 500 || [408, 409, 429].includes(status);

/**
 * Reports in a bucket of S3, or of what speaks like it: one signed PUT each, from a file, so that a report of any size
 * takes no memory, and on the condition that nothing else stands there than what was seen. The client of the SDK, which
 * would be half a function's bundle, is not needed for two requests.
 *
 * The conditions, and what they are answered with:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html (`If-Match` needs `s3:GetObject`, too).
 */
export const s3Reports = (options: S3ReportsOptions): Reports => {
  const { region, credentials, clock, folder, timeoutMs = 60_000, tries = 3 } = options;
  const root = options.url.replace(/\/+$/, "");

  /** Sends until an answer is one that stays. `again` tells whether an answer before it was lost. */
  const ask = async (
    name: string,
    method: "PUT" | "HEAD",
    draft: Draft,
    more: Readonly<Record<string, string>>,
  ): Promise<Answer & { readonly again: boolean }> => {
    const url = new URL(`${root}/${name}`);
    for (let nth = 1; ; nth++) {
      const by = credentials();
      if (by === undefined) throw new ReportNotKept(`${name}: no credentials`);
      const signed = {
        host: url.host,
        ...more,
        "x-amz-content-sha256": draft.sha256,
        "x-amz-date": signingTime(clock.nowMs()),
        ...(by.sessionToken === undefined ? {} : { "x-amz-security-token": by.sessionToken }),
      };
      const authorization = authorizationFor(
        { method, path: url.pathname, bodySha256: draft.sha256 },
        signed,
        { region, service: "s3" },
        by,
      );
      const headers = {
        ...signed,
        authorization,
        ...(method === "PUT" && { "content-length": String(draft.bytes) }),
      };
      const answer = await send(method, draft, url, headers, timeoutMs).catch((error: unknown) =>
        error instanceof Error ? error : new Error("unknown"),
      );
      if (!(answer instanceof Error || passes(answer))) return { ...answer, again: nth > 1 };
      if (nth >= tries) throw new ReportNotKept(`${name}: ${wordsOf(answer)}`);
      await clock.sleep(200 * 4 ** (nth - 1));
    }
  };

  /** Without `s3:ListBucket` S3 says 403 of what is not there. Who may not look is refused when something is put. */
  const look = async (name: string): Promise<Answer | undefined> => {
    const nothing = { file: -1, bytes: 0, sha256: nothingSha256 };
    const answer = await ask(name, "HEAD", nothing, {});
    if (answer.status === 404 || answer.status === 403) return undefined;
    if (answer.status === 200 && answer.etag !== undefined) return answer;
    throw new ReportNotKept(`${name}: ${wordsOf(answer)} to a HEAD`);
  };

  const put = async (
    name: string,
    contentType: string,
    over: string | undefined,
    draft: Draft,
  ): Promise<void> => {
    const answer = await ask(name, "PUT", draft, {
      "content-type": contentType,
      [draftHeader]: draft.sha256,
      ...(over === undefined ? { "if-none-match": "*" } : { "if-match": over }),
    });
    if (answer.status === 200) return;
    // The answer was lost, and what stands there now is what an earlier try put.
    if (answer.status === 412 && answer.again && (await look(name))?.sha256 === draft.sha256) return;
    throw new ReportNotKept(`${name}: ${wordsOf(answer)}`);
  };

  return {
    standing: async (name) => (await look(name))?.etag,
    begin(name, contentType, over) {
      if (!names.test(name)) throw new Error(`${name}: no name of a report`);
      const attempt = <T>(run: () => T): T => {
        try {
          return run();
        } catch (error) {
          if (full.has((error as NodeJS.ErrnoException).code ?? ""))
            throw new NoRoom(
              `${name}: ${folder} is full; raise diskMb of write-reports in infra/functions.ts`,
            );
          throw error;
        }
      };
      const file = attempt(() => {
        const own = mkdtempSync(join(folder, "chargeonce-report-"));
        const opened = openSync(join(own, "draft"), "wx+", 0o600);
        // Gone from the folder at once, and from the disk with the process.
        rmSync(own, { recursive: true, force: true });
        return opened;
      });
      const digest = createHash("sha256");
      let [waiting, bytes, dropped] = ["", 0, false];
      const flush = (): void => {
        const piece = Buffer.from(waiting, "utf8");
        waiting = "";
        for (let from = 0; from < piece.length; )
          from += attempt(() => writeSync(file, piece, from, piece.length - from, bytes + from));
        digest.update(piece);
        bytes += piece.length;
      };
      return {
        add(text) {
          waiting += text;
          if (waiting.length >= pieceMax) flush();
        },
        async put() {
          flush();
          await put(name, contentType, over, { file, bytes, sha256: digest.copy().digest("hex") });
        },
        drop() {
          if (dropped) return;
          dropped = true;
          closeSync(file);
        },
      } satisfies ReportDraft;
    },
  };
};
