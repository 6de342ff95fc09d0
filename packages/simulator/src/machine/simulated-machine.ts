/**
 * A machine with a disk, a key-value store per folder and a clock, on which a node runs, is killed, loses power and is
 * started again. What is on the disk outlives the process; nothing else does.
 */

import type { Random } from "@holdfast/base";
import { assert, seededRandom } from "@holdfast/base";
import type { HoldfastNode, NodeOptions } from "@holdfast/node";
import { startNode } from "@holdfast/node";
import type { KeyValue } from "@holdfast/ports";
import type { JournalLine, Simulation } from "@holdfast/ports/simulated";
import {
  CollectingJournal,
  SimulatedClock,
  SimulatedDisk,
  SimulatedKeyValue,
  simulatedHashing,
} from "@holdfast/ports/simulated";

export interface MachineOptions {
  readonly simulation: Simulation;
  readonly random: Random;
  readonly node: NodeOptions;
  readonly diskLatencyMs: { readonly min: number; readonly max: number };
}

export class SimulatedMachine {
  readonly disk: SimulatedDisk;
  readonly #options: MachineOptions;
  readonly #stores = new Map<string, SimulatedKeyValue>();
  readonly #journalLines: JournalLine[] = [];
  #clock: SimulatedClock;
  /** How far the wall clock is ahead of the truth. */
  #skewMs = 0;

  constructor(options: MachineOptions) {
    this.#options = options;
    const { simulation, random, diskLatencyMs } = options;
    this.disk = new SimulatedDisk({ random, simulation, latencyMs: diskLatencyMs });
    this.#clock = new SimulatedClock(simulation);
  }

  get clock(): SimulatedClock {
    return this.#clock;
  }

  /** What nodes wrote to their journals here, from the first start on. */
  get journalLines(): readonly JournalLine[] {
    return this.#journalLines;
  }

  /** A new process. The one before has to be dead, or to have stopped. */
  boot(): Promise<HoldfastNode> {
    const { simulation, random, node } = this.#options;
    this.#clock.halt();
    this.#clock = new SimulatedClock(simulation, { skewMs: this.#skewMs });
    const ports = {
      clock: this.#clock,
      disk: this.disk.mount(),
      openKeyValue: async (folder: string): Promise<KeyValue> => this.store(folder).mount(),
      random: seededRandom(random.uint32()),
      hashing: simulatedHashing,
      journal: new CollectingJournal(this.#journalLines),
    };
    return startNode(ports, node);
  }

  /** The process dies; what it wrote stays in the machine's memory and on its disk. */
  kill(): void {
    this.#clock.halt();
    this.disk.kill();
    for (const store of this.#stores.values()) store.kill();
  }

  /** Of what was not made durable, chance decides. */
  powerLoss(): void {
    this.#clock.halt();
    this.disk.powerLoss();
    for (const store of this.#stores.values()) store.powerLoss();
  }

  jumpWall(byMs: number): void {
    this.#skewMs += byMs;
    this.#clock.jumpWall(byMs);
  }

  /** The key-value store of a folder, made when it is first asked for. */
  store(folder: string): SimulatedKeyValue {
    let store = this.#stores.get(folder);
    if (store === undefined) {
      const { simulation, random, diskLatencyMs } = this.#options;
      store = new SimulatedKeyValue({ random, simulation, latencyMs: diskLatencyMs });
      this.#stores.set(folder, store);
    }
    return store;
  }

  /** Failures that were asked for and have not struck yet never will. */
  clearFaults(): void {
    this.disk.clearFaults();
    for (const store of this.#stores.values()) store.clearFaults();
  }

  failNextFlush(folder: string): void {
    const store = this.#stores.get(folder);
    assert(store !== undefined, `a key-value store in ${folder}`);
    store.failNextFlush();
  }
}
