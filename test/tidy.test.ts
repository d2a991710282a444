import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Where a file lives: the arrows go between these. */
const rooms = [
  "lib/core",
  "lib/gateways/centrobill",
  "lib/gateways/centrapay",
  "lib/gateways",
  "lib/flows",
  "lib/adapters",
  "lib/ports.ts",
  "lib/settings.ts",
  "functions",
  "infra",
  "cli",
  "test",
] as const;
type Room = (typeof rooms)[number];

const roomOf = (path: string): Room | undefined =>
  rooms.find((room) => path === room || path.startsWith(`${room}/`));

/** Which room may know which, and why. A room may always know itself. */
const arrows: Readonly<Record<Room, readonly (readonly [Room, string])[]>> = {
  "lib/core": [],
  "lib/gateways/centrobill": [["lib/core", "tables and translators speak of charges and replies"]],
  "lib/gateways/centrapay": [["lib/core", "the same; one gateway never knows another"]],
  "lib/gateways": [
    ["lib/core", "the registry's types"],
    ["lib/gateways/centrobill", "a line of the registry"],
    ["lib/gateways/centrapay", "a line of the registry"],
  ],
  "lib/flows": [
    ["lib/core", "what to do"],
    ["lib/ports.ts", "with whom"],
  ],
  "lib/adapters": [
    ["lib/core", "what is stored and sent"],
    ["lib/ports.ts", "what they stand for"],
  ],
  "lib/ports.ts": [["lib/core", "types"]],
  "lib/settings.ts": [
    ["lib/core", "policy, queues"],
    ["lib/gateways/centrobill", "its profile and table are settings"],
  ],
  functions: [
    ["lib/core", "types of ids and queues"],
    ["lib/gateways", "the registry"],
    ["lib/flows", "the one flow of each function"],
    ["lib/adapters", "built once"],
    ["lib/ports.ts", "types"],
    ["lib/settings.ts", "read once"],
  ],
  infra: [
    ["lib/core", "the list of queues"],
    ["lib/adapters", "the table's shape is drawn beside its items"],
  ],
  cli: [
    ["lib/core", "what it prints"],
    ["lib/gateways", "the parsers, to check a file"],
    ["lib/adapters", "queues and ledger of a stack"],
    ["lib/ports.ts", "types"],
    ["lib/settings.ts", "flags are settings by another name"],
    ["infra", "the embedded stack and the bootstrap"],
    ["test", "prove runs the fault simulator"],
  ],
  test: rooms.map((room) => [room, "tests know everything"]),
};

const files = globSync("{lib,functions,infra,cli}/**/*.ts", { cwd: root })
  .filter((file) => !file.endsWith(".d.ts"))
  .sort();
const importsOf = (file: string): readonly string[] =>
  [
    ...readFileSync(join(root, file), "utf8").matchAll(/(?:^|\n)(?:import|export)[^;]*?\sfrom\s+"([^"]+)"/g),
  ].map(([, from]) => from ?? "");
const isRelative = (from: string): boolean => from.startsWith(".");
const targetOf = (file: string, from: string): string => normalize(join(dirname(file), from));

describe("imports", () => {
  test.each(files)("%s knows only what it may", (file) => {
    const room = roomOf(file);
    if (room === undefined) throw new Error(`${file} is in no room`);
    const allowed = [room, ...arrows[room].map(([to]) => to)];
    for (const from of importsOf(file).filter(isRelative)) {
      const target = targetOf(file, from);
      expect(allowed, `${file} → ${target}`).toContain(roomOf(target));
    }
  });

  test("core, gateways and flows are pure: no package, nothing of Node", () => {
    for (const file of files.filter((path) => /^lib\/(core|gateways|flows)\//.test(path)))
      expect(
        importsOf(file).filter((from) => !isRelative(from)),
        file,
      ).toEqual([]);
  });

  test("only the fault simulator is known outside the tests, and by `prove` alone", () => {
    for (const file of files)
      for (const from of importsOf(file).filter(isRelative)) {
        const target = targetOf(file, from);
        if (!target.startsWith("test/")) continue;
        expect(file).toMatch(/^cli\/prove/);
        expect(target).toMatch(/^test\/simulation\//);
      }
  });

  test("a deployed function's bundle is made of its SDK clients and p-limit", () => {
    const deployed = files.filter((path) => /^(lib|functions)\//.test(path));
    const packages = new Set(
      deployed.flatMap((file) =>
        importsOf(file).filter((from) => !isRelative(from) && !from.startsWith("node:")),
      ),
    );
    expect([...packages].sort()).toEqual([
      "@aws-sdk/client-dynamodb",
      "@aws-sdk/client-sqs",
      "aws-lambda",
      "p-limit",
    ]);
  });
});

describe("habits", () => {
  test("in lib nobody reads the environment, the clock or chance: they are arguments", () => {
    for (const file of files.filter((path) => /^lib\/(core|gateways|flows)\//.test(path))) {
      const text = readFileSync(join(root, file), "utf8");
      expect(text, file).not.toMatch(/process\.env|Date\.now\(|new Date\(\)|Math\.random|performance\.now/);
    }
  });

  test("no file is named for what every file is", () => {
    for (const file of files) expect(file).not.toMatch(/(manager|helper|util|service|processor)s?\b/i);
  });
});
