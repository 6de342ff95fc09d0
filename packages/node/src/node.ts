/**
 * A whole node over its ports: opens what the data directory holds, recovers, serves, stops.
 *
 * Start, in this order: lock the directory; identity; write-ahead log (which syncs what it read before anything counts,
 * S8); every group replayed from its applied index to the end of the log; block engine; writers of earlier runs closed
 * and this run's opened; bucket changes that a crash interrupted finished. Only then it serves.
 */

import type { Random, ShardId } from "@holdfast/base";
import { assert, encode, limits, MiB, StoreError, shardId, toHex } from "@holdfast/base";
import type { BlockStore } from "@holdfast/blocks";
import { BlockError, openBlockStore } from "@holdfast/blocks";
import { findCluster } from "@holdfast/namespace";
import type { Clock, Disk, Hashing, Journal, KeyValue, Metrics } from "@holdfast/ports";
import { allMetrics, DiskError, silentMetrics } from "@holdfast/ports";
import type { SystemResult } from "@holdfast/shard";
import { listWriters, ShardMachine, SystemMachine, systemEntryCodec } from "@holdfast/shard";
import { StateStore } from "@holdfast/state";
import type { WriteAheadLog } from "@holdfast/wal";
import { WalError } from "@holdfast/wal";
import { Admission } from "./admission.ts";
import { Ballast } from "./ballast.ts";
import { BucketAdmin } from "./buckets/bucket-admin.ts";
import { BucketDirectory } from "./buckets/bucket-directory.ts";
import { checkFiles, checkStores } from "./check-directory.ts";
import { Closing } from "./closing.ts";
import { ReadAhead } from "./content/read-ahead.ts";
import type { Files } from "./files/interface.ts";
import { NodeFiles } from "./files/node-files.ts";
import type { FsckEvent, FsckOptions } from "./fsck/findings.ts";
import type { InspectionParts } from "./fsck/inspection.ts";
import { runFsck } from "./fsck/run-fsck.ts";
import { Checkpointer } from "./groups/checkpointer.ts";
import { shardGroup, systemGroup } from "./groups/group-ids.ts";
import { openNodeLog } from "./groups/open-node-log.ts";
import type { LogEvents } from "./groups/single-voter-log.ts";
import { SingleVoterLog } from "./groups/single-voter-log.ts";
import type { Identity } from "./identity.ts";
import { folders, openIdentity, writeIdentity } from "./identity.ts";
import { Collector } from "./maintenance/collector.ts";
import { Compactor } from "./maintenance/compactor.ts";
import type { ScrubResult } from "./maintenance/scrub-record.ts";
import { Scrubber } from "./maintenance/scrubber.ts";
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
  /** Free space that only deletes, apply and compaction may use (S12); 5 % and at least 1 GiB of the disk by default, at most half of it. */
  readonly reserveBytes?: number;
  /** The longest time that applied entries wait for their checkpoint; 1 s by default. */
  readonly checkpointIntervalMs?: number;
  /** Time between two rounds of collection; 5 s by default. */
  readonly collectIntervalMs?: number;
  /** How long dead content stays readable (S6); 15 minutes by default, less only in tests. */
  readonly readerGraceMs?: number;
  /** Time between two rounds of compaction; 10 s by default. */
  readonly compactIntervalMs?: number;
  /** Copied by compaction in the background; 32 MiB by default. */
  readonly compactBytesPerSecondMax?: number;
  /** In which everything stored is read once; a week by default. */
  readonly scrubPeriodMs?: number;
  /** Read by the scrub however little is stored; 4 MiB by default. */
  readonly scrubBytesPerSecondMin?: number;
}

/** What an operator asks of a node. */
export interface Maintenance {
  /** Checks what is stored, reading only, while the store goes on. The last event is the summary. */
  fsck(options?: FsckOptions): AsyncIterable<FsckEvent>;
  /** Reads everything stored again, from now on and at full speed; it runs by itself too, slowly. */
  scrub(): Promise<ScrubResult>;
}

export interface HoldfastNode extends Maintenance {
  readonly files: Files;
  status(): Promise<NodeStatus>;
  /** Whether it serves, found out by a cheap read. Never rejects. */
  readiness(): Promise<Readiness>;
  /** Resolves with the reason when the node can serve no longer and stopped itself (S11). */
  readonly failed: Promise<StoreError>;
  /** One round of collection now, over all blocks; it runs by itself too. */
  collect(): Promise<void>;
  /** One round of compaction now; how many volumes it gave back. It runs by itself too. */
  compact(): Promise<number>;
  /** Finishes what is under way, flushes, releases the directory. */
  stop(): Promise<void>;
}

export async function startNode(ports: NodePorts, options: NodeOptions = {}): Promise<HoldfastNode> {
  const closing = new Closing();
  try {
    return await RunningNode.start(ports, options, closing);
  } catch (error) {
    await closing.run();
    throw startFailure(error);
  }
}

function startFailure(error: unknown): unknown {
  const isFull =
    (error instanceof DiskError || error instanceof WalError || error instanceof BlockError) &&
    error.kind === "no-space";
  if (!isFull) return error;
  const message = `The disk is too full to start on: free some space (128 MiB will do) and start again. Nothing was lost. (${error.message})`;
  return new StoreError("OutOfSpace", message, { cause: error });
}

const shardCountDefault = limits.shardsDefault;
/** Two of them are filled with zeros at the start of an empty directory. */
const segmentBytesDefault = 32 * 1024 * 1024;
const weekMs = 7 * 24 * 60 * 60_000;
/** Of all readers together. */
const readAheadBytesMax = 128 * 1024 * 1024;
/** One for the fresh segment of a start, one for the tails of volumes and for the state store. */
const ballastSegments = 2;
const checkpointBytesMax = 16 * 1024 * 1024;

class RunningNode implements HoldfastNode {
  readonly failed: Promise<StoreError>;
  readonly #ports: NodePorts;
  readonly #options: NodeOptions;
  readonly #closing: Closing;
  readonly #fail: (reason: StoreError) => void;
  /** Aborted when the node stops, or fails: work in the background ends. */
  readonly #background = new AbortController();
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

  compact(): Promise<number> {
    return this.#running.compactor.compact();
  }

  scrub(): Promise<ScrubResult> {
    return this.#running.scrubber.scrub();
  }

  async *fsck(options: FsckOptions = {}): AsyncGenerator<FsckEvent, void, undefined> {
    if (this.#failure !== undefined) throw this.#failure;
    yield* runFsck(this.#running.inspection, options);
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
    this.#background.abort();
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
    this.#background.abort();
    this.#fail(this.#failure);
  }

  async #start(): Promise<void> {
    const { disk, clock, hashing, journal, metrics = silentMetrics } = this.#ports;
    const { identity, ballast } = await this.#openDirectory();
    const { state, index, wal } = await this.#openStores();
    const events: LogEvents = {
      onApplied: () => checkpointer.applied(),
      onFailure: (cause) => this.#onFailure(cause),
    };
    const checkpointer = new Checkpointer(wal, state, clock, journal, {
      intervalMs: this.#options.checkpointIntervalMs ?? 1000,
      pendingBytesMax: checkpointBytesMax,
      hasRoom: (bytes) => ballast.makeRoom(bytes),
      onFailure: events.onFailure,
      metrics,
    });
    this.#closing.add(() => checkpointer.stop());
    const system = await this.#openSystem(wal, state, identity, events);
    const shards = await this.#openShards(wal, state, system.shardCount, events);
    const blocks = await this.#openBlocks(index);
    // From here on nothing of the directory may be missing at a start.
    if (!identity.complete) await writeIdentity(disk, { ...identity, complete: true });
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
      readAhead: new ReadAhead(readAheadBytesMax),
      hashing,
      clock,
      journal,
      clusterShardCount,
    };
    const collector = this.#startCollector(shards, blocks);
    ballast.start();
    this.#closing.add(() => ballast.stop());
    const groups = [systemGroup, ...shards.map(({ id }) => shardGroup(id))].map((id) => state.group(id));
    const compactor = this.#startCompactor(blocks);
    const systemState = state.group(systemGroup);
    const stopping = this.#background.signal;
    const inspection = {
      shards,
      states: groups,
      system: systemState,
      directory,
      blocks,
      hashing,
      clock,
      stopping,
    };
    const scrubber = await this.#startScrubber(inspection);
    const startedAtMs = clock.wallMs();
    const status = { identity, clock, startedAtMs, wal, groups, blocks, checkpointer, admission, scrubber };
    const probe = new ReadinessProbe({
      systemLog: system.log,
      systemState,
      shardLogs: shards.map(({ log }) => log),
      wal,
      blocks,
      admission,
      clock,
    });
    const files = new NodeFiles(context);
    this.#parts = { status, probe, checkpointer, collector, compactor, scrubber, inspection, files };
    watchNode(metrics, status, () => this.readiness());
    metrics.watch(allMetrics.operationsInFlight, {}, () => files.underWay);
    journal.info("node started", {
      node: identity.nodeId,
      cluster: identity.clusterId,
      shards: clusterShardCount,
    });
  }

  /** Locks it, makes room in it, and refuses it before anything is changed if this program cannot read it. */
  async #openDirectory(): Promise<{ readonly identity: Identity; readonly ballast: Ballast }> {
    const { disk, clock, hashing, journal, random } = this.#ports;
    checkClock(clock);
    const lock = await disk.lock();
    this.#closing.add(() => lock.release());
    const segmentBytes = this.#options.segmentBytes ?? segmentBytesDefault;
    const ballast = new Ballast(disk, clock, journal, ballastSegments * segmentBytes);
    await ballast.release();
    const identity = await openIdentity(disk, random);
    await checkFiles(disk, hashing, identity);
    return { identity, ballast };
  }

  async #openStores(): Promise<Stores> {
    const { openKeyValue, hashing } = this.#ports;
    const stateStore = await openKeyValue(folders.state);
    this.#closing.add(() => stateStore.close());
    const index = await openKeyValue(folders.blockIndex);
    this.#closing.add(() => index.close());
    checkStores(stateStore, index, hashing);
    const state = new StateStore(stateStore, hashing);
    const wal = await openNodeLog(this.#ports, {
      segmentBytes: this.#options.segmentBytes ?? segmentBytesDefault,
      reserveBytes: undefined,
    });
    this.#closing.add(() => wal.close());
    return { state, index, wal };
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

  async #openBlocks(index: KeyValue): Promise<BlockStore> {
    const { disk, clock, random, hashing, journal, metrics = silentMetrics } = this.#ports;
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

  #startCompactor(blocks: BlockStore): Compactor {
    const { compactIntervalMs: intervalMs = 10_000, compactBytesPerSecondMax: bytesPerSecondMax = 32 * MiB } =
      this.#options;
    const compactor = new Compactor(blocks, this.#ports, { intervalMs, bytesPerSecondMax });
    compactor.start();
    this.#closing.add(() => compactor.stop());
    return compactor;
  }

  async #startScrubber(inspection: InspectionParts): Promise<Scrubber> {
    const { disk, journal } = this.#ports;
    const { scrubPeriodMs: periodMs = weekMs, scrubBytesPerSecondMin: bytesPerSecondMin = 4 * MiB } =
      this.#options;
    const scrubber = new Scrubber(inspection, disk, journal, { periodMs, bytesPerSecondMin });
    this.#closing.add(() => {
      this.#background.abort();
      return scrubber.stop();
    });
    await scrubber.start();
    return scrubber;
  }
}

/** The first of January 2020. */
const wallMsMin = 1_577_836_800_000;

/** Requests would all be refused as skewed, and what is stored would carry a date that never was. */
function checkClock(clock: Clock): void {
  if (clock.wallMs() >= wallMsMin) return;
  throw new StoreError(
    "Unavailable",
    "The machine's clock is before 2020. Set it (with NTP, for one) and start again; nothing was changed.",
  );
}

interface Stores {
  readonly state: StateStore;
  readonly index: KeyValue;
  readonly wal: WriteAheadLog;
}

interface Parts {
  readonly status: StatusParts;
  readonly probe: ReadinessProbe;
  readonly checkpointer: Checkpointer;
  readonly collector: Collector;
  readonly compactor: Compactor;
  readonly scrubber: Scrubber;
  readonly inspection: InspectionParts;
  readonly files: NodeFiles;
}
