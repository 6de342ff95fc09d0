/** A group of voters with a fast network, in which nothing goes wrong by itself: what does is done to it, step by step. */

import { seededRandom } from "@holdfast/base";
import type { Envelope, ReplicaId } from "@holdfast/consensus";
import { defaultConsensusLimits } from "@holdfast/consensus";
import { GroupCluster } from "./group-cluster.ts";
import type { FaultPlan, GroupPlan } from "./group-plan.ts";
import { makeGroupPlan } from "./group-plan.ts";
import type { Protocol } from "./protocol.ts";
import type { SimulatedReplica } from "./simulated-replica.ts";

export interface QuietGroupOptions {
  readonly votersCount?: number;
  /** Of the election timeouts. */
  readonly seed?: number;
  readonly limits?: Partial<GroupPlan["limits"]>;
}

const noFaults: FaultPlan = {
  crash: 0,
  newLeaderPercent: 0,
  electionPercent: 0,
  pause: 0,
  partition: 0,
  clog: 0,
  clockJump: 0,
  slowDisk: 0,
  fullDisk: 0,
  failedSync: 0,
  wipe: 0,
  trigger: 0,
  rotPercent: 0,
  skewPercent: 0,
};

/** It has had time to elect; two ticks are the longest way there and back. */
export function quietGroup<Message extends Envelope>(
  protocol: Protocol<Message>,
  { votersCount = 3, seed = 1, limits = {} }: QuietGroupOptions = {},
): GroupCluster<Message> {
  const random = seededRandom(seed);
  const cluster = new GroupCluster({
    plan: {
      ...makeGroupPlan(seed, random),
      votersCount,
      isShard: false,
      operationsPerMille: 0,
      churnTicks: 0,
      applyDelayMax: 0,
      limits: { ...defaultConsensusLimits, ...limits },
      network: { delayMax: 0, lossPerMille: 0, duplicatePerMille: 0 },
      disk: { latencyMax: 0, flushEntries: 1000, retainedEntries: 1000 },
      faults: noFaults,
    },
    protocol,
    random,
    linesMax: 0,
  });
  pass(cluster, 100);
  return cluster;
}

export function pass<Message extends Envelope>(cluster: GroupCluster<Message>, ticks: number): void {
  for (let tick = 0; tick < ticks; tick++) cluster.pass();
}

export function leaderOf<Message extends Envelope>(
  cluster: GroupCluster<Message>,
): SimulatedReplica<Message> {
  const leader = cluster.leader();
  if (leader === undefined) throw new Error("the group has no leader");
  return leader;
}

/** Of three voters. */
export function followersOf<Message extends Envelope>(
  cluster: GroupCluster<Message>,
): readonly [SimulatedReplica<Message>, SimulatedReplica<Message>] {
  const leader = leaderOf(cluster);
  const [first, second] = cluster.replicas().filter((replica) => replica !== leader);
  if (first === undefined || second === undefined) throw new Error("the group has no two followers");
  return [first, second];
}

/** Nobody hears these, and they hear nobody. */
export function isolate<Message extends Envelope>(
  cluster: GroupCluster<Message>,
  ids: readonly ReplicaId[],
): void {
  const all = cluster.replicas().map(({ id }) => id);
  cluster.network.cut(
    ids.flatMap((id) => all.flatMap((other) => [[id, other] as const, [other, id] as const])),
  );
}

/** Only these pairs hear each other. */
export function connectOnly<Message extends Envelope>(
  cluster: GroupCluster<Message>,
  pairs: readonly (readonly [ReplicaId, ReplicaId])[],
): void {
  const hears = (a: ReplicaId, b: ReplicaId): boolean =>
    pairs.some(([x, y]) => (x === a && y === b) || (x === b && y === a));
  const all = cluster.replicas().map(({ id }) => id);
  cluster.network.cut(
    all.flatMap((from) =>
      all.filter((to) => to !== from && !hears(from, to)).map((to) => [from, to] as const),
    ),
  );
}
