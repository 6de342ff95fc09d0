/** A machine on which nodes run, one after the other: what one leaves on its disk and in its stores, the next one finds. */

import { present, seededRandom } from "@holdfast/base";
import type { KeyValue } from "@holdfast/ports";
import {
  CollectingJournal,
  SimulatedClock,
  SimulatedDisk,
  SimulatedKeyValue,
  Simulation,
  simulatedHashing,
} from "@holdfast/ports/simulated";
import type { HoldfastNode } from "../src/node.ts";
import { startNode } from "../src/node.ts";
import type { NodeOptions } from "../src/node-options.ts";

const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class NodeMachine {
  readonly random = seededRandom(7);
  readonly simulation = new Simulation({ random: seededRandom(8), drain });
  readonly disk: SimulatedDisk;
  readonly journal = new CollectingJournal();
  clock = new SimulatedClock(this.simulation);
  /** Of the next process' randomness. */
  seed = 100;
  readonly #stores = new Map<string, SimulatedKeyValue>();
  readonly #options: NodeOptions;
  #node: HoldfastNode | undefined;

  constructor(options: NodeOptions = {}, diskLatencyMs = { min: 0, max: 0 }) {
    const { random, simulation } = this;
    this.disk = new SimulatedDisk({ random, simulation, latencyMs: diskLatencyMs });
    this.#options = {
      shardCount: 4,
      segmentBytes: 256 * 1024,
      reserveBytes: 0,
      readerGraceMs: 1000,
      ...options,
    };
  }

  get node(): HoldfastNode {
    return present(this.#node, "node runs");
  }

  async start(options: NodeOptions = {}): Promise<HoldfastNode> {
    const openKeyValue = (folder: string): Promise<KeyValue> => Promise.resolve(this.store(folder).mount());
    const { disk, journal } = this;
    this.clock = new SimulatedClock(this.simulation);
    const ports = { clock: this.clock, disk: disk.mount(), openKeyValue, hashing: simulatedHashing, journal };
    const starting = startNode(
      { ...ports, random: seededRandom(this.seed++) },
      { ...this.#options, ...options },
    );
    this.#node = await this.run(starting);
    return this.#node;
  }

  async stop(): Promise<void> {
    const node = this.#node;
    this.#node = undefined;
    if (node !== undefined) await this.run(node.stop());
  }

  crash(kind: "kill" | "power-loss"): void {
    this.#node = undefined;
    this.clock.halt();
    if (kind === "kill") this.disk.kill();
    else this.disk.powerLoss();
    for (const store of this.#stores.values()) {
      if (kind === "kill") store.kill();
      else store.powerLoss();
    }
  }

  run<T>(promise: Promise<T>): Promise<T> {
    return this.simulation.runUntilSettled(promise);
  }

  loseStore(folder: string): void {
    this.#stores.delete(folder);
  }

  store(folder: string): SimulatedKeyValue {
    let store = this.#stores.get(folder);
    if (store === undefined) {
      store = new SimulatedKeyValue({ random: this.random });
      this.#stores.set(folder, store);
    }
    return store;
  }
}
