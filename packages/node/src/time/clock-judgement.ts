/** Whose clock is wrong, as far as one node can tell (SAFETY S16). */

/** A node whose clock is farther than this from the others' neither leads nor says what time it is. */
export const apartMsMax = 60_000;

export interface ClockJudgement {
  /**
   * `apart`: most clocks disagree with this one. `unsure`: as many agree as disagree, or nobody was heard. `together`: most
   * agree.
   */
  readonly standing: "together" | "unsure" | "apart";
  /** How far this node's clock is ahead of the median of all that are known. */
  readonly aheadMs: number;
}

/**
 * `offsetsMs`: of the others' clocks, how far each is ahead of this node's. Of an even number of clocks, own included, there
 * are two medians: a clock that is far from one of them might be right, and might be wrong.
 */
export function judgeClock(offsetsMs: readonly number[]): ClockJudgement {
  const clocks = [0, ...offsetsMs].sort((a, b) => a - b);
  const last = clocks.length - 1;
  const medians = [clocks[Math.floor(last / 2)] ?? 0, clocks[Math.ceil(last / 2)] ?? 0];
  const [near = 0, far = 0] = medians.sort((a, b) => Math.abs(a) - Math.abs(b));
  const aheadMs = near === 0 ? 0 : -near;
  if (Math.abs(near) > apartMsMax) return { standing: "apart", aheadMs };
  const isUnsure = clocks.length === 1 || Math.abs(far) > apartMsMax;
  return { standing: isUnsure ? "unsure" : "together", aheadMs };
}
