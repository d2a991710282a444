import { readFileSync } from "node:fs";
import type { schema } from "@stryker-mutator/api/core";
import { declareClassPlugin, PluginKind } from "@stryker-mutator/api/plugin";
import type { Reporter } from "@stryker-mutator/api/report";
import { readArguments, unarguedIn } from "./arguments.ts";

const shown = (text: string): string => text.replace(/\s+/g, " ").slice(0, 160);

/** Names every survivor that survivors.md does not argue, and fails the run for it. */
class UnarguedReporter implements Reporter {
  onMutationTestReportReady({ files }: schema.MutationTestResult): void {
    const argued = readArguments(readFileSync("test/mutation/survivors.md", "utf8"), ".");
    const unargued = unarguedIn(files, argued);
    for (const { path, at, original, replacement } of unargued)
      console.log(`${path}:${at.line}:${at.column}\n  ${shown(original)}\n  ${shown(replacement)}`);
    console.log(`survivors that test/mutation/survivors.md does not argue: ${unargued.length}`);
    if (unargued.length > 0) process.exitCode = 1;
  }
}

export const strykerPlugins = [declareClassPlugin(PluginKind.Reporter, "unargued", UnarguedReporter)];
