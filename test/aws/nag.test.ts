import { App, Stack, Validations } from "aws-cdk-lib";
import { Queue } from "aws-cdk-lib/aws-sqs";
import { AwsSolutionsChecks } from "cdk-nag";
import { describe, expect, test } from "vitest";
import { everything, synthesized } from "./synthesized.ts";

describe("cdk-nag", () => {
  test.each([
    ["dev", { stage: "dev" }],
    ["everything", everything],
  ])("finds nothing in %s", (_, context) => {
    const { app } = synthesized(context);
    const { violations } = new AwsSolutionsChecks(app).validateScope(app);
    expect(violations.map(({ ruleName, violatingResources }) => [ruleName, violatingResources])).toEqual([]);
  });

  test("each rule that is set aside says why, in a sentence", () => {
    const { app } = synthesized(everything);
    const setAside = app.node
      .findAll()
      .flatMap(({ node }) =>
        node.metadata
          .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
          .flatMap(({ data }) => Object.entries(data as Readonly<Record<string, unknown>>)),
      );
    expect(setAside.length).toBeGreaterThan(0);
    for (const [rule, why] of setAside) {
      expect(rule).toMatch(/AwsSolutions-|CloudFormation-Validate::/);
      expect(JSON.stringify(why).length, rule).toBeGreaterThan(40);
    }
  });

  test("would find something", () => {
    const app = new App();
    new Queue(new Stack(app, "stack"), "queue");
    const { violations } = new AwsSolutionsChecks(app).validateScope(app);
    expect(violations.map(({ ruleName }) => ruleName)).toContain("AwsSolutions-SQS3");
  });
});
