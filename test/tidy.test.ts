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
  "lib/desk",
  "lib/reports",
  "lib/adapters",
  "lib/ports.ts",
  "lib/settings.ts",
  "functions",
  "infra/aws",
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
  "lib/desk": [
    ["lib/core", "what it shows, and in which words"],
    ["lib/flows", "looks and decisions, as the commands make them"],
    ["lib/ports.ts", "from whom"],
  ],
  "lib/reports": [
    ["lib/core", "what stands of a day, and the findings"],
    ["lib/desk", "markup, and the words of a charge's history"],
    ["lib/ports.ts", "from whom, and to whom"],
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
    ["lib/desk", "the pages of the web desk, and nothing else"],
    ["lib/reports", "what is told of reconciled days"],
    ["lib/adapters", "built once"],
    ["lib/ports.ts", "types"],
    ["lib/settings.ts", "read once"],
  ],
  "infra/aws": [
    ["infra", "the list of functions, what every queue has"],
    ["lib/core", "the lists that it is derived from"],
    ["lib/adapters", "the table's shape, the metrics' names; what is left before a teardown"],
    ["lib/ports.ts", "the metrics' names"],
    ["lib/settings.ts", "the settings' names, and their check before anything is deployed"],
  ],
  infra: [
    ["lib/core", "the lists of queues and of outcomes"],
    ["lib/settings.ts", "the names of settings, for the list of functions"],
    ["lib/adapters", "the table's shape is drawn beside its items"],
  ],
  cli: [
    ["lib/core", "what it prints"],
    ["lib/gateways", "the parsers, to check a file"],
    ["lib/flows", "reconcile runs its flow in this process"],
    ["lib/desk", "the pages that it serves, and the words that they share"],
    ["lib/reports", "the reports that it writes to files"],
    ["lib/adapters", "queues and ledger of a stack"],
    ["lib/ports.ts", "types"],
    ["lib/settings.ts", "flags are settings by another name"],
    ["infra", "the embedded stack and the bootstrap"],
    ["test", "prove runs the fault simulator"],
  ],
  test: rooms.map((room) => [room, "tests know everything"]),
};

/** Within a room that keeps its files apart, or into one of which only a part may be known: which file, and why. */
const fileArrows: readonly (readonly [from: RegExp, to: Room, files: readonly string[], reason: string])[] = [
  [
    /^lib\/adapters\/ledger-call\.ts$/,
    "lib/adapters",
    ["lib/adapters/deadline.ts"],
    "calls to the ledger's table, with a deadline and the ports' error",
  ],
  [
    /^lib\/adapters\/dynamodb-(put|items|pages|off-page|writes)\.ts$/,
    "lib/adapters",
    [
      "lib/adapters/ledger-call.ts",
      "lib/adapters/ledger-item.ts",
      "lib/adapters/dynamodb-put.ts",
      "lib/adapters/dynamodb-items.ts",
      "lib/adapters/dynamodb-pages.ts",
      "lib/adapters/dynamodb-off-page.ts",
    ],
    "the ways in which that table is written and read",
  ],
  [
    /^lib\/adapters\/dynamodb-[\w-]+\.ts$/,
    "lib/adapters",
    [
      "lib/adapters/deadline.ts",
      "lib/adapters/ledger-call.ts",
      "lib/adapters/ledger-item.ts",
      "lib/adapters/dynamodb-put.ts",
      "lib/adapters/dynamodb-items.ts",
      "lib/adapters/dynamodb-pages.ts",
      "lib/adapters/dynamodb-off-page.ts",
      "lib/adapters/dynamodb-worklist.ts",
      "lib/adapters/dynamodb-writes.ts",
    ],
    "the same table, and the same error when it does not answer",
  ],
  [
    /^lib\/adapters\/sqs-(charges|depths|look|queues|redrive|wake-ups|windows)\.ts$/,
    "lib/adapters",
    ["lib/adapters/deadline.ts"],
    "SDK calls with a deadline",
  ],
  [
    /^lib\/adapters\/quick-\w+\.ts$/,
    "lib/adapters",
    ["form", "sends", "signature"].map((name) => `lib/adapters/quick-${name}.ts`),
    "requests that go out without the SDK's machinery",
  ],
  [
    /^lib\/adapters\/s3-reports\.ts$/,
    "lib/adapters",
    ["lib/adapters/quick-signature.ts"],
    "the signer of requests that no SDK makes",
  ],
  [/^lib\/adapters\/late-\w+\.ts$/, "lib/adapters", ["lib/adapters/late-sdk.ts"], "the SDK, loaded late"],
  [/^lib\/adapters\//, "lib/adapters", [], "one adapter never knows another technology's"],
  [
    /^infra\/aws\/(what-remains|teardown)\.ts$/,
    "lib/adapters",
    ["lib/adapters/deadline.ts", "lib/adapters/dynamodb-work.ts"],
    "what is left before a teardown",
  ],
  [
    /^infra\/aws\//,
    "lib/adapters",
    ["lib/adapters/ledger-item.ts", "lib/adapters/log.ts"],
    "the table's shape, the metrics' names",
  ],
  [
    /^infra\/aws\//,
    "lib/core",
    ["backlog", "charge", "money", "pace", "policy", "queues", "window-plan"].map(
      (name) => `lib/core/${name}.ts`,
    ),
    "lists and limits, and no decision about a charge",
  ],
  [/^infra\//, "lib/adapters", ["lib/adapters/ledger-item.ts"], "the table's shape"],
  [/^infra\//, "lib/core", ["lib/core/queues.ts", "lib/core/verdict.ts"], "the lists of queues and outcomes"],
  [
    /^lib\/settings\.ts$/,
    "lib/gateways/centrobill",
    ["lib/gateways/centrobill/decline-table.ts", "lib/gateways/centrobill/feed-profile.ts"],
    "what a user may set",
  ],
  [
    /^cli\//,
    "lib/gateways",
    ["lib/gateways/fair-group.ts", "lib/gateways/registry.ts"],
    "the parsers, and whose charge it is; never a gateway's own files",
  ],
  [
    /^functions\/receive-notices\.ts$/,
    "lib/gateways",
    ["lib/gateways/notice-registry.ts"],
    "how notices are proved and read, and nothing that charges",
  ],
  [
    /^functions\/release-retries\.ts$/,
    "lib/gateways",
    ["lib/gateways/fair-group.ts"],
    "whose charge it is, and nothing that charges",
  ],
  [
    /^functions\/review-desk\.ts$/,
    "lib/gateways",
    ["lib/gateways/registry.ts", "lib/gateways/fair-group.ts"],
    "the parsers, and whose charge it is",
  ],
  [/^functions\//, "lib/gateways", ["lib/gateways/registry.ts"], "the registry, never a gateway's own files"],
];

/** Which packages and modules of Node a room may know. */
const packages: readonly (readonly [from: RegExp, names: readonly string[], reason: string])[] = [
  [/^lib\/adapters\/http-wire\.ts$/, ["node:http", "node:net", "node:stream"], "the wire"],
  [/^lib\/adapters\/(dynamodb-.*|ledger-item)\.ts$/, ["@aws-sdk/client-dynamodb"], "the ledger"],
  [
    /^lib\/adapters\/sqs-(charges|depths|look|queues|redrive|wake-ups|windows)\.ts$/,
    ["@aws-sdk/client-sqs"],
    "the queues",
  ],
  [
    /^lib\/adapters\/jose-tokens\.ts$/,
    ["jose/errors", "jose/jwks/local", "jose/jws/compact/verify"],
    "signed tokens",
  ],
  [
    /^lib\/adapters\/aws-sdk\.ts$/,
    ["@aws-sdk/client-dynamodb", "@aws-sdk/client-sqs"],
    "what is loaded late",
  ],
  [/^lib\/adapters\/quick-dynamodb\.ts$/, ["@aws-sdk/client-dynamodb"], "its most frequent commands"],
  [/^lib\/adapters\/quick-sqs\.ts$/, ["@aws-sdk/client-sqs"], "its most frequent commands"],
  [/^lib\/adapters\/xray-daemon\.ts$/, ["node:dgram"], "traces, to the daemon beside a function"],
  [
    /^lib\/adapters\/s3-reports\.ts$/,
    ["node:crypto", "node:fs", "node:http", "node:https", "node:path"],
    "reports, from the disk to their bucket",
  ],
  [/^lib\/adapters\/disk-spills\.ts$/, ["node:fs", "node:path"], "lines outside the memory"],
  [/^lib\//, [], "the rest of lib runs anywhere"],
  [
    /^functions\//,
    ["@aws-sdk/client-dynamodb", "@aws-sdk/client-sqs", "aws-lambda", "node:crypto", "node:os", "p-limit"],
    "clients, built once",
  ],
  [
    /^infra\/aws\//,
    [
      "@aws-sdk/client-dynamodb",
      "@aws-sdk/client-sqs",
      "aws-cdk-lib",
      "aws-cdk-lib/*",
      "cdk-nag",
      "constructs",
      "node:*",
    ],
    "constructs; the ledger and the queues before a teardown",
  ],
  [
    /^infra\//,
    ["@aws-sdk/client-dynamodb", "@aws-sdk/client-sqs", "aws-lambda", "esbuild", "node:*"],
    "the stack and its build",
  ],
  [
    /^cli\//,
    ["@aws-sdk/client-dynamodb", "@aws-sdk/client-sqs", "commander", "csv-parse/sync", "node:*"],
    "flags, files, a stack's queues",
  ],
];

/** What a file may load late. */
const lateImports: readonly (readonly [from: RegExp, RegExp])[] = [
  [/^lib\/adapters\/late-\w+\.ts$/, /import\("\.\/aws-sdk\.ts"\)/g],
  [/^cli\/chargeonce\.ts$/, /import\("\.\/[a-z]+\.ts"\)/g],
];

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
      const narrowed = fileArrows.find(([path, to]) => path.test(file) && roomOf(target) === to);
      if (narrowed !== undefined) expect(narrowed[2], `${file} → ${target}`).toContain(target);
    }
  });

  test.each(files)("%s knows only the packages that it may", (file) => {
    const [, names] = packages.find(([path]) => path.test(file)) ?? [undefined, []];
    for (const from of importsOf(file).filter((name) => !isRelative(name)))
      expect(
        names.some((name) => name === from || (name.endsWith("*") && from.startsWith(name.slice(0, -1)))),
        `${file} → ${from}`,
      ).toBe(true);
  });

  test("no import escapes the tables: none for its effects, none computed but that of what is built or installed, and late the SDK and the commands alone", () => {
    const computed = [
      "infra/local/function-host.ts",
      "infra/local/sqs-server.ts",
      "infra/local/thread-host.ts",
    ];
    for (const file of files) {
      const text = readFileSync(join(root, file), "utf8");
      expect(text, file).not.toMatch(/^import "/m);
      expect(text, file).not.toMatch(/\brequire\(/);
      const [, late] = lateImports.find(([path]) => path.test(file)) ?? [];
      if (!computed.includes(file)) expect(text.replace(late ?? "", ""), file).not.toMatch(/[^.\w]import\(/);
    }
  });

  test("every arrow is one that somebody goes", () => {
    const gone = new Set(
      files.flatMap((file) =>
        importsOf(file)
          .filter(isRelative)
          .map((from) => `${roomOf(file)} → ${roomOf(targetOf(file, from))}`),
      ),
    );
    for (const [room, to] of Object.entries(arrows))
      if (room !== "test")
        expect(to.map(([target]) => `${room} → ${target}`).filter((arrow) => !gone.has(arrow))).toEqual([]);
  });

  test("core, gateways, flows, pages and reports are pure: no package, nothing of Node", () => {
    for (const file of files.filter((path) => /^lib\/(core|gateways|flows|desk|reports)\//.test(path)))
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
    expect([...packages].filter((name) => !name.startsWith("jose/")).sort()).toEqual([
      "@aws-sdk/client-dynamodb",
      "@aws-sdk/client-sqs",
      "aws-lambda",
      "p-limit",
    ]);
  });

  test("jose is in the bundle of the one function that reads signed tokens", () => {
    const reachedFrom = (file: string, seen = new Set<string>()): ReadonlySet<string> => {
      if (seen.has(file)) return seen;
      seen.add(file);
      for (const from of importsOf(file).filter(isRelative)) reachedFrom(targetOf(file, from), seen);
      return seen;
    };
    const reaching = files
      .filter((file) => file.startsWith("functions/"))
      .filter((file) => reachedFrom(file).has("lib/adapters/jose-tokens.ts"));
    expect(reaching).toEqual(["functions/receive-notices.ts"]);
  });
});

describe("habits", () => {
  test("in lib nobody reads the environment, the clock or chance: they are arguments", () => {
    for (const file of files.filter((path) => /^lib\/(core|gateways|flows|desk|reports)\//.test(path))) {
      const text = readFileSync(join(root, file), "utf8");
      expect(text, file).not.toMatch(
        /process\.env|Date\.now\(|new Date\(\)|Math\.random|performance\.now|getBuiltinModule/,
      );
    }
  });

  test("lib is told its environment: only the outermost rooms read it", () => {
    for (const file of files.filter((path) => path.startsWith("lib/")))
      expect(readFileSync(join(root, file), "utf8"), file).not.toMatch(/\bprocess\.(env|argv|exit)/);
  });

  test("no file is named for what every file is", () => {
    for (const file of files) expect(file).not.toMatch(/(manager|helper|util|service|processor)s?\b/i);
  });
});
