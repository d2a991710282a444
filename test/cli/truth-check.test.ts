import { describe, expect, test } from "vitest";
import { truthCheck } from "../../cli/truth-check.ts";
import type { LedgerEntry } from "../../lib/core/ledger.ts";
import { chargeIdOf, final, requestIdOf, review } from "../core/builders.ts";

const approved = (chargeId: string, requestId: string, ...earlier: string[]): LedgerEntry => ({
  ...final(),
  chargeId: chargeIdOf(chargeId),
  requestId: requestIdOf(requestId),
  earlierRequestIds: earlier.map(requestIdOf),
});

const checked = (
  captures: Readonly<Record<string, number>>,
  captureOfKey: Readonly<Record<string, string>>,
  entries: readonly LedgerEntry[],
) => {
  const check = truthCheck({
    captures: new Map(Object.entries(captures)),
    captureOfKey: new Map(Object.entries(captureOfKey)),
    capturedByCurrency: { NZD: "1" },
  });
  for (const entry of entries) check.see(entry);
  const { chargesCaptured, doubleCharges, disagreeing, capturedInReview } = check.result();
  return [chargesCaptured, doubleCharges.map(({ chargeId }) => chargeId), disagreeing, capturedInReview];
};

describe("a run's ledger beside what the sandboxes did", () => {
  const declined = { ...final("declined_permanent"), chargeId: chargeIdOf("c-1") };
  const inReview = { ...review(), chargeId: chargeIdOf("c-1") };
  const one = approved("c-1", "r-1");
  const two = approved("c-2", "r-2", "r-0");
  // biome-ignore format: one row a line
  test.each<[string, Parameters<typeof checked>, ReturnType<typeof checked>]>([
    ["approved, and captured", [{ "c-1": 1 }, {}, [one]], [1, [], [], 0]],
    ["approved, and not captured", [{}, {}, [one]], [0, [], ["c-1"], 0]],
    ["declined, and captured", [{ "c-1": 1 }, {}, [declined]], [1, [], ["c-1"], 0]],
    ["declined, and not captured", [{}, {}, [declined]], [0, [], [], 0]],
    ["in review, and captured", [{ "c-1": 1 }, {}, [inReview]], [1, [], [], 1]],
    ["in review, and not captured", [{}, {}, [inReview]], [0, [], [], 0]],
    ["captured twice", [{ "c-1": 2 }, {}, [one]], [1, ["c-1"], [], 0]],
    ["a confirmation is known by its key, whatever the merchant called it", [{}, { "r-1": "invoice-7" }, [one]], [1, [], [], 0]],
    ["several of one invoice are several charges'", [{}, { "r-1": "invoice-7", "r-2": "invoice-7" }, [one, two]], [2, [], [], 0]],
    ["by the key of an earlier attempt, too", [{}, { "r-0": "invoice-7" }, [two]], [1, [], [], 0]],
    ["by two keys of one charge: twice", [{}, { "r-0": "i", "r-2": "i" }, [two]], [1, ["c-2"], [], 0]],
    ["under a key that no charge has: by its reference", [{}, { "r-1": "c-1", "r-9": "c-1" }, [one]], [1, ["c-1"], [], 0]],
    ["or somebody else's", [{}, { "r-9": "x" }, []], [1, [], [], 0]],
  ])("%s", (_what, given, expected) => {
    expect(checked(...given)).toEqual(expected);
  });
});
