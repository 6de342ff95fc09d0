/**
 * One thread, one virtual time, one queue of events: everything that happens in a simulated cluster happens because an
 * event of this queue ran. Fully determined by the seed of its Random and by the code that runs in it.
 *
 * Between two events every promise chain is driven to its end by `drain`, which waits for a macrotask of the real
 * event loop: pure code has no way to know when the microtasks are over, so the runner hands it in
 * (`() => new Promise((resolve) => setImmediate(resolve))`).
 */

import type { Random } from "@holdfast/base";
import { assert } from "@holdfast/base";
import type { Timer } from "../clock.ts";
import { EventQueue } from "./event-queue.ts";

export interface SimulationOptions {
  readonly random: Random;
  /** Resolves when all promise chains that can go on have gone on. */
  readonly drain: () => Promise<void>;
  /** What the world's true wall clock shows at virtual time 0. */
  readonly wallStartMs?: number;
}

export class Simulation {
  readonly random: Random;
  readonly wallStartMs: number;
  readonly #drain: () => Promise<void>;
  readonly #queue = new EventQueue();
  #nowMs = 0;
  #eventsRun = 0;
  #running = false;

  constructor({ random, drain, wallStartMs = 1_800_000_000_000 }: SimulationOptions) {
    this.random = random;
    this.wallStartMs = wallStartMs;
    this.#drain = drain;
  }

  /** Virtual milliseconds since the start; never goes back. */
  get nowMs(): number {
    return this.#nowMs;
  }

  get eventsRun(): number {
    return this.#eventsRun;
  }

  get eventsWaiting(): number {
    return this.#queue.size;
  }

  after(delayMs: number, action: () => void): Timer {
    assert(delayMs >= 0, `delay of ${delayMs} ms`);
    return this.#queue.add(this.#nowMs + delayMs, action);
  }

  /** Behind everything that is due now. */
  soon(action: () => void): void {
    this.#queue.add(this.#nowMs, action);
  }

  /** Runs the next event, if there is one, and all that follows from it at once; tells whether there was one. */
  async step(): Promise<boolean> {
    assert(!this.#running, "two runs of one simulation at once");
    this.#running = true;
    try {
      await this.#drain();
      const event = this.#queue.take();
      if (event === undefined) return false;
      assert(event.dueMs >= this.#nowMs, "virtual time goes back");
      this.#nowMs = event.dueMs;
      this.#eventsRun++;
      event.action();
      await this.#drain();
      return true;
    } finally {
      this.#running = false;
    }
  }

  /** Runs everything due up to then; afterwards it is then. */
  async runUntil(timeMs: number): Promise<void> {
    assert(timeMs >= this.#nowMs, "running into the past");
    // Promise chains that wait for nothing may still add events.
    await this.#drain();
    for (let due = this.#queue.nextDueMs; due !== undefined && due <= timeMs; due = this.#queue.nextDueMs)
      await this.step();
    this.#nowMs = timeMs;
  }

  async runFor(durationMs: number): Promise<void> {
    await this.runUntil(this.#nowMs + durationMs);
  }

  /** Runs until no event is left; throws when that takes longer than `timeMaxMs` (timers that set themselves again). */
  async runUntilIdle(timeMaxMs: number = 3_600_000): Promise<void> {
    const endMs = this.#nowMs + timeMaxMs;
    while (await this.step()) assert(this.#nowMs <= endMs, `still busy after ${timeMaxMs} ms`);
  }

  /** Runs until the promise settles, and gives what it gives; throws when it cannot settle any more, or not in time. */
  async runUntilSettled<T>(promise: Promise<T>, timeMaxMs: number = 3_600_000): Promise<T> {
    const endMs = this.#nowMs + timeMaxMs;
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    await this.#drain();
    while (!settled) {
      assert(this.#nowMs <= endMs, `not settled after ${timeMaxMs} ms`);
      const ran = await this.step();
      assert(ran || settled, "waits for something that no event will bring");
    }
    return promise;
  }
}
