/**
 * Nodes that replicate blocks, as their layout changes, in virtual time: the records of the system group, the driver of the
 * layout, the shards as far as they take or refuse evidence, and each node's backfill and drops. Nodes learn of a layout one
 * after the other.
 */

import assert from "node:assert/strict";
import type { BlockId, Epoch, NodeId, ShardId } from "@holdfast/base";
import {
  blockIdText,
  contentIdText,
  encode,
  epoch,
  logIndex,
  nodeId,
  present,
  StoreError,
  shardId,
  toHex,
  uniform,
} from "@holdfast/base";
import { MemoryState, sleep } from "@holdfast/ports";
import { SimulatedClock } from "@holdfast/ports/simulated";
import type { Layout, Member } from "@holdfast/ring";
import { createLayout, hasJointPartitions, layoutCodec } from "@holdfast/ring";
import type { NodeChange, SystemCommand, SystemResult } from "@holdfast/shard";
import { findLayout, findNode, layoutChange, SystemMachine, systemEntryCodec } from "@holdfast/shard";
import { EpochCloser } from "../src/cluster/epoch-closer.ts";
import { LayoutDriver } from "../src/cluster/layout-driver.ts";
import { LayoutPlacement } from "../src/cluster/layout-placement.ts";
import type { ContentStatus, SystemPort } from "../src/cluster/layout-ports.ts";
import { Backfiller } from "../src/replication/backfiller.ts";
import { Dropper } from "../src/replication/dropper.ts";
import { quorumOf } from "../src/replication/quorum.ts";
import type { ClusterOptions } from "./replicated-cluster.ts";
import { bodyOf, ReplicatedCluster } from "./replicated-cluster.ts";

const partitionBits = 4;
const shardCount = 2;
const latencyMs = 3;

export interface LayoutClusterOptions extends ClusterOptions {
  /** Nodes of the first layout: the first so many. */
  readonly first: number;
  readonly all: number;
  readonly widths: readonly number[];
  /** Those that blocks may have; the widest unless given. */
  readonly used?: readonly number[];
  /** How long a node may not know of a layout. */
  readonly lagMsMax?: number;
  readonly bytesPerSecondMax?: number;
  /** Nodes give nothing back. */
  readonly keeps?: boolean;
}

export interface CommittedBlock {
  readonly id: BlockId;
  readonly width: number;
}

export function nameOf(number: number): NodeId {
  return nodeId(String(number).padStart(16, "0"));
}

export class LayoutCluster {
  readonly nodes: ReplicatedCluster;
  readonly state: MemoryState = new MemoryState();
  readonly committed: CommittedBlock[] = [];
  /** What the home shard says; what is not in here was never begun. */
  readonly contents = new Map<string, ContentStatus>();
  /** Sees each question first. */
  onContentStatus: (content: string, askedBy: NodeId) => void = () => undefined;
  /** While false nothing new is proposed. */
  drives = true;
  closes = true;
  readonly #options: LayoutClusterOptions;
  readonly #clock: SimulatedClock;
  readonly #machine = new SystemMachine(this.state);
  readonly #placements = new Map<NodeId, LayoutPlacement>();
  /** What the shards have closed. */
  #closed: Epoch = epoch(0);
  #index = 0;

  private constructor(nodes: ReplicatedCluster, options: LayoutClusterOptions) {
    this.nodes = nodes;
    this.#options = options;
    this.#clock = new SimulatedClock(nodes.simulation);
  }

  static async start(options: LayoutClusterOptions): Promise<LayoutCluster> {
    const names = Array.from({ length: options.all }, (_, i) => nameOf(i + 1));
    const nodes = await ReplicatedCluster.start(names, options);
    const cluster = new LayoutCluster(nodes, options);
    cluster.#found();
    for (const id of nodes.ids) cluster.#work(id);
    const { system } = cluster;
    const parts = { system, clock: cluster.#clock, journal: nodes.journal };
    new LayoutDriver({ ...parts, isLeader: () => cluster.drives }, 200).start();
    new EpochCloser(
      {
        ...parts,
        ledShards: () => (cluster.closes ? [shardId(0), shardId(1)] : []),
        closeEpoch: (shard, at) => cluster.#close(shard, at),
      },
      200,
    ).start();
    return cluster;
  }

  get layout(): Layout {
    return present(findLayout(this.state), "a layout");
  }

  get isChanging(): boolean {
    return layoutChange(this.state) !== undefined;
  }

  get system(): SystemPort {
    return {
      state: this.state,
      append: async (command) => {
        await sleep(this.#clock, latencyMs);
        return this.apply(command);
      },
    };
  }

  apply(command: SystemCommand): SystemResult {
    const before = findLayout(this.state)?.epoch;
    const timeMs = Math.floor(this.#clock.wallMs());
    const entry = encode(systemEntryCodec, { timeMs, command });
    const result = this.#machine.apply({ index: logIndex(++this.#index), command: entry });
    const layout = findLayout(this.state);
    if (layout !== undefined && layout.epoch !== before) this.#spread(layout);
    return result;
  }

  /** A node that runs becomes a member. */
  join(number: number): void {
    const token = new Uint8Array(32).fill(number);
    this.apply({ kind: "issueToken", digest: token, lifetimeMs: 60_000 });
    assert.equal(this.apply({ kind: "joinNode", token, node: this.#newNode(number) }).kind, "node");
  }

  createBucket(width: number): void {
    const redundancy = { dataFragments: 1, parityFragments: width - 1 };
    const settings = { redundancy, blockBytes: 1_048_576 };
    const place = { owner: "o", shardCount: 1, firstShard: 0 };
    const result = this.apply({ kind: "createBucket", name: `width-${width}`, ...place, settings });
    assert.equal(result.kind, "bucket");
  }

  change(number: number, change: Partial<NodeChange>): void {
    const { zone, weight, draining } = present(findNode(this.state, nameOf(number)), "a member");
    const command = {
      kind: "changeNode",
      node: nameOf(number),
      change: { zone, weight, draining, ...change },
    };
    assert.equal(this.apply(command as SystemCommand).kind, "node");
  }

  /** Stores a block and commits it, as a writer does it: what its shard does not take any more it confirms again. */
  async write(at: NodeId, block: CommittedBlock): Promise<void> {
    const content = contentIdText(block.id.content);
    if (!this.contents.has(content)) this.contents.set(content, "open");
    while (!(await this.#tryWrite(at, block))) {
      // Its process died: nobody commits this any more.
      if (!this.nodes.nodes.has(at)) return;
    }
    this.contents.set(content, { width: block.width });
    this.committed.push(block);
  }

  async #tryWrite(at: NodeId, { id, width }: CommittedBlock): Promise<boolean> {
    try {
      const { epoch: evidence } = await this.nodes.put(at, id, width).durable;
      await sleep(this.#clock, latencyMs);
      return evidence >= this.#closed;
    } catch (error) {
      if (!(error instanceof StoreError && error.outcome === "not-applied")) throw error;
      await sleep(this.#clock, latencyMs);
      return false;
    }
  }

  crash(number: number, how: "kill" | "power-loss" = "kill"): void {
    this.nodes.crash(nameOf(number), how);
  }

  async restart(number: number): Promise<void> {
    await this.nodes.start(nameOf(number));
    this.#work(nameOf(number));
  }

  /** Until no change is under way and none is wished for; fails after so long. */
  async settle(msMax = 120_000): Promise<void> {
    const { simulation } = this.nodes;
    const endMs = simulation.nowMs + msMax;
    for (let quietMs = 0; quietMs < 10_000; quietMs = this.isChanging ? 0 : quietMs + 500) {
      assert.ok(simulation.nowMs < endMs, "the layout change ends");
      await simulation.runFor(500);
    }
  }

  /** Everything that was acknowledged is on its slots, at least a quorum of them, and nowhere else. */
  async assertMoved(): Promise<void> {
    assert.ok(!hasJointPartitions(this.layout));
    for (const { id, width } of this.live()) {
      const { slots, next } = present(this.#placements.get(nameOf(1)), "a placement").slotsOf(id, width);
      assert.equal(next, undefined);
      const holders = this.nodes.ids.filter((node) => this.nodes.nodes.get(node)?.store.has(id) === true);
      const block = blockIdText(id);
      assert.ok(
        holders.filter((node) => slots.includes(node)).length >= quorumOf(width),
        `${block} in its slots`,
      );
      const strays = holders.filter((node) => !slots.includes(node));
      if (this.#options.keeps !== true) assert.deepEqual(strays, [], `holders of ${block}`);
    }
    await this.assertReadable();
  }

  async assertReadable(): Promise<void> {
    const running = [...this.nodes.nodes.keys()];
    const reads = this.live().map(async ({ id, width }, i) => {
      const node = present(running[i % running.length], "a node that runs");
      const { body } = await this.nodes.node(node).blocks.read(id, width);
      assert.deepEqual(body, bodyOf(id), `block ${blockIdText(id)} read at ${node}`);
    });
    await this.nodes.run(Promise.all(reads));
  }

  /** Committed and not deleted since. */
  live(): readonly CommittedBlock[] {
    return this.committed.filter(({ id }) => this.contents.get(contentIdText(id.content)) !== "gone");
  }

  placementOf(id: NodeId): LayoutPlacement {
    return present(this.#placements.get(id), "a placement");
  }

  #found(): void {
    const { first, widths } = this.#options;
    this.apply({ kind: "createCluster", clusterId: "c", shardCount });
    const node = this.#newNode(1);
    this.apply({ kind: "foundCluster", founding: { consensus: "raft", partitionBits }, node });
    for (let number = 2; number <= first; number++) this.join(number);
    const members: readonly Member[] = Array.from({ length: first }, (_, i) => ({
      id: nameOf(i + 1),
      zone: "z",
      weight: 1,
      draining: false,
    }));
    for (const id of this.nodes.ids) this.#placements.set(id, new LayoutPlacement());
    const made = createLayout({ partitionBits, shardCount, members, widths });
    assert.equal(made.kind, "changed");
    const layout = encode(layoutCodec, made.layout);
    assert.equal(this.apply({ kind: "setLayout", layout }).kind, "done");
    for (const width of this.#options.used ?? [Math.max(...widths)]) this.createBucket(width);
    for (const placement of this.#placements.values()) placement.adopt(made.layout);
    for (const [id, placement] of this.#placements)
      this.nodes.follow(id, (block, width) => placement.slotsOf(block, width));
  }

  #newNode(number: number) {
    const { store } = this.nodes.node(nameOf(number));
    return {
      id: nameOf(number),
      zone: "z",
      weight: 1,
      addresses: { rpc: "r:1", http: "h:1", s3: "s:1" },
      logIncarnation: `log-${number}`,
      volumeIncarnation: toHex(store.incarnation),
    };
  }

  #work(id: NodeId): void {
    const { slots, trust, clock, incomplete, store } = this.nodes.node(id);
    const { random, journal, limits } = this.nodes;
    const placement = this.placementOf(id);
    const shared = {
      slots,
      trust,
      clock,
      random,
      journal,
      limits,
      placement,
      metrics: this.nodes.metricsOf(id),
      system: this.system,
      contentStatus: (content: BlockId["content"]) => this.#statusOf(contentIdText(content), id),
      yieldToForeground: () => undefined,
    };
    const { bytesPerSecondMax = 10_000_000 } = this.#options;
    new Backfiller(shared, { intervalMs: 300, retryMsMax: 5000, bytesPerSecondMax }).start();
    if (this.#options.keeps === true) return;
    const confirmedLayout = async (): Promise<Layout> => {
      await sleep(this.#clock, latencyMs);
      return this.layout;
    };
    new Dropper(
      { ...shared, store, incomplete, confirmedLayout },
      { intervalMs: 400, retryMsMax: 5000, contentsPerSecondMax: 10_000 },
    ).start();
  }

  async #statusOf(name: string, askedBy: NodeId): Promise<ContentStatus> {
    await sleep(this.#clock, latencyMs);
    this.onContentStatus(name, askedBy);
    return this.contents.get(name) ?? "gone";
  }

  async #close(shard: ShardId, at: Epoch): Promise<void> {
    await sleep(this.#clock, latencyMs);
    assert.ok(shard < shardCount);
    this.#closed = epoch(Math.max(this.#closed, at));
  }

  #spread(layout: Layout): void {
    const { lagMsMax = 500 } = this.#options;
    for (const placement of this.#placements.values())
      this.nodes.simulation.after(uniform(this.nodes.random, lagMsMax + 1), () => placement.adopt(layout));
  }
}
