/**
 * The host of one replica in simulation: disk, state machine, clock, and the loop of the contract. It does what a real
 * host does, in the order in which one may, and nothing that one could not.
 */

import type { Ballot, LogIndex, Random } from "@holdfast/base";
import { decode, encode, uniform } from "@holdfast/base";
import type {
  Consensus,
  ConsensusRole,
  ConsensusStatus,
  Entry,
  Envelope,
  Fetch,
  Membership,
  MembershipTarget,
  Proposed,
  ReadState,
  Refusal,
  ReplicaId,
  StorageWrite,
} from "@holdfast/consensus";
import { decodeMembership } from "@holdfast/consensus";
import { violated } from "../model/violation.ts";
import type { GroupChecks } from "./group-checks.ts";
import type { GroupMachine, MachineKind } from "./group-machine.ts";
import type { GroupPlan } from "./group-plan.ts";
import type { GroupTrace } from "./group-trace.ts";
import type { GroupNetwork } from "./network.ts";
import type { Protocol } from "./protocol.ts";
import type { FlushedState } from "./replica-disk.ts";
import { ReplicaDisk } from "./replica-disk.ts";

export interface ReplicaWorld<Message extends Envelope> {
  readonly plan: GroupPlan;
  readonly protocol: Protocol<Message>;
  readonly machine: MachineKind;
  readonly random: Random;
  readonly network: GroupNetwork<Message>;
  readonly checks: GroupChecks;
  readonly trace: GroupTrace;
  now(): number;
  replica(id: ReplicaId): SimulatedReplica<Message> | undefined;
}

export type LifeState = "running" | "paused" | "down" | "gone";

/** How a proposal ended: carried out at this index, or replaced by another entry, or stale. */
export type Applied = (executedIndex: number | undefined) => void;

interface AppliedWaiter {
  readonly ballot: Ballot;
  readonly done: Applied;
}

/** The index that the answer stands for. */
type ReadWaiter = (index: number | undefined) => void;

/** What the entries up to `index` have made; in memory. */
interface AppliedState {
  index: LogIndex;
  ballot: Ballot;
  membership: Membership;
  readonly machine: GroupMachine;
}

interface PendingApply {
  readonly entries: readonly Entry[];
  readonly dueAt: number;
}

interface Transfer<Message extends Envelope> {
  readonly to: SimulatedReplica<Message>;
  readonly snapshot: FlushedState;
  /** Of the leader that asked for it. */
  readonly ballot: Ballot;
  readonly dueAt: number;
}

/** Messages that wait for a replica that stands still. */
const inboxMax = 500;

export class SimulatedReplica<Message extends Envelope> {
  readonly id: ReplicaId;
  readonly disk: ReplicaDisk<Message>;
  readonly #world: ReplicaWorld<Message>;
  /** Ticks of this replica for each of the world's. */
  clockRate = 1;
  isSlow = false;
  isFull = false;
  #clock = 0;
  #life: LifeState = "down";
  #core: Consensus<Message>;
  #applied: AppliedState;
  #inbox: Message[] = [];
  #inboxMax = inboxMax;
  #applying: PendingApply | undefined;
  #proposals = new Map<number, AppliedWaiter>();
  #reads = new Map<number, ReadWaiter>();
  #confirmedReads: { readonly index: LogIndex; readonly waiter: ReadWaiter }[] = [];
  #lastContext = 0;
  #fetches: Fetch[] = [];
  #transfers: Transfer<Message>[] = [];

  constructor(id: ReplicaId, membership: Membership, world: ReplicaWorld<Message>) {
    this.id = id;
    this.#world = world;
    this.disk = new ReplicaDisk(membership, world.machine.empty);
    this.#core = this.#createCore();
    this.#applied = openState(this.disk.state);
  }

  get life(): LifeState {
    return this.#life;
  }

  get isRunning(): boolean {
    return this.#life === "running";
  }

  get status(): ConsensusStatus {
    return this.#core.status();
  }

  get role(): ConsensusRole {
    return this.#core.status().role;
  }

  get digest(): number {
    return this.#applied.machine.digest;
  }

  /** The one that is known to be committed. */
  get appliedMembership(): Membership {
    return this.#applied.membership;
  }

  /** In its log, or on the way there, and not applied. */
  get membershipsAhead(): readonly Membership[] {
    return this.disk
      .entriesUnderWay(this.#applied.index)
      .filter(({ kind }) => kind === "membership")
      .map(({ payload }) => decodeMembership(payload));
  }

  get appliedIndex(): LogIndex {
    return this.#applied.index;
  }

  start(): void {
    this.#core = this.#createCore();
    this.#applied = openState(this.disk.state);
    this.#life = "running";
    this.#world.checks.onStart(this.id);
    this.pump();
  }

  /** The process dies, and with it all that is not on disk. */
  crash(): void {
    const { random } = this.#world;
    this.disk.crash(random, (write) => this.#onDurable(write));
    this.#life = "down";
    this.#inbox = [];
    this.#applying = undefined;
    this.#proposals = new Map();
    this.#reads = new Map();
    this.#confirmedReads = [];
    this.#fetches = [];
    this.#transfers = [];
  }

  /** The disk is lost, or may not be trusted any more (S11): this replica never comes back. */
  leaveForGood(): void {
    this.crash();
    this.#life = "gone";
  }

  /** What arrives meanwhile waits for it, or is lost: then it goes on as if no time had passed. */
  pause(losesMessages: boolean): void {
    this.#life = "paused";
    this.#inboxMax = losesMessages ? 0 : inboxMax;
  }

  resume(): void {
    this.#life = "running";
    for (const message of this.#inbox.splice(0)) this.deliver(message);
  }

  deliver(message: Message): void {
    if (this.#life === "paused" && this.#inbox.length < this.#inboxMax) this.#inbox.push(message);
    // Nothing that may need a write is looked at while there is no room for one.
    if (this.#life !== "running" || this.isFull) return;
    const refusal = this.#core.step(message);
    if (refusal !== undefined)
      throw new Error(
        `replica ${this.id} refused ${this.#world.protocol.describe(message)}: ${refusal.problem}`,
      );
    this.pump();
  }

  /** One tick of the world. */
  pass(): void {
    if (this.#life !== "running") return;
    this.#completeWrites();
    this.#applyDue();
    this.#answerFetches();
    this.#deliverSnapshots();
    this.#clock += this.clockRate;
    for (; this.#clock >= 1; this.#clock--) this.#core.tick();
    this.pump();
  }

  jumpClock(ticks: number): void {
    if (this.#life !== "running") return;
    for (let i = 0; i < ticks; i++) this.#core.tick();
    this.pump();
  }

  propose(command: Uint8Array, done: Applied): Proposed | Refusal {
    const answer = this.isFull ? ({ kind: "overloaded" } as const) : this.#core.propose(command);
    if (answer.kind === "proposed") this.#proposals.set(answer.index, { ballot: answer.ballot, done });
    this.pump();
    return answer;
  }

  proposeChange(target: MembershipTarget): Proposed | Refusal {
    const answer = this.#core.proposeChange(target);
    this.pump();
    return answer;
  }

  read(done: ReadWaiter): void {
    const context = ++this.#lastContext;
    this.#reads.set(context, done);
    this.#core.readIndex(context);
    this.pump();
  }

  transferLeader(to: ReplicaId): Refusal | undefined {
    const refusal = this.#core.transferLeader(to);
    this.pump();
    return refusal;
  }

  campaign(): void {
    this.#core.campaign();
    this.pump();
  }

  flush(): void {
    this.disk.flush(this.#flushedState(), this.#world.plan.disk.retainedEntries);
  }

  /** Does all there is to do now (contract/consensus.ts, the host's loop). */
  pump(): void {
    if (this.#life !== "running") return;
    const { network, plan, random } = this.#world;
    for (let ready = this.#core.ready(); ready !== undefined; ready = this.#core.ready()) {
      this.#report();
      for (const message of ready.messages) this.#send(message);
      if (ready.write !== undefined) {
        const latency =
          uniform(random, plan.disk.latencyMax + 1) + (this.isSlow ? 5 + uniform(random, 40) : 0);
        this.disk.submit(ready.write, network.isPerfect ? 0 : this.#world.now() + latency);
      }
      if (ready.committed.length > 0) this.#startApply(ready.committed);
      for (const read of ready.reads) this.#onRead(read);
      this.#fetches.push(...ready.fetches);
      for (const to of ready.snapshots) this.#startSnapshot(to);
      this.#completeWrites();
    }
    this.#core.checkInvariants();
    this.#report();
  }

  #completeWrites(): void {
    while (!this.isFull) {
      const write = this.disk.complete(this.#world.now());
      if (write === undefined) return;
      this.#onDurable(write);
      for (const reply of write.replies) this.#send(reply);
      const { base } = write;
      if (base === undefined) this.#core.advance({ written: write.sequence });
      else this.#switchState(write.sequence);
    }
  }

  /** A new hard state may say something new of entries that were durable before. */
  #onDurable({ hardState, entries }: StorageWrite<Message>): void {
    const { checks, protocol } = this.#world;
    const concerned = hardState === undefined ? entries : this.disk.entriesBehind(checks.commitIndex);
    checks.onDurable(this.id, protocol.evidenceOf(this.disk.hardState, concerned));
  }

  /** The snapshot has become the state. */
  #switchState(sequence: number): void {
    this.#applied = openState(this.disk.state);
    this.#applying = undefined;
    this.#core.advance({ written: sequence, applied: this.appliedIndex });
    this.#answerReads();
  }

  /** To be called before anything is done about what the core says. */
  #report(): void {
    const { checks } = this.#world;
    const status = this.#core.status();
    checks.onStatus(status);
    if (this.disk.lost !== undefined && !status.suspect) this.disk.settle();
  }

  #send(message: Message): void {
    const { protocol, network, trace, plan } = this.#world;
    trace.event(1, message.from, message.to, message.ballot);
    if (trace.isRead) trace.line(protocol.describe(message));
    const { messageCodec } = protocol;
    const sent = plan.encodesMessages ? decode(messageCodec, encode(messageCodec, message)) : message;
    network.send(sent, this.#world.now());
  }

  #startApply(entries: readonly Entry[]): void {
    const { plan, random, checks } = this.#world;
    for (const entry of entries) {
      if (this.disk.ballotAt(entry.index) !== entry.ballot)
        violated(`replica ${this.id} applies ${entry.index}, which its own log does not hold (S9)`);
      checks.onChosen(this.id, entry);
    }
    const delay = uniform(random, plan.applyDelayMax + 1);
    if (delay === 0) this.#apply(entries);
    else this.#applying = { entries, dueAt: this.#world.now() + delay };
  }

  #applyDue(): void {
    const pending = this.#applying;
    if (pending === undefined || pending.dueAt > this.#world.now()) return;
    this.#applying = undefined;
    this.#apply(pending.entries);
  }

  #apply(entries: readonly Entry[]): void {
    const { checks, trace, plan } = this.#world;
    for (const { index, ballot, kind, payload } of entries) {
      const executed = kind === "command" ? this.#applied.machine.apply(index, payload) : undefined;
      if (executed !== undefined) checks.onExecuted(executed);
      if (kind === "membership") this.#applied.membership = decodeMembership(payload);
      this.#applied.index = index;
      this.#applied.ballot = ballot;
      checks.onApplied(this.id, index, this.#applied.machine.digest);
      trace.event(2, this.id, index, ballot);
      this.#endProposal(index, ballot, executed?.index);
    }
    this.#core.advance({ applied: this.#applied.index });
    if (this.#applied.index - this.disk.state.index >= plan.disk.flushEntries) this.flush();
    this.#answerReads();
  }

  #endProposal(index: LogIndex, ballot: Ballot, executed: number | undefined): void {
    const waiter = this.#proposals.get(index);
    if (waiter === undefined) return;
    this.#proposals.delete(index);
    waiter.done(waiter.ballot === ballot ? executed : undefined);
  }

  #onRead({ context, index }: ReadState): void {
    const waiter = this.#reads.get(context);
    this.#reads.delete(context);
    if (waiter === undefined) return;
    if (index === undefined) return waiter(undefined);
    this.#confirmedReads.push({ index, waiter });
    this.#answerReads();
  }

  #answerReads(): void {
    if (this.#confirmedReads.length === 0) return;
    const due = this.#confirmedReads.filter(({ index }) => index <= this.#applied.index);
    this.#confirmedReads = this.#confirmedReads.filter(({ index }) => index > this.#applied.index);
    for (const { waiter } of due) waiter(this.#applied.index);
  }

  #answerFetches(): void {
    for (const fetch of this.#fetches.splice(0)) this.#core.provide(this.disk.fetch(fetch));
  }

  /** The hosts stream it: it takes a while, and may break off. */
  #startSnapshot(to: ReplicaId): void {
    const { random } = this.#world;
    const target = this.#world.replica(to);
    const snapshot = this.#flushedState();
    const dueAt = this.#world.now() + 1 + uniform(random, 10);
    if (target === undefined) this.#core.reportSnapshot(to, "failed");
    else this.#transfers.push({ to: target, snapshot, ballot: this.#core.status().ballot, dueAt });
  }

  #deliverSnapshots(): void {
    const { network, random } = this.#world;
    const due = this.#transfers.filter(({ dueAt }) => dueAt <= this.#world.now());
    if (due.length === 0) return;
    this.#transfers = this.#transfers.filter(({ dueAt }) => dueAt > this.#world.now());
    for (const transfer of due) {
      const { to } = transfer;
      const breaks = !network.isPerfect && (network.isCut(this.id, to.id) || uniform(random, 4) === 0);
      const delivered = !breaks && to.isRunning && !to.isFull;
      if (delivered) to.#receiveSnapshot(this.id, transfer);
      this.#core.reportSnapshot(to.id, delivered ? "delivered" : "failed");
    }
  }

  #receiveSnapshot(from: ReplicaId, { snapshot, ballot }: Transfer<Message>): void {
    this.disk.stage(snapshot);
    this.deliver(this.#world.protocol.installSnapshot({ from, to: this.id, ballot }, snapshot));
  }

  #flushedState(): FlushedState {
    const { index, ballot, membership, machine } = this.#applied;
    return { index, ballot, membership, machine: machine.snapshot() };
  }

  #createCore(): Consensus<Message> {
    const { protocol, random, plan } = this.#world;
    return protocol.create({ id: this.id, random, restored: this.disk.restore(), limits: plan.limits });
  }
}

function openState({ index, ballot, membership, machine }: FlushedState): AppliedState {
  return { index, ballot, membership, machine: machine.open() };
}
