/**
 * The three partial partitions of Ng, Haridi and Carbone ("Omni-Paxos: Breaking the Barriers of Partial Connectivity", EuroSys 2023,
 * §2): in each of them somebody reaches a quorum, so that the group could go on. How long does it take?
 */

import type { Envelope, ReplicaId } from "@holdfast/consensus";
import { defaultConsensusLimits } from "@holdfast/consensus";
import type { GroupCluster } from "./group-cluster.ts";
import type { Protocol } from "./protocol.ts";
import { connectOnly, isolate, pass, quietGroup } from "./quiet-group.ts";
import type { SimulatedReplica } from "./simulated-replica.ts";

export type PartialPartition = "quorum loss" | "constrained election" | "chained";

export const partialPartitions: readonly PartialPartition[] = [
  "quorum loss",
  "constrained election",
  "chained",
];

/** A follower stands after that at the latest. */
export const electionTimeoutTicks: number = 2 * defaultConsensusLimits.electionTicks;

/** Whoever is not served by then will never be. */
const partitionTicks = 400;

const command = new Uint8Array([0, 0, 0, 0]);

export interface Endured {
  /** From the cut until a command that came after it is chosen and applied; undefined when that does not happen. */
  readonly ticksToServe: number | undefined;
  /** How often another replica led, of those that could serve, while the partition lasted. */
  readonly leaderChanges: number;
}

export interface EnduranceOptions<Message extends Envelope> {
  readonly protocol: Protocol<Message>;
  readonly partition: PartialPartition;
  readonly votersCount: number;
  readonly seed: number;
}

export function endure<Message extends Envelope>({
  protocol,
  partition,
  votersCount,
  seed,
}: EnduranceOptions<Message>): Endured {
  const cluster = quietGroup(protocol, { votersCount, seed });
  cut(cluster, partition);
  const cutAt = cluster.now();
  let ticksToServe: number | undefined;
  const serve = (index: number | undefined): void => {
    if (index !== undefined) ticksToServe ??= cluster.now() - cutAt;
  };
  let leader = cluster.leader();
  let leaderChanges = 0;
  for (let tick = 0; tick < partitionTicks; tick++) {
    for (const replica of cluster.running()) if (isIdleLeader(replica)) replica.propose(command, serve);
    cluster.pass();
    const now = cluster.leader();
    if (now !== undefined && now !== leader) leaderChanges++;
    leader = now ?? leader;
  }
  return { ticksToServe, leaderChanges };
}

function isIdleLeader<Message extends Envelope>({ status }: SimulatedReplica<Message>): boolean {
  return status.role === "leader" && status.commitIndex === status.lastIndex;
}

function cut<Message extends Envelope>(cluster: GroupCluster<Message>, partition: PartialPartition): void {
  const leader = cluster.leader();
  const [hub, ...others] = cluster.replicas().filter((replica) => replica !== leader);
  if (leader === undefined || hub === undefined) throw new Error("there is no group to be cut");
  switch (partition) {
    case "quorum loss":
      // Everybody hears the hub alone, the leader too: it has lost its quorum, and still leads the only one that has one.
      return connectOnly(
        cluster,
        [leader, ...others].map(({ id }) => [id, hub.id] as const),
      );
    case "constrained election":
      // As before, but the leader is gone, and the hub has missed what the others hold.
      lag(cluster, hub, leader);
      return connectOnly(
        cluster,
        others.map(({ id }) => [id, hub.id] as const),
      );
    case "chained":
      // Leader and the last one do not hear each other, and everybody hears those between.
      return connectOnly(cluster, chain([leader, hub, ...others].map(({ id }) => id)));
  }
}

function lag<Message extends Envelope>(
  cluster: GroupCluster<Message>,
  hub: SimulatedReplica<Message>,
  leader: SimulatedReplica<Message>,
): void {
  isolate(cluster, [hub.id]);
  for (let i = 0; i < 5; i++) leader.propose(command, () => undefined);
  pass(cluster, 5);
}

/** All pairs but the first with the last. */
function chain(ids: readonly ReplicaId[]): readonly (readonly [ReplicaId, ReplicaId])[] {
  const [first, last] = [ids[0], ids.at(-1)];
  const pairs = ids.flatMap((a, i) => ids.slice(i + 1).map((b) => [a, b] as const));
  return pairs.filter(([a, b]) => !(a === first && b === last));
}
