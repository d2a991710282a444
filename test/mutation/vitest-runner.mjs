import { strykerPlugins as shipped } from "@stryker-mutator/vitest-runner";

/**
 * Stryker's vitest runner names a test by its suites joined with spaces; vitest 5 joins them with " > ", so that
 * the pattern made of those names matches nothing and every mutant survives. Here the covering tests' files are
 * run whole instead.
 */
const { factory } = shipped.find(({ kind }) => kind === "TestRunner");

function runnerOfWholeFiles(injector) {
  const runner = factory(injector);
  const run = runner.run.bind(runner);
  runner.run = ({ testIds = [], relatedFiles, testFiles } = {}) =>
    run({
      relatedFiles,
      testFiles: testIds.length > 0 ? [...new Set(testIds.map(fileOf))] : testFiles,
    });
  return runner;
}
runnerOfWholeFiles.inject = factory.inject;

const fileOf = (testId) => testId.slice(0, testId.indexOf("#"));

export const strykerPlugins = [{ kind: "TestRunner", name: "vitest-5", factory: runnerOfWholeFiles }];
