/** A node's network with everything that is served on it, and the replica of the system group. */

import type { GroupId, NodeId, ShardId } from "@holdfast/base";
import { StoreError } from "@holdfast/base";
import type { BlockStore } from "@holdfast/blocks";
import type { KeyValue, Network } from "@holdfast/ports";
import { silentMetrics } from "@holdfast/ports";
import type { StateStore } from "@holdfast/state";
import type { WriteAheadLog } from "@holdfast/wal";
import type { Ballast } from "./ballast.ts";
import type { ClusterSeed } from "./cluster/cluster-seed.ts";
import { LayoutPlacement } from "./cluster/layout-placement.ts";
import { NodeCluster } from "./cluster/node-cluster.ts";
import { ownId } from "./cluster/own-record.ts";
import { storeWayIn } from "./cluster/way-in.ts";
import type { Coming } from "./come-to-cluster.ts";
import type { Checkpointer } from "./groups/checkpointer.ts";
import { watchForFullLog } from "./groups/full-log.ts";
import { NodeGroups } from "./groups/node-groups.ts";
import type { Identity } from "./identity.ts";
import { Everywhere } from "./learner-lease/everywhere.ts";
import { loneNetwork } from "./network/lone-network.ts";
import { SharedNetwork, services } from "./network/shared-network.ts";
import type { Opening } from "./opening.ts";
import type { NodeBlocks, NodeBlocksPorts } from "./replication/node-blocks.ts";
import { openNodeBlocks } from "./replication/node-blocks.ts";
import { replicationLimitsDefault } from "./replication/replication-limits.ts";
import type { ServedShard } from "./shard-reads/read-server.ts";
import { ReadServer } from "./shard-reads/read-server.ts";
import { RemoteReads } from "./shard-reads/remote-reads.ts";
import type { DigestComparerParts } from "./state-reload/digest-comparer.ts";
import { DigestComparer } from "./state-reload/digest-comparer.ts";
import type { StateReloadsParts } from "./state-reload/state-reloads.ts";
import { StateReloads } from "./state-reload/state-reloads.ts";
import { StateServer } from "./state-reload/state-server.ts";
import type { DamageListener } from "./state-store/damage-listener.ts";
import type { KeptState } from "./state-store/kept-state.ts";
import { StateDamage } from "./state-store/state-damage.ts";
import { PeerClocks } from "./time/peer-clocks.ts";

export interface ClusterStores {
  readonly state: StateStore;
  readonly kept: KeptState;
  readonly damage: DamageListener;
  readonly wal: WriteAheadLog;
  readonly mayLackGroups: boolean;
  readonly store: BlockStore;
  readonly list: KeyValue;
  readonly checkpointer: Checkpointer;
  readonly ballast: Ballast;
}

export interface OpenedCluster {
  readonly cluster: NodeCluster;
  readonly blocks: NodeBlocks;
  readonly clocks: PeerClocks;
  readonly everywhere: Everywhere;
  readonly reads: RemoteReads;
  readonly reloads: StateReloads;
  readonly digests: DigestComparer;
}

/** The network with all that is served on it, then the replica of the system group. */
export async function openCluster(
  opening: Opening,
  { identity, places, peers }: Coming,
  { state, kept, damage, wal, mayLackGroups, store, list, checkpointer, ballast }: ClusterStores,
): Promise<OpenedCluster> {
  const { ports, closing, onFailure } = opening;
  const { clock, random, journal, metrics = silentMetrics } = ports;
  const self = ownId(identity);
  const network = await openNetwork(opening, identity, places);
  const shared = new SharedNetwork(network, journal);
  const hasRoom = (bytes: number): Promise<boolean> => ballast.makeRoom(bytes);
  const groups = new NodeGroups({
    self,
    wal,
    mayLackGroups,
    network: shared,
    clock,
    random,
    journal,
    metrics,
    events: {
      onLogFailure: onFailure,
      onStateFailure: (group, cause) => stateDamage.onStateFailure(state.group(group), cause),
      onLeaderChange: () => undefined,
      onApplied: () => {
        checkpointer.applied();
        cluster.onApplied();
        everywhere.onApplied();
      },
      room: () => checkpointer.room,
    },
    hasRoom,
  });
  const { consensus } = identity;
  const reloads: StateReloads = openReloads(opening, shared, {
    groups,
    wal,
    consensus,
    hasRoom,
    remember: () => checkpointer.soon(),
    onReloaded: (group) => onReloaded(group),
  });
  const stateDamage: StateDamage = new StateDamage({ states: state, kept, groups, reloads, onFailure });
  damage.listen(stateDamage);
  const remember = rememberWith(opening, checkpointer);
  const onReloaded = (group: GroupId): void => {
    cluster.onReloaded(group);
    if (state.damaged.length === 0) void kept.removeEarlier();
  };
  const ofGroups = { states: state, groups, reloads, remember, onFailure };
  const ofCluster = { self, network, consensus, clock, journal, ...ofGroups };
  const cluster: NodeCluster = new NodeCluster(ofCluster);
  const clocks = openClocks(opening, shared, groups);
  clocks.setOthers(new Set(peers.map(({ id }) => id).filter((id) => id !== self)));
  cluster.follow(({ nodes }) => clocks.setOthers(new Set([...nodes.keys()].filter((id) => id !== self))));
  const fullLog = watchForFullLog({ wal, clock, journal, offerLeaderships: () => groups.offerLeaderships() });
  const everywhere: Everywhere = openEverywhere(opening, cluster, shared);
  const blocks = await openPlacedBlocks(opening, cluster, shared, { self, store, list, hasRoom });
  const reads = openReads(opening, cluster, shared);
  closing.add(() => groups.stop());
  closing.add(() => cluster.stop());
  closing.add(() => clocks.stop());
  closing.add(() => fullLog.stop());
  closing.add(() => blocks.blocks.close());
  shared.listen((peer) => onFailure(twinOf(self, peer)));
  network.setPeers(peers.filter(({ id }) => id !== self));
  await cluster.openSystem(places);
  const digests = openDigests(opening, shared, { groups, reloads });
  return { cluster, blocks, clocks, everywhere, reads, reloads, digests };
}

/** S11: of two that are one node either would break what the other has promised. */
function twinOf(self: NodeId, peer: NodeId): StoreError {
  const message = `Another process runs as node ${self}: node ${peer} is connected with it. This data directory is a copy of that one's, or that one is of this. Stop one of the two, and never start it again; a new node begins with an empty directory.`;
  return new StoreError("NodeConflict", message, { fields: { node: self, peer } });
}

async function openNetwork(
  { ports, closing }: Opening,
  identity: Identity,
  places: Coming["places"],
): Promise<Network> {
  const opened = await ports.openNetwork?.(identity, places.length === 1);
  const network = opened ?? loneNetwork(ownId(identity));
  closing.add(() => network.close());
  return network;
}

/** What a start needs to find the others, in the state store and in the file beside it. */
function rememberWith(
  { ports: { disk, hashing } }: Opening,
  checkpointer: Checkpointer,
): (wayIn: ClusterSeed) => Promise<void> {
  return async (wayIn) => {
    await checkpointer.soon();
    await storeWayIn(disk, hashing, wayIn);
  };
}

function openPlacedBlocks(
  { ports }: Opening,
  cluster: NodeCluster,
  shared: SharedNetwork,
  of: Pick<NodeBlocksPorts, "self" | "store" | "list" | "hasRoom">,
): Promise<NodeBlocks> {
  const { disk, clock, random, hashing, journal, metrics = silentMetrics } = ports;
  const placement = openPlacement(cluster);
  const given = { ...of, disk, placement, clock, random, hashing, journal, metrics };
  return openNodeBlocks({
    ...given,
    network: shared.view(services.blocks),
    limits: replicationLimitsDefault,
  });
}

function openPlacement(cluster: NodeCluster): LayoutPlacement {
  const placement = new LayoutPlacement();
  cluster.follow(({ layout }) => {
    if (layout !== undefined) placement.adopt(layout);
  });
  return placement;
}

/** What other nodes may have of the states here, and what is had of theirs. */
function openReloads(
  { ports: { clock, journal, metrics = silentMetrics }, closing, onFailure }: Opening,
  shared: SharedNetwork,
  parts: Pick<StateReloadsParts, "wal" | "consensus" | "hasRoom" | "remember" | "onReloaded"> & {
    readonly groups: NodeGroups;
  },
): StateReloads {
  const network = shared.view(services.states);
  network.listen(new StateServer({ served: (group) => parts.groups.served(group), journal }));
  const reloads = new StateReloads({ ...parts, network, clock, journal, metrics, onFailure });
  closing.add(() => reloads.stop());
  return reloads;
}

function openDigests(
  { ports: { clock, journal, metrics = silentMetrics } }: Opening,
  shared: SharedNetwork,
  parts: Pick<DigestComparerParts, "groups" | "reloads">,
): DigestComparer {
  return new DigestComparer({ ...parts, network: shared.view(services.states), clock, journal, metrics });
}

function openClocks({ ports }: Opening, shared: SharedNetwork, groups: NodeGroups): PeerClocks {
  const { clock, random, journal } = ports;
  const network = shared.view(services.clocks);
  const onApart = (): void => void groups.offerLeaderships();
  const clocks = new PeerClocks({ network, clock, random, journal, onApart });
  network.listen(clocks);
  return clocks;
}

function openEverywhere(
  { ports: { clock } }: Opening,
  cluster: NodeCluster,
  shared: SharedNetwork,
): Everywhere {
  const network = shared.view(services.leases);
  const everywhere = new Everywhere({ network, clock, appliedIndex: () => cluster.system.log.appliedIndex });
  network.listen(everywhere);
  cluster.follow(({ nodes }) => everywhere.setNodes(new Set(nodes.keys())));
  return everywhere;
}

/** Shards asked of other nodes, and answered to them. */
function openReads(
  { ports: { clock, journal }, stopping }: Opening,
  cluster: NodeCluster,
  shared: SharedNetwork,
): RemoteReads {
  const network = shared.view(services.shards);
  const served = (id: ShardId): ServedShard | undefined => {
    const shard = cluster.shards[id];
    const replica = shard?.log.replica;
    if (shard === undefined || replica === undefined) return undefined;
    const isHere = (): boolean => shard.log.replica === replica;
    return { state: shard.state, readBarrier: () => replica.readBarrier(), isHere };
  };
  const server = new ReadServer({ served, clock, journal });
  network.listen({
    onFrame: () => undefined,
    onDisconnect: () => undefined,
    onExchange: (_from, request, signal) => server.onExchange(request, signal),
  });
  const homes = (id: ShardId): readonly NodeId[] => cluster.homesOf(id);
  return new RemoteReads({ network, clock, homes, isLive: (node) => cluster.isLive(node), stopping });
}
