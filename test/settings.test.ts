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
    [{ ...all, REPORTS_URL: "s3://bucket" }, ["REPORTS_URL: must be a web address"]],
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
