/**
 * The host of one replica in a transcript. It obeys the contract and does by itself only what a host may do at any
 * moment: it looks at `ready()` after every call and writes down what it says. Writes end, entries are applied, fetches and
 * snapshots are answered when the script says so.
 */

import type { Random } from "@holdfast/base";
import { present } from "@holdfast/base";
import type {
  Consensus,
  ConsensusLimits,
  ConsensusStatus,
  Envelope,
  Fetch,
  ReadState,
  Ready,
  SnapshotPosition,
  StorageWrite,
} from "../../src/contract/consensus.ts";
import type { Entry } from "../../src/contract/entry.ts";
import type { Membership } from "../../src/contract/membership.ts";
import { decodeMembership } from "../../src/contract/membership.ts";
import type { ReplicaId } from "../../src/contract/replica-id.ts";
import { describeEntries, describeMembership, describePosition } from "./describe.ts";
import { MemoryDisk } from "./memory-disk.ts";
import type { TranscriptProtocol } from "./protocol.ts";

export interface TranscriptWorld<Message extends Envelope> {
  readonly protocol: TranscriptProtocol<Message>;
  readonly limits: ConsensusLimits;
  readonly random: Random;
  say(line: string): void;
  send(message: Message): void;
}

export class TranscriptReplica<Message extends Envelope> {
  readonly id: ReplicaId;
  readonly disk: MemoryDisk<Message>;
  readonly #world: TranscriptWorld<Message>;
  #core: Consensus<Message>;
  #said: ConsensusStatus;
  #applied: SnapshotPosition;
  #toApply: readonly Entry[] = [];
  fetches: Fetch[] = [];
  snapshotsWanted: ReplicaId[] = [];
  /** Answered since the last start. */
  reads: ReadState[] = [];

  constructor(id: ReplicaId, membership: Membership, world: TranscriptWorld<Message>) {
    this.id = id;
    this.disk = new MemoryDisk(membership);
    this.#world = world;
    this.#applied = this.disk.state;
    this.#core = this.#create();
    this.#said = this.#core.status();
  }

  get core(): Consensus<Message> {
    return this.#core;
  }

  get status(): ConsensusStatus {
    return this.#core.status();
  }

  get applied(): SnapshotPosition {
    return this.#applied;
  }

  get isApplying(): boolean {
    return this.#toApply.length > 0;
  }

  /** All that was not on disk is gone. */
  restart(): void {
    this.#applied = this.disk.state;
    this.#toApply = [];
    this.fetches = [];
    this.snapshotsWanted = [];
    this.reads = [];
    this.#core = this.#create();
    this.#said = this.#core.status();
    this.#sayStatus(undefined);
    this.pump();
  }

  receive(message: Message): void {
    const refusal = this.#core.step(message);
    if (refusal !== undefined) this.#say(`refuses it: ${refusal.problem}`);
    this.pump();
  }

  /** The oldest write is durable. */
  endWrite(): void {
    const write = this.disk.complete();
    const { sequence, base, replies } = write;
    this.#say(`write ${sequence} is durable`);
    for (const reply of replies) this.#send(reply);
    if (base === undefined) this.#core.advance({ written: sequence });
    else {
      this.#applied = base;
      this.#toApply = [];
      this.#core.advance({ written: sequence, applied: base.index });
    }
    this.pump();
  }

  apply(): void {
    const last = present(this.#toApply.at(-1), "entries to apply");
    let { membership } = this.#applied;
    for (const { kind, payload } of this.#toApply)
      if (kind === "membership") membership = decodeMembership(payload);
    this.#applied = { index: last.index, ballot: last.ballot, membership };
    this.#toApply = [];
    this.#say(`applied up to ${last.index}`);
    this.#core.advance({ applied: last.index });
    this.pump();
  }

  /** Makes the applied state durable. */
  flush(): void {
    this.disk.state = this.#applied;
  }

  /** Reads what was asked for from the log. */
  answerFetch(): void {
    this.#core.provide(this.disk.fetch(present(this.fetches.shift(), "a fetch")));
    this.pump();
  }

  /** Looks at `ready()` until there is nothing left to do. */
  pump(): void {
    for (let ready = this.#core.ready(); ready !== undefined; ready = this.#core.ready()) this.#take(ready);
    this.#core.checkInvariants();
    this.#sayStatus(this.#said);
    if (!this.status.suspect) this.disk.settle();
  }

  #take({ messages, write, committed, reads, fetches, snapshots }: Ready<Message>): void {
    this.#sayStatus(this.#said);
    for (const message of messages) this.#send(message);
    if (write !== undefined) this.#write(write);
    if (committed.length > 0) this.#hand(committed);
    for (const { context, index } of reads)
      this.#say(
        index === undefined ? `read ${context}: nobody can confirm it` : `read ${context}: at index ${index}`,
      );
    for (const fetch of fetches) this.#say(`fetches old entries for ${fetch.to}, from ${fetch.from} on`);
    for (const to of snapshots) this.#say(`wants a snapshot sent to ${to}`);
    this.reads.push(...reads);
    this.fetches.push(...fetches);
    this.snapshotsWanted.push(...snapshots);
  }

  #write(write: StorageWrite<Message>): void {
    const { sequence, hardState, base, entries, replies } = write;
    const parts: string[] = [];
    if (hardState !== undefined) parts.push(this.#world.protocol.describeHardState(hardState));
    if (base !== undefined)
      parts.push(`the snapshot at ${describePosition(base)} ${describeMembership(base.membership)}`);
    if (entries.length > 0) parts.push(describeEntries(entries));
    this.#say(`write ${sequence}: ${parts.join("; ") || "nothing"}`);
    for (const reply of replies) this.#say(`  and then ${this.#world.protocol.describe(reply)}`);
    this.disk.submit(write);
  }

  #hand(committed: readonly Entry[]): void {
    for (const { index, ballot } of committed)
      if (this.disk.ballotAt(index) !== ballot)
        throw new RangeError(`${index}/${ballot} is not durable (S9)`);
    const [first, last] = [present(committed[0], "first"), present(committed.at(-1), "last")];
    this.#say(`may apply ${first === last ? first.index : `${first.index} to ${last.index}`}`);
    this.#toApply = committed;
  }

  #send(message: Message): void {
    this.#say(`sends ${this.#world.protocol.describe(message)}`);
    this.#world.send(message);
  }

  /** What is different from before; everything when there is no before. */
  #sayStatus(before: ConsensusStatus | undefined): void {
    const now = this.#core.status();
    if (now.role !== before?.role || now.ballot !== before.ballot || now.leader !== before.leader) {
      const leader = now.leader === undefined ? "no leader" : `leader ${now.leader}`;
      this.#say(`is ${now.role} in ballot ${now.ballot}, ${now.role === "leader" ? "leading" : leader}`);
    }
    if (now.suspect !== (before?.suspect ?? false))
      this.#say(now.suspect ? "is suspect" : "is not suspect any more");
    if (describeMembership(now.membership) !== (before && describeMembership(before.membership)))
      this.#say(`counts on ${describeMembership(now.membership)}`);
    if (now.commitIndex !== before?.commitIndex) this.#say(`knows ${now.commitIndex} as committed`);
    this.#said = now;
  }

  #say(line: string): void {
    this.#world.say(`${this.id} ${line}`);
  }

  #create(): Consensus<Message> {
    const { protocol, limits, random } = this.#world;
    return protocol.create({ id: this.id, random, restored: this.disk.restore(), limits });
  }
}
