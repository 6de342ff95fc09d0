import type { Random } from "@holdfast/base";
import type { Timer } from "../clock.ts";

/** Time in which simulated things happen: a simulation's, or the real one for faults among real nodes. */
export interface Timeline {
  readonly random: Random;
  /** Never goes back. */
  readonly nowMs: number;
  after(delayMs: number, action: () => void): Timer;
  /** Behind everything that is due now. */
  soon(action: () => void): void;
}
