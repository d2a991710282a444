import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { describe, expect, test } from "vitest";
import { retriesPage } from "../../cli/retries-page.ts";
import type { RetryReport } from "../../lib/core/retry-report.ts";

const chromiumPath = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";
const hasChromium = existsSync(chromiumPath);
const hostile = `"><img src=x onerror="window.pwned=1"><script>window.pwned=1</script>`;
const report: RetryReport = {
  charges: 1_200,
  attempts: [
    { attempt: 1, made: 1_200, approved: 1_000, money: { EUR: 1_999_000n, JPY: 50_000n } },
    { attempt: 2, made: 120, approved: 40, money: { EUR: 79_960n } },
    { attempt: 3, made: 60, approved: 12, money: { EUR: 23_988n, JPY: 500n } },
  ],
  recovered: { count: 52, sums: { EUR: 103_948n, JPY: 500n } },
  recoveredByDay: Array.from({ length: 30 }, (_, at) => ({
    day: new Date(Date.UTC(2026, 9, 1 + at)).toISOString().slice(0, 10),
    sums: { EUR: BigInt(1_000 + at * 90) },
  })),
  meter: [
    { kind: "refused", because: "instrument_closed", count: 31, fees: { USD: 310n } },
    { kind: "postponed", because: hostile, count: 4, fees: {} },
  ],
  feesSaved: { USD: 310n },
  waiting: { count: 7, sums: { EUR: 14_000n } },
  closed: { visa_category_1: 9 },
};
const page = retriesPage(report);

describe("the page of later attempts", () => {
  test("leads with what was recovered and saved; every figure of a chart stands in words beside it", () => {
    expect(page).toContain("Recovered 1039.48 EUR, 500 JPY with 52 later attempts; saved at least 3.10 USD");
    expect(page).toContain(
      'aria-label="Recovered EUR, by attempt: attempt 2: 799.60 EUR, attempt 3: 239.88 EUR"',
    );
  });

  test("loads nothing and runs nothing, and what is written in it stays text", () => {
    expect(page).not.toContain("<script");
    expect(page).not.toContain("<img");
    expect(page).toContain("default-src 'none'");
    expect(page).not.toMatch(/<[^>]*\s(src|href|action)="|url\(|@import/);
  });

  test("without any later attempt it says so", () => {
    const none = retriesPage({
      ...report,
      attempts: [],
      recovered: { count: 0, sums: {} },
      recoveredByDay: [],
      meter: [],
      closed: {},
    });
    expect(none).toContain("Recovered nothing with 0 later attempts");
    expect(none).not.toContain("<svg");
  });
});

describe.skipIf(!hasChromium)("the page in Chromium", () => {
  test("at 320 px, light and dark: nothing is wider than the window, and nothing is fetched", {
    timeout: 60_000,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "chargeonce-retries-"));
    const url = pathToFileURL(join(folder, "page.html")).href;
    writeFileSync(join(folder, "page.html"), page);
    const browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox"] });
    try {
      for (const colorScheme of ["light", "dark"] as const) {
        const tab = await browser.newPage({ viewport: { width: 320, height: 900 }, colorScheme });
        const trouble: string[] = [];
        tab.on("console", (message) => message.type() === "error" && trouble.push(message.text()));
        tab.on("request", (request) => request.url() !== url && trouble.push(request.url()));
        await tab.goto(url);
        expect(await tab.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(320);
        expect(await tab.evaluate("window.pwned")).toBeUndefined();
        expect(trouble).toEqual([]);
        const picture = process.env["SCREENSHOT"];
        if (picture !== undefined)
          await tab.screenshot({ path: `${picture}-${colorScheme}.png`, fullPage: true });
        await tab.close();
      }
    } finally {
      await browser.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
