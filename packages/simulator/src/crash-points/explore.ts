/**
 * Crash points, enumerated: the work runs once, and at each call that changes disk or stores the machine is forked, while
 * the call is under way and when it has ended. Of each fork every outcome within the bounds is brought about
 * (outcomes.ts) and judged:
 *   1. it recovers, and shows what may be there;
 *   2. the power fails at once and takes all that was not synced: the next recovery shows the same (S8);
 *   3. behind some outcomes the recovery itself is cut at its calls, in the same manner, and so is that one's recovery
 *      (`depth`); and the subject goes on to its end (`finish`).
 */

import type { Random } from "@holdfast/base";
import { seededRandom } from "@holdfast/base";
import { Simulation } from "@holdfast/ports/simulated";
import { SimulatedMachine } from "../machine/simulated-machine.ts";
import { violated } from "../model/violation.ts";
import type { Outcome, OutcomeBounds } from "./outcomes.ts";
import { byChance, keepsEverything, losesEverything, outcomesOf } from "./outcomes.ts";
import type { Subject } from "./subject.ts";

export interface ExploreBounds extends OutcomeBounds {
  /** Every so many crash points of the work; 1 is every one. */
  readonly stride: number;
  /** Which of them, below `stride`. */
  readonly offset?: number;
  /** How often the recovery of a recovery is cut: 1 cuts recoveries, 2 recoveries after cut recoveries too. */
  readonly depth: number;
  /** Of the crash points of a recovery, every so many. */
  readonly recoveryStride: number;
  readonly seed: number;
}

export interface Explored {
  pointsCount: number;
  /** Crash points of which every outcome was judged. */
  exhaustedCount: number;
  outcomesCount: number;
  recoveriesCount: number;
}

interface CrashPoint<Expected> {
  readonly text: string;
  readonly machine: SimulatedMachine;
  readonly expected: Expected;
}

/** Forks kept at a time: each has a disk of its own in memory. */
const windowPoints = 60;
/** Wide, so that calls that go on side by side end in any order. */
const diskLatencyMs = { min: 0.02, max: 2 };

export async function explore<Expected>(
  subject: Subject<Expected>,
  bounds: ExploreBounds,
  drain: () => Promise<void>,
): Promise<Explored> {
  const explored: Explored = { pointsCount: 0, exhaustedCount: 0, outcomesCount: 0, recoveriesCount: 0 };
  const explorer = new Explorer(subject, bounds, drain, explored);
  for (let from = 0; ; from += windowPoints) {
    const { points, isLast } = await explorer.crashPoints(from, from + windowPoints);
    for (const point of points) await explorer.judgeAll(point);
    if (isLast) return explored;
  }
}

class Explorer<Expected> {
  readonly #subject: Subject<Expected>;
  readonly #bounds: ExploreBounds;
  readonly #drain: () => Promise<void>;
  readonly #explored: Explored;
  readonly #random: Random;

  constructor(
    subject: Subject<Expected>,
    bounds: ExploreBounds,
    drain: () => Promise<void>,
    explored: Explored,
  ) {
    this.#subject = subject;
    this.#bounds = bounds;
    this.#drain = drain;
    this.#explored = explored;
    this.#random = seededRandom(bounds.seed);
  }

  /** The chosen points number `from` to `to` of the work. */
  async crashPoints(
    from: number,
    to: number,
  ): Promise<{ readonly points: readonly CrashPoint<Expected>[]; readonly isLast: boolean }> {
    const { stride, offset = 0, seed } = this.#bounds;
    const points: CrashPoint<Expected>[] = [];
    const simulation = new Simulation({ random: seededRandom(seed), drain: this.#drain });
    const random = seededRandom(seed + 1);
    const machine = new SimulatedMachine({ simulation, random, node: this.#subject.node, diskLatencyMs });
    const work = this.#subject.begin();
    let [momentsCount, chosenCount] = [0, 0];
    const ports = machine.ports((operation, moment) => {
      const text = `${this.#subject.name}, moment ${momentsCount}: ${moment} "${operation}"`;
      if (momentsCount++ % stride !== offset) return;
      if (chosenCount >= from && chosenCount < to)
        points.push({ text, machine: this.#fork(machine), expected: work.expected() });
      chosenCount++;
    });
    await simulation.runUntilSettled(work.run(ports));
    return { points, isLast: chosenCount <= to };
  }

  async judgeAll(point: CrashPoint<Expected>): Promise<void> {
    const outcomes = outcomesOf(this.#fork(point.machine), this.#random, this.#bounds);
    this.#explored.pointsCount++;
    if (outcomes[0]?.isExhaustive === true) this.#explored.exhaustedCount++;
    for (const [i, outcome] of outcomes.entries()) {
      // Cutting recoveries multiplies: only behind the kill, two power losses that keep little, and the last one.
      const depth = i < 3 || i === outcomes.length - 1 ? this.#bounds.depth : 0;
      await this.#judge(point, outcome, depth);
    }
  }

  async #judge(point: CrashPoint<Expected>, outcome: Outcome, depth: number): Promise<void> {
    this.#explored.outcomesCount++;
    const machine = this.#fork(point.machine);
    outcome.crash(machine);
    const nested: CrashPoint<Expected>[] = [];
    const text = `${point.text}; ${outcome.text}`;
    try {
      const shown = await this.#recover(machine, point.expected, (operation, moment, momentsCount) => {
        if (depth === 0 || momentsCount % this.#bounds.recoveryStride !== 0) return;
        const cut = `${text}\n  then at moment ${momentsCount} of the recovery: ${moment} "${operation}"`;
        nested.push({ text: cut, machine: this.#fork(machine), expected: point.expected });
      });
      losesEverything.crash(machine);
      const again = await this.#recover(machine, shown);
      if (depth === this.#bounds.depth) await this.#finish(machine, again);
    } catch (error) {
      violated(`${text}:\n  ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
    for (const cut of nested)
      for (const one of [losesEverything, keepsEverything, byChance(seededRandom(this.#random.uint32()))])
        await this.#judge(cut, one, depth - 1);
  }

  #recover(
    machine: SimulatedMachine,
    expected: Expected,
    observe?: (operation: string, moment: "during" | "after", momentsCount: number) => void,
  ): Promise<Expected> {
    this.#explored.recoveriesCount++;
    let momentsCount = 0;
    const ports = machine.ports(
      observe === undefined ? undefined : (operation, moment) => observe(operation, moment, momentsCount++),
    );
    return machine.simulation.runUntilSettled(this.#subject.recover(ports, expected));
  }

  async #finish(machine: SimulatedMachine, expected: Expected): Promise<void> {
    const finishing = this.#subject.finish?.(machine, expected);
    if (finishing !== undefined) await machine.simulation.runUntilSettled(finishing);
  }

  /** The true time goes on where the origin's stood. */
  #fork(machine: SimulatedMachine): SimulatedMachine {
    const { wallStartMs, nowMs } = machine.simulation;
    const random = seededRandom(this.#random.uint32());
    const simulation = new Simulation({ random, drain: this.#drain, wallStartMs: wallStartMs + nowMs });
    return machine.fork({ simulation, random });
  }
}
