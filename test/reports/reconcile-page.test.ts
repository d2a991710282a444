import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findingKinds } from "../../lib/core/finding.ts";
import type { RunRecord } from "../../lib/core/window-record.ts";
import type { ToldFinding } from "../../lib/reports/finding-lines.ts";
import { findingTally } from "../../lib/reports/finding-tally.ts";
import { reconcilePage } from "../../lib/reports/reconcile-page.ts";
import { final } from "../core/builders.ts";
import { sha256Of } from "../doubles/scripted-wire.ts";

const chromiumPath = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";
const hasChromium = existsSync(chromiumPath);
if (!hasChromium)
  console.warn(`${chromiumPath} is not installed: the page of reconcile is not looked at in a browser`);

const t0 = Date.UTC(2026, 10, 20);
const dayMs = 86_400_000;
const run: RunRecord = {
  v: 1,
  gateway: "centrobill",
  window: { fromMs: t0, toMs: t0 + 6 * dayMs },
  read: { fromMs: t0 - dayMs, toMs: t0 + 7 * dayMs },
  startedAtMs: t0 + 8 * dayMs,
  endedAtMs: t0 + 8 * dayMs + 900,
  complete: true,
  pages: 12,
  feedRows: 1_180,
  repeatedRows: 2,
  ledgerEntries: 1_200,
  closed: 1,
  findings: Object.fromEntries(findingKinds.map((kind) => [kind, 1])),
  waiting: 8,
  money: { EUR: { matched: "1234567", unmatched: "19900", unknown: "4900" } },
  days: Array.from({ length: 6 }, (_, day) => ({
    day: new Date(t0 + day * dayMs).toISOString().slice(0, 10),
    currency: "EUR",
    matched: String(205_000 + day * 1_300),
    unmatched: day === 2 ? "19900" : "0",
    unknown: day === 5 ? "4900" : "0",
  })),
  first: [],
};
const hostile = `"><img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'\`&amp;`;
const told: readonly ToldFinding[] = findingKinds.map((kind, at) => ({
  finding: {
    id: `inv-${at}#reconcile#${kind}#404168${at}`,
    kind,
    gateway: "centrobill",
    chargeId: kind === "missing_in_ledger" ? hostile : `inv-2026-11-00000${at}`,
    ledger: {
      chargeId: `inv-2026-11-00000${at}`,
      requestId: "0b1d3a55-3b53-4c9e-b1de-1c1f9a1b3c4d",
      earlierRequestIds: [],
      attempt: 1,
      amount: "1999",
      currency: "EUR",
      state: "approved",
      firstSentAtMs: t0,
      consumerMarks: [],
    },
    rows: [
      {
        kind: "charge",
        says: "captured",
        code: hostile,
        transactionId: `404168${at}`,
        requestId: hostile,
        amount: "2999",
        currency: at % 2 === 0 ? "EUR" : "USD",
        atMs: t0 + at * 1_000,
        consumers: [],
      },
    ],
    money: { amount: "2999", currency: at % 2 === 0 ? "EUR" : "USD" },
    next: kind === "late_outcome" ? "nothing" : "confirm_the_refund",
    ...(kind === "double_charge"
      ? {
          by: "several_request_ids" as const,
          refundProposal: [
            { gateway: "centrobill" as const, transactionId: "40416899", amount: "2999", currency: "EUR" },
          ],
        }
      : {}),
  },
  entry: kind === "missing_in_ledger" ? undefined : final("approved"),
}));
const tally = findingTally();
for (const { finding, entry } of told) tally.add(finding, entry);
const { window } = run;
const [found, none] = [tally.totals(), findingTally().totals()];
const page = reconcilePage(
  {
    window,
    runs: [run],
    missing: [
      {
        gateway: "centrobill",
        part: { fromMs: t0, toMs: t0 + dayMs, reason: "feed_incomplete", why: hostile },
      },
    ],
    withoutFeed: ["centrapay"],
    findings: found,
    note: "Windows are looked at once more.",
  },
  sha256Of,
);

describe("the page as text", () => {
  test("nothing that a gateway writes is markup", () => {
    expect(page).not.toContain("<img");
    expect(page.match(/<script>/g)).toHaveLength(1);
    expect(page).not.toMatch(/<[^>]*\son\w+=/);
  });

  test("nothing is fetched: no address, and a policy that forbids it", () => {
    expect(page).toContain("default-src 'none'");
    expect(page).not.toMatch(/<[^>]*\s(src|href|action)=|url\(|@import/);
  });

  test("an incomplete run is never called clean", () => {
    const incomplete = reconcilePage(
      {
        window,
        runs: [{ ...run, complete: false, waiting: 0, findings: {} }],
        missing: [
          { gateway: "centrobill", part: { ...window, reason: "feed_incomplete", why: hostile } },
          { gateway: "centrobill", part: { fromMs: t0, toMs: t0 + dayMs, reason: "not_compared" } },
        ],
        withoutFeed: [],
        findings: none,
      },
      sha256Of,
    );
    expect(incomplete).toContain("Not complete");
    expect(incomplete).toContain("the gateway&#39;s feed could not be read to its end (&#34;&#62;");
    expect(incomplete).toContain(
      "2026-11-20T00:00:00.000Z to 2026-11-21T00:00:00.000Z: no run over it has come to its end",
    );
    expect(incomplete).not.toContain("<img");
    expect(incomplete).not.toContain("tell the same story");
  });

  test.each<[string, Partial<Parameters<typeof reconcilePage>[0]>]>([
    ["a run that says so itself", { runs: [{ ...run, complete: false }] }],
    [
      "a part of it that no run is about",
      { runs: [], missing: [{ gateway: "c", part: { ...window, reason: "not_over" } }] },
    ],
  ])("not complete for a single reason: %s", (_why, changes) => {
    const text = reconcilePage(
      { window, runs: [run], missing: [], withoutFeed: [], findings: none, ...changes },
      sha256Of,
    );
    expect(text).toContain("Not complete");
    expect(text).not.toContain("tell the same story");
    expect(text).toContain('class="verdict bad"');
  });

  test("nothing found, nothing missing: said in so many words", () => {
    const clean = reconcilePage(
      { window, runs: [run], missing: [], withoutFeed: [], findings: none, note: "once <more>" },
      sha256Of,
    );
    expect(clean).toContain("Ledger and gateway tell the same story.");
    expect(clean).toContain('class="verdict"');
    expect(clean).toContain("once &#60;more&#62;");
  });
});

describe.skipIf(!hasChromium)("the page in Chromium", () => {
  const folder = mkdtempSync(join(tmpdir(), "chargeonce-page-"));
  const url = pathToFileURL(join(folder, "page.html")).href;
  let browser: Browser;
  beforeAll(async () => {
    writeFileSync(join(folder, "page.html"), page);
    browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox"] });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const open = async (options: Parameters<Browser["newPage"]>[0] = {}) => {
    const tab = await browser.newPage(options);
    const trouble: string[] = [];
    tab.on("console", (message) => {
      if (message.type() === "error") trouble.push(message.text());
    });
    tab.on("pageerror", (error) => trouble.push(error.message));
    tab.on("request", (request) => {
      if (request.url() !== url) trouble.push(request.url());
    });
    await tab.goto(url);
    return { tab, trouble };
  };

  test("filters show what is asked for, and say how much that is", { timeout: 60_000 }, async () => {
    const { tab, trouble } = await open();
    expect(await tab.locator("ul.findings > li:visible").count()).toBe(9);
    await tab.getByLabel("Kind").selectOption("double_charge");
    expect(await tab.locator("ul.findings > li:visible").count()).toBe(1);
    expect(await tab.locator("#shown").textContent()).toBe("1 of 9 shown");
    await tab.getByLabel("Kind").selectOption("");
    await tab.getByLabel("Waits for a person").selectOption("no");
    expect(await tab.locator("ul.findings > li:visible h3").allTextContents()).toEqual(["Outcome came late"]);
    await tab.getByLabel("Waits for a person").selectOption("");
    await tab.getByLabel("Text").fill("inv-2026-11-000005");
    expect(await tab.locator("ul.findings > li:visible").count()).toBe(1);
    await tab.locator("ul.findings > li:visible summary").click();
    expect(await tab.locator("ul.findings > li:visible ol li").first().isVisible()).toBe(true);
    expect(await tab.evaluate("window.pwned")).toBeUndefined();
    expect(trouble).toEqual([]);
    await tab.close();
  });

  test.each([
    [320, "light"],
    [320, "dark"],
    [1_200, "dark"],
  ] as const)(
    "at %s px, %s: nothing is wider than the window, and text has contrast",
    { timeout: 60_000 },
    async (width, colorScheme) => {
      const { tab, trouble } = await open({ viewport: { width, height: 900 }, colorScheme });
      expect(await tab.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
      const contrast = (await tab.evaluate(`(() => {
      const light = (text) => {
        const [r, g, b] = text.match(/[\\d.]+/g).map(Number).map((part) => part / 255)
          .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const paper = getComputedStyle(document.querySelector("ul.findings > li")).backgroundColor;
      return [...document.querySelectorAll("ul.findings > li h3, ul.findings > li dt, ul.findings > li p")].slice(0, 20).map((one) => {
        const [a, b] = [light(getComputedStyle(one).color), light(paper)].sort((x, y) => y - x);
        return (a + 0.05) / (b + 0.05);
      });
    })()`)) as number[];
      expect(Math.min(...contrast)).toBeGreaterThan(4.5);
      expect(trouble).toEqual([]);
      await tab.close();
    },
  );

  test("a screen reader hears names: of the chart, the fields and the list", {
    timeout: 60_000,
  }, async () => {
    const { tab } = await open();
    expect(await tab.getByRole("img").first().getAttribute("aria-labelledby")).toBe("chart-title-0");
    for (const name of ["Kind", "Gateway", "Currency", "Waits for a person", "Text"])
      expect(await tab.getByLabel(name, { exact: true }).count()).toBe(1);
    expect(await tab.getByRole("heading", { level: 1 }).count()).toBe(1);
    expect(await tab.getByRole("list", { name: "Findings" }).count()).toBe(1);
    await tab.close();
  });
});
