/**
 * A whole node over its ports: opens what the data directory holds (open-node.ts), finishes bucket changes that a crash
 * interrupted, serves, works in the background, stops.
 */

import { assert, MiB, nodeId, StoreError } from "@holdfast/base";
import type { BlockStore } from "@holdfast/blocks";
import { BlockError } from "@holdfast/blocks";
import { allMetrics, DiskError, silentMetrics, sleep } from "@holdfast/ports";
import { WalError } from "@holdfast/wal";
import { Admission } from "./admission.ts";
import { BucketAdmin } from "./buckets/bucket-admin.ts";
import { BucketDirectory } from "./buckets/bucket-directory.ts";
import { Closing } from "./closing.ts";
import type { Duty } from "./cluster/cluster-duties.ts";
import { startDuties } from "./cluster/cluster-duties.ts";
import { watchCluster } from "./cluster/cluster-metrics.ts";
import type { ClusterStatus } from "./cluster/cluster-status.ts";
import { clusterStatusOf } from "./cluster/cluster-status.ts";
import type { ClusterView } from "./cluster/cluster-view.ts";
import { clusterView } from "./cluster/cluster-view.ts";
import type { SystemPort } from "./cluster/layout-ports.ts";
import type { MemberChanges, Membership } from "./cluster/membership.ts";
import { membershipOf } from "./cluster/membership.ts";
import type { NodeCluster } from "./cluster/node-cluster.ts";
import { ownId } from "./cluster/own-record.ts";
import { isSystemLeader } from "./cluster/reconciler.ts";
import { nodeRemoved } from "./cluster/removed-node.ts";
import { shardsHere } from "./cluster/shards-here.ts";
import { systemPort } from "./cluster/system-port.ts";
import { ReadAhead } from "./content/read-ahead.ts";
import { asDamage } from "./damage.ts";
import type { Files } from "./files/interface.ts";
import { NodeFiles } from "./files/node-files.ts";
import { placedFiles } from "./files/placed-files.ts";
import type { FsckEvent, FsckOptions } from "./fsck/findings.ts";
import type { InspectionParts } from "./fsck/inspection.ts";
import { runFsck } from "./fsck/run-fsck.ts";
import type { Checkpointer } from "./groups/checkpointer.ts";
import { Collector } from "./maintenance/collector.ts";
import { Compactor } from "./maintenance/compactor.ts";
import type { ScrubResult } from "./maintenance/scrub-record.ts";
import { Scrubber } from "./maintenance/scrubber.ts";
import { NodeFailure } from "./node-failure.ts";
import type { NodeOptions, NodePorts } from "./node-options.ts";
import type { NodeStatus, StatusParts } from "./node-status.ts";
import { statusOf, watchNode } from "./node-status.ts";
import type { OpenedNode } from "./open-node.ts";
import { openNode } from "./open-node.ts";
import type { Readiness } from "./readiness.ts";
import { notReady, ReadinessProbe } from "./readiness.ts";
import type { ShardReplica } from "./shard-replica.ts";
import type { DigestComparer } from "./state-reload/digest-comparer.ts";

/** What an operator asks of a node. */
export interface Maintenance {
  /** Checks what is stored, reading only, while the store goes on. The last event is the summary. */
  fsck(options?: FsckOptions): AsyncIterable<FsckEvent>;
  /** Reads everything stored again, from now on and at full speed; it runs by itself too, slowly. */
  scrub(): Promise<ScrubResult>;
}

export interface HoldfastNode extends Maintenance {
  readonly files: Files;
  readonly cluster: ClusterView & MemberChanges;
  readonly membership: Membership;
  status(): Promise<NodeStatus>;
  /** Whether it serves, found out by a cheap read. Never rejects. */
  readiness(): Promise<Readiness>;
  /** Resolves with the reason when the node can serve no longer and stopped itself (S11). */
  readonly failed: Promise<NodeFailure>;
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
    throw asDamage(startFailure(error));
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

const hourMs = 60 * 60_000;
const weekMs = 7 * 24 * hourMs;
/** How long moving blocks waits for requests that are under way. */
const foregroundPauseMs = 2;
/** Of all readers together. */
const readAheadBytesMax = 128 * 1024 * 1024;
class RunningNode implements HoldfastNode {
  readonly failed: Promise<NodeFailure>;
  readonly #ports: NodePorts;
  readonly #options: NodeOptions;
  readonly #closing: Closing;
  readonly #fail: (reason: NodeFailure) => void;
  /** Aborted when the node stops, or fails: work in the background ends. */
  readonly #background = new AbortController();
  #failure: NodeFailure | undefined;
  /** What it says since it knows that it was removed. */
  #removal: StoreError | undefined;
  #stopping: Promise<void> | undefined;
  #parts: Parts | undefined;

  private constructor(ports: NodePorts, options: NodeOptions, closing: Closing) {
    this.#ports = ports;
    this.#options = options;
    this.#closing = closing;
    const { promise, resolve } = Promise.withResolvers<NodeFailure>();
    this.failed = promise;
    this.#fail = resolve;
  }

  static async start(ports: NodePorts, options: NodeOptions, closing: Closing): Promise<RunningNode> {
    const node = new RunningNode(ports, options, closing);
    try {
      await node.#start();
    } catch (error) {
      // What came in between says more than what it made of the start.
      const cause = node.#failure?.cause;
      throw cause instanceof StoreError ? cause : (node.#failure ?? error);
    }
    return node;
  }

  get files(): NodeFiles {
    return this.#running.files;
  }

  get cluster(): ClusterView & MemberChanges {
    return this.#running.cluster;
  }

  get membership(): Membership {
    return this.#running.membership;
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
    if (this.#removal !== undefined) return notReady(this.#removal.code, this.#removal.message);
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
    this.#failure = new NodeFailure(cause);
    this.#parts?.files.fail(this.#failure);
    this.#background.abort();
    this.#fail(this.#failure);
  }

  /** It runs on until it is stopped, to tell whoever asks. */
  #onRemoved(files: NodeFiles): void {
    if (this.#removal !== undefined) return;
    this.#removal = nodeRemoved();
    this.#ports.journal.warn("node removed", { next: "stop it: the cluster goes on without it" });
    files.fail(this.#removal);
    this.#background.abort();
  }

  async #start(): Promise<void> {
    const { clock, hashing, journal, disk, metrics = silentMetrics } = this.#ports;
    const opened = await openNode({
      ports: this.#ports,
      options: this.#options,
      closing: this.#closing,
      onFailure: (cause) => this.#onFailure(cause),
      stopping: this.#background.signal,
    });
    if (this.#failure !== undefined) throw this.#failure;
    const { identity, system, replica, blocks, ballast, clocks, everywhere } = opened;
    const { shardCount: clusterShardCount } = system;
    const directory = new BucketDirectory(system.log, system.state, clusterShardCount, hashing, clock);
    const admin = new BucketAdmin({
      system: system.log,
      directory,
      shard: replica,
      clock: clocks.forEntries(),
      everyNodeKnows: (index) => everywhere.knows(index),
    });
    this.#closing.add(async () => admin.stop());
    // What a crash of this node has left nobody else is at, if there is nobody else.
    if (opened.cluster.map.nodes.size === 1) await admin.resume();
    const watch = admin.watch(() => isSystemLeader(opened.cluster), journal);
    const admission = new Admission(disk, clock, this.#options.reserveBytes, metrics);
    const readAhead = new ReadAhead(readAheadBytesMax);
    const placed = placedFiles(blocks);
    const ofFiles = { directory, admin, shard: replica, admission, readAhead, ...placed };
    const files = new NodeFiles({ ...ofFiles, hashing, clock, journal, clusterShardCount });
    ballast.start();
    this.#closing.add(() => ballast.stop());
    const background = await this.#startBackground(opened, directory);
    const port = systemPort(system.log, system.state, clocks.forEntries());
    const membership = membershipOf(port, system.log, (id) => opened.cluster.isLive(id));
    const cluster = { ...clusterView(system.log, system.state), ...membership };
    this.#startDuties(opened, port, files, [watch, opened.digests]);
    this.#parts = {
      ...background,
      ...this.#watched(opened, admission, background),
      files,
      cluster,
      membership,
    };
    watchNode(metrics, this.#parts.status, () => this.readiness());
    watchCluster(metrics, opened.cluster);
    const self = ownId(identity);
    opened.cluster.follow(({ nodes }) => {
      if (!nodes.has(self)) this.#onRemoved(files);
    });
    metrics.watch(allMetrics.operationsInFlight, {}, () => files.underWay);
    journal.info("node started", {
      node: identity.nodeId,
      cluster: identity.clusterId,
      shards: clusterShardCount,
    });
  }

  #startDuties(
    { cluster, shards, replica: shard, blocks, everywhere }: OpenedNode,
    system: SystemPort,
    files: NodeFiles,
    more: readonly Duty[],
  ): void {
    const { clock, random, journal, metrics = silentMetrics } = this.#ports;
    const yieldToForeground = (): Promise<void> | undefined =>
      files.underWay > 0 ? sleep(clock, foregroundPauseMs) : undefined;
    const nodeKnows = everywhere.nodeKnows.bind(everywhere);
    const parts = { cluster, system, shards, shard, blocks, nodeKnows, clock, random, journal, metrics };
    const { joinSettleMs } = this.#options;
    startDuties({ ...parts, more, joinSettleMs, closing: this.#closing, yieldToForeground });
  }

  async #startBackground(
    { system, shards, groups, blocks: placed, checkpointer, cluster, digests }: OpenedNode,
    directory: BucketDirectory,
  ): Promise<Background> {
    const { hashing, clock } = this.#ports;
    const stopping = this.#background.signal;
    const { store: blocks } = placed;
    const ofStores = { shards, states: groups, system: system.state, directory, blocks, placed };
    const inspection = { ...ofStores, hashing, clock, stopping };
    const collector = this.#startCollector(shards, blocks, cluster);
    const compactor = this.#startCompactor(blocks);
    return {
      checkpointer,
      inspection,
      collector,
      compactor,
      scrubber: await this.#startScrubber(inspection, digests),
    };
  }

  #watched(
    opened: OpenedNode,
    admission: Admission,
    { scrubber }: Background,
  ): Pick<Parts, "status" | "probe"> {
    const { identity, wal, groups, blocks: placed, checkpointer, system, shards, cluster: own } = opened;
    const { clocks, reloads, digests } = opened;
    const { clock } = this.#ports;
    const startedAtMs = clock.wallMs();
    const self = ownId(identity);
    const { store: blocks } = placed;
    const cluster = (): ClusterStatus => clusterStatusOf(own, placed);
    return {
      status: {
        identity,
        clock,
        clocks,
        startedAtMs,
        wal,
        groups,
        blocks,
        checkpointer,
        admission,
        scrubber,
        reloads,
        digests,
        cluster,
      },
      probe: new ReadinessProbe({
        systemLog: system.log,
        systemState: system.state,
        systemIsLed: () => system.log.replica?.leader !== undefined,
        shards: () => shardsHere(own, self, shards),
        damaged: () => reloads.status.underWay,
        wal,
        blocks,
        admission,
        clock,
      }),
    };
  }

  #startCollector(shards: readonly ShardReplica[], blocks: BlockStore, cluster: NodeCluster): Collector {
    const { clock, journal, metrics = silentMetrics } = this.#ports;
    const { collectIntervalMs, readerGraceMs, writerPublishMs, writerSilentMs } = this.#options;
    const nodes = {
      isAlone: () => cluster.map.nodes.size === 1,
      isLive: (node: string) => cluster.map.nodes.has(nodeId(node)) && cluster.isLive(nodeId(node)),
    };
    const collector = new Collector(
      { shards, blocks, nodes, clock, journal, metrics },
      {
        intervalMs: collectIntervalMs ?? 5000,
        readerGraceMs: readerGraceMs ?? 15 * 60_000,
        roundsPerScan: 120,
        publishMs: writerPublishMs ?? hourMs,
        silentMs: writerSilentMs ?? 24 * hourMs,
      },
    );
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

  async #startScrubber(inspection: InspectionParts, digests: DigestComparer): Promise<Scrubber> {
    const { disk, journal } = this.#ports;
    const { scrubPeriodMs: periodMs = weekMs, scrubBytesPerSecondMin: bytesPerSecondMin = 4 * MiB } =
      this.#options;
    const parts = { ...inspection, disk, journal, digests };
    const scrubber = new Scrubber(parts, { periodMs, bytesPerSecondMin });
    this.#closing.add(() => {
      this.#background.abort();
      return scrubber.stop();
    });
    await scrubber.start();
    return scrubber;
  }
}

interface Background {
  readonly checkpointer: Checkpointer;
  readonly inspection: InspectionParts;
  readonly collector: Collector;
  readonly compactor: Compactor;
  readonly scrubber: Scrubber;
}

interface Parts extends Background {
  readonly status: StatusParts;
  readonly probe: ReadinessProbe;
  readonly files: NodeFiles;
  readonly cluster: ClusterView & MemberChanges;
  readonly membership: Membership;
}
