/**
 * One seed of one group, in rounds: first everything goes wrong while the invariants must hold (safety), then nothing does,
 * and the group has to come back: elect, serve, converge (liveness).
 */

import { seededRandom } from "@holdfast/base";
import type { Envelope } from "@holdfast/consensus";
import { isJoint, membersOf } from "@holdfast/consensus";
import { violated } from "../model/violation.ts";
import { GroupCluster } from "./group-cluster.ts";
import { makeGroupPlan } from "./group-plan.ts";
import type { FaultName } from "./nemesis.ts";
import type { Protocol } from "./protocol.ts";
import type { SimulatedReplica } from "./simulated-replica.ts";

export interface GroupSeedResult {
  readonly seed: number;
  /** Two runs of one seed have the same. */
  readonly traceHash: string;
  readonly ticks: number;
  /** Messages sent, entries applied, faults. */
  readonly eventsCount: number;
  readonly committed: number;
  readonly answers: number;
  readonly faults: ReadonlyMap<FaultName, number>;
  readonly failure: { readonly message: string; readonly lines: readonly string[] } | undefined;
}

export interface GroupSeedOptions<Message extends Envelope> {
  readonly seed: number;
  readonly protocol: Protocol<Message>;
  readonly ticks: number;
  /** Lines of the story to keep; 0 for none, which is much faster. */
  readonly linesMax: number;
  /** Instead of the plan's. */
  readonly votersCount?: number;
}

/** In which a healed group has to do anything that it is asked. */
const patienceTicks = 3000;

export function runGroupSeed<Message extends Envelope>(options: GroupSeedOptions<Message>): GroupSeedResult {
  const { seed, protocol, linesMax } = options;
  const random = seededRandom(seed);
  const made = makeGroupPlan(seed, random);
  const plan = { ...made, votersCount: options.votersCount ?? made.votersCount };
  const cluster = new GroupCluster({ plan, protocol, random, linesMax });
  if (cluster.trace.isRead) cluster.trace.line(`plan ${JSON.stringify(plan)}`);
  let failure: GroupSeedResult["failure"];
  try {
    for (let left = options.ticks; left > 0; left -= plan.roundTicks) {
      for (let tick = 0; tick < Math.min(left, plan.roundTicks); tick++) cluster.pass();
      heal(cluster);
      cluster.nemesis.resume();
    }
  } catch (error) {
    const isViolation = error instanceof Error && error.name === "Violation";
    const message = isViolation
      ? error.message
      : error instanceof Error
        ? (error.stack ?? "")
        : String(error);
    failure = { message, lines: cluster.trace.lines };
  }
  return {
    seed,
    traceHash: cluster.trace.hash,
    ticks: cluster.now(),
    eventsCount: cluster.trace.eventsCount,
    committed: cluster.checks.commitIndex,
    answers: cluster.clients.reduce((sum, { answersCount }) => sum + answersCount, 0),
    faults: cluster.nemesis.counts,
    failure,
  };
}

function heal<Message extends Envelope>(cluster: GroupCluster<Message>): void {
  cluster.nemesis.relent();
  until(cluster, "the group has a leader and all its members", () => settledLeader(cluster) !== undefined);
  const answersBefore = cluster.clients.map(({ answersCount }) => answersCount);
  for (const client of cluster.clients) client.begin();
  until(cluster, "every client is answered", () =>
    cluster.clients.every((client, i) => {
      client.begin();
      return client.answersCount > (answersBefore[i] ?? 0);
    }),
  );
  until(cluster, "all members have the same state", () => haveConverged(cluster));
}

function until<Message extends Envelope>(
  cluster: GroupCluster<Message>,
  what: string,
  holds: () => boolean,
): void {
  for (let tick = 0; tick < patienceTicks; tick++) {
    if (holds()) return;
    cluster.passQuietly();
  }
  const states = cluster.replicas().map((replica) => `${replica.life} ${JSON.stringify(replica.status)}`);
  violated(`after ${patienceTicks} ticks without faults not: ${what}\n${states.join("\n")}`);
}

function settledLeader<Message extends Envelope>(
  cluster: GroupCluster<Message>,
): SimulatedReplica<Message> | undefined {
  const leader = cluster.leader();
  if (leader === undefined || cluster.admin.isReplacing) return undefined;
  return isJoint(leader.status.membership) ? undefined : leader;
}

function haveConverged<Message extends Envelope>(cluster: GroupCluster<Message>): boolean {
  const leader = settledLeader(cluster);
  if (leader === undefined) return false;
  return membersOf(leader.status.membership).every((id) => {
    const replica = cluster.replica(id);
    return (
      replica !== undefined &&
      replica.appliedIndex === leader.status.lastIndex &&
      replica.digest === leader.digest &&
      !replica.status.suspect
    );
  });
}
