const dayMs = 86_400_000;
/** The last moment that a `Date` can hold. */
const lastMs = 8.64e15;

/** The day of the moment that was written last, as `2026-11-22T`: most moments are of one day. */
let known = { day: Number.NaN, text: "" };

const two = (count: number): string => (count < 10 ? `0${count}` : String(count));
const three = (count: number): string => (count < 100 ? `0${two(count)}` : String(count));

/**
 * A moment as `Date.prototype.toISOString` writes it, in a third of the time.
 * @param ms milliseconds since 1970; what is less than one is left out
 * @throws `RangeError` where it is no moment
 */
export const isoTime = (ms: number): string => {
  // Before 1970 what is less than a millisecond is cut the other way.
  if (!(ms >= 0 && ms <= lastMs)) return new Date(ms).toISOString();
  const day = Math.floor(ms / dayMs);
  if (day !== known.day)
    known = { day, text: new Date(day * dayMs).toISOString().slice(0, -"00:00:00.000Z".length) };
  const ofDay = Math.floor(ms) - day * dayMs;
  const seconds = Math.floor(ofDay / 1_000);
  const minutes = Math.floor(seconds / 60);
  return `${known.text}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(seconds % 60)}.${three(ofDay % 1_000)}Z`;
};
