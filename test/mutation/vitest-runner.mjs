import { readFile, writeFile } from "node:fs/promises";
import { basename, relative } from "node:path";
import { strykerPlugins as shipped } from "@stryker-mutator/vitest-runner";
import { keptThreads } from "./kept-thread.mjs";

/**
 * Stryker's vitest runner, mended and made quick.
 *
 * - It names a test by its suites joined with spaces; vitest 5 joins them with " > ", so that the pattern made of
 *   those names matches nothing and every mutant survives. Here a space of a pattern stands for either.
 * - A thread is kept for the next run: most of a mutant's time was the start of one.
 * - Test files are run a few at a time until one fails, first the one that has killed most of its source file's
 *   mutants; at the beginning, the one of the same name.
 * - A mutant in what runs when a module is loaded is held against the tests that load the module, not against all.
 * - A test file that no longer loads has failed, though no test of it has.
 */
const { factory } = shipped.find(({ kind }) => kind === "TestRunner");

/** How many test files are run, one group after the other. */
const groups = [1, 2, 4, Number.POSITIVE_INFINITY];

function quickRunner(injector) {
  const runner = factory(injector);
  const mutantRun = runner.mutantRun.bind(runner);
  const init = runner.init.bind(runner);
  /** source file → test file → how many of its mutants that killed */
  const kills = new Map();
  /** source file → the test files that load it */
  const loaders = new Map();

  const loadersOf = async (source) => {
    const known = loaders.get(source);
    if (known !== undefined) return known;
    runner.ctx.config.related = [source];
    const found = await runner.ctx.getRelevantTestSpecifications();
    const files = found.map(({ moduleId }) => relative(process.cwd(), moduleId));
    loaders.set(source, files);
    return files;
  };

  runner.init = async () => {
    await init();
    const { ctx } = runner;
    const pool = keptThreads();
    for (const { config } of ctx.projects) {
      config.pool = pool.name;
      config.poolRunner = pool;
    }
    const start = ctx.start.bind(ctx);
    ctx.start = (testFiles) => {
      for (const { config } of ctx.projects)
        if (config.testNamePattern !== undefined)
          config.testNamePattern = new RegExp(config.testNamePattern.source.replaceAll(" ", "(?: > | )"));
      return start(testFiles && [...new Set(testFiles)]);
    };
    // Nobody reads what a mutant broke.
    ctx.reporters = [];
    // A file stops at its first failure by itself; cancelling the run would end the thread.
    ctx.cancelCurrentRun = async () => {};
    // In a kept thread the mutant of the run before is still active when the next file is loaded.
    const setup = await readFile(runner.localSetupFile, "utf8");
    await writeFile(
      runner.localSetupFile,
      setup.replace("const ns = globalThis[globalNamespace] ||", "const ns ="),
    );
  };

  runner.mutantRun = async (options) => {
    const { sandboxFileName: source, testFilter } = options;
    const testIds = testFilter ?? (await loadersOf(source)).map((file) => `${file}#`);
    const ofSource = kills.get(source) ?? new Map();
    kills.set(source, ofSource);
    const rank = (file) =>
      (ofSource.get(file) ?? 0) + (basename(file, ".test.ts") === basename(source, ".ts") ? 1 : 0);
    const files = [...new Set(testIds.map(fileOf))].sort().sort((a, b) => rank(b) - rank(a));

    let nrOfTests = 0;
    for (const size of groups) {
      const group = new Set(files.splice(0, size));
      const result = await mutantRun({
        ...options,
        testFilter: testIds.filter((id) => group.has(fileOf(id))),
      });
      nrOfTests += result.nrOfTests ?? 0;
      const broken = runner.ctx.state.getFiles().find((file) => file.result?.state === "fail");
      if (result.status === "survived" && broken !== undefined)
        return {
          status: "killed",
          killedBy: [],
          failureMessage: `${broken.name} does not load`,
          nrOfTests,
        };
      for (const file of new Set(result.killedBy?.map(fileOf)))
        ofSource.set(file, (ofSource.get(file) ?? 0) + 1);
      if (result.status !== "survived" || files.length === 0) return { ...result, nrOfTests };
    }
  };
  return runner;
}
quickRunner.inject = factory.inject;

const fileOf = (testId) => testId.slice(0, testId.indexOf("#"));

export const strykerPlugins = [{ kind: "TestRunner", name: "vitest-5", factory: quickRunner }];
