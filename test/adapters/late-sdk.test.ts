import { describe, expect, test } from "vitest";
import * as real from "../../lib/adapters/aws-sdk.ts";
import * as lateDynamodb from "../../lib/adapters/late-dynamodb.ts";
import { lateClient, lateCommand } from "../../lib/adapters/late-sdk.ts";
import * as lateSqs from "../../lib/adapters/late-sqs.ts";

test("every name is there in both, and what stands for a command knows which", () => {
  const late = { ...lateDynamodb, ...lateSqs };
  expect(Object.keys(late).sort()).toEqual(Object.keys(real).sort());
  for (const [name, Late] of Object.entries(late))
    if (name.endsWith("Command"))
      expect(new (Late as ReturnType<typeof lateCommand>)({ a: 1 })).toMatchObject({
        lateName: name,
        input: { a: 1 },
      });
});

describe("a late client", () => {
  class Put {
    readonly input: object;
    constructor(input: object) {
      this.input = input;
    }
  }
  const stage = () => {
    const done: unknown[] = [];
    class Client {
      readonly config: object;
      readonly middlewareStack = {
        add: (...given: unknown[]) => done.push(["add", ...given]),
        remove: (name: string) => done.push(["remove", name]),
      };
      constructor(config: object) {
        this.config = config;
        done.push("made");
      }
      async send(command: unknown, options: unknown): Promise<unknown> {
        if ((command as Put).input === undefined) throw new Error("refused");
        return { config: this.config, command, options };
      }
    }
    let loads = 0;
    const load = async () => {
      loads += 1;
      if (loads === 1 && failsOnce) throw new Error("no file");
      return { Client, PutCommand: Put };
    };
    let failsOnce = false;
    const failOnce = (): void => {
      failsOnce = true;
    };
    return { done, load, loads: () => loads, failOnce };
  };

  test("loads nothing before its first command, then once, and hands everything on", async () => {
    const { done, load, loads } = stage();
    const client = new (lateClient("Client", load))({ region: "r" });
    client.middlewareStack.remove("logger");
    client.middlewareStack.add("own", { step: "x" });
    expect([done, loads()]).toEqual([[], 0]);
    const PutCommand = lateCommand("PutCommand");
    const answers = await Promise.all([
      client.send(new PutCommand({ a: 1 }), { abortSignal: 1 }),
      client.send(new PutCommand({ a: 2 })),
    ]);
    expect(answers).toEqual([
      { config: { region: "r" }, command: new Put({ a: 1 }), options: { abortSignal: 1 } },
      { config: { region: "r" }, command: new Put({ a: 2 }), options: undefined },
    ]);
    expect(answers.map((answer) => (answer as { command: unknown }).command instanceof Put)).toEqual([
      true,
      true,
    ]);
    expect([done, loads()]).toEqual([["made", ["remove", "logger"], ["add", "own", { step: "x" }]], 1]);
  });

  test("that could not load tells it, and tries again the next time", async () => {
    const { load, loads, failOnce } = stage();
    failOnce();
    const client = new (lateClient("Client", load))({});
    const PutCommand = lateCommand("PutCommand");
    await expect(client.send(new PutCommand({}))).rejects.toThrow("no file");
    expect(await client.send(new PutCommand({}))).toMatchObject({ config: {} });
    expect(loads()).toBe(2);
  });
});
