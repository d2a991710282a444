/** How long ago, in its largest unit: `3 d`, `5 h`, `12 min`. */
export const ageText = (ms: number): string => {
  if (ms >= 86_400_000) return `${Math.floor(ms / 86_400_000)} d`;
  if (ms >= 3_600_000) return `${Math.floor(ms / 3_600_000)} h`;
  return `${Math.max(0, Math.floor(ms / 60_000))} min`;
};
