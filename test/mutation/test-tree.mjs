import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { format, types } from "node:util";
import { chai, expect } from "vitest";

/**
 * What a test file gets in place of `vitest` while mutants run: the same names, as far as these tests use them, which
 * write down the tests instead of running them.
 */
export { expect };

/** @typedef {{ name: string, run: () => unknown, suite: Suite, file: string }} Test */
/** @typedef {{ name: string, parent?: Suite, before: Hook[], after: Hook[], beforeAll: Hook[], afterAll: Hook[] }} Suite */
/** @typedef {() => unknown} Hook */

const suiteOf = (name, parent) => ({ name, parent, before: [], after: [], beforeAll: [], afterAll: [] });

let suite = suiteOf("");
let tests = [];
let finishers = [];
let testFile;

/** Vitest's own asks for the test that vitest runs. This one compares, and never writes. */
chai.util.addMethod(chai.Assertion.prototype, "toMatchFileSnapshot", function (path) {
  const text = readFileSync(resolve(dirname(testFile), path), "utf8");
  this.assert(this._obj === text, `it is not what ${path} says`);
});

/** What stands among options and time-outs, which mean nothing here. */
const functionIn = (some) => some.find((one) => typeof one === "function");
const pathOf = ({ name, parent }) => (parent === undefined ? [] : [...pathOf(parent), name]);

export function test(name, ...rest) {
  const run = functionIn(rest);
  tests.push({ name: [...pathOf(suite), name].join(" > "), run, suite });
}

export function describe(name, ...rest) {
  suite = suiteOf(name, suite);
  try {
    functionIn(rest)();
  } finally {
    suite = suite.parent;
  }
}

const each =
  (declare) =>
  (rows) =>
  (name, ...rest) => {
    const run = functionIn(rest);
    const spread = rows.every(Array.isArray);
    for (const row of rows) {
      // The stack of an error names the load that it comes from, and a test's name has to outlive that.
      const values = (Array.isArray(row) ? row : [row]).map((one) =>
        types.isNativeError(one) ? String(one) : one,
      );
      declare(format(name, ...values.slice(0, name.match(/%[a-z]/g)?.length ?? 0)), () =>
        spread ? run(...row) : run(row),
      );
    }
  };
test.each = each(test);
describe.each = each(describe);
describe.skipIf = (skipped) => (skipped ? () => {} : describe);
test.skipIf = (skipped) => (skipped ? () => {} : test);
export const it = test;

export const beforeEach = (hook) => suite.before.push(hook);
export const afterEach = (hook) => suite.after.push(hook);
export const beforeAll = (hook) => suite.beforeAll.push(hook);
export const afterAll = (hook) => suite.afterAll.push(hook);
export const onTestFinished = (hook) => finishers.push(hook);

/** The tests that a file writes down while it is loaded, under names of which no two are the same. */
export async function testsOf(load) {
  suite = suiteOf("");
  tests = [];
  await load();
  const counts = new Map();
  return tests.map((one) => {
    const count = (counts.get(one.name) ?? 0) + 1;
    counts.set(one.name, count);
    return count === 1 ? one : { ...one, name: `${one.name} (${count})` };
  });
}

const lineage = (one) => (one === undefined ? [] : [...lineage(one.parent), one]);

/** Runs one test between the hooks of its suites. Throws what the test throws. */
export async function runTest({ run, suite: own, file }) {
  const outer = lineage(own);
  const inner = outer.toReversed();
  finishers = [];
  testFile = file;
  try {
    for (const { before } of outer) for (const hook of before) await hook();
    await run();
  } finally {
    for (const finish of finishers.toReversed()) await finish();
    for (const { after } of inner) for (const hook of after) await hook();
  }
}

/** What has to happen once before the tests of these suites, and once after them. */
export function hooksOf(some) {
  const suites = [...new Set(some.flatMap(({ suite: own }) => lineage(own)))];
  return {
    beforeAll: suites.flatMap((one) => one.beforeAll),
    afterAll: suites.toReversed().flatMap((one) => one.afterAll),
  };
}
