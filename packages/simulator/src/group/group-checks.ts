/**
 * What must hold for a group as a whole, checked at every step from outside: the replicas know nothing of it.
 *   - one leader a ballot (Raft §5.2), ballots of a running replica never fall;
 *   - a promise that was durable is kept: nothing is accepted below it ("Paxos Made Simple", §2.2);
 *   - one entry for each committed index, for ever (§5.3, §5.4);
 *   - each committed entry was durable in one ballot on a quorum of the membership in force, the last one in the leader's own
 *     (§5.4.2, §6; S14);
 *   - replicas that applied the same index have the same state;
 *   - an attempt is carried out once (S15);
 *   - nothing answered is missing behind it: every answer to a later question stands at a later index.
 */

import type { Ballot, LogIndex } from "@holdfast/base";
import type { ConsensusStatus, Entry, Membership, ReplicaId } from "@holdfast/consensus";
import { decodeMembership } from "@holdfast/consensus";
import { violated } from "../model/violation.ts";
import type { Executed } from "./group-machine.ts";
import type { Evidence } from "./protocol.ts";

interface Chosen {
  readonly ballot: Ballot;
  readonly payload: Uint8Array;
}

type Holders = ReadonlySet<ReplicaId>;

export class GroupChecks {
  readonly #membershipCounts: "when applied" | "when appended";
  /** The one that the entries applied so far have made. */
  #applied: Membership;
  readonly #leaders = new Map<number, ReplicaId>();
  readonly #ballots = new Map<ReplicaId, number>();
  /** By index from 1. */
  readonly #chosen: Chosen[] = [];
  readonly #digests: number[] = [];
  /** Where each attempt was carried out, by writer and attempt. */
  readonly #executed = new Map<string, number>();
  /** Who ever had an entry durably, by index and ballot. Up to the commit index it is not needed any more. */
  readonly #holders = new Map<number, Map<number, Set<ReplicaId>>>();
  /** What each has promised durably. */
  readonly #promised = new Map<ReplicaId, number>();
  #commitIndex = 0;
  /** The highest index whose effects a client has seen. */
  answeredIndex = 0;

  constructor(membershipCounts: "when applied" | "when appended", membership: Membership) {
    this.#membershipCounts = membershipCounts;
    this.#applied = membership;
  }

  get commitIndex(): number {
    return this.#commitIndex;
  }

  /** What was not durable is forgotten; a promise that was given anyway shows as a second leader of a ballot. */
  onStart(id: ReplicaId): void {
    this.#ballots.delete(id);
  }

  onStatus(status: ConsensusStatus): void {
    const { id, role, ballot } = status;
    if (ballot < (this.#ballots.get(id) ?? 0)) violated(`replica ${id} fell back to ballot ${ballot}`);
    this.#ballots.set(id, ballot);
    if (role === "leader") {
      const leader = this.#leaders.get(ballot) ?? id;
      if (leader !== id) violated(`ballot ${ballot} is led by ${leader} and by ${id}`);
      this.#leaders.set(ballot, id);
    }
    if (status.commitIndex > this.#commitIndex) this.#onCommit(status);
  }

  /** What has become durable at this replica, all at once. */
  onDurable(id: ReplicaId, { promised, accepted }: Evidence): void {
    const before = this.#promised.get(id) ?? 0;
    if (promised < before) violated(`replica ${id} had promised ${before}, and forgets it for ${promised}`);
    this.#promised.set(id, promised);
    for (const { index, ballot } of accepted) {
      if (index <= this.#commitIndex) continue;
      const byBallot = this.#holders.get(index) ?? new Map<number, Set<ReplicaId>>();
      this.#holders.set(index, byBallot);
      const holders = byBallot.get(ballot) ?? new Set();
      if (ballot < before && !holders.has(id))
        violated(`replica ${id} accepts ${index} in ballot ${ballot}, and had promised ${before}`);
      byBallot.set(ballot, holders.add(id));
    }
  }

  /** Handed out to be applied. */
  onChosen(id: ReplicaId, { index, ballot, kind, payload }: Entry): void {
    const chosen = this.#chosen[index - 1];
    if (chosen === undefined) {
      if (this.#chosen.length !== index - 1) violated(`replica ${id} applies ${index} before ${index - 1}`);
      if (index > this.#commitIndex)
        violated(`replica ${id} applies ${index}, which no leader has committed`);
      this.#chosen.push({ ballot, payload });
      if (kind === "membership") this.#applied = decodeMembership(payload);
      return;
    }
    if (chosen.ballot !== ballot || !equal(chosen.payload, payload))
      violated(`replica ${id} applies ${index}/${ballot}, others ${index}/${chosen.ballot}`);
  }

  onApplied(id: ReplicaId, index: LogIndex, digest: number): void {
    const known = this.#digests[index];
    if (known === undefined) this.#digests[index] = digest;
    else if (known !== digest) violated(`replica ${id} has another state at ${index} than others`);
  }

  /** S15: once, however often the attempt comes, on whichever replica. */
  onExecuted({ writer, attempt, index }: Executed): void {
    const name = `${writer}/${attempt}`;
    const known = this.#executed.get(name) ?? index;
    if (known !== index)
      violated(`attempt ${attempt} of writer ${writer} was carried out at ${known} and at ${index}`);
    this.#executed.set(name, index);
  }

  /** An operation that began when `answeredBefore` was seen has its answer from this index. */
  onAnswer(what: string, index: number, answeredBefore: number): void {
    if (index < answeredBefore)
      violated(
        `${what} was answered from index ${index}, but ${answeredBefore} had been seen before it began`,
      );
    if (index > this.answeredIndex) this.answeredIndex = index;
  }

  /** Only a leader commits anything first, an entry of its own ballot; it may have stepped down in the same moment. */
  #onCommit(status: ConsensusStatus): void {
    const { id, role, ballot, commitIndex } = status;
    for (let index = this.#commitIndex + 1; index <= commitIndex; index++) {
      const byBallot: ReadonlyMap<number, Holders> = this.#holders.get(index) ?? new Map<number, Holders>();
      const isOwn = index === commitIndex && role === "leader";
      const candidates = isOwn ? [byBallot.get(ballot) ?? new Set<ReplicaId>()] : [...byBallot.values()];
      if (!candidates.some((holders) => this.#isQuorum(holders, status))) {
        const found = [...byBallot].map(([of, holders]) => `${[...holders].join(",")} in ballot ${of}`);
        violated(`${role} ${id} of ballot ${ballot} commits ${index}, held by ${found.join(", ")}`);
      }
      this.#holders.delete(index);
    }
    this.#commitIndex = commitIndex;
  }

  /**
   * Not the replicas' own arithmetic: it is among what is checked. Where a membership counts when it is applied, what has been
   * applied says which one: nothing else is committed behind a membership that is not. The entry that ends a joint one is the
   * first thing behind it, and needs the new voters alone.
   */
  #isQuorum(holders: Holders, { membership }: ConsensusStatus): boolean {
    if (this.#membershipCounts === "when appended") return isQuorum(holders, membership);
    const { voters, outgoing, learners } = this.#applied;
    return isQuorum(holders, outgoing.length === 0 ? this.#applied : { voters, outgoing: [], learners });
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function isQuorum(holders: Holders, { voters, outgoing }: Membership): boolean {
  return [voters, outgoing].every(
    (of) => of.length === 0 || of.filter((id) => holders.has(id)).length > of.length / 2,
  );
}
