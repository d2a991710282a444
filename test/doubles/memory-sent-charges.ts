import { ledgerSideOfText } from "../../lib/core/entry-text.ts";
import type { SentMark } from "../../lib/core/sent-page.ts";
import type { SentCharges } from "../../lib/ports.ts";

/**
 * Charges by their first send, as marks name them and their texts say; a few at a time, so that readers have to go on.
 * What no mark names is not there.
 */
export const sentChargesOf = (
  marks: () => readonly SentMark[],
  textOf: (chargeId: string) => string | undefined,
  together = 3,
): SentCharges => ({
  async *read(gateway, { fromMs, toMs }, order) {
    const named = new Map(
      marks()
        .filter((mark) => mark.gateway === gateway && mark.atMs >= fromMs && mark.atMs <= toMs)
        .map((mark) => [`${mark.chargeId} ${mark.atMs}`, mark]),
    );
    const entries = [...named.values()]
      .sort((a, b) => (a.atMs - b.atMs) * (order === "oldestFirst" ? 1 : -1))
      .flatMap(({ chargeId, atMs }) => {
        const text = textOf(chargeId);
        const side = text === undefined ? undefined : ledgerSideOfText(text);
        if (text === undefined || (side !== undefined && Math.round(side.firstSentAtMs) !== atMs)) return [];
        return [{ side }];
      });
    for (let from = 0; from < entries.length; from += together) {
      const some = entries.slice(from, from + together);
      const sides = some.flatMap(({ side }) => side ?? []);
      yield { sides, unreadable: some.length - sides.length };
    }
  },
});
