/** Work in the background that is done again and again: a failure ends a round, a broken invariant the process. */

import { AssertionError } from "@holdfast/base";
import type { Clock, Journal } from "@holdfast/ports";
import { sleep } from "@holdfast/ports";

export interface RoundsParts {
  readonly clock: Clock;
  readonly journal: Journal;
}

export class Rounds {
  readonly #parts: RoundsParts;
  readonly #name: string;
  readonly #round: () => Promise<number>;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  /** `round` says after how many milliseconds the next one begins. `name` says in the journal what broke off. */
  constructor(parts: RoundsParts, name: string, round: () => Promise<number>) {
    this.#parts = parts;
    this.#name = name;
    this.#round = round;
  }

  /** Aborted when the node stops. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** The first round begins after so long. */
  start(delayMs: number): void {
    this.#running = this.#run(delayMs);
  }

  /** Waits for the round under way, which looks at `signal`. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(intervalMs: number): Promise<void> {
    const { clock, journal } = this.#parts;
    for (let delayMs = intervalMs; ; ) {
      await sleep(clock, delayMs, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      try {
        delayMs = await this.#round();
      } catch (cause) {
        if (cause instanceof AssertionError) throw cause;
        journal.warn(`${this.#name} interrupted`, { cause: String(cause) });
        delayMs = intervalMs;
      }
    }
  }
}

/** The pause before the next round: twice as long after each that left something undone. */
export class GrowingPause {
  readonly #msMin: number;
  readonly #msMax: number;
  #ms: number;

  constructor(msMin: number, msMax: number) {
    this.#msMin = msMin;
    this.#msMax = msMax;
    this.#ms = msMin;
  }

  after(isDone: boolean): number {
    const ms = isDone ? this.#msMin : this.#ms;
    this.#ms = isDone ? this.#msMin : Math.min(2 * this.#ms, this.#msMax);
    return ms;
  }
}
