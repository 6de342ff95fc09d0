/**
 * Wishes for other memberships: grows, shrinks and exchanges voters, one change at a time, as an operator or a reconciler
 * would. A replica that is gone is replaced before anything else (S11).
 */

import type { LogIndex, Random } from "@holdfast/base";
import { chance, uniform } from "@holdfast/base";
import type { Envelope, Membership, ReplicaId } from "@holdfast/consensus";
import { isJoint, isMember, membersOf } from "@holdfast/consensus";
import type { GroupPlan } from "./group-plan.ts";
import type { SimulatedReplica } from "./simulated-replica.ts";

export interface AdminWorld<Message extends Envelope> {
  readonly plan: GroupPlan;
  readonly random: Random;
  leader(): SimulatedReplica<Message> | undefined;
  replica(id: ReplicaId): SimulatedReplica<Message> | undefined;
  /** A new node joins. */
  addReplica(): ReplicaId;
  /** Its node leaves. */
  dropReplica(id: ReplicaId): void;
}

const votersCounts = [1, 3, 3, 3, 5, 5, 7];

export class MembershipAdmin<Message extends Envelope> {
  readonly #world: AdminWorld<Message>;
  /** Removed from the group; their nodes stay for a while and may make trouble. */
  #removed: Removed[] = [];

  constructor(world: AdminWorld<Message>) {
    this.#world = world;
  }

  /** Someone of the group is lost for good. */
  get isReplacing(): boolean {
    const leader = this.#world.leader();
    return leader === undefined || this.#gone(leader.status.membership).length > 0;
  }

  /** Asks the leader for another membership. */
  change(): void {
    const leader = this.#world.leader();
    if (leader === undefined) return;
    const { membership, commitIndex, appliedIndex } = leader.status;
    if (isJoint(membership) || appliedIndex < commitIndex) return;
    this.#dropRemoved(leader.appliedMembership, appliedIndex);
    const gone = this.#gone(membership);
    const voters = gone.length > 0 ? this.#replaced(membership.voters, gone) : this.#wished(membership);
    const learners = this.#learners(membership, voters, gone);
    const answer = leader.proposeChange({ voters, learners });
    if (answer.kind !== "proposed") return;
    const { index } = answer;
    const left = membersOf(membership).filter((id) => !voters.includes(id) && !learners.includes(id));
    this.#removed.push(...left.map((id) => ({ id, index })));
  }

  /** Only what is lost is replaced from now on; the rest stays. */
  repair(): void {
    if (this.isReplacing) this.change();
  }

  #gone(membership: Membership): readonly ReplicaId[] {
    return membersOf(membership).filter((id) => this.#world.replica(id)?.life === "gone");
  }

  #replaced(voters: readonly ReplicaId[], gone: readonly ReplicaId[]): readonly ReplicaId[] {
    return voters.map((id) => (gone.includes(id) ? this.#world.addReplica() : id));
  }

  #wished({ voters, learners }: Membership): readonly ReplicaId[] {
    const { plan, random } = this.#world;
    const count = votersCounts[uniform(random, votersCounts.length)] ?? 3;
    const kept = voters.filter(() => uniform(random, 100) < plan.keptPercent);
    // Learners first, then new nodes, which have to catch up while they vote already.
    const pool = [...kept, ...learners, ...voters.filter((id) => !kept.includes(id))];
    const wished = pool.slice(0, count);
    while (wished.length < count) wished.push(this.#world.addReplica());
    return wished;
  }

  #learners(
    { voters, learners }: Membership,
    wished: readonly ReplicaId[],
    gone: readonly ReplicaId[],
  ): readonly ReplicaId[] {
    const { random } = this.#world;
    const rest = [...voters, ...learners].filter((id) => !wished.includes(id) && !gone.includes(id));
    const kept = rest.filter(() => chance(random, 0.5)).slice(0, 2);
    return kept.length === 0 && chance(random, 0.3) ? [this.#world.addReplica()] : kept;
  }

  /**
   * Whose removal is known to be committed; a change that was lost with its leader removed nobody. A leader that has not
   * applied as much knows nothing of them yet: they may be missing because it never heard of them.
   */
  #dropRemoved(applied: Membership, appliedIndex: LogIndex): void {
    const isGone = ({ id, index }: Removed): boolean => index <= appliedIndex && !isMember(applied, id);
    const left = this.#removed.filter(isGone);
    this.#removed = [...this.#removed.filter((removed) => !isGone(removed)), ...left.slice(-2)];
    for (const { id } of left.slice(0, -2)) this.#world.dropReplica(id);
  }
}

interface Removed {
  readonly id: ReplicaId;
  /** Of the entry that removes it, if it is the one that gets there. */
  readonly index: LogIndex;
}
