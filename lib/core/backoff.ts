const firstMs = 5_000;
const longestMs = 900_000;

/**
 * How long a message that could not be worked stays hidden: doubling from 5 s up to 15 min, at least half of
 * it and the rest by chance, so that a fleet does not come back at one moment. A gateway that is down for a
 * day costs a message about 150 receives, well below the 240 after which it becomes a dead letter.
 * @param receives how often the message was received, from 1
 * @param fraction a random number from 0 to 1
 */
export const backoffMs = (receives: number, fraction: number): number => {
  const wait = Math.min(firstMs * 2 ** Math.min(Math.max(receives - 1, 0), 20), longestMs);
  return Math.round(wait / 2 + (wait / 2) * fraction);
};

const pauseFirstMs = 100;

/**
 * How long a message that finds its gateway closed, or its rate used up, stays hidden at the least: short at
 * first, since the next turn may be soon, and longer the more often it came in vain, up to 15 min. A day of
 * that costs a message fewer than 240 receives.
 * @param receives how often the message was received, from 1
 * @param fraction a random number from 0 to 1
 */
export const pauseMs = (receives: number, fraction: number): number => {
  const wait = Math.min(pauseFirstMs * Math.min(Math.max(receives, 1), 1_000) ** 2, longestMs);
  return Math.round(wait * (0.75 + 0.25 * fraction));
};
