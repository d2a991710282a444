import { spawn } from "node:child_process";
import { existsSync, openSync } from "node:fs";
import { expect, test } from "vitest";
import { bundle, runCommand, startCommand } from "./command.ts";

test("whoever stops reading ends no command, and hears no more of it", async () => {
  const { child, ended } = startCommand(["--help"]);
  child.stdout?.destroy();
  expect(await ended).toMatchObject({ status: 0, stderr: "" });
});

test.skipIf(!existsSync("/dev/full"))("what cannot be written is told in a line", async () => {
  const child = spawn(process.execPath, ["--", bundle, "--help"], {
    stdio: ["ignore", openSync("/dev/full", "w"), "pipe"],
  });
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const status = await new Promise((resolve) => {
    child.once("close", resolve);
  });
  expect({ status, stderr }).toEqual({ status: 1, stderr: "chargeonce: standard output: ENOSPC\n" });
});

test.each([
  "run",
  "enqueue",
  "show",
  "status",
  "bootstrap",
  "reconcile",
  "prove",
  "review list",
  "review show",
  "review decide",
  "review verify",
  "review redrive",
  "retries simulate",
  "retries report",
])("%s --help says what its exit status means", async (command) => {
  const { status, stdout, stderr } = await runCommand([...command.split(" "), "--help"]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toMatch(/Exit status: 0/);
  expect(stdout).toMatch(/\b2 (wrong usage|where the file)/);
});
