/** The clock of a processor that is busy: what is to run soon runs when what ran before has taken its time. */

import type { Clock, Timer } from "@holdfast/ports";

export class BusyClock implements Clock {
  readonly #clock: Clock;
  readonly #workMs: () => number;
  #freeAtMs = 0;

  /** `workMs`: how long everything so far has taken. */
  constructor(clock: Clock, workMs: () => number) {
    this.#clock = clock;
    this.#workMs = workMs;
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  wallMs(): number {
    return this.#clock.wallMs();
  }

  after(delayMs: number, action: () => void): Timer {
    return this.#clock.after(delayMs, action);
  }

  soon(action: () => void): void {
    const waitMs = this.#freeAtMs - this.monotonicMs();
    if (waitMs > 0) this.#clock.after(waitMs, () => this.#run(action));
    else this.#clock.soon(() => this.#run(action));
  }

  #run(action: () => void): void {
    const before = this.#workMs();
    action();
    const tookMs = this.#workMs() - before;
    if (tookMs > 0) this.#freeAtMs = Math.max(this.#freeAtMs, this.monotonicMs()) + tookMs;
  }
}
