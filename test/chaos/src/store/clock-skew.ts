/** How a node's clocks are wrong, and what the nemesis draws. */

export interface ClockSkew {
  /** How far the wall clock is ahead of the machine's, in milliseconds. */
  readonly aheadMs: number;
  /** What the monotonic clock counts in one millisecond of the machine's. */
  readonly rate: number;
}

export const trueClock: ClockSkew = { aheadMs: 0, rate: 1 };

/** SAFETY S16: beyond this a node neither leads nor says what time it is. */
export const apartMsMax = 60_000;

/** In milliseconds, the highest not included. Short of the limit and beyond it, so far that no delay of an answer makes a difference. */
const near = { lowest: 5000, highest: 50_000 } as const;
const far = { lowest: 75_000, highest: 300_000 } as const;
/** A learner lease is waited for a tenth longer than it lasts: clocks may differ by less than that. */
const driftPercentMax = 4;

/** By turns far ahead, a little behind, far behind and a little ahead: a short run has both sides of the limit. */
export function drawJump(turn: number, draw: (count: number) => number): ClockSkew {
  const { lowest, highest } = turn % 2 === 0 ? far : near;
  const byMs = lowest + draw(highest - lowest);
  const isAhead = turn % 4 === 0 || turn % 4 === 3;
  return { aheadMs: isAhead ? byMs : -byMs, rate: 1 };
}

/** By turns too fast and too slow. */
export function drawDrift(turn: number, draw: (count: number) => number): ClockSkew {
  const percent = 1 + draw(driftPercentMax);
  return { aheadMs: 0, rate: 1 + (turn % 2 === 0 ? percent : -percent) / 100 };
}

export function isApart({ aheadMs }: ClockSkew): boolean {
  return Math.abs(aheadMs) > apartMsMax;
}

export function describeSkew({ aheadMs, rate }: ClockSkew): string {
  const wall = aheadMs === 0 ? [] : [`${Math.abs(aheadMs)} ms ${aheadMs > 0 ? "ahead" : "behind"}`];
  const monotonic = rate === 1 ? [] : [`counts ${rate} ms in one`];
  return [...wall, ...monotonic].join(", ") || "right";
}
