import { globSync, readFileSync, writeFileSync } from "node:fs";
import { totalmem } from "node:os";
import { basename, relative, resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { INSTRUMENTER_CONSTANTS } from "@stryker-mutator/api/core";
import { commonTokens, PluginKind, tokens } from "@stryker-mutator/api/plugin";
import {
  DryRunStatus,
  determineHitLimitReached,
  MutantRunStatus,
  TestStatus,
} from "@stryker-mutator/api/test-runner";
import { arguedMutants } from "./argued-mutants.mjs";
import "./setup.ts";
import { Standstill, watchStandstill } from "./standstill.mjs";
import { hooksOf, runTest, testsOf } from "./test-tree.mjs";
import { openWorlds } from "./worlds.mjs";

/**
 * Runs the tests that reach a mutant, one after the other, in a process that has everything loaded already.
 *
 * - First come the tests that killed the mutants just before, then the quick ones. The first failure ends it.
 * - A test that has failed is run once more without the mutant. If it fails again, the test or the mutant has left
 *   something behind, and the mutant is tried again with everything loaded anew.
 * - A mutant in what runs when a module is loaded is met by loading anew whatever imports that module, and has to be
 *   noticed by the tests of its own room: those of all others would take half a minute for each word of a table.
 * - What no longer loads has failed. Who waits for what never comes is stopped, and the process goes on.
 */
const testFiles = ["test/{core,gateways,flows}/**/*.test.ts", "test/settings.test.ts"];
/** What runs in real time is late on a loaded machine, and would count as having noticed. */
const excluded = [".stack.test.ts", "flows/centrapay.test.ts"];

/** Beyond this the process ends, and Stryker starts another one with the same mutant. */
const memoryMaxBytes = totalmem() / 4;
const stillMaxMs = 2_000;
/** More of the processor's time, and so many times what the test usually takes, is a loop without an end. */
const busyMaxMs = 3_000;
const busyTimes = 30;
/** Stryker names a hundred times as many hits of a mutant as all tests made without it. */
const hitShare = 0.01;
/** One test may make as many as all of them did, or as ten of its kind would; and a loop of a hundred is none. */
const hitTimes = 10;
const hitsMin = 100;

/** Loading takes so long at the most, by a factor that is not counted. */
const loadUsualMs = 200;
/** So long a mutant that survivors.md argues is tried: if it is noticed, then by the quick tests or by those of its file. */
const arguedMaxMs = 2_000;
/** In the sandbox: what the first run of the tests tells the processes that try the mutants. */
const toldFile = "told-by-the-first-run.json";
/** So many of the tests that reach a mutant are asked before anything is loaded anew for it. */
const reachedMax = 100;

class Runner {
  #worlds = openWorlds();
  #stryker;
  /** path → its tests */
  #loaded = new Map();
  /** Files whose tests can be run once after each load. */
  #once = new Set();
  /** test id → how long it took */
  #durations = new Map();
  /** test id or path → the number of its last kill */
  #kills = new Map();
  #killed = 0;
  #unhandled;
  /** How often one test may hit the mutant. */
  #hitMax;
  /** mutant id → tests, of what is met at load */
  #reached;
  #isArgued = arguedMutants();
  /** When a mutant that is argued has been tried enough. */
  #untilMs;

  constructor() {
    globalThis[INSTRUMENTER_CONSTANTS.NAMESPACE] ??= {};
    this.#stryker = globalThis[INSTRUMENTER_CONSTANTS.NAMESPACE];
    const keep = (error) => {
      this.#unhandled ??= error;
    };
    process.on("unhandledRejection", keep);
    process.on("uncaughtException", keep);
  }

  capabilities() {
    return { reloadEnvironment: true };
  }

  async init() {
    this.files = globSync(testFiles)
      .filter((path) => !excluded.some((end) => path.endsWith(end)))
      .sort()
      .map((path) => resolve(path));
  }

  async dryRun() {
    const results = [];
    for (const file of this.files) {
      const tests = await this.#load(file);
      const { beforeAll, afterAll } = hooksOf(tests);
      for (const hook of beforeAll) await hook();
      for (const one of tests) {
        this.#stryker.currentTestId = one.id;
        const error = await this.#errorOf(() => runTest(one), one.id);
        this.#stryker.currentTestId = undefined;
        results.push({
          id: one.id,
          name: one.name,
          fileName: file,
          timeSpentMs: this.#durations.get(one.id),
          ...(error === undefined
            ? { status: TestStatus.Success }
            : { status: TestStatus.Failed, failureMessage: messageOf(error) }),
        });
      }
      for (const hook of afterAll) await hook();
    }
    const mutantCoverage = structuredClone(this.#stryker.mutantCoverage);
    const told = { reached: this.#reachedOf(mutantCoverage), durations: Object.fromEntries(this.#durations) };
    writeFileSync(toldFile, JSON.stringify(told));
    this.#renew();
    return { status: DryRunStatus.Complete, tests: results, mutantCoverage };
  }

  async mutantRun(options) {
    if (process.memoryUsage.rss() > memoryMaxBytes) process.exit(1);
    const { hitLimit, mutantActivation, testFilter } = options;
    for (const file of this.files) await this.#load(file);
    this.#listen();
    this.#untilMs = this.#isArgued(options.activeMutant) ? performance.now() + arguedMaxMs : undefined;
    const isStatic = mutantActivation === "static";
    const times = isStatic ? hitTimes : Math.max(1, hitTimes / (testFilter?.length ?? 1));
    this.#hitMax = hitLimit === undefined ? undefined : Math.ceil(hitLimit * hitShare * times) + hitsMin;
    this.#stryker.hitLimit = this.#hitMax;
    this.#stryker.hitCount = 0;
    const { failed, nrOfTests } = await (isStatic ? this.#atRunOrLoad(options) : this.#atRun(options));
    this.#stryker.activeMutant = undefined;
    const endless = this.#endless();
    if (endless !== undefined) return { status: MutantRunStatus.Timeout, reason: endless.reason };
    if (failed === undefined) return { status: MutantRunStatus.Survived, nrOfTests };
    this.#killed += 1;
    for (const key of [failed.file, failed.id]) this.#kills.set(key, this.#killed);
    if (failed.error instanceof Standstill) {
      this.#renew();
      return { status: MutantRunStatus.Timeout, reason: failed.error.message };
    }
    return {
      status: MutantRunStatus.Killed,
      killedBy: failed.id === undefined ? [] : [failed.id],
      failureMessage: messageOf(failed.error),
      nrOfTests,
    };
  }

  async dispose() {}

  /** What the first run of the tests told, once. */
  #listen() {
    if (this.#reached !== undefined) return;
    const { reached, durations } = JSON.parse(readFileSync(toldFile, "utf8"));
    this.#reached = reached;
    for (const [id, ms] of Object.entries(durations)) this.#durations.set(id, ms);
  }

  /** What is argued survives, or is noticed soon: all other tests would take most of the time of a run. */
  #isEnough() {
    return this.#untilMs !== undefined && performance.now() > this.#untilMs;
  }

  /** A loop that was stopped from outside shows by a limit that is lower. */
  #endless() {
    return determineHitLimitReached(this.#stryker.hitCount, this.#stryker.hitLimit);
  }

  /** The mutants that are met while a module is loaded, and the tests that reach them, too, once it is: the quick ones. */
  #reachedOf({ static: atLoad, perTest }) {
    const reached = Object.fromEntries(Object.keys(atLoad).map((id) => [id, []]));
    const quickFirst = Object.entries(perTest).sort(
      ([a], [b]) => (this.#durations.get(a) ?? 0) - (this.#durations.get(b) ?? 0),
    );
    for (const [testId, mutants] of quickFirst)
      for (const id of Object.keys(mutants)) if (reached[id]?.length < reachedMax) reached[id].push(testId);
    return reached;
  }

  /** What is met at load, and later as well, is mostly noticed later: that costs no load. */
  async #atRunOrLoad(options) {
    const testFilter = this.#reached[options.activeMutant.id] ?? [];
    const later = await this.#atRun({ ...options, testFilter });
    if (later.failed !== undefined) return later;
    const { failed, nrOfTests } = await this.#atLoad(options);
    return { failed, nrOfTests: nrOfTests + later.nrOfTests };
  }

  /** A mutant that works while tests run. */
  async #atRun(options) {
    const first = await this.#tryAtRun(options);
    if (!first.isDoubtful) return first;
    this.#once.add(first.failed.file);
    this.#renew();
    for (const file of this.files) await this.#load(file);
    return this.#tryAtRun(options);
  }

  async #tryAtRun({ activeMutant, testFilter, sandboxFileName: source }) {
    const wanted = new Set(testFilter);
    const tests = [...this.#loaded.values()].flat().filter(({ id }) => wanted.has(id));
    let nrOfTests = 0;
    for (const { id, file } of this.#ordered(tests, source)) {
      if (this.#isEnough()) break;
      nrOfTests += 1;
      this.#stryker.hitLimit = this.#hitMax;
      this.#stryker.hitCount = 0;
      const error = (await this.#errorOfOne(id, file, activeMutant.id)) ?? this.#endless();
      if (error === undefined) continue;
      const hits = this.#stryker.hitCount;
      const isDoubtful = !(error instanceof Standstill) && (await this.#errorOfOne(id, file)) !== undefined;
      this.#stryker.hitCount = hits;
      return { failed: { id, file, error }, nrOfTests, isDoubtful };
    }
    return { nrOfTests, isDoubtful: false };
  }

  async #errorOfOne(id, file, mutantId) {
    if (this.#once.has(file)) await this.#worlds.within([file], () => this.#load(file, true));
    const one = this.#loaded.get(file).find((test) => test.id === id);
    const { beforeAll, afterAll } = hooksOf([one]);
    this.#stryker.activeMutant = mutantId;
    const error = await this.#errorOf(async () => {
      for (const hook of beforeAll) await hook();
      await runTest(one);
    }, id);
    this.#stryker.activeMutant = undefined;
    for (const hook of afterAll) await hook();
    return error;
  }

  /** A mutant in what runs when its module is loaded. */
  async #atLoad({ activeMutant, sandboxFileName: source }) {
    const stale = this.#worlds.dependents(source);
    const all = this.files.filter((file) => stale.has(file)).map((file) => ({ file, id: file }));
    const own = all.filter(({ file }) => roomOf(file) === roomOf(source));
    const files = own.length > 0 ? own : all;
    let nrOfTests = 0;
    const failed = await this.#worlds.within(stale, async () => {
      this.#stryker.activeMutant = activeMutant.id;
      for (const { file } of this.#ordered(files, source)) {
        if (nrOfTests > 0 && this.#isEnough()) break;
        let tests = [];
        const unloaded = await this.#errorOf(async () => {
          tests = await testsOf(() => this.#worlds.load(file));
        }, loadUsualMs);
        if (unloaded !== undefined) return { file, error: unloaded };
        const named = tests.map((one) => ({ ...one, file, id: `${file}#${one.name}` }));
        const { beforeAll, afterAll } = hooksOf(named);
        const unready = await this.#errorOf(async () => {
          for (const hook of beforeAll) await hook();
        });
        if (unready !== undefined) return { file, error: unready };
        try {
          for (const one of this.#ordered(named, source)) {
            if (this.#isEnough()) break;
            nrOfTests += 1;
            const error = await this.#errorOf(() => runTest(one), one.id);
            if (error !== undefined) return { file, id: one.id, error };
          }
        } finally {
          for (const hook of afterAll) await this.#errorOf(hook);
        }
      }
    });
    return { failed, nrOfTests };
  }

  #ordered(some, source) {
    const isNamesake = ({ file }) => basename(file, ".test.ts") === basename(source, ".ts");
    const keys = new Map(
      some.map((one) => [
        one,
        [-(this.#kills.get(one.id) ?? 0), isNamesake(one) ? 0 : 1, this.#durations.get(one.id) ?? 0],
      ]),
    );
    return some.toSorted((a, b) => {
      const [x, y] = [keys.get(a), keys.get(b)];
      return x[0] - y[0] || x[1] - y[1] || x[2] - y[2];
    });
  }

  async #load(file, isAgain = false) {
    const known = this.#loaded.get(file);
    if (known !== undefined && !isAgain) return known;
    const found = await testsOf(() => this.#worlds.load(file));
    const tests = found.map((one) => ({ ...one, file, id: `${file}#${one.name}` }));
    this.#loaded.set(file, tests);
    return tests;
  }

  #renew() {
    this.#worlds.renew();
    this.#loaded.clear();
  }

  /** What an action throws, or whoever is left alone by it; undefined if nothing does. */
  async #errorOf(act, what) {
    this.#unhandled = undefined;
    const started = performance.now();
    const id = typeof what === "string" ? what : undefined;
    // Of a test that is new nobody knows: some take seconds.
    const usualMs = typeof what === "number" ? what : (this.#durations.get(id) ?? 1_000);
    const isMutated = this.#stryker.activeMutant !== undefined;
    // Without a mutant nothing is a loop without an end, only slow.
    const busyMs = isMutated ? busyMaxMs + busyTimes * usualMs : 0;
    const watch = watchStandstill(stillMaxMs + 3 * usualMs, busyMs, () => {
      // The next hit ends it.
      this.#stryker.hitLimit = 0;
    });
    try {
      // Not from here: what is ended while it runs takes along whoever called it.
      await Promise.race([Promise.resolve().then(act), watch.stands]);
      if (id !== undefined && !this.#durations.has(id)) this.#durations.set(id, performance.now() - started);
      return this.#unhandled;
    } catch (error) {
      return error ?? new Error("something without a value was thrown");
    } finally {
      watch.stop();
    }
  }
}

/** `core` of `lib/core/money.ts` and of `test/core/money.test.ts`. */
const roomOf = (path) => relative(process.cwd(), path).split("/")[1];

const messageOf = (error) => (error instanceof Error ? (error.stack ?? error.message) : String(error));

function createRunner() {
  return new Runner();
}
createRunner.inject = tokens(commonTokens.injector);

export const strykerPlugins = [{ kind: PluginKind.TestRunner, name: "warm", factory: createRunner }];
