import { describe, expect, test } from "vitest";
import { CHARGE_QUEUES } from "../lib/core/queues.ts";
import { readReportSettings, readSettings, SettingsError } from "../lib/settings.ts";

const complete: Readonly<Record<string, string>> = {
  LEDGER_TABLE: "ledger",
  ...Object.fromEntries(
    CHARGE_QUEUES.map(({ name, variable }) => [variable, `https://sqs.test/000000000000/${name}`]),
  ),
  CENTROBILL_API_KEY: "key-1",
};
const documented = { centrapay: { requests: 200, perMs: 60_000 } };
const own = { centrapay: { requests: 50, perMs: 1_000 } };

describe("the rate of an account", () => {
  test.each<[Record<string, string>, object, string]>([
    [{}, documented, "Centrapay's own host, by default"],
    [{ CENTRAPAY_URL: "https://service.centrapay.com/" }, documented, "and by name"],
    [{ CENTRAPAY_URL: "http://127.0.0.1:8080" }, {}, "another host: nothing is known before its first 429"],
    [{ CENTRAPAY_URL: "https://service.centrapay.com.example" }, {}, "a name that only begins like it"],
    [
      { CENTRAPAY_URL: "http://127.0.0.1:8080", POLICY: JSON.stringify({ rateLimits: own }) },
      own,
      "as the user says, on any host",
    ],
    [{ POLICY: JSON.stringify({ rateLimits: {} }) }, {}, "none at all, as the user says"],
    [{ CENTRAPAY_URL: "http://127.0.0.1:8080", POLICY: '{"resendsMax":0}' }, {}, "a policy of other numbers"],
  ])("%j → %j (%s)", (env, rateLimits) => {
    expect(readSettings({ ...complete, ...env }).policy.rateLimits).toEqual(rateLimits);
  });
});

describe("where a gateway is", () => {
  const problemsOf = (url: string): readonly string[] => {
    try {
      readSettings({ ...complete, CENTROBILL_URL: url });
      return [];
    } catch (error) {
      return (error as SettingsError).problems;
    }
  };

  test.each<[url: string, ok: boolean, reason: string]>([
    ["https://api.centrobill.com", true, "the documented one"],
    ["http://127.0.0.1:8080/", true, "a port, and a slash at the end"],
    ["https://proxy.test/centrobill/v1", true, "a path"],
    ["HTTPS://API.CENTROBILL.COM", true, "capitals"],
    ["http://[::1]:8080", true, "IPv6"],
    ["https://api.centrobill.com?key=1", false, "the path of a charge would become its query"],
    ["https://api.centrobill.com/#top", false, "and here it would not be sent at all"],
    ["https://api.centrobill.com ", false, "a space at the end: no address, once a path is behind it"],
    ["https://api.centrobill.com\n", false, "a line's end"],
    [" https://api.centrobill.com", false, "a space before it"],
    ["https://user:word@api.centrobill.com", false, "a password"],
    ["https://", false, "no host"],
    ["https://a:b:c", false, "no port"],
    ["ftp://api.centrobill.com", false, "another kind"],
    ["api.centrobill.com", false, "no kind"],
  ])("%j: %s (%s)", (url, ok) => {
    expect(problemsOf(url)).toEqual(
      ok ? [] : ["CENTROBILL_URL: must be a web address, without spaces, query or password"],
    );
  });
});

describe("where reports are kept", () => {
  const all = {
    LEDGER_TABLE: "ledger",
    REPORTS_URL: "https://b.s3.us-east-1.amazonaws.com/",
    AWS_REGION: "us-east-1",
  };
  test("an address, its end without a slash", () => {
    expect(readReportSettings(all)).toEqual({
      ledgerTable: "ledger",
      reportsUrl: "https://b.s3.us-east-1.amazonaws.com",
      region: "us-east-1",
    });
  });

  test.each<[Record<string, string>, readonly string[]]>([
    [{}, ["LEDGER_TABLE: is not set", "REPORTS_URL: is not set", "AWS_REGION: is not set"]],
    [{ ...all, REPORTS_URL: "" }, ["REPORTS_URL: is not set"]],
    [
      { ...all, REPORTS_URL: "s3://bucket" },
      ["REPORTS_URL: must be a web address, without spaces, query or password"],
    ],
  ])("%j → %j", (env, problems) => {
    const read = (): unknown => {
      try {
        return readReportSettings(env);
      } catch (error) {
        return (error as SettingsError).problems;
      }
    };
    expect(read()).toEqual(problems);
    expect(() => readReportSettings(env)).toThrow(SettingsError);
  });
});
