import { describe, expect, it } from "vitest";
import { failedMessages } from "../../infra/local/batch-response.ts";

const BATCH = ["a", "b", "c"];
const fails = (...ids: unknown[]) => ({ batchItemFailures: ids.map((id) => ({ itemIdentifier: id })) });

// Source of the rows: Lambda's guide, "Handling errors for an SQS event source".
const ROWS: [what: string, answer: unknown, failed: string[]][] = [
  ["nothing returned", undefined, []],
  ["null", null, []],
  ["an empty object", {}, []],
  ["a null list", { batchItemFailures: null }, []],
  ["an empty list", { batchItemFailures: [] }, []],
  ["an object that says other things", { statusCode: 200 }, []],
  ["one of the batch", fails("b"), ["b"]],
  ["the same one twice", fails("b", "b"), ["b"]],
  ["all of the batch", fails("a", "b", "c"), BATCH],
  ["an empty identifier", fails("a", ""), BATCH],
  ["a null identifier", fails(null), BATCH],
  ["an identifier that is no text", fails(1), BATCH],
  ["an identifier of another batch", fails("a", "z"), BATCH],
  ["a misspelt key", { batchItemFailures: [{ itemIdentifer: "a" }] }, BATCH],
  ["a null entry", { batchItemFailures: [null] }, BATCH],
  ["bare identifiers", { batchItemFailures: ["a"] }, BATCH],
  ["a list that is none", { batchItemFailures: "a" }, BATCH],
  ["a text", "ok", BATCH],
  ["a list", [], BATCH],
];

describe("what a function's answer counts as failed", () => {
  it.each(ROWS)("%s", (_what, answer, failed) => {
    expect([...failedMessages(answer, BATCH)].sort()).toEqual(failed);
  });
});
