import { expect, test } from "vitest";
import { nodeProblem } from "../../cli/node-version.ts";

test.each([
  ["v20.20.2", /needs Node 22\.5 or newer, this is v20\.20\.2; npm start/, "npm start brings its own"],
  ["v22.4.1", /needs Node 22\.5/, "no sqlite yet"],
  ["v22.12.0", undefined, "enough for a run, though Lambda's runtime is 24"],
  ["v24.21.0", undefined, "the repository's own"],
  ["v26.0.0", undefined, "a newer one"],
])("%s", (version, problem, why) => {
  const found = nodeProblem(version);
  if (problem === undefined) expect(found, why).toBeUndefined();
  else expect(found, why).toMatch(problem);
});
