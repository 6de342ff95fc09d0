/**
 * A machine with a disk, a key-value store per folder and a clock, on which a node runs, is killed, loses power and is
 * started again. What is on the disk outlives the process; nothing else does.
 */

import type { Random } from "@holdfast/base";
import { assert, nodeId, seededRandom } from "@holdfast/base";
import type { HoldfastNode, NodeOptions, NodePorts } from "@holdfast/node";
import { dataFolders, startNode } from "@holdfast/node";
import type { KeyValue } from "@holdfast/ports";
import type {
  Fate,
  JournalLine,
  SimulatedNetwork,
  SimulatedSwitch,
  Simulation,
  StruckFault,
} from "@holdfast/ports/simulated";
import {
  CollectingJournal,
  FaultCounts,
  SimulatedClock,
  SimulatedDisk,
  SimulatedKeyValue,
  simulatedHashing,
} from "@holdfast/ports/simulated";
import type { Observe } from "./observed-storage.ts";
import { observedDisk, observedStore } from "./observed-storage.ts";

export interface MachineOptions {
  readonly simulation: Simulation;
  readonly random: Random;
  readonly node: NodeOptions;
  readonly diskLatencyMs: { readonly min: number; readonly max: number };
  /** What connects it with others; without it the machine is alone. */
  readonly switch?: SimulatedSwitch;
}

export class SimulatedMachine {
  readonly disk: SimulatedDisk;
  readonly #options: MachineOptions;
  readonly #stores = new Map<string, SimulatedKeyValue>();
  readonly #journalLines: JournalLine[] = [];
  #clock: SimulatedClock;
  #network: SimulatedNetwork | undefined;
  /** How far the wall clock is ahead of the truth. */
  #skewMs = 0;

  constructor(options: MachineOptions, disk?: SimulatedDisk) {
    this.#options = options;
    const { simulation, random, diskLatencyMs } = options;
    this.disk = disk ?? new SimulatedDisk({ random, simulation, latencyMs: diskLatencyMs });
    this.#clock = new SimulatedClock(simulation);
  }

  get simulation(): Simulation {
    return this.#options.simulation;
  }

  get clock(): SimulatedClock {
    return this.#clock;
  }

  /** What nodes wrote to their journals here, from the first start on. */
  get journalLines(): readonly JournalLine[] {
    return this.#journalLines;
  }

  /** A new process. The one before has to be dead, or to have stopped. */
  boot(options: NodeOptions = {}): Promise<HoldfastNode> {
    return startNode(this.ports(), { ...this.#options.node, ...options });
  }

  /** What a new process gets; `observe` hears of everything that it does to disk and stores. */
  ports(observe?: Observe): NodePorts {
    const { simulation, random } = this.#options;
    this.#clock.halt();
    this.#clock = new SimulatedClock(simulation, { skewMs: this.#skewMs });
    const disk = this.disk.mount();
    return {
      clock: this.#clock,
      disk: observe === undefined ? disk : observedDisk(disk, observe),
      openKeyValue: async (folder: string): Promise<KeyValue> => {
        const store = this.store(folder).mount();
        return observe === undefined ? store : observedStore(store, folder, observe);
      },
      random: seededRandom(random.uint32()),
      hashing: simulatedHashing,
      journal: new CollectingJournal(this.#journalLines),
      ...this.#openNetwork(),
    };
  }

  #openNetwork(): Pick<NodePorts, "openNetwork"> {
    const { switch: connected } = this.#options;
    if (connected === undefined) return {};
    return {
      openNetwork: ({ nodeId: id }) => {
        this.#network = connected.open(nodeId(id));
        return Promise.resolve(this.#network);
      },
    };
  }

  /** Another machine with what is on this one's disk and in its memory, unsynced changes included. */
  fork(options: Pick<MachineOptions, "simulation" | "random">): SimulatedMachine {
    const { simulation, random } = options;
    const latencyMs = this.#options.diskLatencyMs;
    const disk = this.disk.fork({ random, simulation, latencyMs });
    const twin = new SimulatedMachine({ ...this.#options, ...options }, disk);
    for (const [folder, store] of this.#stores)
      twin.#stores.set(folder, store.fork({ random, simulation, latencyMs }));
    twin.#skewMs = this.#skewMs;
    return twin;
  }

  /** The process dies; what it wrote stays in the machine's memory and on its disk. */
  kill(): void {
    this.#endProcess();
    this.disk.kill();
    for (const store of this.#stores.values()) store.kill();
  }

  /** Of what was not made durable, fate decides; chance, unless told. */
  powerLoss(fate?: Fate): void {
    this.#endProcess();
    this.disk.powerLoss(fate);
    for (const store of this.#stores.values()) store.powerLoss(fate);
  }

  #endProcess(): void {
    this.#clock.halt();
    this.#network?.kill();
    this.#network = undefined;
  }

  /** What really happened to disk and stores; crashes count once. */
  get struck(): readonly (readonly [StruckFault, number])[] {
    const counts = new FaultCounts();
    for (const [fault, count] of this.disk.struck.entries) counts.add(fault, count);
    for (const store of this.#stores.values())
      for (const [fault, count] of store.struck.entries)
        if (fault !== "kill" && fault !== "power-loss") counts.add(fault, count);
    return counts.entries;
  }

  /** What a dead node left of its log goes, as with a device that is lost. */
  async loseLog(): Promise<void> {
    const disk = this.disk.mount();
    for (const name of await disk.list(dataFolders.log)) await disk.remove(`${dataFolders.log}/${name}`);
    await disk.syncDirectory(dataFolders.log);
  }

  /** The store goes, with all that is in it. */
  loseStore(folder: string): void {
    this.#stores.delete(folder);
  }

  jumpWall(byMs: number): void {
    this.#skewMs += byMs;
    this.#clock.jumpWall(byMs);
  }

  /** Of the state store that counts: the last that was made. */
  get stateFolder(): string {
    const made = [...this.#stores.keys()].filter((folder) => folder.startsWith(dataFolders.state));
    return made.at(-1) ?? dataFolders.state;
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
