/** Holds work in the background to a rate, in bytes per second, and ends its waits when the node stops. */

import type { Clock } from "@holdfast/ports";
import { sleep } from "@holdfast/ports";

/** Shorter waits are saved up: a timer costs more than they give. */
const waitMsMin = 5;

export class Pace {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #owedMs = 0;

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
  }

  /** To be called behind each step; without a rate it only lets others go first. */
  async worked(bytes: number, bytesPerSecond: number | undefined): Promise<void> {
    if (bytesPerSecond !== undefined) this.#owedMs += (bytes * 1000) / bytesPerSecond;
    if (this.#owedMs < waitMsMin) {
      await new Promise<void>((resolve) => this.#clock.soon(resolve));
      return;
    }
    const waitMs = this.#owedMs;
    this.#owedMs = 0;
    await sleep(this.#clock, waitMs, this.#signal);
  }
}
