/**
 * One group on this node: the host's loop of the consensus contract, behind the ReplicatedLog port.
 *
 * What is durable when. A command's promise resolves when its entry is committed, durable in this node's log and applied
 * here. Messages of `ready` leave with the turn; those that a write carries leave when the log has synced the batch it
 * went into. Everything happens in turns, one group after the other, each within its budget.
 */

import type { GroupId, LogIndex, NodeId } from "@holdfast/base";
import { AssertionError, decodeOrNothing, StoreError, useEncoded } from "@holdfast/base";
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
import type { Share } from "./budget.ts";
import { Budget } from "./budget.ts";
import type { FrameItem, RestItem } from "./frame-codec.ts";
import type { Group, GroupLeader } from "./group.ts";
import { notLeader } from "./group.ts";
import type { GroupMachine } from "./group-machine.ts";
import { GroupPlaces } from "./group-places.ts";
import { heirOf } from "./heir.ts";
import type { HostedGroup, Surroundings } from "./hosted-group.ts";
import type { Received } from "./inbox.ts";
import { Inbox } from "./inbox.ts";
import { smallBytes } from "./limits.ts";
import { OldEntries } from "./old-entries.ts";
import type { Place, Places } from "./places.ts";
import { Proposals } from "./proposals.ts";
import { followerMayRest, leaderMayRest, Quiet } from "./resting.ts";
import { sendSnapshot } from "./send-snapshot.ts";
import type { SnapshotAnswer, SnapshotHead } from "./snapshot-head.ts";
import { SnapshotIntake } from "./snapshot-intake.ts";
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
  readonly #quiet: Quiet;
  readonly #abort = new AbortController();
  readonly #places: GroupPlaces;
  readonly #intake: SnapshotIntake;
  #leader: ReplicaId | undefined;
  /**
   * It leads, nobody else votes, and an entry of its ballot is applied: the state shows everything that anybody was told.
   * What was told in earlier ballots lies before that entry, what is told in this one was applied here first.
   */
  #isSoleLeader = false;
  /** Fetches and snapshots under way. */
  #jobs = 0;
  #waitsForRoom = false;
  #suspect: boolean;
  #isResting = false;
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
    this.#places = new GroupPlaces(places, surroundings);
    this.#intake = new SnapshotIntake(machine);
    this.#suspect = core.status().suspect;
    this.#applier = new Applier(machine, options.membership, ({ index, ballot }, made) => {
      if (this.#proposals.onApplied(index, ballot, made)) surroundings.onAnswered();
    });
    this.#lane = new WriteLane(wal, group, {
      onDurable: () => surroundings.schedule(this),
      onFailure: (cause) => surroundings.onLogFailure(cause),
    });
    this.#proposals = new Proposals(limits, (leader) => notLeader(group, this.#places.leaderOf(leader)));
    this.#barriers = new Barriers(limits.readWaitMs);
    this.#inbox = new Inbox(limits.inboxBytesMax);
    this.#quiet = new Quiet(limits);
    this.#oldEntries = new OldEntries(wal, group, surroundings.journal);
  }

  get appliedIndex(): LogIndex {
    return this.#applier.index;
  }

  get leader(): GroupLeader | undefined {
    return this.#ended === undefined ? this.#places.leaderOf(this.#leader) : undefined;
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
    const { commandBytesMax } = this.#surroundings.limits;
    if (command.length > commandBytesMax)
      return Promise.reject(
        new StoreError("InvalidRequest", `A command of more than ${commandBytesMax} bytes.`),
      );
    const { leader } = this;
    // A follower that rests knows its leader, and need not be woken to say so.
    if (leader !== undefined && leader.replica !== this.replica)
      return Promise.reject(notLeader(this.group, leader));
    this.#act();
    return this.#proposals.add(command, this.#nowMs);
  }

  readBarrier(): Promise<void> | undefined {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    if (this.#isSoleLeader) return undefined;
    this.#act();
    return this.#barriers.add(this.#nowMs);
  }

  proposeChange(target: MembershipTarget): Proposed | Refusal {
    if (this.#ended !== undefined) return { kind: "not-leader", leader: undefined };
    this.#act();
    return this.#core.proposeChange(target);
  }

  transferLeader(to: ReplicaId): Refusal | undefined {
    if (this.#ended !== undefined) return { kind: "not-leader", leader: undefined };
    this.#act();
    return this.#core.transferLeader(to);
  }

  campaign(): void {
    if (this.#ended !== undefined) return;
    this.#act();
    this.#core.campaign();
  }

  setPlaces(places: Places): void {
    this.#places.set(places);
  }

  tick(): void {
    this.#proposals.expire(this.#nowMs, this.#lane.isHeld ? outOfSpace() : undefined);
    this.#barriers.tick(this.#nowMs);
    this.#lane.retry();
    const quiet = this.#quiet.tick(() => this.#mayRest);
    if (quiet === "over") this.#rest();
    if (quiet === "waits") this.#core.tick();
    this.#surroundings.schedule(this);
  }

  turn(share: Share): boolean {
    if (this.#ended !== undefined) return false;
    const budget = new Budget(share);
    this.#finishWrites();
    this.#readInbox(budget);
    this.#barriers.ask((context) => this.#core.readIndex(context));
    const hasProposals = this.#propose(budget);
    this.#pump();
    // One of its own: whatever comes in must not keep what is there from being applied.
    this.#apply(new Budget(share));
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
        return this.#places.isHome(item.from, sender) && item.to === this.replica
          ? this.#take(item)
          : this.#surroundings.counts.refused("foreign");
      case "Wake":
        return this.#places.knows(sender) ? this.#wake() : this.#surroundings.counts.refused("foreign");
    }
  }

  async receiveSnapshot(
    node: NodeId,
    head: SnapshotHead,
    body: AsyncIterable<Uint8Array>,
  ): Promise<SnapshotAnswer> {
    const { from, to, ballot, position, incarnation } = head;
    if (this.#ended !== undefined || this.#intake.isBusy) return "refused";
    if (!this.#places.isHome(from, { node, incarnation }) || to !== this.replica) {
      this.#surroundings.counts.refused("foreign");
      return "refused";
    }
    const isNeeded = position.index > this.#core.status().commitIndex;
    const message = this.#protocol.installSnapshot({ from, to, ballot }, position);
    const snapshot = { position, body: this.#whileOpen(body) };
    return this.#intake.receive(isNeeded ? snapshot : undefined, () => this.#offerSnapshot(message));
  }

  async *#whileOpen(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    for await (const chunk of body) {
      if (this.#ended !== undefined) throw this.#ended;
      yield chunk;
    }
  }

  onPeerChanged(node: NodeId, silentTicks: number): void {
    if (!this.#isResting || !this.#places.isOn(node)) return;
    this.#act();
    if (this.leader?.node !== node) return;
    // Time has passed without a word of the leader: some of it was not counted.
    for (let i = this.#quiet.silentTicks; i < silentTicks; i++) this.#core.tick();
  }

  onLeaderAway(node: NodeId, skippedTicks: number): void {
    if (this.#ended !== undefined || this.leader?.node !== node) return;
    this.#act();
    for (let i = 0; i < skippedTicks; i++) this.#core.tick();
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

  async settled(): Promise<void> {
    await this.#lane.settled();
    await this.#intake.settled();
  }

  resign(): void {
    const heir = heirOf(this.#core.status(), this.#core.followers());
    if (this.#ended !== undefined || heir === undefined) return;
    this.#core.transferLeader(heir);
    // What else there is to do is lost, as in a crash: nothing may be applied or written any more.
    for (let ready = this.#core.ready(); ready !== undefined; ready = this.#core.ready())
      for (const message of ready.messages) this.#send(message);
  }

  sayFarewell(): void {
    for (const outbox of this.#places.outboxes()) outbox.wake(this.group);
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
    const hasWork = !this.#inbox.isEmpty || this.#jobs > 0 || this.#intake.isBusy;
    const isWaitedFor = !this.#proposals.isEmpty || !this.#barriers.isEmpty;
    return !hasWork && !isWaitedFor && this.#lane.isEmpty && this.#applier.isEmpty;
  }

  #receiveMessage(sender: Place, bytes: Uint8Array): void {
    const { counts } = this.#surroundings;
    const message = decodeOrNothing(this.#protocol.messageCodec, bytes);
    if (message === undefined) return counts.refused("malformed");
    if (!this.#places.isHome(message.from, sender)) return counts.refused("foreign");
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
    // Behind a write that is on its way they would wait as long: so they go together, and no flood fills the log's next batches.
    const waits = this.#isFull || this.#lane.bytes > 0;
    if (this.#proposals.isQueueEmpty || waits) return false;
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
      this.#quiet.end();
  }

  #send(message: Message): void {
    const outbox = this.#places.outboxTo(message.to);
    if (outbox === undefined) return this.#core.reportUnreachable(message.to);
    const { group } = this;
    useEncoded(this.#protocol.messageCodec, message, (bytes) =>
      outbox.message(this, message.to, { kind: "Message", group, message: bytes }, bytes.length),
    );
  }

  #write(write: StorageWrite<Message>): void {
    this.#unapplied.onWrite(write.entries);
    if (write.base !== undefined) {
      this.#intake.onBase(write.base);
      this.#applier.clear();
      this.#proposals.onReplaced(write.base.index);
    }
    this.#lane.add(write);
  }

  #finishWrites(): void {
    while (!this.#intake.isInstalling) {
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
    this.#intake.install().then(
      () => {
        if (this.#ended !== undefined) return;
        this.#applier.onInstalled();
        this.#onDurable(write);
        this.#core.advance({ written: write.sequence, applied: this.#applier.index });
        this.#onApplied();
        this.#surroundings.schedule(this);
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
  }

  #waitFor(room: Promise<void>): void {
    if (this.#waitsForRoom) return;
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
    const node = this.#places.nodeOf(to);
    if (this.#ended !== undefined || node === undefined) return "failed";
    const { network, wal, journal } = this.#surroundings;
    const { group, replica: from } = this;
    const snapshot = await this.#machine.snapshot().catch((cause: unknown) => {
      this.#surroundings.onStateFailure(group, cause);
    });
    if (snapshot === undefined) return "failed";
    try {
      if (this.#ended !== undefined) return "failed";
      const { position, body } = snapshot;
      const { ballot } = this.#core.status();
      const head = { group, incarnation: wal.incarnation, from, to, ballot, position };
      return await sendSnapshot({ network, journal, node, signal: this.#abort.signal }, { head, body });
    } finally {
      snapshot.close();
    }
  }

  /** It waits whole beside the state, or is not needed: the core says which. */
  #offerSnapshot(message: Message): SnapshotAnswer {
    if (this.#ended !== undefined) return "refused";
    this.#wake(message.from);
    const refusal = this.#core.step(message);
    this.#pump();
    this.#surroundings.schedule(this);
    if (refusal === undefined) return "taken";
    this.#surroundings.counts.refused("invalid");
    return "refused";
  }

  #report(): void {
    const { leader, suspect, membership, ballot } = this.#core.status();
    if (this.#suspect && !suspect) this.#settle();
    this.#suspect = suspect;
    const { voters, outgoing } = membership;
    const isAlone = leader === this.replica && voters.length === 1 && outgoing.length === 0;
    this.#isSoleLeader = isAlone && this.#machine.applied.ballot === ballot;
    if (leader === this.#leader) return;
    this.#leader = leader;
    this.#surroundings.onLeaderChange(this.group);
  }

  /** S10: what was lost is back, or never mattered. The log may lack the room to say so: then a later turn tries again. */
  #settle(): void {
    this.#surroundings.wal.settle(this.group).catch(() => {
      this.#suspect = true;
    });
  }

  get #mayRest(): boolean {
    if (!this.#hasNothingToDo) return false;
    return leaderMayRest(this.#core.status(), this.#core.followers(), (id) => this.#places.isLive(id));
  }

  #rest(): void {
    const { id: from, ballot, commitIndex: index, membership } = this.#core.status();
    for (const to of membersOf(membership))
      if (to !== from && this.#places.isLive(to))
        this.#places.outboxTo(to)?.rest({ kind: "Rest", group: this.group, from, to, ballot, index });
    this.#setResting(true);
  }

  #onRest(item: RestItem): void {
    // What arrived before may have brought something.
    this.#pump();
    if (this.#hasNothingToDo && followerMayRest(this.#core.status(), item)) this.#setResting(true);
    else this.#sayWake(item.from);
  }

  /** Something happens, by this replica's word or here. A follower that counts the time again wants to hear its leader. */
  #wake(by?: ReplicaId): void {
    if (this.#isResting || by === undefined) this.#quiet.end();
    if (!this.#isResting) return;
    this.#setResting(false);
    if (this.#leader !== undefined && this.#leader !== this.replica && this.#leader !== by)
      this.#sayWake(this.#leader);
  }

  #sayWake(to: ReplicaId): void {
    this.#places.outboxTo(to)?.wake(this.group);
  }

  #setResting(isResting: boolean): void {
    if (this.#isResting === isResting) return;
    this.#isResting = isResting;
    this.#surroundings.setResting(this, isResting);
  }
}

function outOfSpace(): StoreError {
  return new StoreError("OutOfSpace", "The log cannot grow: the disk is full. Free some space.");
}
