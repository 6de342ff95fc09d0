/**
 * Ballot numbers. Each belongs to one replica, so that no two ever propose in the same ballot (Lamport, "Paxos Made
 * Simple", 2001, §2.5): round * 10^6 + replica. In decimal they can be read: 3000002 is replica 2 in round 3.
 */

import type { Ballot } from "@holdfast/base";
import { ballot } from "@holdfast/base";
import type { ReplicaId } from "../contract/replica-id.ts";

/** Replicas of a group are numbered below this. */
const replicasMax = 1_000_000;

export function proposerOf(number: Ballot): number {
  return number % replicasMax;
}

/** The replica's own first ballot above this one. */
export function nextBallot(above: Ballot, id: ReplicaId): Ballot {
  return ballot((Math.floor(above / replicasMax) + 1) * replicasMax + id);
}
