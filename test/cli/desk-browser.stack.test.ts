import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deskDoor } from "../../cli/desk-door.ts";
import { type DeskServer, startDeskServer } from "../../cli/desk-server.ts";
import { chainProblems } from "../../lib/core/decision-chain.ts";
import { deadLetterNameOf, isConsumed, QUEUES } from "../../lib/core/queues.ts";
import { siteOn } from "../desk/site-on.ts";
import { chargeMessage, chargeOf } from "../doubles/samples.ts";
import { pays, paysUnheard, swallows } from "../doubles/scripted-bank.ts";
import { sha256Of } from "../doubles/scripted-wire.ts";
import { type Stage, stage } from "../flows/stage.ts";

const chromiumPath = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";
const hasChromium = existsSync(chromiumPath);
if (!hasChromium)
  console.warn(`${chromiumPath} is not installed: the web desk is not looked at in a browser`);
/** Where its pages are kept as pictures, for somebody to look at. */
const shots = process.env["DESK_SHOTS"];

const patient = { timeout: 120_000 };

describe.skipIf(!hasChromium)("the web desk in Chromium", () => {
  const axe = hasChromium
    ? readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")
    : "";
  const message = (n: number) => chargeMessage(`order-${n}`, { amount: String(1_000 + n) });
  const servers: DeskServer[] = [];
  let browser: Browser;
  let on: Stage;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox"] });
    const hostile = `<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>`;
    on = stage({
      bank: (chargeId) =>
        chargeId === "order-1"
          ? pays({ amount: 99.99, description: hostile, transactionId: hostile })
          : chargeId === "order-2"
            ? paysUnheard({ payment: { amount: 99.99 } })
            : swallows,
      // So many at once are an outage otherwise.
      policy: { afterAbsence: "review", closeAfterFaults: 10_000 },
      roundsMax: 5_000,
    });
    for (let n = 1; n <= 60; n++) on.send(message(n));
    await on.run();
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    for (const server of servers) await server.close();
  }, 60_000);

  /** Somebody at a desk of their own, in a browser of their own. */
  const entered = async (
    person: string,
    options: Parameters<Browser["newContext"]>[0] = {},
  ): Promise<{
    readonly tab: Page;
    readonly context: BrowserContext;
    readonly trouble: string[];
    readonly root: string;
  }> => {
    const depths = QUEUES.flatMap((queue) => [
      { queue: queue.name, visible: 12, hidden: 0 },
      ...(isConsumed(queue) ? [{ queue: deadLetterNameOf(queue.name), visible: 1, hidden: 0 }] : []),
    ]);
    const charges = Array.from({ length: 60 }, (_, n) => chargeOf(message(n + 1)));
    const server = await startDeskServer({
      site: siteOn(on, { charges, depths }),
      door: deskDoor(),
      person,
      port: 0,
    });
    servers.push(server);
    const context = await browser.newContext({ viewport: { width: 1_280, height: 900 }, ...options });
    context.setDefaultTimeout(60_000);
    const tab = await context.newPage();
    const trouble: string[] = [];
    tab.on("console", (line) => {
      if (line.type() === "error") trouble.push(line.text());
    });
    tab.on("pageerror", (error) => trouble.push(error.message));
    tab.on("request", (request) => {
      if (!request.url().startsWith(server.origin)) trouble.push(request.url());
    });
    await tab.goto(server.link);
    return { tab, context, trouble, root: tab.url() };
  };

  const keep = async (tab: Page, name: string): Promise<void> => {
    if (shots === undefined) return;
    mkdirSync(shots, { recursive: true });
    await tab.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
  };
  const violations = async (tab: Page): Promise<readonly string[]> => {
    await tab.evaluate(axe);
    const found = (await tab.evaluate("axe.run()")) as {
      readonly violations: readonly {
        readonly id: string;
        readonly nodes: readonly { readonly html: string }[];
      }[];
    };
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  };
  const isAsked = (tab: Page) =>
    tab.waitForFunction(`!/asking|not asked yet/.test(document.getElementById("word")?.textContent ?? "")`);
  /** Presses Tab until what has the focus reads so. */
  const tabTo = async (tab: Page, what: string): Promise<void> => {
    for (let pressed = 0; pressed < 120; pressed++) {
      await tab.keyboard.press("Tab");
      const focused = await tab.evaluate(
        `((one) => one.id || one.textContent.trim())(document.activeElement)`,
      );
      if (focused === what) return;
    }
    throw new Error(`Tab never came to ${what}`);
  };

  test.each([
    [1_280, "light"],
    [1_280, "dark"],
    [320, "light"],
    [320, "dark"],
  ] as const)(
    "at %i px, %s: every page is without a fault for a screen reader, and nothing is wider than the window",
    patient,
    async (width, colorScheme) => {
      const { tab, context, trouble, root } = await entered("Ann", {
        viewport: { width, height: 900 },
        colorScheme,
      });
      const pages = [
        ["worklist", ""],
        ["worklist-wrong-filter", "?min-money=1e3&reason=sad"],
        ["charge", "charge?id=order-2"],
        ["charge-hostile", "charge?id=order-1"],
        ["money", "money"],
        ["queues", "queues"],
      ] as const;
      for (const [name, address] of pages) {
        await tab.goto(`${root}${address}`);
        if (name.startsWith("charge")) await isAsked(tab);
        await keep(tab, `${name}-${width}-${colorScheme}`);
        expect(await violations(tab), name).toEqual([]);
        expect(await tab.evaluate("document.documentElement.scrollWidth"), name).toBeLessThanOrEqual(width);
      }
      await tab.goto(`${root}charge?id=order-9`);
      await tab.getByLabel("new-attempt", { exact: true }).check();
      await tab.getByLabel("Reason", { exact: true }).fill("certified absent");
      await tab.getByRole("button", { name: "Say what would happen" }).click();
      await tab.getByRole("heading", { name: "What would happen" }).waitFor();
      await keep(tab, `dry-run-${width}-${colorScheme}`);
      expect(await violations(tab)).toEqual([]);
      expect(await tab.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
      await tab.goto(`${root}charge?id=order-9`);
      await tab.getByLabel("resend", { exact: true }).check();
      await tab.getByLabel("Reason", { exact: true }).fill("once more");
      await tab.getByRole("button", { name: "Say what would happen" }).click();
      await tab.getByRole("heading", { name: /^Refused/ }).waitFor();
      await keep(tab, `refused-${width}-${colorScheme}`);
      expect(await violations(tab)).toEqual([]);
      expect(trouble).toEqual([]);
      await context.close();
    },
  );

  test(
    "what a gateway wrote is text: nothing of it runs, in the list, the story, the word and the dry run",
    patient,
    async () => {
      const { tab, context, trouble, root } = await entered("Ann");
      await tab.goto(`${root}charge?id=order-1`);
      await isAsked(tab);
      expect(await tab.getByText("<img src=x", { exact: false }).count()).toBeGreaterThan(0);
      await tab.getByLabel("drop", { exact: true }).check();
      await tab.getByLabel("Reason", { exact: true }).fill(`<img src=x onerror="window.pwned=1">`);
      await tab.getByRole("button", { name: "Say what would happen" }).click();
      await tab.getByText("<img src=x", { exact: false }).first().waitFor();
      expect(await tab.evaluate("window.pwned")).toBeUndefined();
      expect(await tab.locator("main img").count()).toBe(0);
      expect(trouble).toEqual([]);
      await context.close();
    },
  );

  test(
    "by keyboard alone: filter, go through the list, open, propose; another person confirms",
    patient,
    async () => {
      const ann = await entered("Ann");
      await ann.tab.keyboard.press("Tab");
      expect(await ann.tab.evaluate("document.activeElement.textContent")).toBe("Skip to the content");
      await ann.tab.keyboard.press("Enter");
      await tabTo(ann.tab, "f-gateway");
      await ann.tab.keyboard.type("centrobill");
      await tabTo(ann.tab, "f-money");
      await ann.tab.keyboard.type("10.55");
      await ann.tab.keyboard.press("Enter");
      await ann.tab.waitForURL(/gateway=centrobill.*min-money=10\.55/);
      await ann.tab
        .getByRole("status")
        .filter({ hasText: /^6 of 60: / })
        .waitFor();
      const [chargeId = "", second = ""] = await ann.tab.locator("tbody th a").allTextContents();
      await tabTo(ann.tab, chargeId);
      const focused = (): Promise<unknown> => ann.tab.evaluate("document.activeElement.textContent");
      for (const [key, at] of [
        ["ArrowDown", second],
        ["ArrowUp", chargeId],
        ["j", second],
        ["k", chargeId],
        ["k", chargeId],
      ] as const) {
        await ann.tab.keyboard.press(key);
        expect(await focused()).toBe(at);
      }
      await ann.tab.keyboard.press("End");
      await ann.tab.keyboard.press("Home");
      expect(await focused()).toBe(chargeId);
      await ann.tab.keyboard.press("Enter");
      await ann.tab.getByRole("heading", { level: 1, name: chargeId }).waitFor();
      await isAsked(ann.tab);
      expect(await ann.tab.locator("#word").textContent()).toMatch(/^absent by \d+ searches$/);
      await tabTo(ann.tab, "d-settle-as-approved");
      for (let down = 0; down < 3; down++) await ann.tab.keyboard.press("ArrowDown");
      await tabTo(ann.tab, "d-reason");
      await ann.tab.keyboard.type("certified absent");
      await tabTo(ann.tab, "Say what would happen");
      await ann.tab.keyboard.press("Enter");
      await ann.tab.getByText(/It would send 10\.\d\d EUR as attempt 2/).waitFor();
      expect(on.entry(chargeId)?.history.some(({ e }) => e === "proposed")).toBe(false);
      await tabTo(ann.tab, "Propose this");
      await ann.tab.keyboard.press("Enter");
      await ann.tab.getByText("Proposed, for another person to confirm").waitFor();
      await keep(ann.tab, "proposed");
      expect(await violations(ann.tab)).toEqual([]);

      const bo = await entered("Bo");
      await bo.tab.goto(`${bo.root}charge?id=${chargeId}`);
      await tabTo(bo.tab, "c-reason");
      await bo.tab.keyboard.type("looked, too");
      await keep(bo.tab, "to-confirm");
      expect(await violations(bo.tab)).toEqual([]);
      await bo.tab.keyboard.press("Enter");
      await bo.tab.getByText("Ann: certified absent").waitFor();
      await tabTo(bo.tab, "Confirm what Ann proposed");
      await bo.tab.keyboard.press("Enter");
      await bo.tab.getByText("The charge is now waiting.").waitFor();
      await keep(bo.tab, "decided");
      expect(await violations(bo.tab)).toEqual([]);

      const entry = on.entry(chargeId);
      expect(entry).toMatchObject({ state: "waiting", attempt: 2 });
      expect(entry === undefined ? [] : chainProblems(entry, sha256Of)).toEqual([]);
      // A reload in the browser sends nothing a second time.
      await bo.tab.reload();
      expect(on.entry(chargeId)).toEqual(entry);
      expect([...ann.trouble, ...bo.trouble]).toEqual([]);
      await ann.context.close();
      await bo.context.close();
    },
  );

  test("without script everything works, the gateway's word by a link", patient, async () => {
    const { tab, context, root } = await entered("Ann", { javaScriptEnabled: false });
    await tab.goto(`${root}charge?id=order-9`);
    await tab.getByRole("link", { name: "ask now" }).click();
    await tab.getByText(/^absent by \d+ searches$/).waitFor();
    await tab.getByRole("link", { name: "Worklist" }).click();
    await tab.getByRole("link", { name: "Next" }).click();
    await tab.getByText("Page 2 of 2").waitFor();
    await context.close();
  });

  test(
    "pages that this machine serves elsewhere get nothing: no form of theirs, no frame, no script that reads",
    patient,
    async () => {
      const { tab, context, root } = await entered("Ann");
      const { createServer } = await import("node:http");
      const action = `${root}decide`;
      const evil = createServer((_, response) => {
        response.setHeader("Content-Type", "text/html");
        response.end(
          `<form method="post" action="${action}"><input name="id" value="order-9"><button>go</button></form><iframe src="${root}"></iframe>`,
        );
      });
      await new Promise<void>((resolve) => evil.listen(0, "127.0.0.1", resolve));
      const address = evil.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      try {
        const before = on.entry("order-9");
        await tab.goto(`http://127.0.0.1:${port}/`);
        expect(
          await tab.evaluate(
            `fetch(${JSON.stringify(root)}, { credentials: "include" }).then(() => "read", () => "refused")`,
          ),
        ).toBe("refused");
        expect(
          await tab
            .frames()[1]
            ?.locator("table")
            .count()
            .catch(() => 0),
        ).toBe(0);
        const answered = tab.waitForResponse(action);
        await tab.getByRole("button").click();
        expect((await answered).status()).toBe(403);
        expect(on.entry("order-9")).toEqual(before);
      } finally {
        evil.close();
        evil.closeAllConnections();
        await context.close();
      }
    },
  );
});
