/** One line of what happened: when, to whom, what. */
export type StoryLine = {
  readonly atMs: number;
  /** a worker, the gateway, a queue, the world */
  readonly who: string;
  readonly what: string;
  readonly chargeId?: string;
};

/** What happened in one world. Lines are functions until somebody reads them: most worlds nobody does. */
export type Story = {
  tell(line: () => Omit<StoryLine, "atMs">): void;
  lines(): readonly StoryLine[];
};

export const storyOf = (nowMs: () => number, kept: boolean): Story => {
  const lines: StoryLine[] = [];
  return {
    tell(line) {
      if (kept) lines.push({ atMs: nowMs(), ...line() });
    },
    lines: () => lines,
  };
};

const clockText = (ms: number): string => {
  const seconds = ms / 1_000;
  const days = Math.floor(seconds / 86_400);
  const rest = new Date((seconds % 86_400) * 1_000).toISOString().slice(11, 23);
  return days === 0 ? rest : `${days}d ${rest}`;
};

/** The story as people read it, from the world's first moment on. */
export const storyText = (lines: readonly StoryLine[], startMs: number, chargeId?: string): string =>
  lines
    .filter((line) => chargeId === undefined || line.chargeId === undefined || line.chargeId === chargeId)
    .map(({ atMs, who, what }) => `  ${clockText(atMs - startMs).padStart(15)}  ${who.padEnd(10)} ${what}`)
    .join("\n");
