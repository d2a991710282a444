import { createHash } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { authorizationFor, authorizationOf } from "../../lib/adapters/quick-signature.ts";
import { SdkSha256 } from "../doubles/sdk-sha256.ts";

/**
 * After AWS's test suite for Signature Version 4 ("aws-sig-v4-test-suite"): its key, scope and time. Written down from
 * memory, since it could not be fetched; what our signatures are held to is the SDK's own signer, below.
 */
const suite = {
  credentials: {
    accessKeyId: "AKIDEXAMPLE",
    secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  },
  scope: { region: "us-east-1", service: "service" },
  headers: { host: "example.amazonaws.com", "x-amz-date": "20150830T123600Z" },
};

describe("examples of a POST to /, after AWS's", () => {
  test.each<[string, Readonly<Record<string, string>>, string, string]>([
    ["post-vanilla", {}, "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"],
    [
      "post-header-key-sort",
      { "my-header1": "value1" },
      "",
      "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
    ],
    [
      "post-header-value-case",
      { "my-header1": "VALUE1" },
      "",
      "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
    ],
    [
      "post-x-www-form-urlencoded",
      { "content-type": "application/x-www-form-urlencoded" },
      "Param1=value1",
      "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ],
  ])("%s", (_, headers, body, signature) => {
    const all = { ...suite.headers, ...headers };
    expect(authorizationOf(all, body, suite.scope, suite.credentials)).toBe(
      `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=${Object.keys(all).sort().join(";")}, Signature=${signature}`,
    );
  });
});

const name = fc
  .stringMatching(/^[a-z][a-z0-9-]{0,15}$/)
  // The SDK's signer leaves these out, since a proxy may change them, or sets them itself.
  .filter(
    (text) =>
      !/^(proxy-|sec-|x-amz-|authorization$|cache-control$|connection$|expect$|from$|keep-alive$|max-forwards$|pragma$|referer$|te$|trailer$|transfer-encoding$|upgrade$|user-agent$|x-amzn-trace-id$|host$)/.test(
        text,
      ),
  );
const value = fc.stringMatching(/^[\x20-\x7e]{0,30}$/);
const key = fc.stringMatching(/^[\x21-\x7e]{1,40}$/);

test("of any request it is the SDK's own, at any time, for any body, key and session", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        body: fc.string({ unit: "binary", maxLength: 200 }),
        more: fc.dictionary(name, value, { maxKeys: 5 }),
        time: fc.date({ min: new Date("2000-01-01"), max: new Date("2099-12-31"), noInvalidDate: true }),
        host: fc.oneof(fc.domain(), fc.constantFrom("127.0.0.1:8000", "[::1]:4566", "localhost:80")),
        accessKeyId: fc.stringMatching(/^[A-Z0-9]{4,20}$/),
        secretAccessKey: key,
        sessionToken: fc.option(key, { nil: undefined }),
        region: fc.stringMatching(/^[a-z]{2}(-[a-z]{2,9}){1,2}-[1-9]$/),
        service: fc.constantFrom("dynamodb", "sqs"),
      }),
      async ({ body, more, time, host, accessKeyId, secretAccessKey, sessionToken, region, service }) => {
        const credentials = { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) };
        const signer = new SignatureV4({
          credentials,
          region,
          service,
          sha256: SdkSha256 as never,
          applyChecksum: false,
        });
        const { headers } = await signer.sign(
          { method: "POST", protocol: "https:", hostname: "x", path: "/", headers: { ...more, host }, body },
          { signingDate: time },
        );
        const signed = Object.fromEntries(
          Object.entries(headers).filter(([header]) => header !== "authorization"),
        );
        expect(authorizationOf(signed, body, { region, service }, credentials)).toBe(
          headers["authorization"],
        );
      },
    ),
    { numRuns: 300 },
  );
});

test("of a PUT of any object it is the SDK's own, too", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        body: fc.string({ unit: "binary", maxLength: 200 }),
        path: fc
          .stringMatching(/^(\/[A-Za-z0-9._-]{1,12}){1,4}$/)
          .filter((text) => !/\/\.{1,2}(\/|$)/.test(text)),
        time: fc.date({ min: new Date("2000-01-01"), max: new Date("2099-12-31"), noInvalidDate: true }),
        secretAccessKey: key,
        sessionToken: fc.option(key, { nil: undefined }),
      }),
      async ({ body, path, time, secretAccessKey, sessionToken }) => {
        const credentials = {
          accessKeyId: "AKIDEXAMPLE",
          secretAccessKey,
          ...(sessionToken && { sessionToken }),
        };
        const scope = { region: "eu-central-1", service: "s3" };
        const signer = new SignatureV4({
          credentials,
          ...scope,
          sha256: SdkSha256 as never,
          uriEscapePath: false,
          applyChecksum: false,
        });
        const bodySha256 = createHash("sha256").update(body).digest("hex");
        const { headers } = await signer.sign(
          {
            method: "PUT",
            protocol: "https:",
            hostname: "x",
            path,
            headers: { host: "bucket.s3.eu-central-1.amazonaws.com", "x-amz-content-sha256": bodySha256 },
            body,
          },
          { signingDate: time },
        );
        const { authorization, ...signed } = headers;
        expect(authorizationFor({ method: "PUT", path, bodySha256 }, signed, scope, credentials)).toBe(
          authorization,
        );
      },
    ),
    { numRuns: 100 },
  );
});
