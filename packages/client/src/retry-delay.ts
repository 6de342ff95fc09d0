const firstDelayMs = 50;
const delayMsMax = 2000;

/** The wait before round `round` (from 0) of tries: it doubles, up to two seconds, and is spread so that clients do not come back together. */
export function retryDelayMs(round: number, random: () => number): number {
  return Math.min(delayMsMax, firstDelayMs * 2 ** round) * (0.5 + random() / 2);
}
