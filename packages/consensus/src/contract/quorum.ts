/**
 * All quorum arithmetic. A quorum is a majority of the voters and, while a change of membership is joint, a majority of
 * the outgoing ones as well (Raft §6).
 */

import type { Membership } from "./membership.ts";
import type { ReplicaId } from "./replica-id.ts";

export type VoteOutcome = "won" | "lost" | "open";

/** The largest value that a quorum has reached; `valueOf` gives each voter's, such as its match index. */
export function quorumValue({ voters, outgoing }: Membership, valueOf: (id: ReplicaId) => number): number {
  const reached = majorityValue(voters, valueOf);
  return outgoing.length === 0 ? reached : Math.min(reached, majorityValue(outgoing, valueOf));
}

export function quorumHolds({ voters, outgoing }: Membership, holds: (id: ReplicaId) => boolean): boolean {
  return majorityHolds(voters, holds) && (outgoing.length === 0 || majorityHolds(outgoing, holds));
}

/** `lost` as soon as no quorum can come about any more. */
export function voteOutcome(membership: Membership, votes: ReadonlyMap<ReplicaId, boolean>): VoteOutcome {
  if (quorumHolds(membership, (id) => votes.get(id) === true)) return "won";
  return quorumHolds(membership, (id) => votes.get(id) !== false) ? "open" : "lost";
}

function majorityHolds(voters: readonly ReplicaId[], holds: (id: ReplicaId) => boolean): boolean {
  let count = 0;
  for (const id of voters) if (holds(id)) count++;
  return 2 * count > voters.length;
}

function majorityValue(voters: readonly ReplicaId[], valueOf: (id: ReplicaId) => number): number {
  // The usual groups need no sorting.
  const [a, b, c] = voters;
  if (a === undefined) return 0;
  if (b === undefined) return valueOf(a);
  if (c !== undefined && voters.length === 3) return median(valueOf(a), valueOf(b), valueOf(c));
  const values = voters.map(valueOf).sort((x, y) => x - y);
  return values[Math.ceil(values.length / 2) - 1] ?? 0;
}

function median(a: number, b: number, c: number): number {
  if (a > b) return b > c ? b : Math.min(a, c);
  return a > c ? a : Math.min(b, c);
}
