import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { DataDirInUse, openDataDir } from "../../infra/local/data-dir.ts";
import { identify, isRunning, killAndWait } from "../../infra/local/process-identity.ts";
import { until } from "./until.ts";

const root = mkdtempSync(join(tmpdir(), "data-dir-"));
afterAll(() => rmSync(root, { recursive: true }));
let count = 0;
const freshPath = () => join(root, String(count++));

const OWN = `
  const { openDataDir } = await import(${JSON.stringify(new URL("../../infra/local/data-dir.ts", import.meta.url).href)});
  try { await openDataDir(process.argv[1]); process.stdout.write("owned\\n"); setInterval(() => {}, 1000); }
  catch (error) { process.stdout.write(error.name + "\\n"); }
`;
function owner(path: string): ChildProcess {
  return spawn(process.execPath, ["--input-type=module", "-e", OWN, path], { stdio: ["ignore", "pipe", 2] });
}
async function firstLine(child: ChildProcess): Promise<string> {
  const [chunk] = await once(child.stdout ?? child, "data");
  return String(chunk).trim();
}

describe("a data dir", () => {
  it("is created, private, and can be opened again after it was closed", async () => {
    const path = freshPath();
    const first = await openDataDir(path);
    expect(first.path).toBe(path);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    first.close();
    first.close();
    expect(existsSync(path)).toBe(true);
    (await openDataDir(path)).close();
  });

  it("is temporary and removed at close when none is named", async () => {
    const dir = await openDataDir();
    expect(dir.temporary).toBe(true);
    expect(existsSync(dir.path)).toBe(true);
    dir.close();
    expect(existsSync(dir.path)).toBe(false);
  });

  it("refuses a second owner and names the first, in this process and from another", async () => {
    const path = freshPath();
    const first = await openDataDir(path);
    const refusal = await openDataDir(path).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(DataDirInUse);
    expect(refusal).toMatchObject({
      pid: process.pid,
      message: expect.stringContaining(`process ${process.pid}`),
    });
    expect(await firstLine(owner(path))).toBe("DataDirInUse");
    first.close();
  });

  it("is taken over from an owner that was killed, and not before", async () => {
    const path = freshPath();
    const other = owner(path);
    expect(await firstLine(other)).toBe("owned");
    await expect(openDataDir(path)).rejects.toMatchObject({ pid: other.pid });
    other.kill("SIGKILL");
    await once(other, "exit");
    (await openDataDir(path)).close();
  });

  it("goes to exactly one of several that want a dead owner's dir at once", async () => {
    const path = freshPath();
    const dead = owner(path);
    await firstLine(dead);
    dead.kill("SIGKILL");
    await once(dead, "exit");
    const heirs = Array.from({ length: 6 }, () => owner(path));
    const said = await Promise.all(heirs.map(firstLine));
    for (const heir of heirs) heir.kill("SIGKILL");
    expect(said.sort()).toEqual([...Array(5).fill("DataDirInUse"), "owned"]);
  });

  it("ends what a dead owner left running", async () => {
    const path = freshPath();
    (await openDataDir(path)).close();
    const leftover = spawn("sleep", ["60"], { stdio: "ignore" });
    const identity = identify(leftover.pid ?? 0);
    writeFileSync(join(path, "children.json"), JSON.stringify([identity]));
    const ended = once(leftover, "exit");
    (await openDataDir(path)).close();
    expect((await ended)[1]).toBe("SIGKILL");
  });

  it("does not touch a process that merely got the number of a leftover", async () => {
    const path = freshPath();
    (await openDataDir(path)).close();
    const innocent = spawn("sleep", ["60"], { stdio: "ignore" });
    writeFileSync(
      join(path, "children.json"),
      JSON.stringify([{ pid: innocent.pid, startedAt: "another-boot/1" }, { pid: "x" }, null]),
    );
    (await openDataDir(path)).close();
    expect(identify(innocent.pid ?? 0)).toBeDefined();
    innocent.kill("SIGKILL");
  });

  it("notes children and forgets them", async () => {
    const path = freshPath();
    const dir = await openDataDir(path);
    const child = spawn("sleep", ["60"], { stdio: "ignore" });
    dir.noteChild(child.pid ?? 0);
    dir.noteChild(2 ** 22 + 5);
    expect(existsSync(join(path, "children.json"))).toBe(true);
    dir.forgetChild(child.pid ?? 0);
    dir.close();
    expect(existsSync(join(path, "children.json"))).toBe(false);
    (await openDataDir(path)).close();
    expect(identify(child.pid ?? 0)).toBeDefined();
    child.kill("SIGKILL");
  });
});

describe("a process's identity", () => {
  it("ends with the process, even while it is a zombie", async () => {
    // The parent does not reap: the child stays a zombie until the parent ends.
    const parent = spawn("/bin/sh", ["-c", "sleep 0.2 & echo $!; exec sleep 5"], {
      stdio: ["ignore", "pipe", 2],
    });
    const identity = identify(Number(await firstLine(parent)));
    if (!identity) throw new Error("the child has no identity");
    expect(isRunning(identity)).toBe(true);
    expect(isRunning({ ...identity, startedAt: "0" })).toBe(false);
    await until("the zombie counts as ended", () => !isRunning(identity));
    await killAndWait(identity);
    parent.kill("SIGKILL");
  });
});
