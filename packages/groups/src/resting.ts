/**
 * When a group may rest: nobody counts its time, nobody sends its heartbeats, it costs nothing until something happens.
 *
 * The leader rests when everything it has is committed, applied and held by every follower whose node lives, those being a
 * quorum, and says so once (`Rest`). A follower rests when it follows that leader and knows all that is committed. From
 * then on the liveness of the two nodes stands for the leader's heartbeats: hosts give each other a sign of life every tick.
 *
 * Safety. Only ticks stop. Votes, quorums, ballots and what must be durable are the core's and are as before. A leader that
 * rests may have been deposed without knowing it, as any leader may; it commits nothing without a quorum and answers no
 * read without a round of heartbeats behind it. To the protocol a replica that rests is one whose clock is slow.
 *
 * Liveness. Whoever rests wakes when
 *   1. a message of the group arrives, or a command, a read barrier or a change is asked for here;
 *   2. the other side says `Wake`: a follower that cannot rest, or that woke, says so to its leader, and a replica that is
 *      closed says so to all;
 *   3. a node of the group was not heard of for `livenessTicks`, or its connection ended, or its process is another one;
 *   4. a node of the group that was dead is heard of again: it may lack something.
 * A leader that woke sends heartbeats, which wake its followers. Frames to a node arrive in order; one that is lost was
 * lost with its connection, and that wakes both sides (3).
 *
 * A leader's node that dies without a word is noticed after `livenessTicks`. A follower then counts those ticks, since they
 * passed without a word of its leader, less the silent ones before it rested, which it has counted: it stands for election
 * when its own timeout has passed since the last sign of life, just as if it had never rested.
 */

import type { ConsensusStatus, FollowerStatus, ReplicaId } from "@holdfast/consensus";
import { isJoint, quorumHolds } from "@holdfast/consensus";
import type { RestItem } from "./frame-codec.ts";

/** Whether a leader may rest. Followers on dead nodes are not waited for: they are looked after when they are back. */
export function leaderMayRest(
  status: ConsensusStatus,
  followers: readonly FollowerStatus[],
  isLive: (replica: ReplicaId) => boolean,
): boolean {
  const { id, role, commitIndex, appliedIndex, durableIndex, lastIndex, membership, suspect } = status;
  if (role !== "leader" || suspect || isJoint(membership)) return false;
  if ([commitIndex, appliedIndex, durableIndex].some((index) => index !== lastIndex)) return false;
  const settled = new Set([id]);
  for (const follower of followers) {
    if (!isLive(follower.id)) continue;
    // One that was not heard of since the last check of the quorum would make the next check fail.
    if (follower.matchIndex !== lastIndex || !follower.recentlyActive) return false;
    settled.add(follower.id);
  }
  return quorumHolds(membership, (member) => settled.has(member));
}

export function followerMayRest(status: ConsensusStatus, { from, ballot, index }: RestItem): boolean {
  const { role, leader, commitIndex, appliedIndex, suspect } = status;
  const isSettled = commitIndex === index && appliedIndex === index && !suspect;
  return role === "follower" && leader === from && status.ballot === ballot && isSettled;
}

/** A leader's way to rest, counted in ticks. */
export class Quiet {
  readonly #quietTicksMin: number;
  /** A leader that rests said nothing for so long before. Half of what followers wait at least: none stands because of it. */
  readonly silentTicks: number;
  #quietTicks = 0;
  #silentTicks = 0;

  constructor(limits: {
    readonly quietTicks: number;
    readonly consensus: { readonly electionTicks: number };
  }) {
    this.#quietTicksMin = limits.quietTicks;
    this.silentTicks = Math.floor(limits.consensus.electionTicks / 2);
  }

  /** Something happened in the group. */
  end(): void {
    this.#quietTicks = 0;
  }

  /**
   * A tick has passed; `mayRest` is asked after so many quiet ones. `silent`: the leader may rest and says nothing in this
   * tick, so that the last answers come in before it tells its followers; `over`: now it tells them.
   */
  tick(mayRest: () => boolean): "waits" | "silent" | "over" {
    this.#quietTicks++;
    this.#silentTicks = this.#quietTicks >= this.#quietTicksMin && mayRest() ? this.#silentTicks + 1 : 0;
    if (this.#silentTicks === 0) return "waits";
    return this.#silentTicks > this.silentTicks ? "over" : "silent";
  }
}
