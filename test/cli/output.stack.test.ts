import { spawn } from "node:child_process";
import { existsSync, openSync } from "node:fs";
import { expect, test } from "vitest";
import { bundle, startCommand } from "./command.ts";

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
