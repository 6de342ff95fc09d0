/**
 * All consensus groups of one node, over one write-ahead log and one connection to each other node.
 *
 * Turns. Whatever happens (a message, a command, a write that became durable, a tick) makes a group due. In a turn each due
 * group does what it has, within a budget, and those that have more are due again behind all others. What all of them write
 * in one turn is one batch of the log; what all of them say to one node is as few frames as their bound allows. Frames of a turn
 * in which commands were answered wait for the next one: the next commands of those who were answered leave with them.
 *
 * A failed write ends everything (S11): no group says another word, nothing is tried again, and the owner is told.
 */

import type { GroupId, NodeId, Random } from "@holdfast/base";
import { assert, DecodeError, decode, encode, StoreError, UnsupportedVersionError } from "@holdfast/base";
import type { ConsensusProtocol, Envelope, Membership, ReplicaId } from "@holdfast/consensus";
import type { Clock, Exchange, Journal, Metrics, Network, NetworkReceiver, Timer } from "@holdfast/ports";
import { allMetrics, emptyBody } from "@holdfast/ports";
import type { WriteAheadLog } from "@holdfast/wal";
import type { Frame } from "./frame-codec.ts";
import { decodeFrame } from "./frame-codec.ts";
import type { Group, GroupLeader } from "./group.ts";
import { GroupCounts } from "./group-counts.ts";
import type { GroupMachine } from "./group-machine.ts";
import { GroupReplica } from "./group-replica.ts";
import type { HostedGroup, Surroundings } from "./hosted-group.ts";
import type { GroupHostLimits } from "./limits.ts";
import { defaultGroupHostLimits } from "./limits.ts";
import { Peer } from "./peer.ts";
import type { Places } from "./places.ts";
import { restoreReplica } from "./restore-replica.ts";
import { Slots } from "./slots.ts";
import type { SnapshotAnswer, SnapshotHead } from "./snapshot-head.ts";
import { snapshotAnswerCodec, snapshotHeadCodec } from "./snapshot-head.ts";

export interface GroupHostOptions {
  readonly wal: WriteAheadLog;
  /** The owner lets it listen to the host, or to something that hands on what is the host's. */
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: Journal;
  readonly metrics: Metrics;
  readonly events: GroupHostEvents;
  readonly limits?: Partial<GroupHostLimits>;
}

export interface GroupHostEvents {
  /** The log takes nothing any more, and all groups have ended: the node has to stop (S11). Said once. */
  onLogFailure(cause: unknown): void;
  /** A group's state can be used no more (S12); the group has ended here, the others go on. */
  onStateFailure(group: GroupId, cause: unknown): void;
  onLeaderChange(group: GroupId, leader: GroupLeader | undefined): void;
  /** Entries were applied: something waits for the next checkpoint. */
  onApplied(): void;
  /** Asked before entries are applied: undefined, or what they have to wait for, since too much is applied in memory alone. */
  room(): Promise<void> | undefined;
}

export interface OpenGroupOptions<Result, Message extends Envelope> {
  readonly group: GroupId;
  readonly protocol: ConsensusProtocol<Message>;
  readonly machine: GroupMachine<Result>;
  /** This node's number in the group, given out for one incarnation of its log and never again (S11). */
  readonly replica: ReplicaId;
  readonly incarnation: string;
  /** `existing` when the caller has it on record that this replica was opened before. */
  readonly origin: "new" | "existing";
  /** Of the group at its creation, the same at every start; `emptyMembership` to join. Counts until the state names one. */
  readonly membership: Membership;
  readonly places: Places;
}

export class GroupHost implements NetworkReceiver {
  readonly #options: GroupHostOptions;
  readonly #limits: GroupHostLimits;
  readonly #counts: GroupCounts;
  readonly #surroundings: Surroundings;
  readonly #run: number;
  readonly #groups = new Map<GroupId, HostedGroup & Group<unknown>>();
  readonly #opening = new Set<GroupId>();
  /** Groups whose state has failed, while something of them is under way. */
  readonly #ending = new Map<GroupId, Promise<void>>();
  readonly #awake = new Set<HostedGroup>();
  readonly #peers = new Map<NodeId, Peer>();
  #due = new Set<HostedGroup>();
  #turnIsPlanned = false;
  /** In this turn: whoever was answered may have something more to say at once. */
  #hasAnswered = false;
  /** What the last turn had for other nodes leaves with this one's. */
  #hasWaited = false;
  #now = 0;
  /** Undefined while there is nobody whose time would have to be counted. */
  #ticker: Timer | undefined;
  #ended: StoreError | undefined;

  constructor(options: GroupHostOptions) {
    this.#options = options;
    this.#limits = { ...defaultGroupHostLimits, ...options.limits };
    const { quietTicks, consensus } = this.#limits;
    assert(
      quietTicks > consensus.electionTicks,
      "what ends in an election timeout ends before a group rests",
    );
    this.#counts = new GroupCounts(options.metrics);
    this.#run = options.random.uint32();
    this.#surroundings = this.#makeSurroundings();
    const { metrics } = options;
    metrics.watch(allMetrics.groups, {}, () => this.#groups.size);
    metrics.watch(allMetrics.groupsAwake, {}, () => this.#awake.size);
    metrics.watch(allMetrics.groupsLed, {}, () => this.#countLed());
    this.#arm();
  }

  /**
   * Rejects with StoreError `DataCorrupt` when this replica may have forgotten what it promised: then nothing was changed.
   * Rejects with WalError when the log cannot be read or written.
   */
  async open<Result, Message extends Envelope>(
    options: OpenGroupOptions<Result, Message>,
  ): Promise<Group<Result>> {
    const { group, protocol, machine, replica: id, places } = options;
    if (this.#ended !== undefined) throw this.#ended;
    assert(!this.#groups.has(group) && !this.#opening.has(group), `group ${group} is open already`);
    this.#opening.add(group);
    try {
      const { wal, random } = this.#options;
      const restored = await restoreReplica({ ...options, wal });
      if (this.#ended !== undefined) throw this.#ended;
      const core = protocol.create({ id, random, restored, limits: this.#limits.consensus });
      const { membership } = restored.applied;
      const replica = new GroupReplica(
        { group, protocol, core, machine, membership, places },
        this.#surroundings,
      );
      this.#groups.set(group, replica);
      this.#awake.add(replica);
      this.#keepTime();
      // Nobody has to be waited for.
      const { voters, outgoing } = core.status().membership;
      if (voters.length === 1 && outgoing.length === 0) replica.campaign();
      this.#schedule(replica);
      return replica;
    } finally {
      this.#opening.delete(group);
    }
  }

  /** Whether the node was heard of lately; of those that share a group with this one. */
  isLive(node: NodeId): boolean {
    return this.#surroundings.isLive(node);
  }

  leader(group: GroupId): GroupLeader | undefined {
    return this.#groups.get(group)?.leader;
  }

  /** Its owner has found that the group's state can be used no more: the group ends here, as when applying fails. */
  failState(group: GroupId, cause: unknown): void {
    this.#onStateFailure(group, cause);
  }

  /** Resolves when nothing is under way of a group whose state has failed. */
  async ended(group: GroupId): Promise<void> {
    await this.#ending.get(group);
  }

  /** The group is served here no longer; it may be opened again. Resolves when nothing of it is under way. */
  async close(group: GroupId): Promise<void> {
    const closing = this.#groups.get(group);
    if (closing === undefined) return;
    closing.sayFarewell();
    this.#remove(closing, new StoreError("Stopped", `Group ${group} was closed on this node.`));
    this.#plan();
    await closing.settled();
  }

  /** The group has left this node for good, or joins it anew: the log forgets it, durably. */
  async forget(group: GroupId): Promise<void> {
    await this.close(group);
    await this.#options.wal.forget(group);
  }

  /** Ends all groups. The log and the network stay open: they are the owner's. */
  async stop(): Promise<void> {
    const groups = [...this.#groups.values()];
    for (const group of groups) group.sayFarewell();
    for (const { outbox } of this.#peers.values()) outbox.flush();
    this.#end(new StoreError("Stopped", "The node is stopping."));
    await Promise.all(groups.map((group) => group.settled()));
  }

  onConnect(peer: NodeId): void {
    const { outbox } = this.#peers.get(peer) ?? {};
    outbox?.unblock();
    if (this.#ended === undefined) outbox?.beat();
  }

  onFrame(from: NodeId, bytes: Uint8Array): void {
    if (this.#ended !== undefined) return;
    const frame = this.#decode(bytes);
    if (frame === undefined) return;
    const { incarnation } = frame;
    if (this.#peers.get(from)?.onFrame(frame, this.#now) === "returned") this.#onPeerChanged(from, 0);
    for (const item of frame.items) {
      const group = this.#groups.get(item.group);
      if (group === undefined) this.#counts.refused("unknown-group");
      else group.receive({ node: from, incarnation }, item);
    }
  }

  onDisconnect(peer: NodeId): void {
    if (this.#ended === undefined && this.#peers.get(peer)?.onDisconnect(this.#now) === true)
      this.#onPeerChanged(peer, 0);
  }

  /** A snapshot. Rejects with DecodeError for anything else. */
  async onExchange(from: NodeId, { head, body }: Exchange): Promise<Exchange> {
    const answer = await this.#takeSnapshot(from, decode(snapshotHeadCodec, head), body);
    return { head: encode(snapshotAnswerCodec, answer), body: emptyBody };
  }

  async #takeSnapshot(
    from: NodeId,
    head: SnapshotHead,
    body: AsyncIterable<Uint8Array>,
  ): Promise<SnapshotAnswer> {
    const group = this.#groups.get(head.group);
    if (this.#ended === undefined && group !== undefined) return group.receiveSnapshot(from, head, body);
    this.#counts.refused("unknown-group");
    return "refused";
  }

  #decode(bytes: Uint8Array): Frame | undefined {
    try {
      return decodeFrame(bytes);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#counts.refused(error instanceof UnsupportedVersionError ? "version" : "malformed");
      return undefined;
    }
  }

  #onPeerChanged(node: NodeId, silentTicks: number): void {
    for (const group of this.#groups.values()) group.onPeerChanged(node, silentTicks);
  }

  /**
   * The connection ended and was not made anew: that is how a process ends. Those that follow it wait no longer than a follower waits
   * at least; by what chance adds to that they stand apart, as ever.
   */
  #onPeerAway(node: NodeId): void {
    const { awayTicks, consensus } = this.#limits;
    const skippedTicks = consensus.electionTicks - awayTicks - consensus.heartbeatTicks;
    for (const group of this.#groups.values()) group.onLeaderAway(node, skippedTicks);
  }

  /** A node without others whose groups all rest need not wake: nothing happens by itself. */
  #keepTime(): void {
    if (this.#ticker !== undefined || this.#ended !== undefined) return;
    if (this.#awake.size > 0 || this.#peers.size > 0) this.#arm();
  }

  #arm(): void {
    this.#ticker = this.#options.clock.after(this.#limits.tickMs, () => this.#tick());
  }

  #tick(): void {
    this.#ticker = undefined;
    this.#keepTime();
    this.#now++;
    if (this.#options.wal.stopped === "poisoned")
      return this.#onLogFailure(new Error("the log writes nothing any more"));
    const { livenessTicks, awayTicks } = this.#limits;
    for (const peer of this.#peers.values()) {
      if (peer.stayedAway(this.#now, awayTicks)) this.#onPeerAway(peer.node);
      if (peer.becameSilent(this.#now, livenessTicks)) this.#onPeerChanged(peer.node, livenessTicks);
      peer.outbox.beat();
    }
    for (const group of this.#awake) group.tick();
  }

  #schedule(group: HostedGroup): void {
    if (this.#ended !== undefined) return;
    this.#due.add(group);
    this.#plan();
  }

  #plan(): void {
    if (this.#turnIsPlanned) return;
    this.#turnIsPlanned = true;
    this.#options.clock.soon(() => this.#turn());
  }

  #turn(): void {
    this.#turnIsPlanned = false;
    const due = this.#due;
    this.#due = new Set();
    const { turnItemsMax, groupItemsMin, groupBytesMax } = this.#limits;
    const items = Math.max(groupItemsMin, Math.floor(turnItemsMax / due.size));
    const share = { items, bytes: groupBytesMax };
    const unfinished: HostedGroup[] = [];
    for (const group of due) if (group.turn(share)) unfinished.push(group);
    // Behind whoever became due meanwhile.
    for (const group of unfinished) this.#due.add(group);
    if (this.#ended !== undefined) return;
    this.#options.wal.writeNow();
    const waits = this.#hasAnswered && !this.#hasWaited && this.#peers.size > 0;
    this.#hasAnswered = false;
    this.#hasWaited = waits;
    if (!waits) for (const { outbox } of this.#peers.values()) outbox.flush();
    if (waits || this.#due.size > 0) this.#plan();
  }

  #remove(group: HostedGroup, error: StoreError): void {
    group.end(error);
    this.#groups.delete(group.group);
    this.#awake.delete(group);
    this.#due.delete(group);
  }

  #end(error: StoreError): void {
    this.#ended = error;
    this.#ticker?.cancel();
    for (const group of this.#groups.values()) this.#remove(group, error);
  }

  #onLogFailure(cause: unknown): void {
    if (this.#ended !== undefined) return;
    this.#end(new StoreError("Unavailable", "The node's log failed; the node stops.", { cause }));
    this.#options.events.onLogFailure(cause);
  }

  #onStateFailure(id: GroupId, cause: unknown): void {
    const group = this.#groups.get(id);
    if (group === undefined) return;
    this.#options.journal.error("group.state.failed", { group: id, cause: String(cause) });
    group.resign();
    group.sayFarewell();
    const message = `The state of group ${id} failed on this node. See its log.`;
    this.#remove(group, new StoreError("Internal", message, { cause }));
    this.#ending.set(
      id,
      group.settled().then(() => void this.#ending.delete(id)),
    );
    this.#plan();
    this.#options.events.onStateFailure(id, cause);
  }

  #peer(node: NodeId): Peer | undefined {
    const { network } = this.#options;
    if (node === network.self) return undefined;
    let peer = this.#peers.get(node);
    if (peer === undefined) {
      const head = { incarnation: this.#options.wal.incarnation, run: this.#run };
      const { frameBytesMax, peerBytesMax } = this.#limits;
      peer = new Peer(node, { network, counts: this.#counts, head, frameBytesMax, peerBytesMax });
      this.#peers.set(node, peer);
      this.#keepTime();
    }
    return peer;
  }

  #countLed(): number {
    let count = 0;
    for (const { leader, replica } of this.#groups.values()) if (leader?.replica === replica) count++;
    return count;
  }

  #makeSurroundings(): Surroundings {
    const { wal, network, clock, journal, events } = this.#options;
    const limits = this.#limits;
    return {
      wal,
      network,
      clock,
      journal,
      limits,
      counts: this.#counts,
      fetchSlots: new Slots(limits.fetchesMax),
      snapshotSlots: new Slots(limits.snapshotsMax),
      schedule: (group) => this.#schedule(group),
      setResting: (group, isResting) => {
        if (isResting) this.#awake.delete(group);
        else this.#awake.add(group);
        this.#keepTime();
      },
      meet: (places) => {
        for (const { node } of places.values()) this.#peer(node);
      },
      outbox: (node) => this.#peer(node)?.outbox,
      isLive: (node) => node === network.self || this.#peers.get(node)?.isLive === true,
      room: () => events.room(),
      onApplied: () => events.onApplied(),
      onAnswered: () => (this.#hasAnswered = true),
      onLeaderChange: (group) => events.onLeaderChange(group, this.leader(group)),
      onLogFailure: (cause) => this.#onLogFailure(cause),
      onStateFailure: (group, cause) => this.#onStateFailure(group, cause),
    };
  }
}
