/**
 * From a data directory to everything that works on it, in this order: lock the directory; identity; write-ahead log
 * (which syncs what it read before anything counts, S8); every group replayed from its applied index to the end of the
 * log; block engine; writers of earlier runs closed and this run's opened.
 */

import type { ShardId } from "@holdfast/base";
import { assert, encode, limits, StoreError, shardId, toHex } from "@holdfast/base";
import type { BlockStore } from "@holdfast/blocks";
import { openBlockStore } from "@holdfast/blocks";
import { findCluster } from "@holdfast/namespace";
import type { Clock, KeyValue } from "@holdfast/ports";
import { silentMetrics } from "@holdfast/ports";
import type { SystemResult } from "@holdfast/shard";
import { listWriters, ShardMachine, SystemMachine, systemEntryCodec } from "@holdfast/shard";
import type { GroupState } from "@holdfast/state";
import { StateStore } from "@holdfast/state";
import type { WriteAheadLog } from "@holdfast/wal";
import { Ballast } from "./ballast.ts";
import { checkFiles, checkStores } from "./check-directory.ts";
import type { Closing } from "./closing.ts";
import { recordNode } from "./cluster/own-record.ts";
import { Checkpointer } from "./groups/checkpointer.ts";
import { shardGroup, systemGroup } from "./groups/group-ids.ts";
import { openNodeLog } from "./groups/open-node-log.ts";
import type { LogEvents } from "./groups/single-voter-log.ts";
import { SingleVoterLog } from "./groups/single-voter-log.ts";
import type { Identity } from "./identity.ts";
import { folders, openIdentity, writeIdentity } from "./identity.ts";
import type { NodeOptions, NodePorts } from "./node-options.ts";
import { ShardReplica } from "./shard-replica.ts";

export interface Opening {
  readonly ports: NodePorts;
  readonly options: NodeOptions;
  /** What is opened is closed by it, last first. */
  readonly closing: Closing;
  /** The log or the state can be used no more. */
  readonly onFailure: (cause: unknown) => void;
}

export interface OpenedNode {
  readonly identity: Identity;
  readonly ballast: Ballast;
  readonly wal: WriteAheadLog;
  readonly checkpointer: Checkpointer;
  readonly system: OpenedSystem;
  readonly shards: readonly ShardReplica[];
  readonly replica: (id: ShardId) => ShardReplica;
  /** Of the system group and then of each shard, in the order of their numbers. */
  readonly groups: readonly GroupState[];
  readonly blocks: BlockStore;
}

export interface OpenedSystem {
  readonly log: SingleVoterLog<SystemResult>;
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
/** The first of January 2020. */
const wallMsMin = 1_577_836_800_000;

export async function openNode(opening: Opening): Promise<OpenedNode> {
  const { ports, options, closing } = opening;
  const { identity, ballast } = await openDirectory(opening);
  const { state, index, wal } = await openStores(opening);
  const checkpointer = openCheckpointer(opening, wal, state, ballast);
  const events: LogEvents = {
    room: () => checkpointer.room,
    onApplied: () => checkpointer.applied(),
    onFailure: opening.onFailure,
  };
  closing.add(() => checkpointer.stop());
  const system = await openSystem(opening, { wal, state, identity, events });
  const shards: ShardReplica[] = [];
  for (let i = 0; i < system.shardCount; i++) {
    const id = shardId(i);
    const group = state.group(shardGroup(id));
    const log = await SingleVoterLog.open(wal, group, new ShardMachine(id, group), events);
    shards.push(new ShardReplica(id, log, group, ports.clock));
  }
  const blocks = await openBlocks(opening, index);
  const directory = {
    nodeId: identity.nodeId,
    logIncarnation: wal.incarnation,
    volumeIncarnation: blocks.incarnation,
  };
  await recordNode({ ...system, clock: ports.clock }, directory, options.place ?? {}, system.shardCount);
  // From here on nothing of the directory may be missing at a start.
  if (!identity.complete) await writeIdentity(ports.disk, { ...identity, complete: true });
  await openWriters(opening, shards, identity);
  const replica = (id: ShardId): ShardReplica => {
    const found = shards[id];
    assert(found !== undefined, `shard ${id} is one of the cluster's`);
    return found;
  };
  const groups = [system.state, ...shards.map(({ id }) => state.group(shardGroup(id)))];
  return { identity, ballast, wal, checkpointer, system, shards, replica, groups, blocks };
}

/** Locks it, makes room in it, and refuses it before anything is changed if this program cannot read it. */
async function openDirectory({
  ports,
  options,
  closing,
}: Opening): Promise<{ readonly identity: Identity; readonly ballast: Ballast }> {
  const { disk, clock, hashing, journal, random } = ports;
  checkClock(clock);
  const lock = await disk.lock();
  closing.add(() => lock.release());
  const { segmentBytes = segmentBytesDefault } = options;
  const ballast = new Ballast(disk, clock, journal, ballastSegments * segmentBytes);
  await ballast.release();
  const identity = await openIdentity(disk, random);
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
  readonly state: StateStore;
  readonly index: KeyValue;
  readonly wal: WriteAheadLog;
}

async function openStores({ ports, options, closing }: Opening): Promise<Stores> {
  const { openKeyValue, hashing } = ports;
  const stateStore = await openKeyValue(folders.state);
  closing.add(() => stateStore.close());
  const index = await openKeyValue(folders.blockIndex);
  closing.add(() => index.close());
  checkStores(stateStore, index, hashing);
  const state = new StateStore(stateStore, hashing);
  const { segmentBytes = segmentBytesDefault } = options;
  const wal = await openNodeLog(ports, { segmentBytes, reserveBytes: undefined });
  closing.add(() => wal.close());
  return { state, index, wal };
}

function openCheckpointer(
  { ports, options, onFailure }: Opening,
  wal: WriteAheadLog,
  state: StateStore,
  ballast: Ballast,
): Checkpointer {
  const { clock, journal, metrics = silentMetrics } = ports;
  return new Checkpointer(wal, state, clock, journal, {
    intervalMs: options.checkpointIntervalMs ?? 1000,
    pendingBytesMax: checkpointBytesMax,
    hasRoom: (bytes) => ballast.makeRoom(bytes),
    onFailure,
    metrics,
  });
}

interface GroupStores {
  readonly wal: WriteAheadLog;
  readonly state: StateStore;
  readonly identity: Identity;
  readonly events: LogEvents;
}

async function openSystem(
  { ports, options }: Opening,
  { wal, state: stores, identity, events }: GroupStores,
): Promise<OpenedSystem> {
  const state = stores.group(systemGroup);
  const log = await SingleVoterLog.open(wal, state, new SystemMachine(state), events);
  const known = findCluster(state);
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
  const shardCount = known?.shardCount ?? options.shardCount ?? limits.shardsDefault;
  if (known === undefined) {
    const command = { kind: "createCluster", clusterId: identity.clusterId, shardCount } as const;
    await log.append(encode(systemEntryCodec, { timeMs: ports.clock.wallMs(), command }));
  }
  return { log, state, shardCount };
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

/**
 * Opens this run's writers and closes those of earlier runs of this node: the directory lock says that none of them
 * runs any more. Each is an entry of its own shard's log; together they are one batch.
 */
async function openWriters(
  { ports }: Opening,
  shards: readonly ShardReplica[],
  { nodeId }: Identity,
): Promise<void> {
  const run = toHex(ports.random.bytes(8));
  await Promise.all(
    shards.map(async (shard) => {
      const earlier = listWriters(shard.localState).filter((found) => found.node === nodeId);
      const closed = earlier.map(({ writer }) => shard.propose({ kind: "closeWriter", writer }));
      await Promise.all([shard.openWriter(nodeId, run), ...closed]);
    }),
  );
}
