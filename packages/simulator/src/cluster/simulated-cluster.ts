/** Machines whose nodes make up one cluster: the first founds it, the others are let in. What they are to clients is here too. */

import type { NodeId, Random } from "@holdfast/base";
import { nodeId, present, StoreError, seededRandom, toHex, uniform } from "@holdfast/base";
import type { ClusterStatus, Entrance, HoldfastNode, NodeOptions, Rejoining } from "@holdfast/node";
import type { Simulation } from "@holdfast/ports/simulated";
import { SimulatedSwitch } from "@holdfast/ports/simulated";
import { SimulatedMachine } from "../machine/simulated-machine.ts";
import { violated } from "../model/violation.ts";
import { Connection } from "../workload/connection.ts";
import { filesClient } from "../workload/files-client.ts";
import type { Session } from "../workload/session.ts";
import type { StoreClient } from "../workload/store-client.ts";
import type { Worker } from "../workload/worker.ts";
import type { ClusterPlan, OperationMoment } from "./cluster-plan.ts";
import type { Driver } from "./driver.ts";
import type { Excuses } from "./excuses.ts";
import { Member } from "./member.ts";
import { routedClient } from "./routed-client.ts";

export interface SimulatedClusterOptions {
  readonly plan: ClusterPlan;
  readonly simulation: Simulation;
  readonly random: Random;
  readonly session: Session;
  readonly driver: Driver;
  readonly excuses: Excuses;
  readonly trace: (line: string) => void;
}

const tokenLifeMs = 600_000;
const lookMs = 100;
/** In which a node that has come to its shards has opened its writers there. */
const writersMs = 1000;

export class SimulatedCluster {
  readonly switch: SimulatedSwitch;
  /** By number, those that are gone or not in yet among them. */
  readonly #all: Member[] = [];
  readonly #retired = new Set<Member>();
  readonly #options: SimulatedClusterOptions;
  readonly #ids = new Map<number, NodeId>();
  /** Of nodes that gave up, and why. */
  readonly #failed = new Map<number, StoreError>();
  /** Numbers of the nodes that clients use. */
  readonly #admitted = new Set<number>();
  /** Whoever waits for an operation by way of a node. */
  readonly #waiting: {
    readonly number: number;
    readonly moment: OperationMoment;
    readonly wake: () => void;
  }[] = [];
  /** Whoever waits for a node to give up. */
  readonly #watching: { readonly number: number; readonly wake: () => void }[] = [];
  /** Of nodes that lost their logs. */
  readonly #rejoining = new Map<number, Rejoining>();
  #clusterId = "";

  constructor(options: SimulatedClusterOptions) {
    this.#options = options;
    const { simulation, random, plan } = options;
    // Connections break by themselves only while clients work.
    const network = { ...plan.network, breakChance: 0, random: seededRandom(random.uint32()) };
    this.switch = new SimulatedSwitch({ simulation, ...network });
  }

  /** Of all nodes there ever were. */
  get machines(): readonly SimulatedMachine[] {
    return this.#all.map(({ machine }) => machine);
  }

  /** Nodes that were let in and are not gone. */
  get members(): readonly Member[] {
    return this.#all.filter((member) => this.#ids.has(member.number) && !this.#retired.has(member));
  }

  get hasLostNodes(): boolean {
    return this.#retired.size > 0;
  }

  /** The number of the next node that joins. */
  get nextNumber(): number {
    return this.#all.length;
  }

  /** Throws what some node did that nothing excuses. */
  check(): void {
    for (const member of this.#all) member.check();
  }

  async found(): Promise<void> {
    const founder = this.#add(() => ({}));
    const { clusterId, nodeId: id } = await (await founder.start()).status();
    this.#ids.set(founder.number, nodeId(id));
    this.#clusterId = clusterId;
  }

  /** A new node with a token of its own, let in by any node that runs; resolves when it serves. */
  async join(): Promise<Member> {
    const { random, trace, simulation } = this.#options;
    const token = random.bytes(32);
    trace("a node joins");
    await this.ask(({ membership }) => membership.issueToken(token, tokenLifeMs));
    const number = this.nextNumber;
    const entrance: Entrance = {
      clusterId: this.#clusterId,
      enter: (node) => {
        this.#ids.set(number, node.id);
        return this.ask(({ membership }) => membership.letIn(token, node));
      },
    };
    const member = this.#add(() => ({ entrance }));
    void member.start();
    // One that dies on the way in comes back and goes on.
    while (member.node === undefined) await new Promise<void>((wake) => simulation.after(lookMs, wake));
    return member;
  }

  /** A dead node's log is lost: from now on its starts say so, and bring a token of any node that runs (S11). */
  async loseLog(number: number): Promise<void> {
    const { random } = this.#options;
    this.#rejoining.set(number, {
      clusterId: this.#clusterId,
      token: toHex(random.bytes(32)),
      enter: async (node) => {
        const token = random.bytes(32);
        await this.ask(({ membership }) => membership.issueToken(token, tokenLifeMs));
        return this.ask(({ membership }) => membership.letBack(token, node));
      },
    });
    await this.member(number).machine.loseLog();
  }

  /** Resolves when the node votes in every group, as far as it knows. */
  async votes(number: number): Promise<void> {
    const id = this.idOf(number);
    await this.#until(number, ({ system, shards }) =>
      [system, ...shards].every(({ voters }) => voters.length === this.#votersCount && voters.includes(id)),
    );
  }

  /** Something asked by way of any node that runs. StoreError "Unavailable" when none does, or it dies. */
  async ask<T>(request: (node: HoldfastNode) => Promise<T>): Promise<T> {
    const run = (this.#anyRunning() ?? this.members[0])?.run;
    if (run?.node === undefined) throw new StoreError("Unavailable", "no node runs");
    const died = run.died.then((): never => {
      throw new StoreError("Unavailable", "the node has died");
    });
    return Promise.race([request(run.node), died]);
  }

  /** It is gone for good, with all that it has. */
  retire(member: Member): void {
    this.#retired.add(member);
    if (member.run !== undefined) member.crash("kill");
  }

  /** Clients use a node that has joined from when it has what they ask for: until then it refuses them. */
  async admit(number: number): Promise<void> {
    const { simulation } = this.#options;
    await this.#until(number, ({ shards }) => shards.every(({ appliedIndex }) => appliedIndex !== undefined));
    await new Promise<void>((wake) => simulation.after(writersMs, wake));
    this.#admitted.add(number);
  }

  /** Looks at what the node says of the cluster, while it runs. */
  async #until(number: number, holds: (status: ClusterStatus) => boolean): Promise<void> {
    const { simulation } = this.#options;
    const isSo = async (): Promise<boolean> => {
      const { run } = this.member(number);
      if (run?.node === undefined) return false;
      const status = await Promise.race([run.node.status(), run.died]);
      return status !== undefined && holds(status.cluster);
    };
    while (!(await isSo())) await new Promise<void>((wake) => simulation.after(lookMs, wake));
  }

  get #votersCount(): number {
    const count = this.members.length;
    if (count >= 5) return 5;
    return count >= 3 ? 3 : 1;
  }

  idOf(number: number): NodeId {
    return present(this.#ids.get(number), "a node that has started once");
  }

  member(number: number): Member {
    return present(this.#all[number], "a member");
  }

  /** Why the node gave up by itself, if it did; forgotten by the call. */
  takeFailure(number: number): StoreError | undefined {
    const failure = this.#failed.get(number);
    this.#failed.delete(number);
    return failure;
  }

  /** Resolves when the node gives up by itself. */
  nextFailure(number: number): Promise<void> {
    return new Promise((wake) => this.#watching.push({ number, wake }));
  }

  /** A client's next operation, by way of a node that runs; false while none does. */
  async operate(number: number, operation: (worker: Worker) => Promise<void>): Promise<boolean> {
    const member = this.#anyRunning();
    if (member === undefined) return false;
    this.#tell(member.number, "during");
    await operation(this.#workerAt(number, member));
    this.#tell(member.number, "behind");
    return true;
  }

  /** Many clients turn to one key. */
  contestBegins(): void {
    for (const { number } of this.members) this.#tell(number, "contest");
  }

  /** Resolves when a client's operation by way of the node begins, or has ended, or many begin by way of any. */
  nextOperation(number: number, moment: OperationMoment): Promise<void> {
    return new Promise((wake) => this.#waiting.push({ number, moment, wake }));
  }

  #tell(number: number, moment: OperationMoment): void {
    for (let i = this.#waiting.length - 1; i >= 0; i--) {
      const one = this.#waiting[i];
      if (one?.number !== number || one.moment !== moment) continue;
      this.#waiting.splice(i, 1);
      one.wake();
    }
  }

  /** For times when nothing is excused: each request by way of any node. */
  quietWorker(): Worker {
    const clients = this.members.map((member) => this.#client(this.#nodeOf(member)));
    const { session } = this.#options;
    const store = routedClient(() => present(clients[uniform(session.random, clients.length)], "a client"));
    return this.#workerOver(0, store, new Promise(() => undefined), () => false);
  }

  /** All by way of this node, nothing excused. */
  quietWorkerAt(number: number): Worker {
    const store = this.#client(this.#nodeOf(this.member(number)));
    return this.#workerOver(0, store, new Promise(() => undefined), () => false);
  }

  /** Resolves when every node serves, every group has its leader and its voters, and nothing is on its way elsewhere. */
  async settle(withinMs: number, isComplete: boolean = false): Promise<void> {
    const { simulation, driver } = this.#options;
    const endMs = simulation.nowMs + withinMs;
    for (;;) {
      const lacking = await this.#lacking(isComplete);
      if (lacking === undefined) return;
      if (simulation.nowMs > endMs) violated(`the cluster does not settle within ${withinMs} ms: ${lacking}`);
      await driver.runFor(lookMs);
    }
  }

  async statuses(): Promise<readonly ClusterStatus[]> {
    const { driver } = this.#options;
    const all: ClusterStatus[] = [];
    for (const member of this.members)
      all.push((await driver.work("a status", this.#nodeOf(member).status())).cluster);
    return all;
  }

  async #lacking(isComplete: boolean): Promise<string | undefined> {
    const { driver } = this.#options;
    for (const { number, node } of this.members) {
      if (node === undefined) return `node ${number} does not run`;
      const { cluster, ready, reason } = await driver.work("a status", node.status());
      if (!ready) return `node ${number} is not ready: ${reason ?? ""}`;
      const lacking = this.#lackingIn(cluster, isComplete);
      if (lacking !== undefined) return `node ${number}: ${lacking}`;
    }
    return undefined;
  }

  #lackingIn(status: ClusterStatus, isComplete: boolean): string | undefined {
    const { nodes, system, shards, partitions, epoch, incompleteBlocks } = status;
    const count = this.members.length;
    if (nodes.length !== count) return `knows ${nodes.length} nodes`;
    for (const [i, { leader, voters, appliedIndex }] of [system, ...shards].entries()) {
      const group = i === 0 ? "the system group" : `shard ${i - 1}`;
      if (leader === undefined) return `${group} has no leader`;
      if (voters.length !== this.#votersCount) return `${group} has ${voters.length} voters`;
      if (appliedIndex === undefined) return `${group} has no replica here`;
    }
    if (partitions.change !== undefined || partitions.joint > 0)
      return `${partitions.joint} partitions are joint, change ${partitions.change}`;
    if (count > 1 && epoch <= 1) return "the layout knows the first node alone";
    if (isComplete && incompleteBlocks > 0) return `${incompleteBlocks} blocks are incomplete`;
    return undefined;
  }

  #add(options: () => NodeOptions): Member {
    const { plan, simulation, random, trace, excuses } = this.#options;
    const number = this.#all.length;
    const machine = new SimulatedMachine({
      simulation,
      random: seededRandom(random.uint32()),
      node: plan.node,
      diskLatencyMs: plan.diskLatencyMs,
      switch: this.switch,
    });
    const place = { zone: `zone-${number}`, addresses: addressesOf(number) };
    const member = new Member({
      number,
      machine,
      simulation,
      options: () => ({ place, ...options(), ...this.#comingBack(number) }),
      trace,
      tolerates: (error, sinceMs) => excuses.tolerates(error, number, sinceMs),
      onFailed: (reason) => {
        trace(`node ${number}: gave up: ${reason.message}`);
        // As `holdfast server` does.
        if (reason.startsAnew) return void member.stop().then(() => member.start());
        this.#failed.set(number, reason);
        for (const { wake } of this.#watching.filter((one) => one.number === number)) wake();
      },
    });
    this.#all.push(member);
    return member;
  }

  #comingBack(number: number): Pick<NodeOptions, "rejoining"> {
    const rejoining = this.#rejoining.get(number);
    return rejoining === undefined ? {} : { rejoining };
  }

  #nodeOf(member: Member): HoldfastNode {
    return present(member.node, `node ${member.number}`);
  }

  #anyRunning(): Member | undefined {
    const running = this.members.filter(
      ({ node, number }) => node !== undefined && this.#admitted.has(number),
    );
    return running[uniform(this.#options.session.random, Math.max(1, running.length))];
  }

  #workerAt(number: number, member: Member): Worker {
    const { excuses } = this.#options;
    const run = present(member.run, "a run");
    const store = this.#client(this.#nodeOf(member));
    return this.#workerOver(number, store, run.died, (error, sinceMs) =>
      excuses.tolerates(error, member.number, sinceMs),
    );
  }

  #workerOver(
    number: number,
    store: StoreClient,
    died: Promise<void>,
    tolerates: (error: StoreError, sinceMs: number) => boolean,
  ): Worker {
    const { session, simulation } = this.#options;
    const connection = new Connection({
      session,
      store,
      pause: (ms) => new Promise((wake) => simulation.after(ms, wake)),
      nowMs: () => simulation.nowMs,
      died,
      tolerates,
    });
    return { session, connection, number };
  }

  #client({ files }: HoldfastNode): StoreClient {
    const { session } = this.#options;
    return filesClient({ files, model: session.model, blockBytes: session.options.blockBytes });
  }
}

function addressesOf(number: number): { readonly rpc: string; readonly http: string; readonly s3: string } {
  return { rpc: `node-${number}:2`, http: `node-${number}:1`, s3: `node-${number}:0` };
}
