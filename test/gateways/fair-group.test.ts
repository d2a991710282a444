import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fairGroupOf } from "../../lib/gateways/fair-group.ts";

describe("fairGroupOf", () => {
  const of = (gateway: unknown, request: unknown) => JSON.stringify({ gateway, request });
  test.each<[string, string | undefined, string]>([
    [of("centrobill", { sku: { siteId: "site-1" } }), "centrobill:site-1", "a site"],
    [
      of("centrobill", { sku: { name: "gold plan" } }),
      "centrobill:gold_plan",
      "a SKU's name, in SQS's letters",
    ],
    [of("centrobill", {}), "centrobill", "a charge that will be refused stands with its gateway"],
    [of("centrapay", { merchantAccountId: "acct-9" }), "centrapay:acct-9", "a merchant's account"],
    [of("centrapay", { paymentRequestId: "pr1" }), "centrapay:pr1", "a capture names no account"],
    [of("centrapay", { merchantAccountId: "x".repeat(500) }), `centrapay:${"x".repeat(118)}`, "128 at most"],
    [of("stripe", {}), undefined, "not a gateway of ours"],
    [of("toString", {}), undefined, "nor what every object inherits"],
    ["[[[[", undefined, "not JSON"],
    ["null", undefined, "not an object"],
  ])("%s → %s (%s)", (body, group) => {
    expect(fairGroupOf(body)).toBe(group);
  });

  test("whatever the text is, it is a group that SQS takes, or none", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc
            .record({ gateway: fc.constantFrom("centrobill", "centrapay"), request: fc.jsonValue() })
            .map((message) => JSON.stringify(message)),
        ),
        (body) => {
          expect(fairGroupOf(body) ?? "none").toMatch(/^[\w.:-]{1,128}$/);
        },
      ),
    );
  });
});
