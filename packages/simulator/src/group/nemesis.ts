/** Everything that goes wrong, as often as the plan says, and never so much that data could be lost by right (S2, S11). */

import type { Random } from "@holdfast/base";
import { chance, uniform } from "@holdfast/base";
import type { Envelope, Membership, ReplicaId } from "@holdfast/consensus";
import { isJoint, isMember, isVoter, membersOf } from "@holdfast/consensus";
import type { FaultPlan } from "./group-plan.ts";
import type { GroupNetwork } from "./network.ts";
import type { SimulatedReplica } from "./simulated-replica.ts";

export interface NemesisWorld<Message extends Envelope> {
  readonly random: Random;
  readonly network: GroupNetwork<Message>;
  now(): number;
  replicas(): readonly SimulatedReplica<Message>[];
  leader(): SimulatedReplica<Message> | undefined;
  /** Unless the plan knows no changes. */
  changeMembership(): void;
  say(line: string): void;
}

export type FaultName =
  | Exclude<keyof FaultPlan, `${string}Percent`>
  | "newLeader"
  | "election"
  | "rot"
  | "skew";

const scale = 100_000;

export class Nemesis<Message extends Envelope> {
  readonly #plan: FaultPlan;
  readonly #world: NemesisWorld<Message>;
  /** What ends by itself: when, and how. */
  #endings: { readonly at: number; readonly end: () => void }[] = [];
  #latestBallot = 0;
  readonly counts: Map<FaultName, number> = new Map();

  constructor(plan: FaultPlan, world: NemesisWorld<Message>) {
    this.#plan = plan;
    this.#world = world;
  }

  strike(): void {
    const now = this.#world.now();
    for (const { at, end } of this.#endings) if (at <= now) end();
    this.#endings = this.#endings.filter(({ at }) => at > now);
    const plan = this.#plan;
    if (this.#happens(plan.crash)) this.#crash();
    if (plan.newLeaderPercent > 0) this.#crashNewLeader();
    if (plan.electionPercent > 0) this.#crashAmidElection();
    if (this.#happens(plan.pause)) this.#pause();
    if (this.#happens(plan.partition)) this.#partition();
    if (this.#happens(plan.clog)) this.#clog();
    if (this.#happens(plan.clockJump)) this.#jumpClock();
    if (this.#happens(plan.slowDisk)) this.#slowDisk();
    if (this.#happens(plan.fullDisk)) this.#fillDisk();
    if (this.#happens(plan.failedSync)) this.#lose("failedSync");
    if (this.#happens(plan.wipe)) this.#lose("wipe");
    if (this.#happens(plan.trigger)) this.#trigger();
  }

  /** All is well again, whatever was under way. */
  relent(): void {
    for (const { end } of this.#endings) end();
    this.#endings = [];
    this.#world.network.isPerfect = true;
    for (const replica of this.#world.replicas()) {
      replica.clockRate = 1;
      if (replica.life === "down") replica.start();
    }
  }

  /** Trouble begins again. */
  resume(): void {
    this.#world.network.isPerfect = false;
    for (const replica of this.#world.replicas()) this.skew(replica);
  }

  /** A clock of its own for a new replica. */
  skew(replica: SimulatedReplica<Message>): void {
    const { skewPercent } = this.#plan;
    if (skewPercent === 0) return;
    replica.clockRate = 1 + (uniform(this.#world.random, 2 * skewPercent + 1) - skewPercent) / 100;
    this.#count("skew");
  }

  #happens(rate: number): boolean {
    return rate > 0 && uniform(this.#world.random, scale) < rate;
  }

  #count(fault: FaultName): void {
    this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1);
  }

  #later(ticksMax: number, end: () => void): void {
    this.#endings.push({ at: this.#world.now() + 1 + uniform(this.#world.random, ticksMax), end });
  }

  #victim(): SimulatedReplica<Message> | undefined {
    const { random } = this.#world;
    const leader = chance(random, 0.4) ? this.#world.leader() : undefined;
    if (leader?.isRunning === true) return leader;
    const running = this.#world.replicas().filter((replica) => replica.isRunning);
    return running[uniform(random, Math.max(1, running.length))];
  }

  #crash(): void {
    const { random } = this.#world;
    const victims = chance(random, 0.15) ? this.#world.replicas() : [this.#victim()];
    for (const victim of victims) {
      if (victim === undefined || !victim.isRunning) continue;
      this.#count("crash");
      this.#crashOne(victim, chance(random, 0.2) ? 400 : 40);
      if (uniform(random, 100) < this.#plan.rotPercent && this.#mayLose(victim) && victim.disk.rot(random)) {
        this.#count("rot");
        this.#world.say(`rot in the log of ${victim.id}, which ends at ${victim.disk.last.index} now`);
      }
    }
  }

  /** When it has promised most, and others have heard of it least. */
  #crashNewLeader(): void {
    const leader = this.#world.leader();
    if (leader === undefined || leader.status.ballot <= this.#latestBallot) return;
    this.#latestBallot = leader.status.ballot;
    if (uniform(this.#world.random, 100) >= this.#plan.newLeaderPercent) return;
    this.#count("newLeader");
    this.#crashOne(leader, 6);
  }

  /** A vote may be on its way, and on the disk not yet. */
  #crashAmidElection(): void {
    const { random } = this.#world;
    const running = this.#world.replicas().filter((replica) => replica.isRunning);
    if (!running.some(({ role }) => role === "candidate")) return;
    if (uniform(random, 100) >= this.#plan.electionPercent) return;
    const victim = running[uniform(random, running.length)];
    if (victim === undefined) return;
    this.#count("election");
    this.#crashOne(victim, 6);
  }

  #crashOne(victim: SimulatedReplica<Message>, downTicksMax: number): void {
    this.#world.say(`crash of ${victim.id}`);
    victim.crash();
    this.#later(downTicksMax, () => {
      if (victim.life === "down") victim.start();
    });
  }

  #pause(): void {
    const { random } = this.#world;
    const victim = this.#victim();
    if (victim === undefined) return;
    this.#count("pause");
    this.#world.say(`pause of ${victim.id}`);
    victim.pause(chance(random, 0.5));
    this.#later(chance(random, 0.3) ? 200 : 60, () => {
      if (victim.life === "paused") victim.resume();
    });
  }

  #partition(): void {
    const ids = this.#world.replicas().map(({ id }) => id);
    const links = this.#cutLinks(ids);
    this.#count("partition");
    this.#world.say(`cut ${links.map(([from, to]) => `${from}-${to}`).join(" ")}`);
    this.#world.network.cut(links);
    this.#later(chance(this.#world.random, 0.3) ? 400 : 80, () => this.#world.network.cut([]));
    // A leader that was cut off just now appends what may never be committed.
    if (chance(this.#world.random, 0.5)) this.#world.changeMembership();
  }

  #cutLinks(ids: readonly ReplicaId[]): readonly (readonly [ReplicaId, ReplicaId])[] {
    const { random } = this.#world;
    const all = ids
      .flatMap((from) => ids.map((to) => [from, to] as const))
      .filter(([from, to]) => from !== to);
    const leader = this.#world.leader()?.id ?? ids[0];
    const side = new Set(ids.filter(() => chance(random, 0.5)));
    switch (uniform(random, 6)) {
      case 0: // Two halves.
        return all.filter(([from, to]) => side.has(from) !== side.has(to));
      case 1: // One direction between two halves.
        return all.filter(([from, to]) => side.has(from) && !side.has(to));
      case 2: // A chain: everybody hears only its neighbours.
        return all.filter(([from, to]) => Math.abs(ids.indexOf(from) - ids.indexOf(to)) > 1);
      case 3: // The leader hears nobody.
        return all.filter(([, to]) => to === leader);
      case 4: // Nobody hears the leader.
        return all.filter(([from]) => from === leader);
      default: // Some links.
        return all.filter(() => chance(random, 0.3));
    }
  }

  #clog(): void {
    const { network, random } = this.#world;
    const replicas = this.#world.replicas();
    this.#count("clog");
    for (const from of replicas)
      for (const to of replicas) if (chance(random, 0.3)) network.clog(from.id, to.id);
    this.#later(100, () => network.unclog());
  }

  #jumpClock(): void {
    const victim = this.#victim();
    this.#count("clockJump");
    victim?.jumpClock(uniform(this.#world.random, 40));
  }

  #slowDisk(): void {
    const victim = this.#victim();
    if (victim === undefined) return;
    this.#count("slowDisk");
    victim.isSlow = true;
    this.#later(200, () => {
      victim.isSlow = false;
    });
  }

  #fillDisk(): void {
    const victim = this.#victim();
    if (victim === undefined) return;
    this.#count("fullDisk");
    victim.isFull = true;
    this.#later(150, () => {
      victim.isFull = false;
    });
  }

  #lose(fault: "failedSync" | "wipe"): void {
    const victim = this.#victim();
    if (victim === undefined || !this.#mayLose(victim)) return;
    this.#count(fault);
    this.#world.say(`${fault}: ${victim.id} leaves for good`);
    victim.leaveForGood();
  }

  /**
   * At most one replica is without its data at a time, and every quorum can do without it: in each membership that is
   * in anybody's log, since it may come into force again; and in the applied one, since as long as the end of a change is not
   * chosen the voters before it may be all that hold anything.
   */
  #mayLose(victim: SimulatedReplica<Message>): boolean {
    if (this.#world.leader() === undefined) return false;
    const replicas = this.#world.replicas();
    const impaired = (id: ReplicaId): boolean => {
      const found = replicas.find((replica) => replica.id === id);
      return found === undefined || found.life === "gone" || found.disk.lost !== undefined;
    };
    const canSpare = (membership: Membership): boolean => {
      if (!isMember(membership, victim.id)) return true;
      if (isJoint(membership) || (isVoter(membership, victim.id) && membership.voters.length < 3))
        return false;
      return !membersOf(membership).some((id) => id !== victim.id && impaired(id));
    };
    return replicas.every(
      ({ life, status, appliedMembership, membershipsAhead }) =>
        life === "gone" || [appliedMembership, status.membership, ...membershipsAhead].every(canSpare),
    );
  }

  #trigger(): void {
    const { random } = this.#world;
    const victim = this.#victim();
    if (victim === undefined) return;
    this.#count("trigger");
    switch (uniform(random, 3)) {
      case 0:
        return victim.campaign();
      case 1:
        return victim.flush();
      default: {
        const to = this.#victim();
        if (to !== undefined) void victim.transferLeader(to.id);
      }
    }
  }
}
