/**
 * The cluster as this node takes part in it: its replicas of the system group and of shards, opened, told of each other's homes
 * and given up as the system group says. Whatever the system group applies here is looked at once more.
 */

import type { GroupId, NodeId, ShardId } from "@holdfast/base";
import { present, StoreError, shardId } from "@holdfast/base";
import type { Clock, Journal, Network, Peer } from "@holdfast/ports";
import { sleep } from "@holdfast/ports";
import type { Founding, NodeLife, ReplicaPlace, ShardResult, SystemResult } from "@holdfast/shard";
import {
  groupRecord,
  ShardMachine,
  SystemMachine,
  shardResultCodec,
  systemResultCodec,
} from "@holdfast/shard";
import type { GroupState, StateStore } from "@holdfast/state";
import type { ForwardingLog } from "../groups/forwarding-log.ts";
import { shardGroup, systemGroup } from "../groups/group-ids.ts";
import type { NodeGroups } from "../groups/node-groups.ts";
import type { StateReloads } from "../state-reload/state-reloads.ts";
import type { ClusterMap } from "./cluster-map.ts";
import { clusterMapOf, leavingPeers, peersOf, seedOf, wayInOf } from "./cluster-map.ts";
import type { ClusterSeed } from "./cluster-seed.ts";
import { isSameLife } from "./own-record.ts";
import { nodeRemoved } from "./removed-node.ts";

export interface NodeClusterOptions {
  readonly self: NodeId;
  readonly states: StateStore;
  readonly groups: NodeGroups;
  readonly network: Pick<Network, "setPeers">;
  readonly consensus: Founding["consensus"];
  readonly clock: Clock;
  readonly journal: Journal;
  /** A replica here can go on no longer. */
  readonly onFailure: (cause: unknown) => void;
  /**
   * Makes everything applied so far durable in the state store, and beside it where the others are; less than that only on a disk
   * that is full.
   */
  readonly remember: (wayIn: ClusterSeed) => Promise<void>;
  readonly reloads: Pick<StateReloads, "begin" | "cancel">;
}

interface ClusterGroup<Result> {
  readonly log: ForwardingLog<Result>;
  readonly state: GroupState;
}

const lookMs = 50;
const lookAgainMs = 1000;

export class NodeCluster {
  readonly system: ClusterGroup<SystemResult>;
  readonly #options: NodeClusterOptions;
  readonly #listeners: ((map: ClusterMap) => void)[] = [];
  #shards: readonly ClusterGroup<ShardResult>[] = [];
  #map: ClusterMap | undefined;
  /** As the network was told last. */
  #peers: readonly Peer[] = [];
  /** Durable in the state store. */
  #wayIn: string | undefined;
  #seenIndex = 0;
  /** Settles without failing. */
  #reviewing: Promise<void> = Promise.resolve();
  #isPlanned = false;
  #isStopped = false;

  constructor(options: NodeClusterOptions) {
    this.#options = options;
    const { states, groups } = options;
    this.system = { log: groups.log(systemGroup, systemResultCodec), state: states.group(systemGroup) };
  }

  /** By number; none before the cluster is known. */
  get shards(): readonly ClusterGroup<ShardResult>[] {
    return this.#shards;
  }

  /** As far as this node knows; to be asked only once `known` has resolved. */
  get map(): ClusterMap {
    return present(this.#map, "a map of the cluster");
  }

  /** Whether the node was heard of lately; this one always is. */
  isLive(node: NodeId): boolean {
    return this.#options.groups.isLive(node);
  }

  /** Nodes with a replica of the shard, as far as this node knows. */
  homesOf(shard: ShardId): readonly NodeId[] {
    return this.#options.groups.homes(shardGroup(shard));
  }

  /** Called with each map that is new, and at once with the one that there is. */
  follow(listener: (map: ClusterMap) => void): void {
    this.#listeners.push(listener);
    if (this.#map !== undefined) listener(this.#map);
  }

  /**
   * Opens the replica of the system group; `places` are all of its homes that are known. One whose state is damaged is opened when
   * it has another (S12).
   */
  async openSystem(places: readonly ReplicaPlace[]): Promise<void> {
    this.#options.groups.setPlaces(systemGroup, places);
    await this.#openSystem();
  }

  async #openSystem(): Promise<void> {
    const { groups, consensus, reloads } = this.#options;
    const { log, state } = this.system;
    if (state.damage !== undefined) return reloads.begin(state);
    await groups.open(log, { state, machine: new SystemMachine(state), codec: systemResultCodec }, consensus);
  }

  /**
   * Resolves when the cluster is known and this node is on record in it; rejects when `stopping` is aborted before. `wasMember`: it
   * was on record once; rejects when it is not any more. `life`: its record may be of before this life of its log, and that is waited for.
   */
  async known(
    { wasMember, life }: { readonly wasMember: boolean; readonly life?: NodeLife },
    stopping: AbortSignal,
  ): Promise<ClusterMap> {
    const { self, clock } = this.#options;
    for (;;) {
      const map = this.#readMap();
      const own = map?.nodes.get(self);
      if (map !== undefined && own !== undefined && (life === undefined || isSameLife(own, life))) return map;
      if (map !== undefined && wasMember && life === undefined) throw nodeRemoved();
      await sleep(clock, lookMs, stopping);
      if (stopping.aborted) throw new StoreError("Stopped", "The node is stopping.");
    }
  }

  /** Opens what the map says; from now on it follows the system group. Rejects when a replica here cannot go on (S11). */
  async openShards(map: ClusterMap): Promise<void> {
    const { groups, states } = this.#options;
    this.#shards = Array.from({ length: map.shardCount }, (_, i) => {
      const group = shardGroup(shardId(i));
      return { log: groups.log(group, shardResultCodec), state: states.group(group) };
    });
    this.#map = map;
    try {
      await this.#reviewInTurn();
    } catch (error) {
      if (!this.#isDamaged) throw error;
    }
  }

  /** Something was applied here. */
  onApplied(): void {
    const index = this.system.state.appliedIndex;
    if (index === this.#seenIndex || this.#shards.length === 0) return;
    this.#seenIndex = index;
    this.#plan();
  }

  /** The group's state is whole again. */
  onReloaded(group: GroupId): void {
    if (group !== systemGroup) return this.#plan();
    if (this.#isStopped) return;
    // Its homes may have changed since they were last known.
    const { places } = groupRecord(this.system.state, systemGroup);
    this.openSystem(places).then(
      () => this.#plan(),
      (cause: unknown) => this.#onFailure(cause),
    );
  }

  /** Undefined while it is not known, or damaged. */
  #readMap(): ClusterMap | undefined {
    const { state } = this.system;
    if (state.damage !== undefined) return undefined;
    try {
      return clusterMapOf(state);
    } catch (error) {
      if (!this.#isDamaged) throw error;
      return undefined;
    }
  }

  get #isDamaged(): boolean {
    return [this.system, ...this.#shards].some(({ state }) => state.damage !== undefined);
  }

  /** What was found damaged amid a review has it looked at once more, when another state has taken its place. */
  #onFailure(cause: unknown): void {
    if (!this.#isDamaged) this.#options.onFailure(cause);
  }

  #plan(): void {
    if (this.#isPlanned || this.#isStopped) return;
    this.#isPlanned = true;
    this.#options.clock.soon(() => {
      this.#isPlanned = false;
      this.#reviewInTurn().catch((cause: unknown) => this.#onFailure(cause));
    });
  }

  /** Nothing more is opened or given up, and others lead what was led here. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#reviewing;
    await this.#options.groups.handOver();
  }

  #reviewInTurn(): Promise<void> {
    const review = this.#reviewing.then(() => this.#review());
    this.#reviewing = review.catch(() => undefined); // Its own caller hears of it.
    return review;
  }

  async #review(): Promise<void> {
    const map = this.#readMap();
    if (map === undefined || this.#isStopped) return;
    await this.#remember(map);
    this.#map = map;
    const { network, groups, self } = this.#options;
    this.#peers = [...peersOf(map), ...leavingPeers(this.#peers, map)].filter(({ id }) => id !== self);
    network.setPeers(this.#peers);
    if (!map.nodes.has(self)) this.system.log.end(nodeRemoved());
    for (const { group, places } of map.groups) groups.setPlaces(group, places);
    await Promise.all(this.#shards.map((shard, i) => this.#follow(i, shard, map)));
    for (const listener of this.#listeners) listener(map);
  }

  /**
   * A start asks the system group's homes as its state store knows them. So those are durable there before this node lets any of
   * them vote: a founder that lost its power and knew of nobody would wait for a quorum that never hears of it.
   */
  async #remember(map: ClusterMap): Promise<void> {
    const wayIn = wayInOf(map);
    if (wayIn === this.#wayIn) return;
    if (wayIn !== undefined) await this.#options.remember(seedOf(map));
    this.#wayIn = wayIn;
  }

  /** Opens this node's replica where it is to have one, gives up one that it is not to have any more. */
  async #follow(shard: number, { log, state }: ClusterGroup<ShardResult>, map: ClusterMap): Promise<void> {
    const { groups, reloads } = this.#options;
    const wanted = groups.ownReplica(log.group);
    if (log.replica !== undefined && log.replica.replica === wanted) return;
    if (log.replica !== undefined || (wanted === undefined && groups.hasLog(log.group))) {
      if (!(await this.#isGivenUp(log))) return;
    }
    if (wanted === undefined || this.#isStopped) return;
    if (state.damage !== undefined) return reloads.begin(state);
    const machine = new ShardMachine(shardId(shard), state);
    await groups.open(log, { state, machine, codec: shardResultCodec }, map.founding.consensus);
  }

  /**
   * What this node has of the group goes, for good: so it takes more than a map that may be of long ago. False while nobody
   * confirms that it is so; the next look asks again.
   */
  async #isGivenUp(log: ForwardingLog<ShardResult>): Promise<boolean> {
    const { groups, states, reloads, journal, clock } = this.#options;
    try {
      await this.system.log.readBarrier();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      clock.after(lookAgainMs, () => this.#plan());
      return false;
    }
    const { places } = groupRecord(this.system.state, log.group);
    groups.setPlaces(log.group, places);
    const own = groups.ownReplica(log.group);
    if (own !== undefined && (log.replica === undefined || log.replica.replica === own)) return true;
    journal.info("replica given up", { group: log.group, replica: log.replica?.replica ?? 0 });
    await reloads.cancel(log.group);
    await groups.leave(log.group);
    await states.forget(log.group);
    return true;
  }
}
