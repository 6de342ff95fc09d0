/**
 * From a data directory to everything that works on it, in this order: lock the directory; identity; write-ahead log
 * (which syncs what it read before anything counts, S8); block engine; a way into the cluster, if the directory is new; the
 * groups, each applied to the end of what is known to be agreed on.
 */

import type { ShardId } from "@holdfast/base";
import { assert, limits, StoreError, shardId, toHex } from "@holdfast/base";
import type { BlockStore } from "@holdfast/blocks";
import { openBlockStore } from "@holdfast/blocks";
import type { Clock, KeyValue, Timer } from "@holdfast/ports";
import { silentMetrics } from "@holdfast/ports";
import type { SystemResult } from "@holdfast/shard";
import type { GroupState, StateStore } from "@holdfast/state";
import type { WriteAheadLog } from "@holdfast/wal";
import { Ballast } from "./ballast.ts";
import { checkFiles, checkStores } from "./check-directory.ts";
import type { ClusterSeed } from "./cluster/cluster-seed.ts";
import type { NodeCluster } from "./cluster/node-cluster.ts";
import { announceNode, checkLife, foundCluster, lifeOf, newNode, ownId } from "./cluster/own-record.ts";
import { readWayIn } from "./cluster/way-in.ts";
import { comeToCluster, isAloneAtStart, isFounder } from "./come-to-cluster.ts";
import { Checkpointer } from "./groups/checkpointer.ts";
import type { ForwardingLog } from "./groups/forwarding-log.ts";
import { openNodeLog } from "./groups/open-node-log.ts";
import { upgradeLogs } from "./groups/upgrade-logs.ts";
import type { Identity } from "./identity.ts";
import {
  folders,
  formatOfLoneVoters,
  isEntering,
  isForgetting,
  openIdentity,
  writeIdentity,
} from "./identity.ts";
import type { Everywhere } from "./learner-lease/everywhere.ts";
import type { NodeOptions } from "./node-options.ts";
import type { OpenedCluster } from "./open-cluster.ts";
import { openCluster } from "./open-cluster.ts";
import type { Opening } from "./opening.ts";
import { beginRejoin, forgetLog } from "./rejoin.ts";
import type { NodeBlocks } from "./replication/node-blocks.ts";
import { ShardReplica } from "./shard-replica.ts";
import type { DigestComparer } from "./state-reload/digest-comparer.ts";
import type { StateReloads } from "./state-reload/state-reloads.ts";
import { DamageListener } from "./state-store/damage-listener.ts";
import { KeptState } from "./state-store/kept-state.ts";
import type { PeerClocks } from "./time/peer-clocks.ts";

export interface OpenedNode {
  readonly identity: Identity;
  readonly ballast: Ballast;
  readonly wal: WriteAheadLog;
  readonly checkpointer: Checkpointer;
  readonly cluster: NodeCluster;
  readonly system: OpenedSystem;
  readonly clocks: PeerClocks;
  readonly everywhere: Everywhere;
  readonly shards: readonly ShardReplica[];
  readonly replica: (id: ShardId) => ShardReplica;
  /** Of the system group and then of each shard, in the order of their numbers. */
  readonly groups: readonly GroupState[];
  readonly blocks: NodeBlocks;
  readonly reloads: StateReloads;
  readonly digests: DigestComparer;
}

export interface OpenedSystem {
  readonly log: ForwardingLog<SystemResult>;
  readonly state: GroupState;
  readonly shardCount: number;
}

/** Two of them are filled with zeros at the start of an empty directory. */
const segmentBytesDefault = 32 * 1024 * 1024;
/** One for the fresh segment of a start, one for the tails of volumes and for the state store. */
const ballastSegments = 2;
/**
 * In memory twice at the most: while it is flushed, and what gathers meanwhile. A flush holds every page it changes in memory
 * too, at worst one for each of its entries.
 */
const checkpointBytesMax = 4 * 1024 * 1024;
const lateStartMs = 5000;
/** The first of January 2020. */
const wallMsMin = 1_577_836_800_000;

export async function openNode(opening: Opening): Promise<OpenedNode> {
  const { options, closing } = opening;
  const { identity: found, ballast } = await openDirectory(opening);
  const stored = await openStores(opening, found);
  const { identity: atHand, state, wayIn, index, wal } = stored;
  const store = await openBlocks(opening, index);
  const life = lifeOf(wal.incarnation, store.incarnation);
  const node = newNode(ownId(found), life, options.place ?? {});
  const coming = { found: atHand, state, wayIn, life, node };
  const { identity, places, peers } = await comeToCluster(opening, coming);
  const checkpointer = openCheckpointer(opening, stored, ballast);
  closing.add(() => checkpointer.stop());
  const stores = { ...stored, store, checkpointer, ballast };
  const opened = await openCluster(opening, { identity, places, peers }, stores);
  const { cluster, blocks, clocks, everywhere, reloads, digests } = opened;
  const { log, state: systemState } = cluster.system;
  const entryClock = clocks.forEntries();
  const group = { log, state: systemState, clock: entryClock };
  if (isFounder(places, node)) {
    // What an earlier start has put into the log counts.
    await log.readBarrier();
    await foundCluster(group, node, identity, options.shardCount ?? limits.shardsDefault);
  }
  const noted = noteLateStart(opening);
  closing.add(async () => noted.cancel());
  // A state that is learned anew may show the life before for a while: as of a leader that has yet to apply the rejoin.
  const awaited = isEntering(identity) ? { life } : {};
  const map = await cluster.known({ wasMember: identity.complete, ...awaited }, opening.stopping);
  checkLife(map.nodes.get(node.id), life);
  await cluster.openShards(map);
  announceInTime(opening, () => announceNode(group, life, node), ownAddresses(options));
  // From here on nothing of the directory may be missing at a start, not even in the state store.
  if (!identity.complete || isEntering(identity)) {
    await checkpointer.checkpoint();
    await writeIdentity(opening.ports.disk, arrived(identity));
  }
  const shards = openShardReplicas(opening, opened, identity, entryClock);
  const here = shards.filter((_, i) => cluster.shards[i]?.log.replica !== undefined);
  await Promise.all(here.map((shard) => shard.writerOpened()));
  noted.cancel();
  // The others have writers as soon as they come here.
  for (const shard of shards) if (!shard.hasWriter) void shard.writerOpened();
  const replica = (id: ShardId): ShardReplica => {
    const shard = shards[id];
    assert(shard !== undefined, `shard ${id} is one of the cluster's`);
    return shard;
  };
  const groups = [systemState, ...cluster.shards.map((shard) => shard.state)];
  const system = { log, state: systemState, shardCount: map.shardCount };
  const ofCluster = { cluster, system, clocks, everywhere, shards, replica, groups, blocks };
  return { identity, ballast, wal, checkpointer, reloads, digests, ...ofCluster };
}

function arrived(identity: Identity): Identity {
  const { rejoin } = identity;
  return {
    ...identity,
    complete: true,
    rejoin: rejoin === undefined ? undefined : { ...rejoin, stage: "done" },
  };
}

/** A start waits for as long as too few of the others are there: whoever looks should not have to guess. */
function noteLateStart({ ports: { clock, journal } }: Opening): Timer {
  return clock.after(lateStartMs, () =>
    journal.warn("start waits for other nodes", { next: "start them: a majority is needed" }),
  );
}

function ownAddresses({ place }: NodeOptions): boolean {
  return place?.addresses !== undefined;
}

/** In the background: a node that comes back need not wait for the others to serve what it can. */
function announceInTime(
  { ports, stopping }: Opening,
  announce: () => Promise<void>,
  isWanted: boolean,
): void {
  if (!isWanted) return;
  announce().catch((error: unknown) => {
    if (!stopping.aborted) ports.journal.warn("address not announced", { cause: String(error) });
  });
}

function openShardReplicas(
  { ports, stopping }: Opening,
  { cluster, reads }: OpenedCluster,
  { nodeId }: Identity,
  entryClock: Clock,
): readonly ShardReplica[] {
  const run = { node: nodeId, run: toHex(ports.random.bytes(8)) };
  return cluster.shards.map(({ log, state }, i) => {
    const leads = (): boolean =>
      log.replica !== undefined && log.replica.leader?.replica === log.replica.replica;
    const homes = { replica: () => log.replica, reads };
    return new ShardReplica({ id: shardId(i), log, state, clock: entryClock, run, leads, homes, stopping });
  });
}

/** Locks it, makes room in it, and refuses it before anything is changed if this program cannot read it. */
async function openDirectory(
  opening: Opening,
): Promise<{ readonly identity: Identity; readonly ballast: Ballast }> {
  const { ports, options, closing } = opening;
  const { disk, clock, hashing, journal, random } = ports;
  checkClock(clock);
  const lock = await disk.lock();
  closing.add(() => lock.release());
  const { segmentBytes = segmentBytesDefault } = options;
  const ballast = new Ballast(disk, clock, journal, ballastSegments * segmentBytes);
  await ballast.release();
  const { consensus, entrance } = options;
  const wanted = {
    ...(consensus === undefined ? {} : { consensus }),
    ...(entrance === undefined ? {} : { clusterId: entrance.clusterId }),
  };
  if (options.rejoining !== undefined) await beginRejoin(opening, options.rejoining);
  const identity = await openIdentity(disk, random, wanted);
  await checkFiles(disk, hashing, identity);
  return { identity, ballast };
}

/** Requests would all be refused as skewed, and what is stored would carry a date that never was. */
function checkClock(clock: Clock): void {
  if (clock.wallMs() >= wallMsMin) return;
  throw new StoreError(
    "Unavailable",
    "The machine's clock is before 2020. Set it (with NTP, for one) and start again; nothing was changed.",
  );
}

interface Stores {
  readonly identity: Identity;
  readonly state: StateStore;
  readonly kept: KeptState;
  readonly damage: DamageListener;
  /** As the file beside the state has it. */
  readonly wayIn: ClusterSeed | undefined;
  readonly index: KeyValue;
  /** Of incomplete blocks. */
  readonly list: KeyValue;
  readonly wal: WriteAheadLog;
  readonly mayLackGroups: boolean;
}

async function openStores(opening: Opening, found: Identity): Promise<Stores> {
  const { ports, options, closing } = opening;
  const { segmentBytes = segmentBytesDefault } = options;
  const identity = isForgetting(found) ? await forgetLog(ports, segmentBytes, found) : found;
  const { openKeyValue, hashing, disk } = ports;
  const damage = new DamageListener(opening.onFailure);
  const wayIn = await readWayIn(disk, hashing);
  const mayBeDamaged = wayIn !== undefined && wayIn.peers.length > 1;
  const onDamage = (state: GroupState): void => damage.onDamage(state);
  const kept = await KeptState.open(opening, { mayBeRenewed: mayBeDamaged, onDamage });
  const index = await openKeyValue(folders.blockIndex);
  closing.add(() => index.close());
  checkStores(kept.usable, index, { hashing, mayBeDamaged });
  const list = await openKeyValue(folders.incomplete);
  closing.add(() => list.close());
  const isAlone = isAloneAtStart(kept.usable === undefined ? undefined : kept.states, wayIn);
  const opened = await openNodeLog(ports, { segmentBytes, reserveBytes: undefined, isAlone });
  const { log: wal, mayLackGroups } = opened;
  closing.add(() => wal.close());
  if (!isAlone) await kept.renewIfDamaged(wal);
  const { states: state } = kept;
  if (identity.format <= formatOfLoneVoters) {
    if (identity.complete) await upgradeLogs(wal, state);
    await writeIdentity(ports.disk, identity);
  }
  return { identity, state, kept, damage, wayIn, index, list, wal, mayLackGroups };
}

function openCheckpointer(
  { ports, options }: Opening,
  { wal, state, damage }: Stores,
  ballast: Ballast,
): Checkpointer {
  const { clock, journal, metrics = silentMetrics } = ports;
  return new Checkpointer(wal, state, clock, journal, {
    intervalMs: options.checkpointIntervalMs ?? 1000,
    pendingBytesMax: checkpointBytesMax,
    hasRoom: (bytes) => ballast.makeRoom(bytes),
    onFailure: (cause) => damage.onFlushFailure(cause),
    metrics,
  });
}

async function openBlocks({ ports, options, closing }: Opening, index: KeyValue): Promise<BlockStore> {
  const { disk, clock, random, hashing, journal, metrics = silentMetrics } = ports;
  const { volumeBytesMax, frameSizes } = options;
  const sizes = {
    ...(volumeBytesMax === undefined ? {} : { volumeBytesMax }),
    ...(frameSizes === undefined ? {} : { frameSizes }),
  };
  const folder = folders.blocks;
  const given = { disk, index, clock, random, hashing, journal, metrics, folder };
  const blocks = await openBlockStore({ ...given, ...sizes });
  closing.add(() => blocks.close());
  return blocks;
}
