import type { FeedWindow } from "./feed.ts";

/**
 * Groups what is looked for so that each group is one scan: windows that overlap or nearly touch become one,
 * and what lies days apart does not make everyone read the days between.
 * @param nearMs how far apart two windows may lie and still share a scan
 */
export const groupWindows = <T>(
  wanted: readonly { readonly window: FeedWindow; readonly item: T }[],
  nearMs: number,
): readonly { readonly window: FeedWindow; readonly items: readonly T[] }[] => {
  const groups: { window: FeedWindow; items: T[] }[] = [];
  for (const { window, item } of [...wanted].sort((a, b) => a.window.fromMs - b.window.fromMs)) {
    const last = groups.at(-1);
    if (last !== undefined && window.fromMs <= last.window.toMs + nearMs) {
      last.window = { fromMs: last.window.fromMs, toMs: Math.max(last.window.toMs, window.toMs) };
      last.items.push(item);
    } else groups.push({ window, items: [item] });
  }
  return groups;
};
