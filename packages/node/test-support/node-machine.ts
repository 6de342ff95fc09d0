/** A machine on which nodes run, one after the other: what one leaves on its disk and in its stores, the next one finds. */

import { nodeId, present, seededRandom } from "@holdfast/base";
import type { KeyValue } from "@holdfast/ports";
import {
  CollectingJournal,
  RecordingMetrics,
  SimulatedClock,
  SimulatedDisk,
  SimulatedKeyValue,
  type SimulatedNetwork,
  type SimulatedSwitch,
  Simulation,
  simulatedHashing,
} from "@holdfast/ports/simulated";
import { folders } from "../src/identity.ts";
import type { HoldfastNode } from "../src/node.ts";
import { startNode } from "../src/node.ts";
import type { NodeFailure } from "../src/node-failure.ts";
import type { NodeOptions, NodePorts } from "../src/node-options.ts";

const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What machines of one cluster share. */
export interface SharedWorld {
  readonly simulation: Simulation;
  readonly switch: SimulatedSwitch;
}

export class NodeMachine {
  readonly random = seededRandom(7);
  readonly simulation: Simulation;
  readonly disk: SimulatedDisk;
  readonly journal = new CollectingJournal();
  clock: SimulatedClock;
  /** Of the node that runs. */
  metrics = new RecordingMetrics();
  /** Of the next process' randomness. */
  seed = 100;
  readonly #stores = new Map<string, SimulatedKeyValue>();
  readonly #options: NodeOptions;
  readonly #world: SharedWorld | undefined;
  #network: SimulatedNetwork | undefined;
  #node: HoldfastNode | undefined;

  /** `world`: with others; without it the machine is alone. */
  constructor(options: NodeOptions = {}, diskLatencyMs = { min: 0, max: 0 }, world?: SharedWorld) {
    this.#world = world;
    this.simulation = world?.simulation ?? new Simulation({ random: seededRandom(8), drain });
    this.clock = new SimulatedClock(this.simulation);
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

  /** One that has to make its state store anew is started again, as by `holdfast server`. */
  async start(options: NodeOptions = {}): Promise<HoldfastNode> {
    this.#node = await this.run(this.boot(options));
    this.#watch(this.#node);
    return this.#node;
  }

  #watch(node: HoldfastNode): void {
    const boot = async ({ startsAnew }: NodeFailure): Promise<void> => {
      if (!startsAnew || this.#node !== node) return;
      await node.stop();
      if (this.#node !== node) return;
      const next = await this.boot({});
      if (this.#node !== node) return;
      this.#node = next;
      this.#watch(next);
    };
    void node.failed.then(boot);
  }

  /** A process that starts while the world goes on, and may be crashed meanwhile: then what becomes of this says nothing. */
  boot(options: NodeOptions = {}): Promise<HoldfastNode> {
    const openKeyValue = (folder: string): Promise<KeyValue> => Promise.resolve(this.store(folder).mount());
    const { disk, journal } = this;
    this.clock = new SimulatedClock(this.simulation);
    this.metrics = new RecordingMetrics();
    const { clock, metrics } = this;
    const ports = { clock, disk: disk.mount(), openKeyValue, hashing: simulatedHashing, journal, metrics };
    const together = this.#world === undefined ? {} : { openNetwork: this.#openNetwork(this.#world) };
    return startNode(
      { ...ports, ...together, random: seededRandom(this.seed++) },
      { ...this.#options, ...options },
    );
  }

  #openNetwork(world: SharedWorld): NonNullable<NodePorts["openNetwork"]> {
    return ({ nodeId: id }) => {
      this.#network = world.switch.open(nodeId(id));
      return Promise.resolve(this.#network);
    };
  }

  async stop(): Promise<void> {
    const node = this.#node;
    this.#node = undefined;
    if (node !== undefined) await this.run(node.stop());
  }

  crash(kind: "kill" | "power-loss"): void {
    this.#node = undefined;
    this.clock.halt();
    this.#network?.kill();
    if (kind === "kill") this.disk.kill();
    else this.disk.powerLoss();
    for (const store of this.#stores.values()) {
      if (kind === "kill") store.kill();
      else store.powerLoss();
    }
  }

  /** What a dead node left of its log goes, as with a device that is lost. */
  async loseLog(): Promise<void> {
    const disk = this.disk.mount();
    for (const name of await this.run(disk.list(folders.log)))
      await this.run(disk.remove(`${folders.log}/${name}`));
    await this.run(disk.syncDirectory(folders.log));
  }

  run<T>(promise: Promise<T>): Promise<T> {
    return this.simulation.runUntilSettled(promise);
  }

  /** The state store that counts: the last that was made. */
  get states(): SimulatedKeyValue {
    const made = [...this.#stores.keys()].filter((folder) => folder.startsWith(folders.state));
    return this.store(made.at(-1) ?? folders.state);
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
