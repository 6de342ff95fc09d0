/** What wrong clocks show, by what right ones do. Pure. */

import type { ClockSkew } from "./clock-skew.ts";
import { trueClock } from "./clock-skew.ts";

export interface RightClocks {
  readonly monotonicMs: () => number;
  readonly wallMs: () => number;
}

export class SkewedTime {
  readonly #right: RightClocks;
  #skew = trueClock;
  /** Where the monotonic clock was when its rate changed last: it goes on from there, never back. */
  #since = { rightMs: 0, shownMs: 0 };

  constructor(right: RightClocks) {
    this.#right = right;
  }

  set(skew: ClockSkew): void {
    this.#since = { shownMs: this.monotonicMs(), rightMs: this.#right.monotonicMs() };
    this.#skew = skew;
  }

  monotonicMs(): number {
    const { rightMs, shownMs } = this.#since;
    return shownMs + (this.#right.monotonicMs() - rightMs) * this.#skew.rate;
  }

  wallMs(): number {
    return this.#right.wallMs() + this.#skew.aheadMs;
  }
}
