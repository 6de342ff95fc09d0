/** Signs of life of one stream: a side that has nothing to say says so; one that is not heard, or rests for long, is let go. */

import type { Clock, Timer } from "@holdfast/ports";

const tickMs = 10_000;
const silentTicksMax = 4;
const restingTicksMax = 6;

export interface PulseOptions {
  readonly clock: Clock;
  /** Operations are under way: the stream does not rest. */
  readonly isBusy: () => boolean;
  /** Nothing was sent, or nothing heard, for a while. */
  readonly onQuiet: () => void;
  /** No operation for a minute: the stream may end. */
  readonly onRest: () => void;
  /** The other side is not there, or does not close what is at rest. */
  readonly onSilence: () => void;
}

export class Pulse {
  readonly #options: PulseOptions;
  #timer: Timer;
  #heard = true;
  #sent = true;
  #silentTicks = 0;
  #restingTicks = 0;

  constructor(options: PulseOptions) {
    this.#options = options;
    this.#timer = options.clock.after(tickMs, () => this.#tick());
  }

  heard(): void {
    this.#heard = true;
  }

  sent(): void {
    this.#sent = true;
  }

  /** An operation has begun. */
  busy(): void {
    this.#restingTicks = 0;
  }

  end(): void {
    this.#timer.cancel();
  }

  #tick(): void {
    this.#timer = this.#options.clock.after(tickMs, () => this.#tick());
    const isQuiet = !this.#heard || !this.#sent;
    this.#silentTicks = this.#heard ? 0 : this.#silentTicks + 1;
    this.#heard = false;
    this.#sent = false;
    this.#restingTicks = this.#options.isBusy() ? 0 : this.#restingTicks + 1;
    if (this.#silentTicks >= silentTicksMax || this.#restingTicks >= 2 * restingTicksMax)
      return this.#options.onSilence();
    if (this.#restingTicks === restingTicksMax) this.#options.onRest();
    else if (isQuiet) this.#options.onQuiet();
  }
}
