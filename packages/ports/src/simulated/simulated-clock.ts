/**
 * One node's view of the simulation's time: its crystal runs fast or slow (rate), its wall clock is off (skew) and may
 * be set (jump), its machine may be suspended. Monotonic time never goes back, and stops while suspended; wall time
 * goes on (S23).
 */

import { assert } from "@holdfast/base";
import type { Clock, Timer } from "../clock.ts";
import type { Simulation } from "./simulation.ts";

export interface SimulatedClockOptions {
  /** Local milliseconds per true millisecond; 1.001 gains one second in 1,000. */
  readonly rate?: number;
  /** How far the wall clock is ahead of the truth at the start. */
  readonly skewMs?: number;
}

export class SimulatedClock implements Clock {
  readonly #simulation: Simulation;
  #rate: number;
  /** Monotonic time at the true time of `#anchorMs`. */
  #monotonicAtAnchorMs = 0;
  #anchorMs: number;
  /** Wall time minus monotonic time. */
  #wallOffsetMs: number;
  #suspended = false;
  #halted = false;
  /** What came due while the machine was suspended. */
  #held: (() => void)[] = [];

  constructor(simulation: Simulation, { rate = 1, skewMs = 0 }: SimulatedClockOptions = {}) {
    assert(rate > 0, `clock rate of ${rate}`);
    this.#simulation = simulation;
    this.#rate = rate;
    this.#anchorMs = simulation.nowMs;
    this.#wallOffsetMs = simulation.wallStartMs + simulation.nowMs + skewMs;
  }

  /** In whole microseconds, so that a timer's due time can be compared without rounding errors. */
  monotonicMs(): number {
    const elapsedMs = this.#suspended ? 0 : (this.#simulation.nowMs - this.#anchorMs) * this.#rate;
    return Math.round((this.#monotonicAtAnchorMs + elapsedMs) * 1000) / 1000;
  }

  wallMs(): number {
    const suspendedMs = this.#suspended ? (this.#simulation.nowMs - this.#anchorMs) * this.#rate : 0;
    return Math.floor(this.#wallOffsetMs + this.monotonicMs() + suspendedMs);
  }

  after(delayMs: number, action: () => void): Timer {
    const dueMs = this.monotonicMs() + Math.max(0, delayMs);
    let cancelled = false;
    let pending: Timer | undefined;
    const wait = (): void => {
      const remainingMs = Math.max(0, dueMs - this.monotonicMs());
      pending = this.#simulation.after(remainingMs / this.#rate, () => this.#whenAwake(check));
    };
    // The rate may have changed, or the machine slept: look again, and wait for the rest (a microsecond at least).
    const check = (): void => {
      if (cancelled || this.#halted) return;
      if (this.monotonicMs() >= dueMs) return action();
      pending = this.#simulation.after(Math.max(0.001, dueMs - this.monotonicMs()) / this.#rate, () =>
        this.#whenAwake(check),
      );
    };
    wait();
    return {
      cancel: () => {
        cancelled = true;
        pending?.cancel();
      },
    };
  }

  soon(action: () => void): void {
    this.#simulation.soon(() =>
      this.#whenAwake(() => {
        if (!this.#halted) action();
      }),
    );
  }

  setRate(rate: number): void {
    assert(rate > 0 && !this.#suspended, `clock rate of ${rate}`);
    this.#reanchor();
    this.#rate = rate;
  }

  /** Sets the wall clock forward, or back by a negative number, as an operator or a bad time server does. */
  jumpWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  /** The machine sleeps: no timer fires and monotonic time stands still until `resume`. */
  suspend(): void {
    assert(!this.#suspended, "suspended twice");
    this.#reanchor();
    this.#suspended = true;
  }

  resume(): void {
    assert(this.#suspended, "resumed without a suspend");
    this.#wallOffsetMs += (this.#simulation.nowMs - this.#anchorMs) * this.#rate;
    this.#anchorMs = this.#simulation.nowMs;
    this.#suspended = false;
    const held = this.#held;
    this.#held = [];
    for (const action of held) this.#simulation.soon(action);
  }

  /** The process is dead: none of its timers ever fires. A restarted one gets a new clock. */
  halt(): void {
    this.#halted = true;
  }

  #reanchor(): void {
    this.#monotonicAtAnchorMs = this.monotonicMs();
    this.#anchorMs = this.#simulation.nowMs;
  }

  #whenAwake(action: () => void): void {
    if (this.#suspended) this.#held.push(() => this.#whenAwake(action));
    else action();
  }
}
