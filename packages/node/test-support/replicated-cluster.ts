/** Nodes that replicate blocks, in virtual time: real block stores on simulated disks, behind a simulated switch. */

import assert from "node:assert/strict";
import type { BlockId, ContentId, NodeId, Random } from "@holdfast/base";
import {
  attempt,
  blockIdText,
  crc32,
  epoch,
  nodeId,
  present,
  seededRandom,
  shardId,
  writerId,
} from "@holdfast/base";
import type { BlockStore, StoredBlock } from "@holdfast/blocks";
import { openBlockStore } from "@holdfast/blocks";
import type { Exchange } from "@holdfast/ports";
import type { SimulatedNetwork } from "@holdfast/ports/simulated";
import {
  CollectingJournal,
  RecordingMetrics,
  SimulatedClock,
  SimulatedDisk,
  SimulatedKeyValue,
  SimulatedSwitch,
  Simulation,
  simulatedHashing,
} from "@holdfast/ports/simulated";
import { BlockServer } from "../src/replication/block-server.ts";
import { Completer } from "../src/replication/completer.ts";
import { IncompleteBlocks } from "../src/replication/incomplete-blocks.ts";
import { LocalBlocks } from "../src/replication/local-blocks.ts";
import { NodeTrust } from "../src/replication/node-trust.ts";
import type { BlockSlots, Placement } from "../src/replication/placement.ts";
import { RemoteBlocks } from "../src/replication/remote-blocks.ts";
import type { StoringBlock } from "../src/replication/replicated-blocks.ts";
import { ReplicatedBlocks } from "../src/replication/replicated-blocks.ts";
import type { ReplicationLimits } from "../src/replication/replication-limits.ts";
import { replicationLimitsDefault } from "../src/replication/replication-limits.ts";
import { ServedEpoch } from "../src/replication/served-epoch.ts";
import { Slots } from "../src/replication/slots.ts";

const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
export const blocksFolder = "blocks";

export function contentOf(number: number): ContentId {
  return { home: shardId(1), writer: writerId(7), attempt: attempt(number) };
}

export function blockOf(contentNumber: number, sequence = 0): BlockId {
  return { content: contentOf(contentNumber), part: 1, sequence, salt: 0 };
}

/** The one body that a block id may have (S1). */
export function bodyOf(id: BlockId, bytes?: number): Uint8Array {
  const random = seededRandom(crc32(new TextEncoder().encode(blockIdText(id))));
  return random.bytes(bytes ?? 1 + (random.uint32() % 6000));
}

export interface ClusterOptions {
  readonly seed?: number;
  readonly limits?: Partial<ReplicationLimits>;
  readonly completedBytesPerSecond?: number;
}

/** What a node's processes leave behind. */
interface Machine {
  readonly disk: SimulatedDisk;
  readonly index: SimulatedKeyValue;
  readonly list: SimulatedKeyValue;
}

export class ReplicatedNode {
  readonly id: NodeId;
  readonly network: SimulatedNetwork;
  readonly clock: SimulatedClock;
  readonly store: BlockStore;
  readonly local: LocalBlocks;
  readonly server: BlockServer;
  readonly incomplete: IncompleteBlocks;
  readonly trust: NodeTrust;
  readonly slots: Slots;
  readonly remote: RemoteBlocks;
  readonly blocks: ReplicatedBlocks;
  readonly completer: Completer;

  constructor(parts: {
    readonly cluster: ReplicatedCluster;
    readonly id: NodeId;
    readonly network: SimulatedNetwork;
    readonly clock: SimulatedClock;
    readonly store: BlockStore;
    readonly epoch: ServedEpoch;
    readonly incomplete: IncompleteBlocks;
  }) {
    const { cluster, id, network, clock, store, incomplete } = parts;
    const { limits, journal, random } = cluster;
    const hashing = simulatedHashing;
    this.id = id;
    this.network = network;
    this.clock = clock;
    this.store = store;
    this.incomplete = incomplete;
    this.local = new LocalBlocks(store, parts.epoch);
    this.server = new BlockServer(this.local, { clock, hashing, journal }, limits);
    this.trust = new NodeTrust(clock, limits);
    this.remote = new RemoteBlocks({ network, clock, hashing, frames: store.frames });
    this.slots = new Slots(id, this.local, this.remote, this.trust);
    const { slots, trust } = this;
    const placement: Placement = { slotsOf: (block, width) => cluster.layoutOf(id)(block, width) };
    const shared = { placement, slots, trust, incomplete, clock, random, journal, limits };
    this.blocks = new ReplicatedBlocks({ ...shared, metrics: cluster.metricsOf(id) });
    const mayExist = (content: ContentId): Promise<boolean> => cluster.mayExist(content);
    this.completer = new Completer(
      { ...shared, metrics: cluster.metricsOf(id), mayExist },
      { intervalMs: 500, bytesPerSecondMax: cluster.completedBytesPerSecond },
    );
    network.listen({
      onFrame: () => undefined,
      onDisconnect: () => undefined,
      onExchange: (from, request, signal) => cluster.onExchange(this, from, request, signal),
    });
    network.setPeers(cluster.ids.map((peer) => ({ id: peer, address: `${peer}:1` })));
    this.completer.start();
  }
}

export type LayoutOf = (id: BlockId, width: number) => BlockSlots;

export class ReplicatedCluster {
  readonly random: Random;
  readonly simulation: Simulation;
  readonly between: SimulatedSwitch;
  readonly journal = new CollectingJournal();
  readonly limits: ReplicationLimits;
  readonly completedBytesPerSecond: number;
  readonly ids: readonly NodeId[];
  readonly nodes = new Map<NodeId, ReplicatedNode>();
  /** What the home shard says. */
  mayExist: (content: ContentId) => Promise<boolean> = () => Promise.resolve(true);
  /** Sees each exchange before its server does. */
  onExchange: (
    node: ReplicatedNode,
    from: NodeId,
    request: Exchange,
    signal: AbortSignal,
  ) => Promise<Exchange> = (node, _from, request, signal) => node.server.onExchange(request, signal);
  readonly #machines = new Map<NodeId, Machine>();
  readonly #metrics = new Map<NodeId, RecordingMetrics>();
  readonly #layouts = new Map<NodeId, LayoutOf>();

  private constructor(names: Iterable<string>, options: ClusterOptions) {
    const { seed = 1, limits = {}, completedBytesPerSecond = 10_000_000 } = options;
    this.completedBytesPerSecond = completedBytesPerSecond;
    this.random = seededRandom(seed);
    this.simulation = new Simulation({ random: this.random, drain });
    this.between = new SimulatedSwitch({ simulation: this.simulation, silenceMsMax: 2000 });
    this.limits = { ...replicationLimitsDefault, ...limits };
    this.ids = Array.from(names, (name) => nodeId(name));
    this.setLayout(1);
  }

  static async start(names: Iterable<string>, options: ClusterOptions = {}): Promise<ReplicatedCluster> {
    const cluster = new ReplicatedCluster(names, options);
    for (const id of cluster.ids) await cluster.start(id);
    return cluster;
  }

  node(name: string): ReplicatedNode {
    return present(this.nodes.get(nodeId(name)), `node ${name} runs`);
  }

  disk(name: string): SimulatedDisk {
    return this.#machine(nodeId(name)).disk;
  }

  metricsOf(id: NodeId): RecordingMetrics {
    const metrics = this.#metrics.get(id) ?? new RecordingMetrics();
    this.#metrics.set(id, metrics);
    return metrics;
  }

  layoutOf(id: NodeId): LayoutOf {
    return present(this.#layouts.get(id), "every node knows a layout");
  }

  /** As these nodes see it; all of them unless given. Slot i of a block is the i-th of `slots`. */
  setLayout(number: number, slots = this.ids.join(""), next?: string, seenBy = this.ids.join("")): void {
    const layoutOf: LayoutOf = (_id, width) => ({
      epoch: epoch(number),
      slots: Array.from(slots, nodeId).slice(0, width),
      next: next === undefined ? undefined : Array.from(next, nodeId).slice(0, width),
    });
    for (const name of seenBy) this.#layouts.set(nodeId(name), layoutOf);
  }

  /** This node sees the layout that it is told of. */
  follow(id: NodeId, layoutOf: LayoutOf): void {
    this.#layouts.set(id, layoutOf);
  }

  run<T>(promise: Promise<T>): Promise<T> {
    return this.simulation.runUntilSettled(promise);
  }

  async start(id: NodeId): Promise<ReplicatedNode> {
    const { disk, index, list } = this.#machine(id);
    const clock = new SimulatedClock(this.simulation);
    const { random, journal } = this;
    const hashing = simulatedHashing;
    const mounted = disk.mount();
    const opening = (async () => {
      const store = await openBlockStore({
        disk: mounted,
        index: index.mount(),
        clock,
        random,
        hashing,
        journal,
        folder: blocksFolder,
      });
      const served = await ServedEpoch.open({ disk: mounted, hashing, folder: blocksFolder }, epoch(1));
      const incomplete = await IncompleteBlocks.open(list.mount(), clock);
      const network = this.between.open(id);
      return new ReplicatedNode({ cluster: this, id, network, clock, store, epoch: served, incomplete });
    })();
    const node = await this.run(opening);
    this.nodes.set(id, node);
    return node;
  }

  crash(name: string, how: "kill" | "power-loss"): void {
    const node = this.node(name);
    this.nodes.delete(node.id);
    node.network.kill();
    node.clock.halt();
    const { disk, index, list } = this.#machine(node.id);
    for (const part of [disk, index, list]) {
      if (how === "kill") part.kill();
      else part.powerLoss();
    }
  }

  /** Its process stands still, and its clock with it. */
  pause(name: string): void {
    this.between.pause(nodeId(name));
    this.node(name).clock.suspend();
  }

  resume(name: string): void {
    this.between.resume(nodeId(name));
    this.node(name).clock.resume();
  }

  isolate(name: string): void {
    this.between.partition(
      [nodeId(name)],
      this.ids.filter((id) => id !== nodeId(name)),
    );
  }

  fill(name: string): void {
    this.disk(name).capacityBytes = 0;
  }

  /** The node's process is dead, and a machine with empty disks takes its place. */
  lose(name: string): void {
    if (this.nodes.has(nodeId(name))) this.crash(name, "kill");
    this.#machines.delete(nodeId(name));
  }

  put(name: string, id: BlockId, width: number, body = bodyOf(id)): StoringBlock {
    const storing = this.node(name).blocks.put(id, body, crc32(body), width);
    storing.durable.catch(() => undefined);
    return storing;
  }

  async assertReads(name: string, id: BlockId, width: number, body = bodyOf(id)): Promise<void> {
    const stored: StoredBlock = await this.run(this.node(name).blocks.read(id, width));
    assert.deepEqual(stored.body, body, `block ${blockIdText(id)} read at ${name}`);
    assert.equal(stored.checksum, crc32(body));
  }

  /** The running nodes that hold it, undamaged. */
  holders(id: BlockId): string {
    return this.ids.filter((node) => this.nodes.get(node)?.store.has(id) === true).join("");
  }

  /** Damages every copy of the body on this node's disk. */
  async rot(name: string, body: Uint8Array): Promise<void> {
    const disk = this.disk(name);
    const wanted = Array.from(body.subarray(0, 16));
    for (const file of await this.run(disk.list(blocksFolder))) {
      const path = `${blocksFolder}/${file}`;
      const bytes = disk.peek(path) ?? new Uint8Array(0);
      for (let at = 0; at + wanted.length <= bytes.length; at++)
        if (wanted.every((byte, i) => bytes[at + i] === byte)) disk.rot(path, at);
    }
  }

  events(event: string): number {
    return this.journal.lines.filter((line) => line.event === event).length;
  }

  #machine(id: NodeId): Machine {
    const known = this.#machines.get(id);
    if (known !== undefined) return known;
    const { simulation, random } = this;
    const latencyMs = { min: 0.1, max: 2 };
    const machine = {
      disk: new SimulatedDisk({ simulation, random, latencyMs }),
      index: new SimulatedKeyValue({ random }),
      list: new SimulatedKeyValue({ simulation, random, latencyMs }),
    };
    this.#machines.set(id, machine);
    return machine;
  }
}
