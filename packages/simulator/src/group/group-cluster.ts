/** A whole group in one thread: replicas, network, clients, operator, and what goes wrong, one tick after another. */

import type { Random } from "@holdfast/base";
import { seededRandom, uniform } from "@holdfast/base";
import type { Envelope, Membership, ReplicaId } from "@holdfast/consensus";
import { emptyMembership, replicaId } from "@holdfast/consensus";
import { GroupChecks } from "./group-checks.ts";
import { GroupClient } from "./group-client.ts";
import type { MachineKind } from "./group-machine.ts";
import type { GroupPlan } from "./group-plan.ts";
import { GroupTrace } from "./group-trace.ts";
import { MembershipAdmin } from "./membership-admin.ts";
import { Nemesis } from "./nemesis.ts";
import { GroupNetwork } from "./network.ts";
import type { Protocol } from "./protocol.ts";
import { registerMachine } from "./register-machine.ts";
import { shardMachine } from "./shard-group-machine.ts";
import type { ReplicaWorld } from "./simulated-replica.ts";
import { SimulatedReplica } from "./simulated-replica.ts";

export interface GroupClusterOptions<Message extends Envelope> {
  readonly plan: GroupPlan;
  readonly protocol: Protocol<Message>;
  readonly random: Random;
  readonly linesMax: number;
}

export class GroupCluster<Message extends Envelope> implements ReplicaWorld<Message> {
  readonly plan: GroupPlan;
  readonly protocol: Protocol<Message>;
  readonly machine: MachineKind;
  readonly random: Random;
  readonly network: GroupNetwork<Message>;
  readonly checks: GroupChecks;
  readonly trace: GroupTrace;
  readonly nemesis: Nemesis<Message>;
  readonly admin: MembershipAdmin<Message>;
  readonly clients: readonly GroupClient<Message>[];
  readonly #replicas = new Map<ReplicaId, SimulatedReplica<Message>>();
  #now = 0;
  #lastId = 0;

  constructor({ plan, protocol, random, linesMax }: GroupClusterOptions<Message>) {
    this.plan = plan;
    this.protocol = protocol;
    this.machine = plan.isShard ? shardMachine : registerMachine;
    this.random = random;
    this.trace = new GroupTrace(() => this.#now, linesMax);
    this.network = new GroupNetwork(plan.network, seededRandom(random.uint32()));
    this.nemesis = new Nemesis(plan.faults, this);
    this.admin = new MembershipAdmin(this);
    const voters = Array.from({ length: plan.votersCount }, (_, i) => replicaId(i + 1));
    this.#lastId = voters.length;
    const membership: Membership = { voters, outgoing: [], learners: [] };
    this.checks = new GroupChecks(protocol.membershipCounts, membership);
    for (const id of voters) this.#add(id, membership);
    this.clients = Array.from({ length: plan.clientsCount }, (_, i) => new GroupClient(i, this));
  }

  now(): number {
    return this.#now;
  }

  replica(id: ReplicaId): SimulatedReplica<Message> | undefined {
    return this.#replicas.get(id);
  }

  replicas(): readonly SimulatedReplica<Message>[] {
    return [...this.#replicas.values()];
  }

  running(): readonly SimulatedReplica<Message>[] {
    return this.replicas().filter((replica) => replica.isRunning);
  }

  /** The one that leads the latest ballot. */
  leader(): SimulatedReplica<Message> | undefined {
    let found: SimulatedReplica<Message> | undefined;
    for (const replica of this.#replicas.values()) {
      if (!replica.isRunning) continue;
      const { role, ballot } = replica.status;
      if (role === "leader" && ballot > (found?.status.ballot ?? 0)) found = replica;
    }
    return found;
  }

  addReplica(): ReplicaId {
    const id = replicaId(++this.#lastId);
    this.#add(id, emptyMembership);
    this.say(`replica ${id} joins`);
    return id;
  }

  dropReplica(id: ReplicaId): void {
    this.#replicas.get(id)?.leaveForGood();
    this.#replicas.delete(id);
    this.say(`replica ${id} is taken away`);
  }

  changeMembership(): void {
    if (this.plan.churnTicks > 0) this.admin.change();
  }

  say(line: string): void {
    this.trace.event(3, line.length, 0, 0);
    if (this.trace.isRead) this.trace.line(line);
  }

  /** One tick with everything the plan holds. */
  pass(): void {
    this.#now++;
    this.nemesis.strike();
    const { churnTicks } = this.plan;
    if (this.admin.isReplacing ? this.#now % 50 === 0 : churnTicks > 0 && this.#now % churnTicks === 0)
      this.admin.change();
    this.#exchange();
    if (uniform(this.random, 1000) < this.plan.operationsPerMille)
      this.clients[uniform(this.random, this.clients.length)]?.begin();
    for (const client of this.clients) client.pass();
  }

  /** One tick without faults: messages and clocks alone, and repairs. */
  passQuietly(): void {
    this.#now++;
    if (this.#now % 50 === 0) this.admin.repair();
    this.#exchange();
    for (const client of this.clients) client.pass();
  }

  #exchange(): void {
    for (const message of this.network.arrivals(this.#now)) this.#replicas.get(message.to)?.deliver(message);
    for (const replica of this.#replicas.values()) replica.pass();
  }

  #add(id: ReplicaId, membership: Membership): void {
    const replica = new SimulatedReplica(id, membership, this);
    this.#replicas.set(id, replica);
    this.nemesis.skew(replica);
    replica.start();
  }
}
