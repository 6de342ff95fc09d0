/**
 * A whole node over its ports: opens what the data directory holds, recovers, serves, stops.
 *
 * Start, in this order: lock the directory; identity; write-ahead log (which syncs what it read before anything counts,
 * S8); every group replayed from its applied index to the end of the log; block engine; writers of earlier runs closed
 * and this run's opened; bucket changes that a crash interrupted finished. Only then it serves.
 */

import type { Random, ShardId } from "@holdfast/base";
import { assert, encode, limits, StoreError, shardId, toHex } from "@holdfast/base";
import type { BlockStore } from "@holdfast/blocks";
import { openBlockStore } from "@holdfast/blocks";
import { findCluster } from "@holdfast/namespace";
import type { Clock, Disk, Hashing, Journal, KeyValue, Metrics } from "@holdfast/ports";
import { allMetrics, silentMetrics } from "@holdfast/ports";
import type { SystemResult } from "@holdfast/shard";
import { listWriters, ShardMachine, SystemMachine, systemEntryCodec } from "@holdfast/shard";
import { StateStore } from "@holdfast/state";
import type { WriteAheadLog } from "@holdfast/wal";
import { Admission } from "./admission.ts";
import { BucketAdmin } from "./buckets/bucket-admin.ts";
import { BucketDirectory } from "./buckets/bucket-directory.ts";
import { Closing } from "./closing.ts";
import { Collector } from "./collector.ts";
import type { Files } from "./files/interface.ts";
import { NodeFiles } from "./files/node-files.ts";
import { Checkpointer } from "./groups/checkpointer.ts";
import { shardGroup, systemGroup } from "./groups/group-ids.ts";
import { openNodeLog } from "./groups/open-node-log.ts";
import type { LogEvents } from "./groups/single-voter-log.ts";
import { SingleVoterLog } from "./groups/single-voter-log.ts";
import type { Identity } from "./identity.ts";
import { folders, openIdentity, writeIdentity } from "./identity.ts";
import type { NodeStatus, StatusParts } from "./node-status.ts";
import { statusOf, watchNode } from "./node-status.ts";
import type { Readiness } from "./readiness.ts";
import { notReady, ReadinessProbe } from "./readiness.ts";
import { ShardReplica } from "./shard-replica.ts";

export interface NodePorts {
  readonly clock: Clock;
  /** The node's data directory. */
  readonly disk: Disk;
  /** Opens the key-value store in a folder of the data directory. */
  readonly openKeyValue: (folder: string) => Promise<KeyValue>;
  readonly random: Random;
  readonly hashing: Hashing;
  readonly journal: Journal;
  /** Nothing is counted without. */
  readonly metrics?: Metrics;
}

export interface NodeOptions {
  /** Shards of a cluster that does not exist yet; an existing one keeps its own. */
  readonly shardCount?: number;
  /** Size of one log segment; a smaller one suits tests. */
  readonly segmentBytes?: number;
  /** Size at which a volume is full; a smaller one suits tests. */
  readonly volumeBytesMax?: number;
  /** Free space that only deletes, apply and compaction may use (S12); 5 % and at least 1 GiB of the disk by default. */
  readonly reserveBytes?: number;
  /** The longest time that applied entries wait for their checkpoint; 1 s by default. */
  readonly checkpointIntervalMs?: number;
  /** Time between two rounds of collection; 5 s by default. */
  readonly collectIntervalMs?: number;
  /** How long dead content stays readable (S6); 15 minutes by default, less only in tests. */
  readonly readerGraceMs?: number;
}

export interface HoldfastNode {
  readonly files: Files;
  status(): Promise<NodeStatus>;
  /** Whether it serves, found out by a cheap read. Never rejects. */
  readiness(): Promise<Readiness>;
  /** Resolves with the reason when the node can serve no longer and stopped itself (S11). */
  readonly failed: Promise<StoreError>;
  /** One round of collection now, over all blocks; it runs by itself too. */
  collect(): Promise<void>;
  /** Finishes what is under way, flushes, releases the directory. */
  stop(): Promise<void>;
}

export async function startNode(ports: NodePorts, options: NodeOptions = {}): Promise<HoldfastNode> {
  const closing = new Closing();
  try {
    return await RunningNode.start(ports, options, closing);
  } catch (error) {
    await closing.run();
    throw error;
  }
}

const shardCountDefault = limits.shardsDefault;
/** Two of them are filled with zeros at the start of an empty directory. */
const segmentBytesDefault = 32 * 1024 * 1024;
/**
 * In memory twice at the most: while it is flushed, and what gathers meanwhile. A flush holds every page it changes in memory
 * too, at worst one for each of its entries.
 */
const checkpointBytesMax = 8 * 1024 * 1024;

class RunningNode implements HoldfastNode {
  readonly failed: Promise<StoreError>;
  readonly #ports: NodePorts;
  readonly #options: NodeOptions;
  readonly #closing: Closing;
  readonly #fail: (reason: StoreError) => void;
  #failure: StoreError | undefined;
  #stopping: Promise<void> | undefined;
  #parts: Parts | undefined;

  private constructor(ports: NodePorts, options: NodeOptions, closing: Closing) {
    this.#ports = ports;
    this.#options = options;
    this.#closing = closing;
    const { promise, resolve } = Promise.withResolvers<StoreError>();
    this.failed = promise;
    this.#fail = resolve;
  }

  static async start(ports: NodePorts, options: NodeOptions, closing: Closing): Promise<RunningNode> {
    const node = new RunningNode(ports, options, closing);
    await node.#start();
    return node;
  }

  get files(): NodeFiles {
    return this.#running.files;
  }

  collect(): Promise<void> {
    return this.#running.collector.collect(true);
  }

  async status(): Promise<NodeStatus> {
    return statusOf(this.#running.status, await this.readiness());
  }

  async readiness(): Promise<Readiness> {
    const { probe } = this.#running;
    // Asked again behind the await: a node that failed meanwhile is not ready, whatever the look found.
    return this.#refusal() ?? (await probe.look().then((found) => this.#refusal() ?? found));
  }

  #refusal(): Readiness | undefined {
    if (this.#failure !== undefined) return notReady("Unavailable", this.#failure.message);
    if (this.#stopping !== undefined) return notReady("Stopped", "The node is stopping.");
    return undefined;
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  get #running(): Parts {
    assert(this.#parts !== undefined, "node started");
    return this.#parts;
  }

  async #stop(): Promise<void> {
    const { files, checkpointer } = this.#running;
    await files.stop();
    // Not needed for safety: what the state store lacks, the log replays. It only makes the next start short.
    if (this.#failure === undefined)
      await checkpointer.checkpoint().catch((cause: unknown) => this.#onFailure(cause));
    await this.#closing.run();
  }

  #onFailure(cause: unknown): void {
    if (this.#failure !== undefined) return;
    this.#ports.journal.error("node failed", { cause: String(cause) });
    const message = `The node can no longer trust its disk or its state, and stops: ${String(cause)}`;
    this.#failure = new StoreError("Unavailable", message, { cause });
    this.#parts?.files.fail(this.#failure);
    this.#fail(this.#failure);
  }

  async #start(): Promise<void> {
    const { disk, clock, hashing, journal, random, metrics = silentMetrics } = this.#ports;
    const lock = await disk.lock();
    this.#closing.add(() => lock.release());
    const identity = await openIdentity(disk, random);
    const { state, wal } = await this.#openStores();
    const events: LogEvents = {
      room: () => checkpointer.room,
      onApplied: () => checkpointer.applied(),
      onFailure: (cause) => this.#onFailure(cause),
    };
    const checkpointer = new Checkpointer(wal, state, clock, journal, {
      intervalMs: this.#options.checkpointIntervalMs ?? 1000,
      pendingBytesMax: checkpointBytesMax,
      onFailure: events.onFailure,
      metrics,
    });
    this.#closing.add(() => checkpointer.stop());
    const system = await this.#openSystem(wal, state, identity, events);
    const shards = await this.#openShards(wal, state, system.shardCount, events);
    const blocks = await this.#openBlocks();
    const replica = (id: ShardId): ShardReplica => {
      const found = shards[id];
      assert(found !== undefined, `shard ${id} is one of the cluster's`);
      return found;
    };
    await this.#openWriters(shards, identity);
    const directory = new BucketDirectory(system.log, state.group(systemGroup), system.shardCount, hashing);
    const admin = new BucketAdmin(system.log, directory, replica, clock);
    await admin.resume();
    const admission = new Admission(disk, clock, this.#options.reserveBytes, metrics);
    const clusterShardCount = system.shardCount;
    const context = {
      directory,
      admin,
      shard: replica,
      blocks,
      admission,
      hashing,
      clock,
      journal,
      clusterShardCount,
    };
    const collector = this.#startCollector(shards, blocks);
    const groups = [systemGroup, ...shards.map(({ id }) => shardGroup(id))].map((id) => state.group(id));
    const startedAtMs = clock.wallMs();
    const status = { identity, clock, startedAtMs, wal, groups, blocks, checkpointer, admission };
    const probe = new ReadinessProbe({
      systemLog: system.log,
      systemState: state.group(systemGroup),
      shardLogs: shards.map(({ log }) => log),
      wal,
      blocks,
      admission,
      clock,
    });
    const files = new NodeFiles(context);
    this.#parts = { status, probe, checkpointer, collector, files };
    watchNode(metrics, status, () => this.readiness());
    metrics.watch(allMetrics.operationsInFlight, {}, () => files.underWay);
    journal.info("node started", {
      node: identity.nodeId,
      cluster: identity.clusterId,
      shards: clusterShardCount,
    });
  }

  async #openStores(): Promise<{ readonly state: StateStore; readonly wal: WriteAheadLog }> {
    const state = new StateStore(await this.#ports.openKeyValue(folders.state), this.#ports.hashing);
    this.#closing.add(() => state.close());
    const wal = await openNodeLog(this.#ports, {
      segmentBytes: this.#options.segmentBytes ?? segmentBytesDefault,
      reserveBytes: undefined,
    });
    this.#closing.add(() => wal.close());
    return { state, wal };
  }

  async #openSystem(
    wal: WriteAheadLog,
    state: StateStore,
    identity: Identity,
    events: LogEvents,
  ): Promise<{ readonly log: SingleVoterLog<SystemResult>; readonly shardCount: number }> {
    const group = state.group(systemGroup);
    const log = await SingleVoterLog.open(wal, group, new SystemMachine(group), events);
    const known = findCluster(group);
    if (known === undefined && identity.complete)
      throw new StoreError(
        "DataCorrupt",
        "The data directory has lost its log and its state. Restore them from a backup; starting empty would erase the files' blocks.",
      );
    if (known !== undefined && known.clusterId !== identity.clusterId)
      throw new StoreError(
        "DataCorrupt",
        "The data directory's identity and its state are of different clusters.",
      );
    const shardCount = known?.shardCount ?? this.#options.shardCount ?? shardCountDefault;
    if (known === undefined) {
      const command = { kind: "createCluster", clusterId: identity.clusterId, shardCount } as const;
      await log.append(encode(systemEntryCodec, { timeMs: this.#ports.clock.wallMs(), command }));
    }
    if (!identity.complete) await writeIdentity(this.#ports.disk, { ...identity, complete: true });
    return { log, shardCount };
  }

  async #openShards(
    wal: WriteAheadLog,
    state: StateStore,
    shardCount: number,
    events: LogEvents,
  ): Promise<readonly ShardReplica[]> {
    const shards: ShardReplica[] = [];
    for (let i = 0; i < shardCount; i++) {
      const id = shardId(i);
      const group = state.group(shardGroup(id));
      const log = await SingleVoterLog.open(wal, group, new ShardMachine(id, group), events);
      shards.push(new ShardReplica(id, log, group, this.#ports.clock));
    }
    return shards;
  }

  async #openBlocks(): Promise<BlockStore> {
    const { disk, clock, random, hashing, journal, metrics = silentMetrics } = this.#ports;
    const index = await this.#ports.openKeyValue(folders.blockIndex);
    this.#closing.add(() => index.close());
    const { volumeBytesMax } = this.#options;
    const sizes = volumeBytesMax === undefined ? {} : { volumeBytesMax };
    const blocks = await openBlockStore({
      disk,
      index,
      clock,
      random,
      hashing,
      journal,
      metrics,
      folder: folders.blocks,
      ...sizes,
    });
    this.#closing.add(() => blocks.close());
    return blocks;
  }

  /**
   * Opens this run's writers and closes those of earlier runs of this node: the directory lock says that none of them
   * runs any more. Each is an entry of its own shard's log; together they are one batch.
   */
  async #openWriters(shards: readonly ShardReplica[], identity: Identity): Promise<void> {
    const run = toHex(this.#ports.random.bytes(8));
    await Promise.all(
      shards.map(async (shard) => {
        const earlier = listWriters(shard.localState).filter((found) => found.node === identity.nodeId);
        const closed = earlier.map(({ writer }) => shard.propose({ kind: "closeWriter", writer }));
        await Promise.all([shard.openWriter(identity.nodeId, run), ...closed]);
      }),
    );
  }

  #startCollector(shards: readonly ShardReplica[], blocks: BlockStore): Collector {
    const collector = new Collector(shards, blocks, this.#ports.clock, this.#ports.journal, {
      intervalMs: this.#options.collectIntervalMs ?? 5000,
      readerGraceMs: this.#options.readerGraceMs ?? 15 * 60_000,
      roundsPerScan: 120,
      metrics: this.#ports.metrics ?? silentMetrics,
    });
    collector.start();
    this.#closing.add(() => collector.stop());
    return collector;
  }
}

interface Parts {
  readonly status: StatusParts;
  readonly probe: ReadinessProbe;
  readonly checkpointer: Checkpointer;
  readonly collector: Collector;
  readonly files: NodeFiles;
}
