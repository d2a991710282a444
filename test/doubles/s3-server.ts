import { createHash, hash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { SignatureV4 } from "@smithy/signature-v4";
import { SdkSha256 } from "./sdk-sha256.ts";

export type KeptObject = { readonly text: string; readonly contentType: string };

const etagOf = ({ text }: KeptObject): string => `"${hash("md5", text, "hex")}"`;

/** What the server does instead of taking a request, once. */
export type Trouble =
  | { readonly kind: "answers"; readonly status: number; readonly code: string }
  /** takes the object, and the answer is lost */
  | { readonly kind: "takesAndResets" }
  | { readonly kind: "resets" }
  | { readonly kind: "hangs" };

/**
 * What speaks like S3 as far as a PUT and a HEAD go: it looks at the signature with the SDK's own signer, at the hash,
 * and at the condition. Who may list nothing is told 403 of what is not there, as by S3.
 */
export type S3Server = {
  /** the bucket's address */
  readonly url: string;
  readonly kept: Map<string, KeptObject>;
  readonly requests: string[];
  trouble(...next: readonly Trouble[]): void;
  close(): Promise<void>;
};

export const s3Server = async (
  credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  },
  region: string,
): Promise<S3Server> => {
  const kept: S3Server["kept"] = new Map();
  const metadata = new Map<string, string>();
  const requests: string[] = [];
  const troubles: Trouble[] = [];
  const signer = new SignatureV4({
    credentials,
    region,
    service: "s3",
    sha256: SdkSha256 as never,
    uriEscapePath: false,
    applyChecksum: false,
  });

  const refuse = (response: ServerResponse, status: number, code: string): void => {
    response.writeHead(status, { "content-type": "application/xml" });
    response.end(
      `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>no</Message></Error>`,
    );
  };

  /** The code of S3's refusal; `undefined` where the request is as it must be. */
  const wrongWith = async (request: IncomingMessage, body: Buffer): Promise<string | undefined> => {
    const headers = request.headers as Record<string, string>;
    const { authorization = "" } = headers;
    if (headers["x-amz-content-sha256"] !== createHash("sha256").update(body).digest("hex"))
      return "XAmzContentSHA256Mismatch";
    if (headers["x-amz-security-token"] !== credentials.sessionToken) return "InvalidToken";
    const { method = "" } = request;
    if (method !== "PUT" && method !== "HEAD") return "MethodNotAllowed";
    const [, names = ""] = /SignedHeaders=([^,]+)/.exec(authorization) ?? [];
    const time = headers["x-amz-date"] ?? "";
    const at = new Date(time.replace(/(....)(..)(..)T(..)(..)(..)Z/, "$1-$2-$3T$4:$5:$6Z"));
    const signed = await signer.sign(
      {
        method,
        protocol: "http:",
        hostname: "x",
        path: new URL(request.url ?? "", "http://x").pathname,
        headers: Object.fromEntries(
          names
            .split(";")
            .filter((name) => name !== "x-amz-security-token" && name !== "x-amz-date")
            .map((name) => [name, headers[name] ?? ""]),
        ),
      },
      { signingDate: at },
    );
    return signed.headers["authorization"] === authorization ? undefined : "SignatureDoesNotMatch";
  };

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("error", () => {});
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", async () => {
      const name = decodeURIComponent(new URL(request.url ?? "", "http://x").pathname).replace(
        "/bucket/",
        "",
      );
      requests.push(`${request.method} ${name}`);
      const body = Buffer.concat(chunks);
      const trouble = troubles.shift();
      if (trouble?.kind === "hangs") return;
      if (trouble?.kind === "resets") return void request.socket.destroy();
      if (trouble?.kind === "answers") return refuse(response, trouble.status, trouble.code);
      const wrong = await wrongWith(request, body);
      if (wrong !== undefined) return refuse(response, 403, wrong);
      const there = kept.get(name);
      if (request.method === "HEAD") {
        response.writeHead(there === undefined ? 403 : 200, {
          ...(there !== undefined && {
            etag: etagOf(there),
            "content-length": Buffer.byteLength(there.text),
            "x-amz-meta-sha256": metadata.get(name),
          }),
        });
        return response.end();
      }
      const { "if-match": ifMatch, "if-none-match": ifNoneMatch } = request.headers;
      if (ifMatch !== undefined && there === undefined) return refuse(response, 404, "NoSuchKey");
      if (
        there !== undefined &&
        (ifNoneMatch === "*" || (ifMatch !== undefined && ifMatch !== etagOf(there)))
      )
        return refuse(response, 412, "PreconditionFailed");
      metadata.set(name, String(request.headers["x-amz-meta-sha256"]));
      const object = {
        text: body.toString("utf8"),
        contentType: request.headers["content-type"] ?? "",
      };
      kept.set(name, object);
      if (trouble?.kind === "takesAndResets") return void request.socket.destroy();
      response.writeHead(200, { etag: etagOf(object) });
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/bucket`,
    kept,
    requests,
    trouble: (...next) => void troubles.push(...next),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
};
