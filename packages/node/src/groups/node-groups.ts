/**
 * The consensus groups of this node, on one group host: opened where this node is one of their homes, reached wherever they
 * are. What each of them has to know of its surroundings is told here: its state, its log, its places.
 */

import type { Codec, GroupId, NodeId, Random } from "@holdfast/base";
import { assert } from "@holdfast/base";
import type { Membership, ReplicaId } from "@holdfast/consensus";
import { emptyMembership, isJoint, multiPaxosProtocol, raftProtocol, replicaId } from "@holdfast/consensus";
import type { Group, GroupHostEvents, GroupHostLimits, OpenGroupOptions, Places } from "@holdfast/groups";
import { GroupHost, heirOf } from "@holdfast/groups";
import type { Clock, Journal, Metrics, StateMachine } from "@holdfast/ports";
import { sleep } from "@holdfast/ports";
import type { Founding, ReplicaPlace } from "@holdfast/shard";
import type { GroupState } from "@holdfast/state";
import type { WriteAheadLog } from "@holdfast/wal";
import type { SharedNetwork } from "../network/shared-network.ts";
import { services } from "../network/shared-network.ts";
import { Proposals } from "../proposals/proposals.ts";
import type { DigestAt } from "../state-reload/state-wire.ts";
import { ForwardingLog } from "./forwarding-log.ts";
import { StateGroupMachine } from "./state-group-machine.ts";

export interface NodeGroupsOptions {
  readonly self: NodeId;
  readonly wal: WriteAheadLog;
  /** See OpenedLog. */
  readonly mayLackGroups: boolean;
  readonly network: SharedNetwork;
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: Journal;
  readonly metrics: Metrics;
  readonly events: GroupHostEvents;
  readonly limits?: Partial<GroupHostLimits>;
  /** Whether the disk may take so many bytes more for a snapshot on its way in (S12). */
  readonly hasRoom: (bytes: number) => Promise<boolean>;
}

/** A group as this node has it. */
export interface NodeGroup<Result> {
  readonly state: GroupState;
  readonly machine: StateMachine<Result>;
  readonly codec: Codec<Result>;
}

/** A replica that is open here, and its state. */
export interface ServedReplica {
  readonly replica: Group<unknown>;
  readonly state: GroupState;
  /** Of the state now and at some earlier places. */
  readonly digests: readonly DigestAt[];
}

/** The replica that a cluster's first node has in each group; numbers are never given out twice, so nobody else is it. */
const foundingReplica = 1;
const foundingMembership: Membership = { voters: [replicaId(foundingReplica)], outgoing: [], learners: [] };

const handOverMsMax = 1000;
const handOverLookMs = 10;

export class NodeGroups {
  readonly #options: NodeGroupsOptions;
  readonly #host: GroupHost;
  readonly #proposals: Proposals;
  readonly #logs = new Map<GroupId, ForwardingLog<unknown>>();
  readonly #places = new Map<GroupId, readonly ReplicaPlace[]>();
  readonly #served = new Map<GroupId, ServedReplica>();

  constructor(options: NodeGroupsOptions) {
    this.#options = options;
    const { wal, network, clock, random, journal, metrics, events, limits = {} } = options;
    const shared = { clock, random, journal };
    const forGroups = network.view(services.groups);
    this.#host = new GroupHost({
      ...shared,
      wal,
      network: forGroups,
      metrics,
      limits,
      events: {
        ...events,
        onStateFailure: (group, cause) => {
          const log = this.#logs.get(group);
          if (log !== undefined) log.replica = undefined;
          events.onStateFailure(group, cause);
        },
      },
    });
    forGroups.listen(this.#host);
    const forProposals = network.view(services.proposals);
    this.#proposals = new Proposals({
      ...shared,
      network: forProposals,
      served: (group) => {
        const log = this.#logs.get(group);
        return log?.replica === undefined ? undefined : log;
      },
    });
    forProposals.listen(this.#proposals);
  }

  /** The group's log; its replica here, if there is to be one, is opened apart. */
  log<Result>(group: GroupId, codec: Codec<Result>): ForwardingLog<Result> {
    assert(!this.#logs.has(group), `group ${group} has one log`);
    const { self, clock } = this.#options;
    const homes = (): readonly NodeId[] => this.homes(group);
    const log = new ForwardingLog(group, codec, { self, clock, proposals: this.#proposals, homes });
    this.#logs.set(group, log);
    return log;
  }

  /** Replaces what was known of the homes of the group's replicas. */
  setPlaces(group: GroupId, places: readonly ReplicaPlace[]): void {
    this.#places.set(group, places);
    this.#logs.get(group)?.replica?.setPlaces(placesOf(places));
  }

  /** Nodes with a replica of the group, as far as is known. */
  homes(group: GroupId): readonly NodeId[] {
    return (this.#places.get(group) ?? []).map(({ node }) => node);
  }

  /** Every group that is in this node's log has other homes: false as long as that is not known of one of them. */
  get areAllElsewhere(): boolean {
    const { self, wal } = this.#options;
    const groups = wal.groups();
    return groups.length > 0 && groups.every((group) => this.homes(group).some((node) => node !== self));
  }

  /** Which replica of the group this node is, as its log lives now. */
  ownReplica(group: GroupId): ReplicaId | undefined {
    const { self, wal } = this.#options;
    const own = this.#places
      .get(group)
      ?.find(({ node, incarnation }) => node === self && incarnation === wal.incarnation);
    return own === undefined ? undefined : replicaId(own.replica);
  }

  /** Whether the node was heard of lately; this one always is. */
  isLive(node: NodeId): boolean {
    return this.#host.isLive(node);
  }

  /** Something of the group is in this node's log, whether or not it is open. */
  hasLog(group: GroupId): boolean {
    return this.#options.wal.group(group) !== undefined;
  }

  /**
   * Opens this node's replica behind the group's log, as the number that it has there. Rejects with StoreError "DataCorrupt"
   * when it may have forgotten what it promised (S11).
   */
  async open<Result>(
    log: ForwardingLog<Result>,
    { state, machine }: NodeGroup<Result>,
    consensus: Founding["consensus"],
  ): Promise<Group<Result>> {
    const { group } = log;
    const replica = this.ownReplica(group);
    assert(replica !== undefined, `this node is a home of group ${group}`);
    const isFounder = replica === foundingReplica;
    const driven = new StateGroupMachine(state, machine, this.#options.hasRoom);
    const opened = await this.#openAs(consensus, {
      group,
      machine: driven,
      replica,
      incarnation: this.#options.wal.incarnation,
      origin: this.#options.mayLackGroups ? "existing" : "new",
      membership: isFounder ? foundingMembership : emptyMembership,
      places: placesOf(this.#places.get(group) ?? []),
    });
    // Found damaged while it was opened: it ends before its first turn, and is opened again when it has another state.
    if (state.damage !== undefined) {
      this.#host.failState(group, new Error(state.damage));
      return opened;
    }
    log.replica = opened;
    this.#served.set(group, {
      replica: opened,
      state,
      get digests() {
        return driven.digests;
      },
    });
    return opened;
  }

  /** Undefined without a replica that is open here and whole. */
  served(group: GroupId): ServedReplica | undefined {
    const served = this.#served.get(group);
    const isOpen = served !== undefined && this.#logs.get(group)?.replica === served.replica;
    return isOpen && served.state.damage === undefined ? served : undefined;
  }

  /** Where the group's voters live; undefined while they change, or one of them is not known. */
  voterHomes(group: GroupId): readonly NodeId[] | undefined {
    const membership = this.#logs.get(group)?.replica?.status().membership;
    if (membership === undefined || isJoint(membership)) return undefined;
    const places = this.#places.get(group) ?? [];
    const homes = membership.voters.flatMap((id) => {
      const place = places.find(({ replica }) => replica === Number(id));
      return place === undefined ? [] : [place.node];
    });
    return homes.length === membership.voters.length ? homes : undefined;
  }

  /** Of the replicas that are open here. */
  get openGroups(): readonly GroupId[] {
    return [...this.#logs].filter(([, { replica }]) => replica !== undefined).map(([group]) => group);
  }

  /** The group's state can be used no more: its replica here ends at once, and hands over what it leads. */
  failState(group: GroupId, cause: unknown): void {
    this.#host.failState(group, cause);
  }

  /** Resolves when nothing is under way of a replica whose state has failed. */
  ended(group: GroupId): Promise<void> {
    return this.#host.ended(group);
  }

  /** This node is no home of the group any more: the log forgets it, durably. */
  async leave(group: GroupId): Promise<void> {
    const log = this.#logs.get(group);
    if (log !== undefined) log.replica = undefined;
    this.#served.delete(group);
    await this.#host.forget(group);
  }

  /**
   * Offers the leadership of what is led here to others, who then need no silence to notice that this node has gone. Resolves
   * when nothing is led here, or soon.
   */
  async handOver(): Promise<void> {
    const { clock } = this.#options;
    const endsAtMs = clock.monotonicMs() + handOverMsMax;
    const offered = this.offerLeaderships();
    while (offered.some(isLed) && clock.monotonicMs() < endsAtMs) await sleep(clock, handOverLookMs);
  }

  /** As `handOver`, without waiting. The groups that it was offered of. */
  offerLeaderships(): readonly Group<unknown>[] {
    return [...this.#logs.values()]
      .map(({ replica }) => replica)
      .filter((replica) => replica !== undefined)
      .filter(offerLeadership);
  }

  async stop(): Promise<void> {
    this.#proposals.stop();
    await this.#host.stop();
  }

  #openAs<Result>(
    consensus: Founding["consensus"],
    open: Omit<OpenGroupOptions<Result, never>, "protocol">,
  ): Promise<Group<Result>> {
    return consensus === "raft"
      ? this.#host.open({ ...open, protocol: raftProtocol })
      : this.#host.open({ ...open, protocol: multiPaxosProtocol });
  }
}

function placesOf(places: readonly ReplicaPlace[]): Places {
  return new Map(
    places.map(({ replica, node, incarnation }) => [replicaId(replica), { node, incarnation }] as const),
  );
}

function isLed({ leader, replica }: Group<unknown>): boolean {
  return leader?.replica === replica;
}

/** False where there is nobody to offer it to. */
function offerLeadership(group: Group<unknown>): boolean {
  const heir = heirOf(group.status(), group.followers());
  if (heir !== undefined) group.transferLeader(heir);
  return heir !== undefined;
}
