import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));

const app = `
import { App, Stack } from "aws-cdk-lib";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { User } from "aws-cdk-lib/aws-iam";
import { Chargeonce, type ChargeonceProps } from "chargeonce/aws";

const stack = new Stack(new App({ outdir: process.argv[2] ?? "out" }), "shop");
const props: ChargeonceProps = {
  prefix: "shop-",
  credentials: { CENTROBILL_API_KEY: new Secret(stack, "centrobill") },
  settings: { CENTROBILL_FEED_URL: "https://feed.test" },
  moneyLimits: { EUR: { unknown: "100.00", review: "100.00" } },
};
const chargeonce = new Chargeonce(stack, "chargeonce", props);
chargeonce.queue("charges").grantSendMessages(new User(stack, "biller"));
(stack.node.root as App).synth();
`;

/** Somebody else's CDK app, which has chargeonce as a dependency. */
describe("the construct in an app of one's own", () => {
  let folder: string;
  const run = (command: string, ...args: string[]) =>
    spawnSync(join(root, "node_modules/.bin", command), args, { cwd: folder, encoding: "utf8" });
  beforeAll(() => {
    const built = spawnSync(
      process.execPath,
      [join(root, "node_modules/typescript/bin/tsc"), "--project", "infra/aws/tsconfig.json"],
      {
        cwd: root,
        encoding: "utf8",
      },
    );
    expect(built.stdout + built.stderr).toBe("");
    const rules = spawnSync(
      process.execPath,
      [join(root, "node_modules/typescript/bin/tsc"), "--project", "lib/core/retry-rules/tsconfig.json"],
      { cwd: root, encoding: "utf8" },
    );
    expect(rules.stdout + rules.stderr).toBe("");
    folder = mkdtempSync(join(tmpdir(), "own-app-"));
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(root, join(folder, "node_modules/chargeonce"));
    for (const name of ["aws-cdk-lib", "constructs", "@types"])
      symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
    writeFileSync(join(folder, "package.json"), '{"type":"module"}');
    writeFileSync(join(folder, "app.ts"), app);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("is typed: a prop that is wrong does not compile", () => {
    writeFileSync(join(folder, "wrong.ts"), app.replace("CENTROBILL_FEED_URL", "CENTROBILL_FED_URL"));
    const flags = [
      "--noEmit",
      "--strict",
      "--module",
      "nodenext",
      "--target",
      "es2024",
      "--skipLibCheck",
      "--types",
      "node",
    ];
    const right = run("tsc", ...flags, "app.ts");
    expect(right.stdout).toBe("");
    const wrong = run("tsc", ...flags, "wrong.ts");
    expect(wrong.stdout).toContain("CENTROBILL_FED_URL");
  });

  test("makes the whole stack from what was built", () => {
    const synth = run("node", "app.ts", join(folder, "out"));
    expect(synth.stderr).not.toContain("Error");
    expect(synth.status).toBe(0);
    const template = JSON.parse(readFileSync(join(folder, "out/shop.template.json"), "utf8"));
    const functions = Object.values<{ Type: string; Properties: { FunctionName?: string } }>(
      template.Resources,
    )
      .filter(({ Type }) => Type === "AWS::Lambda::Function")
      .map(({ Properties }) => Properties.FunctionName);
    expect(functions).toContain("shop-submit-charges");
  });

  test("has the networks' rules on later attempts, typed and as JSON", () => {
    const source = `
import { limitsOf, type NetworkLimit, visaCategoryOf } from "chargeonce/retry-rules";
import document from "chargeonce/retry-rules.json" with { type: "json" };
const at = { nowMs: Date.parse("2026-11-25"), region: "global" } as const;
const limits: readonly NetworkLimit[] = limitsOf("visa", at);
console.log(JSON.stringify([visaCategoryOf("41", at), limits.map(({ id }) => id), document.v]));
`;
    writeFileSync(join(folder, "rules.ts"), source);
    const flags = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2024", "--skipLibCheck"];
    expect(run("tsc", ...flags, "--resolveJsonModule", "--types", "node", "rules.ts").stdout).toBe("");
    const ran = run("node", "rules.ts");
    expect(ran.stderr).toBe("");
    expect(JSON.parse(ran.stdout)).toEqual([1, ["visa_amount_30_days"], 1]);
  });
});
