import { ledgerSideOfText } from "../../lib/core/entry-text.ts";
import type { SentCharges } from "../../lib/ports.ts";

/** Charges by their first send, out of the texts of all entries; a few at a time, so that readers have to go on. */
export const sentChargesOf = (texts: () => readonly string[], together = 3): SentCharges => ({
  async *read(gateway, { fromMs, toMs }, order) {
    const entries = texts()
      .map((text) => ({ text, side: ledgerSideOfText(text) }))
      .filter(({ text }) => (JSON.parse(text) as { gateway: string }).gateway === gateway)
      .filter(
        ({ side }) => side === undefined || (side.firstSentAtMs >= fromMs && side.firstSentAtMs <= toMs),
      )
      .sort(
        (a, b) =>
          ((a.side?.firstSentAtMs ?? 0) - (b.side?.firstSentAtMs ?? 0)) * (order === "oldestFirst" ? 1 : -1),
      );
    for (let from = 0; from < entries.length; from += together) {
      const some = entries.slice(from, from + together);
      const sides = some.flatMap(({ side }) => side ?? []);
      yield { sides, unreadable: some.length - sides.length };
    }
  },
});
