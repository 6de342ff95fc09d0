/**
 * One seed of a whole cluster: it is founded and grows, clients work by way of any node while faults come and go, and after each
 * round, when all is healed, it has to settle, and everything is examined. In the end every node is asked for everything, and
 * what is stored is audited from outside.
 */

import type { Random } from "@holdfast/base";
import { AssertionError, seededRandom, uniform } from "@holdfast/base";
import { Simulation, simulatedHashing } from "@holdfast/ports/simulated";
import { violated } from "../model/violation.ts";
import { checkCollected } from "../run/check-store.ts";
import { settled } from "../run/settled.ts";
import type { Tally } from "../run/tally.ts";
import { addTallies } from "../run/tally.ts";
import type { Trace } from "../run/trace.ts";
import { createBucket } from "../workload/bucket-operations.ts";
import { anyOperation } from "../workload/client.ts";
import { contestName, runContest } from "../workload/contest.ts";
import { examine } from "../workload/examine.ts";
import { writeFixtures } from "../workload/fixtures.ts";
import { mainBuckets, Session } from "../workload/session.ts";
import { abortUpload } from "../workload/upload-operations.ts";
import type { Worker } from "../workload/worker.ts";
import { auditCluster } from "./cluster-audit.ts";
import { ClusterFaults } from "./cluster-faults.ts";
import type { ClusterPlan, PlannedFault } from "./cluster-plan.ts";
import { Driver } from "./driver.ts";
import { Excuses } from "./excuses.ts";
import { Operator } from "./operator.ts";
import { SimulatedCluster } from "./simulated-cluster.ts";

export interface ClusterScenarioOptions {
  readonly plan: ClusterPlan;
  readonly random: Random;
  readonly trace: (simulation: Simulation) => Trace;
  readonly drain: () => Promise<void>;
}

/** Of each round. */
const contestsMax = 4;
const patienceMs = 180_000;
/** Healed and left alone, a cluster is settled by then. */
/** In which nodes have asked each other for the time. */
const clocksAgreeMs = 5000;
const settleMs = 40_000;
/** Until every command that was on its way has arrived, or never will. */
const quietMs = 20_000;
/** Until a change of a bucket whose node died has been carried on by another. */
const abandonedMs = 45_000;
/** In which the lists of incomplete blocks are worked off: a node that was silent is left in peace for up to a minute. */
const completeMs = 150_000;

export class ClusterScenario {
  readonly simulation: Simulation;
  readonly cluster: SimulatedCluster;
  readonly #plan: ClusterPlan;
  readonly #random: Random;
  readonly #trace: Trace;
  readonly #session: Session;
  readonly #driver: Driver;
  readonly #faults: ClusterFaults;
  #happened: Tally = {};
  #contestsCount = 0;

  constructor({ plan, random, trace, drain }: ClusterScenarioOptions) {
    this.#plan = plan;
    this.#random = random;
    const simulation = new Simulation({ random: seededRandom(random.uint32()), drain });
    this.simulation = simulation;
    this.#trace = trace(simulation);
    const say = (line: string): void => this.#trace.add(line);
    const excuses = new Excuses(() => simulation.nowMs);
    this.#driver = new Driver({ simulation, patienceMs, check: () => this.cluster.check() });
    this.#session = new Session({
      ...plan,
      random: seededRandom(random.uint32()),
      hashing: simulatedHashing,
      trace: say,
      unknownMayComeLater: true,
      connectionsBreak: plan.network.breakChance > 0,
    });
    const shared = { simulation, random, excuses, trace: say };
    this.cluster = new SimulatedCluster({ ...shared, plan, session: this.#session, driver: this.#driver });
    this.#faults = new ClusterFaults({
      ...shared,
      cluster: this.cluster,
      operator: new Operator({ ...shared, cluster: this.cluster }),
      hasSingleCopies: plan.beginsWith < 3,
      count: (what) => this.#count(what),
    });
  }

  /** What really happened, by kind. */
  get happened(): Tally {
    const machines = this.cluster.machines.map(({ struck }) => Object.fromEntries(struck));
    return [...machines, Object.fromEntries(this.cluster.switch.struck.entries)].reduce(
      (sum, one) => addTallies(sum, one),
      this.#happened,
    );
  }

  async run(): Promise<void> {
    const { plan, cluster } = { plan: this.#plan, cluster: this.cluster };
    this.#trace.add(`plan: ${JSON.stringify(plan)}`);
    await this.#driver.work("founding", cluster.found());
    for (let i = 1; i < plan.beginsWith; i++) await this.#driver.work("joining", cluster.join());
    await cluster.settle(settleMs);
    for (const { number } of cluster.members)
      await this.#driver.work("shards come to all nodes", cluster.admit(number));
    await this.#prepare();
    if (plan.beginsWith < plan.nodesCount) await this.#grow();
    for (const faults of plan.rounds) await this.#round(faults);
    await this.#finish();
  }

  async #prepare(): Promise<void> {
    const worker = this.cluster.quietWorker();
    for (const bucket of mainBuckets)
      await this.#driver.work("a bucket is made", createBucket(worker, bucket));
    await this.#driver.work("fixtures", writeFixtures(worker));
  }

  /** From one node to all, while clients write (S13). */
  async #grow(): Promise<void> {
    const { nodesCount } = this.#plan;
    this.#count("growth");
    await this.#whileClientsWork(async () => {
      while (this.cluster.members.length < nodesCount) {
        // Together, before they are laid out: of two nodes one would have no replica of a shard, and refuse its files.
        await this.#sleep(uniform(this.#random, 1000));
        await this.cluster.join();
      }
      for (const fault of this.#plan.whileGrowing) await this.#faults.bring(fault);
      for (const { number } of this.cluster.members) await this.cluster.admit(number);
    });
    await this.#examine();
  }

  async #round(faults: readonly PlannedFault[]): Promise<void> {
    await this.#whileClientsWork(async () => {
      for (const fault of faults) await this.#faults.bring(fault);
      await this.#sleep(uniform(this.#random, 3000));
    });
    await this.#examine();
  }

  async #whileClientsWork(happen: () => Promise<void>): Promise<void> {
    let isOver = false;
    const clients = Array.from({ length: this.#plan.clientsCount }, (_, i) =>
      settled(this.#client(i + 1, () => isOver)),
    );
    clients.push(settled(this.#contests(() => isOver)), settled(this.#collectNowAndThen(() => isOver)));
    const check = (): boolean => {
      for (const { error } of clients) if (error !== undefined) throw error;
      return false;
    };
    this.cluster.switch.breakChance = this.#plan.network.breakChance;
    const happening = settled(happen());
    await this.#driver.stepUntil("faults", () => check() || happening.done);
    if (happening.error !== undefined) throw happening.error;
    isOver = true;
    await this.#driver.stepUntil("clients", () => check() || clients.every(({ done }) => done));
    this.cluster.switch.breakChance = 0;
  }

  /** Each operation by way of any node. */
  async #client(number: number, isOver: () => boolean): Promise<void> {
    const { random } = this.#session;
    while (!isOver()) {
      const wasServed = await this.cluster.operate(number, anyOperation);
      const thinks = uniform(random, 20);
      if (!wasServed) await this.#sleep(100);
      else if (thinks < 9) await this.#sleep(uniform(random, 3000) / 1000);
      else if (thinks < 16) await this.#sleep(uniform(random, 100));
      else await this.#sleep(uniform(random, 3000));
    }
  }

  /** Scans of all blocks amid uploads: nothing that may still be committed may be erased (S4). */
  async #collectNowAndThen(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await this.#sleep(uniform(this.#random, 1 << (4 + uniform(this.#random, 10))));
      await this.cluster
        .ask((node) => node.collect())
        .catch((error: unknown) => {
          // Whatever else keeps a round from its end is for the next one.
          if (error instanceof AssertionError) throw error;
        });
    }
  }

  /** One after the other, each for a key of its own. */
  async #contests(isOver: () => boolean): Promise<void> {
    const { contest } = this.#plan;
    const parts = {
      ...contest,
      session: this.#session,
      pause: (ms: number): Promise<void> => this.#sleep(ms),
      operate: this.cluster.operate.bind(this.cluster),
      onMoment: () => this.cluster.contestBegins(),
    };
    for (let i = 0; i < contestsMax && !isOver(); i++) {
      await this.#sleep(uniform(this.#session.random, 1 << (5 + uniform(this.#session.random, 8))));
      this.#count("contest");
      await runContest(parts, contestName(this.#session, ++this.#contestsCount));
    }
  }

  /** Nothing is wrong any more: everything is as it should be, and is answered by any node. */
  async #examine(): Promise<void> {
    await this.cluster.settle(settleMs);
    await this.#driver.runFor(this.#session.unsettledBuckets.size > 0 ? abandonedMs : quietMs);
    this.#trace.add("examine");
    await this.#look(this.cluster.quietWorker());
  }

  async #look(worker: Worker): Promise<void> {
    const isWhole = await this.#driver.work("examine", examine(worker));
    if (!isWhole) violated("not everything could be examined");
  }

  async #finish(): Promise<void> {
    await this.#driver.work("uploads end", this.#endUploads(this.cluster.quietWorker()));
    for (const { number } of this.cluster.members) {
      this.#trace.add(`examine by way of node ${number}`);
      await this.#look(this.cluster.quietWorkerAt(number));
    }
    // Reading through every node has found what a writer that crashed could not tell anybody.
    await this.cluster.settle(completeMs, true);
    await this.#collect();
    await this.cluster.settle(completeMs, true);
    for (const { node } of this.cluster.members)
      if (node !== undefined) await this.#driver.work("fsck", checkCollected(node));
    await this.#driver.work("replicas", this.#checkReplicas());
    await this.#stop();
    const members = this.cluster.members.map((member) => ({ id: this.cluster.idOf(member.number), member }));
    await this.#driver.work(
      "audit",
      auditCluster(members, this.#plan, (line) => this.#trace.add(line)),
    );
  }

  /** Replicas have one state, and nothing is taken for damage that was none (S12). */
  async #checkReplicas(): Promise<void> {
    const struck = this.#plan.rounds.flat().flatMap(({ fault, meanwhile }) => [fault, meanwhile?.fault]);
    // What a flush that failed has left is not known either.
    const hasRotted = struck.includes("rot-in-state") || struck.includes("flush-fails");
    for (const { number, node } of this.cluster.members) {
      if (node === undefined) continue;
      const { replicas } = await node.status();
      if (replicas.apart.length > 0) violated(`node ${number}: ${replicas.apart.join(" ")}`);
      if (replicas.reloaded > 0 && !hasRotted)
        violated(`node ${number} reloaded ${JSON.stringify(replicas.lastReloaded)}`);
    }
  }

  async #endUploads(worker: Worker): Promise<void> {
    for (const upload of this.#session.uploads.all)
      if (upload.status === "open") await abortUpload(worker, upload);
    const { store } = worker.connection;
    for (const bucket of mainBuckets)
      for (const { key, uploadId } of await store.listUploads(bucket))
        await store.abortUpload({ bucket, key }, uploadId);
  }

  /** Clocks that jumped agree again, behind all that died in the future of one of them. */
  async #collect(): Promise<void> {
    const { rounds, whileGrowing } = this.#plan;
    const hasJumped = [...rounds.flat(), ...whileGrowing].some(
      ({ fault, meanwhile }) => fault === "clock-jump" || meanwhile?.fault === "clock-jump",
    );
    if (hasJumped) await this.#jumpTogether();
    const { readerGraceMs, node } = this.#plan;
    // What writers of nodes that are gone left unfinished is nobody's once they are closed: two looks of one leader, so long apart.
    const waits = this.cluster.hasLostNodes ? [0, node.writerSilentMs, node.writerSilentMs] : [];
    const roundMs = readerGraceMs + 2 * node.collectIntervalMs;
    for (const ms of [...waits, roundMs, roundMs, roundMs]) {
      await this.#driver.runFor(ms + 1000);
      for (const member of this.cluster.members)
        if (member.node !== undefined) await this.#driver.work("collect", member.node.collect());
    }
  }

  /** Clocks that jump one after the other are apart for a while: leaders hand over, and watches of leaders begin anew. */
  async #jumpTogether(): Promise<void> {
    for (const { machine } of this.cluster.members) machine.jumpWall(12 * 3_600_000);
    await this.#driver.runFor(clocksAgreeMs);
    await this.cluster.settle(settleMs);
  }

  async #stop(): Promise<void> {
    const stopping = Promise.all(this.cluster.members.map((member) => member.stop()));
    await this.#driver.work("stop", stopping);
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((wake) => this.simulation.after(ms, wake));
  }

  #count(what: string): void {
    this.#happened = addTallies(this.#happened, { [what]: 1 });
  }
}
