/** Drives a simulation until something is done, or shows that it never will be. */

import type { Simulation } from "@holdfast/ports/simulated";
import { violated } from "../model/violation.ts";
import { settled } from "../run/settled.ts";

export interface DriverOptions {
  readonly simulation: Simulation;
  /** Virtual time in which anything has to come to an end. */
  readonly patienceMs: number;
  /** Throws when something is wrong already. */
  readonly check: () => void;
}

export class Driver {
  readonly simulation: Simulation;
  readonly #options: DriverOptions;

  constructor(options: DriverOptions) {
    this.simulation = options.simulation;
    this.#options = options;
  }

  async work<T>(what: string, promise: Promise<T>): Promise<T> {
    const work = settled(promise);
    await this.stepUntil(what, () => work.done);
    return promise;
  }

  async stepUntil(what: string, isDone: () => boolean): Promise<void> {
    const { simulation } = this;
    const { patienceMs, check } = this.#options;
    const endMs = simulation.nowMs + patienceMs;
    await simulation.runFor(0);
    while (!isDone()) {
      const ran = await simulation.step();
      check();
      if (!ran && !isDone()) violated(`${what}: waits for something that will never come`);
      if (simulation.nowMs > endMs) violated(`${what}: does not come to an end within ${patienceMs} ms`);
    }
  }

  async runFor(durationMs: number): Promise<void> {
    await this.simulation.runFor(durationMs);
    this.#options.check();
  }
}
