/**
 * One group on this node: the host's loop of the consensus contract, behind the ReplicatedLog port.
 *
 * What is durable when. A command's promise resolves when its entry is committed, durable in this node's log and applied
 * here. Messages of `ready` leave with the turn; those that a write carries leave when the log has synced the batch it
 * went into. Everything happens in turns, one group after the other, each within its budget.
 */

import type { GroupId, LogIndex, NodeId, StoreError } from "@holdfast/base";
import { AssertionError, assert, DecodeError, decode, encode } from "@holdfast/base";
import type {
  Consensus,
  ConsensusProtocol,
  ConsensusStatus,
  Envelope,
  FollowerStatus,
  MembershipTarget,
  Proposed,
  Ready,
  Refusal,
  ReplicaId,
  SnapshotPosition,
  StorageWrite,
} from "@holdfast/consensus";
import { membersOf } from "@holdfast/consensus";
import type { Appended } from "@holdfast/ports";
import { Applier } from "./applier.ts";
import { Barriers } from "./barriers.ts";
import { Budget } from "./budget.ts";
import type { FrameItem, RestItem } from "./frame-codec.ts";
import type { Group, GroupLeader } from "./group.ts";
import { notLeader } from "./group.ts";
import type { GroupMachine, StagedState } from "./group-machine.ts";
import type { HostedGroup, Surroundings } from "./hosted-group.ts";
import type { Received } from "./inbox.ts";
import { Inbox } from "./inbox.ts";
import { smallBytes } from "./limits.ts";
import { OldEntries } from "./old-entries.ts";
import type { Place, Places } from "./places.ts";
import { Proposals } from "./proposals.ts";
import { followerMayRest, leaderMayRest } from "./resting.ts";
import { sendSnapshot } from "./send-snapshot.ts";
import type { SnapshotAnswer, SnapshotHead } from "./snapshot-head.ts";
import { UnappliedBytes } from "./unapplied-bytes.ts";
import { WriteLane } from "./write-lane.ts";

export interface ReplicaOptions<Result, Message extends Envelope> {
  readonly group: GroupId;
  readonly protocol: ConsensusProtocol<Message>;
  readonly core: Consensus<Message>;
  readonly machine: GroupMachine<Result>;
  readonly membership: SnapshotPosition["membership"];
  readonly places: Places;
}

export class GroupReplica<Result, Message extends Envelope> implements Group<Result>, HostedGroup {
  readonly group: GroupId;
  readonly replica: ReplicaId;
  readonly #surroundings: Surroundings;
  readonly #protocol: ConsensusProtocol<Message>;
  readonly #core: Consensus<Message>;
  readonly #machine: GroupMachine<Result>;
  readonly #applier: Applier<Result>;
  readonly #lane: WriteLane<Message>;
  readonly #proposals: Proposals<Result>;
  readonly #barriers: Barriers;
  readonly #oldEntries: OldEntries;
  readonly #inbox: Inbox<Message>;
  readonly #unapplied = new UnappliedBytes();
  readonly #abort = new AbortController();
  #places: Places;
  #leader: ReplicaId | undefined;
  /** A snapshot that waits for the core's word. */
  #staged: StagedState | undefined;
  /** The core has replaced the log by it: it becomes the state once that is durable. */
  #installing: StagedState | undefined;
  /** It is becoming the state: nothing is taken from the lane meanwhile. */
  #isSwitching = false;
  #isReceivingSnapshot = false;
  /** Fetches and snapshots under way. */
  #jobs = 0;
  #waitsForRoom = false;
  #suspect: boolean;
  #isResting = false;
  /** Ticks since something happened here. */
  #quietTicks = 0;
  /** Ticks in which this leader said nothing, since it may rest. */
  #silentTicks = 0;
  #ended: StoreError | undefined;

  constructor(options: ReplicaOptions<Result, Message>, surroundings: Surroundings) {
    const { group, protocol, core, machine, places } = options;
    const { wal, limits } = surroundings;
    this.group = group;
    this.replica = core.id;
    this.#surroundings = surroundings;
    this.#protocol = protocol;
    this.#core = core;
    this.#machine = machine;
    this.#places = places;
    this.#suspect = core.status().suspect;
    this.#applier = new Applier(machine, options.membership, ({ index, ballot }, made) =>
      this.#proposals.onApplied(index, ballot, made),
    );
    this.#lane = new WriteLane(wal, group, {
      onDurable: () => surroundings.schedule(this),
      onFailure: (cause) => surroundings.onLogFailure(cause),
    });
    this.#proposals = new Proposals(limits, (leader) => notLeader(group, this.#leaderAt(leader)));
    this.#barriers = new Barriers(limits.readWaitMs);
    this.#inbox = new Inbox(limits.inboxBytesMax);
    surroundings.meet(places);
    this.#oldEntries = new OldEntries(wal, group, surroundings.journal);
  }

  get appliedIndex(): LogIndex {
    return this.#applier.index;
  }

  get leader(): GroupLeader | undefined {
    return this.#leaderAt(this.#leader);
  }

  get isResting(): boolean {
    return this.#isResting;
  }

  status(): ConsensusStatus {
    return this.#core.status();
  }

  followers(): readonly FollowerStatus[] {
    return this.#core.followers();
  }

  append(command: Uint8Array): Promise<Appended<Result>> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const { leader } = this;
    // A follower that rests knows its leader, and need not be woken to say so.
    if (leader !== undefined && leader.replica !== this.replica)
      return Promise.reject(notLeader(this.group, leader));
    this.#act();
    return this.#proposals.add(command, this.#nowMs);
  }

  readBarrier(): Promise<void> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    this.#act();
    return this.#barriers.add(this.#nowMs);
  }

  proposeChange(target: MembershipTarget): Proposed | Refusal {
    this.#act();
    return this.#core.proposeChange(target);
  }

  transferLeader(to: ReplicaId): Refusal | undefined {
    this.#act();
    return this.#core.transferLeader(to);
  }

  campaign(): void {
    this.#act();
    this.#core.campaign();
  }

  setPlaces(places: Places): void {
    this.#places = places;
    this.#surroundings.meet(places);
  }

  tick(): void {
    this.#proposals.expire(this.#nowMs);
    this.#barriers.tick(this.#nowMs);
    this.#lane.retry();
    if (!this.#rests()) this.#core.tick();
    this.#surroundings.schedule(this);
  }

  turn(): boolean {
    if (this.#ended !== undefined) return false;
    const budget = new Budget(this.#surroundings.limits);
    this.#finishWrites();
    this.#readInbox(budget);
    this.#barriers.ask((context) => this.#core.readIndex(context));
    const hasProposals = this.#propose(budget);
    this.#pump();
    this.#apply(budget);
    this.#report();
    const hasEntries = !this.#applier.isEmpty && !this.#waitsForRoom;
    return this.#ended === undefined && (hasProposals || hasEntries || !this.#inbox.isEmpty);
  }

  receive(sender: Place, item: FrameItem): void {
    if (this.#ended !== undefined) return;
    switch (item.kind) {
      case "Message":
        return this.#receiveMessage(sender, item.message);
      case "Rest":
        return this.#livesAt(item.from, sender) && item.to === this.replica
          ? this.#take(item)
          : this.#surroundings.counts.refused("foreign");
      case "Wake":
        return this.#isPlace(sender) ? this.#wake() : this.#surroundings.counts.refused("foreign");
    }
  }

  async receiveSnapshot(
    node: NodeId,
    head: SnapshotHead,
    body: AsyncIterable<Uint8Array>,
  ): Promise<SnapshotAnswer> {
    const { from, to, ballot, position, incarnation } = head;
    if (this.#ended !== undefined || this.#isReceivingSnapshot || this.#installing !== undefined)
      return "refused";
    if (!this.#livesAt(from, { node, incarnation }) || to !== this.replica) {
      this.#surroundings.counts.refused("foreign");
      return "refused";
    }
    this.#isReceivingSnapshot = true;
    try {
      if (position.index > this.#core.status().commitIndex)
        this.#staged = await this.#machine.stage(position, body);
      return await this.#offerSnapshot(this.#protocol.installSnapshot({ from, to, ballot }, position));
    } finally {
      this.#isReceivingSnapshot = false;
    }
  }

  onPeerChanged(node: NodeId, silentTicks: number): void {
    if (!this.#isResting || ![...this.#places.values()].some((place) => place.node === node)) return;
    this.#act();
    // Time has passed without a word of the leader: it only was not counted.
    if (this.leader?.node === node) for (let i = 0; i < silentTicks; i++) this.#core.tick();
  }

  end(error: StoreError): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.#abort.abort(error);
    this.#proposals.end(error);
    this.#barriers.end(error);
    this.#inbox.clear();
    this.#applier.clear();
  }

  settled(): Promise<void> {
    return this.#lane.settled();
  }

  sayFarewell(): void {
    for (const { node } of this.#places.values())
      this.#surroundings.outbox(node)?.say({ kind: "Wake", group: this.group });
  }

  onUnsent(to: ReplicaId): void {
    if (this.#ended === undefined) this.#core.reportUnreachable(to);
  }

  /** Something is asked for here. */
  #act(): void {
    this.#wake();
    this.#surroundings.schedule(this);
  }

  get #nowMs(): number {
    return this.#surroundings.clock.monotonicMs();
  }

  /** Too much waits to be written or applied for more entries to be taken. */
  get #isFull(): boolean {
    return this.#lane.isHeld || this.#unapplied.bytes > this.#surroundings.limits.unappliedBytesMax;
  }

  get #hasNothingToDo(): boolean {
    const hasWork = !this.#inbox.isEmpty || this.#jobs > 0 || this.#isReceivingSnapshot;
    const isWaitedFor = !this.#proposals.isEmpty || !this.#barriers.isEmpty;
    return !hasWork && !isWaitedFor && this.#lane.isEmpty && this.#applier.isEmpty;
  }

  #leaderAt(replica: ReplicaId | undefined): GroupLeader | undefined {
    return replica === undefined ? undefined : { replica, node: this.#places.get(replica)?.node };
  }

  #isPlace(sender: Place): boolean {
    for (const { node, incarnation } of this.#places.values())
      if (node === sender.node && incarnation === sender.incarnation) return true;
    return false;
  }

  /** S11: whoever speaks for a replica is the node it lives on, under the log it lives in. */
  #livesAt(replica: ReplicaId, { node, incarnation }: Place): boolean {
    const place = this.#places.get(replica);
    return place?.node === node && place.incarnation === incarnation;
  }

  #receiveMessage(sender: Place, bytes: Uint8Array): void {
    const { counts } = this.#surroundings;
    const message = decodeOrNothing(this.#protocol, bytes);
    if (message === undefined) return counts.refused("malformed");
    if (!this.#livesAt(message.from, sender)) return counts.refused("foreign");
    // Only a host that holds the snapshot itself may hand this over.
    if ("kind" in message && message.kind === "InstallSnapshot") return counts.refused("invalid");
    if (bytes.length > smallBytes && this.#isFull) return counts.refused("overflow");
    this.#take({ kind: "Message", message, bytes: bytes.length });
  }

  #take(received: Received<Message>): void {
    if (this.#inbox.put(received)) this.#surroundings.schedule(this);
    else this.#surroundings.counts.refused("overflow");
  }

  #readInbox(budget: Budget): void {
    while (!budget.isSpent) {
      const received = this.#inbox.take();
      if (received === undefined) return;
      if (received.kind === "Rest") {
        this.#onRest(received);
        continue;
      }
      budget.spend(received.bytes);
      this.#wake(received.message.from);
      if (this.#core.step(received.message) !== undefined) this.#surroundings.counts.refused("invalid");
    }
  }

  #propose(budget: Budget): boolean {
    if (this.#proposals.isQueueEmpty || this.#isFull) return false;
    return this.#proposals.offer((command) => this.#core.propose(command), budget, this.#nowMs);
  }

  /** Does all that the core asks for (contract/consensus.ts, the host's loop). */
  #pump(): void {
    for (let ready = this.#core.ready(); ready !== undefined; ready = this.#core.ready())
      this.#carryOut(ready);
  }

  #carryOut({ messages, write, committed, reads, fetches, snapshots }: Ready<Message>): void {
    for (const message of messages) this.#send(message);
    if (write !== undefined) this.#write(write);
    if (committed.length > 0) this.#applier.add(committed);
    for (const read of reads) this.#barriers.onRead(read, this.#applier.index);
    for (const { to, from, bytesMax } of fetches)
      this.#inBackground(
        this.#surroundings.fetchSlots.run(() => this.#oldEntries.read(to, from, bytesMax)),
        (fetched) => this.#core.provide(fetched),
      );
    for (const to of snapshots)
      this.#inBackground(
        this.#surroundings.snapshotSlots.run(() => this.#stream(to)),
        (outcome) => this.#core.reportSnapshot(to, outcome),
      );
    if (write !== undefined || committed.length + reads.length + fetches.length + snapshots.length > 0)
      this.#quietTicks = 0;
  }

  #send(message: Message): void {
    const place = this.#places.get(message.to);
    const outbox = place === undefined ? undefined : this.#surroundings.outbox(place.node);
    if (outbox === undefined) return this.#core.reportUnreachable(message.to);
    const bytes = encode(this.#protocol.messageCodec, message);
    outbox.message(this, message.to, { kind: "Message", group: this.group, message: bytes }, bytes.length);
  }

  #write(write: StorageWrite<Message>): void {
    this.#unapplied.onWrite(write.entries);
    if (write.base !== undefined) {
      assert(this.#staged?.position.index === write.base.index, "the snapshot waits beside the state");
      this.#installing = this.#staged;
      this.#staged = undefined;
      this.#applier.clear();
      this.#proposals.onReplaced(write.base.index);
    }
    this.#lane.add(write);
  }

  #finishWrites(): void {
    while (!this.#isSwitching) {
      const write = this.#lane.take();
      if (write === undefined) return;
      if (write.base !== undefined) return this.#install(write);
      this.#onDurable(write);
      this.#core.advance({ written: write.sequence });
    }
  }

  #onDurable(write: StorageWrite<Message>): void {
    for (const reply of write.replies) this.#send(reply);
  }

  /** The log begins anew behind the snapshot, durably: now it becomes the state. */
  #install(write: StorageWrite<Message>): void {
    const staged = this.#installing;
    assert(staged !== undefined, "a snapshot is being installed");
    this.#isSwitching = true;
    staged.install().then(
      () => {
        if (this.#ended !== undefined) return;
        this.#isSwitching = false;
        this.#installing = undefined;
        this.#applier.onInstalled();
        this.#onDurable(write);
        this.#core.advance({ written: write.sequence, applied: this.#applier.index });
        this.#onApplied();
      },
      (cause: unknown) => this.#surroundings.onStateFailure(this.group, cause),
    );
  }

  #apply(budget: Budget): void {
    while (!this.#applier.isEmpty && !budget.isSpent) {
      const room = this.#surroundings.room();
      if (room !== undefined) return this.#waitFor(room);
      try {
        this.#applier.apply(budget);
      } catch (cause) {
        // Applying never fails, unless the state is damaged or an invariant is broken: nothing may follow.
        if (cause instanceof AssertionError) throw cause;
        return this.#surroundings.onStateFailure(this.group, cause);
      }
      this.#core.advance({ applied: this.#applier.index });
      this.#onApplied();
      this.#pump();
    }
  }

  #onApplied(): void {
    this.#unapplied.onApplied(this.#applier.index);
    this.#barriers.onApplied(this.#applier.index);
    this.#surroundings.onApplied();
    this.#surroundings.schedule(this);
  }

  #waitFor(room: Promise<void>): void {
    this.#waitsForRoom = true;
    const goOn = (): void => {
      this.#waitsForRoom = false;
      this.#surroundings.schedule(this);
    };
    room.then(goOn, goOn);
  }

  #inBackground<T>(job: Promise<T>, done: (outcome: T) => void): void {
    this.#jobs++;
    void job.then((outcome) => {
      this.#jobs--;
      if (this.#ended !== undefined) return;
      done(outcome);
      this.#surroundings.schedule(this);
    });
  }

  async #stream(to: ReplicaId): Promise<"delivered" | "failed"> {
    const place = this.#places.get(to);
    if (this.#ended !== undefined || place === undefined) return "failed";
    const { network, wal, journal } = this.#surroundings;
    const { group, replica: from } = this;
    const { applied: position } = this.#machine;
    const { ballot } = this.#core.status();
    const head = { group, incarnation: wal.incarnation, from, to, ballot, position };
    const snapshot = { head, body: this.#machine.snapshot() };
    return sendSnapshot({ network, journal, node: place.node, signal: this.#abort.signal }, snapshot);
  }

  /** It waits whole beside the state, or is not needed: the core says which. */
  async #offerSnapshot(message: Message): Promise<SnapshotAnswer> {
    if (this.#ended !== undefined) return "refused";
    this.#wake(message.from);
    const refusal = this.#core.step(message);
    this.#pump();
    this.#surroundings.schedule(this);
    const unneeded = this.#staged;
    this.#staged = undefined;
    await unneeded?.discard();
    if (refusal === undefined) return "taken";
    this.#surroundings.counts.refused("invalid");
    return "refused";
  }

  #report(): void {
    const { leader, suspect } = this.#core.status();
    if (this.#suspect && !suspect) this.#settle();
    this.#suspect = suspect;
    if (leader === this.#leader) return;
    this.#leader = leader;
    this.#surroundings.onLeaderChange(this.group);
  }

  /** S10: what was lost is back, or never mattered. */
  #settle(): void {
    this.#surroundings.wal
      .settle(this.group)
      .catch((cause: unknown) => this.#surroundings.onLogFailure(cause));
  }

  /** True when no time passes for the core in this tick: the leader lets the last answers come in, then rests. */
  #rests(): boolean {
    const { limits } = this.#surroundings;
    this.#quietTicks++;
    const status = this.#core.status();
    const mayRest =
      this.#quietTicks >= limits.quietTicks &&
      this.#hasNothingToDo &&
      leaderMayRest(status, this.#core.followers(), (id) => this.#isLive(id));
    this.#silentTicks = mayRest ? this.#silentTicks + 1 : 0;
    // Far shorter than what followers wait.
    if (this.#silentTicks > Math.floor(limits.consensus.electionTicks / 2)) this.#rest(status);
    return mayRest;
  }

  #rest({ id: from, ballot, commitIndex: index, membership }: ConsensusStatus): void {
    for (const to of membersOf(membership)) {
      const node = this.#places.get(to)?.node;
      if (node === undefined || to === from || !this.#surroundings.isLive(node)) continue;
      this.#surroundings.outbox(node)?.say({ kind: "Rest", group: this.group, from, to, ballot, index });
    }
    this.#setResting(true);
  }

  #isLive(replica: ReplicaId): boolean {
    const place = this.#places.get(replica);
    return place !== undefined && this.#surroundings.isLive(place.node);
  }

  #onRest(item: RestItem): void {
    // What arrived before may have brought something.
    this.#pump();
    if (this.#hasNothingToDo && followerMayRest(this.#core.status(), item)) this.#setResting(true);
    else this.#sayWake(item.from);
  }

  /** Something happens, by this replica's word or here. A follower that counts the time again wants to hear its leader. */
  #wake(by?: ReplicaId): void {
    if (!this.#isResting) {
      if (by === undefined) this.#quietTicks = 0;
      return;
    }
    this.#quietTicks = 0;
    this.#setResting(false);
    if (this.#leader !== undefined && this.#leader !== this.replica && this.#leader !== by)
      this.#sayWake(this.#leader);
  }

  #sayWake(to: ReplicaId): void {
    const node = this.#places.get(to)?.node;
    if (node !== undefined) this.#surroundings.outbox(node)?.say({ kind: "Wake", group: this.group });
  }

  #setResting(isResting: boolean): void {
    if (this.#isResting === isResting) return;
    this.#isResting = isResting;
    this.#surroundings.setResting(this, isResting);
  }
}

function decodeOrNothing<Message extends Envelope>(
  { messageCodec }: ConsensusProtocol<Message>,
  bytes: Uint8Array,
): Message | undefined {
  try {
    return decode(messageCodec, bytes);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
