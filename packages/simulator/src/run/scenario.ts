/**
 * One seed: a machine, clients, crashes. Rounds of load end by a kill, a power loss or a stop, at a moment that the seed
 * chooses; starts are cut short too. After each start everything is examined. In the end, without faults, everything
 * that is dead has to be collected, and what is stored is audited from outside.
 */

import type { Random } from "@holdfast/base";
import { chance, StoreError, seededRandom, uniform } from "@holdfast/base";
import type { HoldfastNode } from "@holdfast/node";
import { Simulation, simulatedHashing } from "@holdfast/ports/simulated";
import { SimulatedMachine } from "../machine/simulated-machine.ts";
import { Violation, violated } from "../model/violation.ts";
import { createBucket } from "../workload/bucket-operations.ts";
import { runClient } from "../workload/client.ts";
import { examine } from "../workload/examine.ts";
import { readName } from "../workload/file-reads.ts";
import { writeFixtures } from "../workload/fixtures.ts";
import { mainBuckets, Session } from "../workload/session.ts";
import { abortUpload } from "../workload/upload-operations.ts";
import type { Worker } from "../workload/worker.ts";
import { auditStores } from "./audit.ts";
import { checkCollected, checkEmpty, checkStore } from "./check-store.ts";
import { bringDecay } from "./decay.ts";
import { deleteEverything } from "./delete-everything.ts";
import { Faults } from "./faults.ts";
import { Life } from "./life.ts";
import type { Plan } from "./plan.ts";
import { settled } from "./settled.ts";
import type { Tally } from "./tally.ts";
import { addTallies } from "./tally.ts";
import type { Trace } from "./trace.ts";

/** Virtual time in which anything has to come to an end. */
const patienceMs = 120_000;

export interface ScenarioOptions {
  readonly plan: Plan;
  readonly random: Random;
  readonly trace: (simulation: Simulation) => Trace;
  readonly drain: () => Promise<void>;
}

export class Scenario {
  readonly simulation: Simulation;
  readonly machine: SimulatedMachine;
  readonly #plan: Plan;
  readonly #random: Random;
  readonly #trace: Trace;
  readonly #session: Session;
  readonly #faults: Faults;
  /** What this seed lived through, beside what the machine counts itself. */
  #happened: Tally = {};

  constructor({ plan, random, trace, drain }: ScenarioOptions) {
    this.#plan = plan;
    this.#random = random;
    this.simulation = new Simulation({ random: seededRandom(random.uint32()), drain });
    this.#trace = trace(this.simulation);
    const { node, diskLatencyMs } = plan;
    const { simulation } = this;
    this.machine = new SimulatedMachine({
      simulation,
      random: seededRandom(random.uint32()),
      node,
      diskLatencyMs,
    });
    const say = (line: string): void => this.#trace.add(line);
    this.#faults = new Faults(plan, this.machine, random, say);
    this.#session = new Session({
      ...plan,
      random: seededRandom(random.uint32()),
      hashing: simulatedHashing,
      trace: say,
    });
  }

  /** What really happened to this seed's machine, by kind. */
  get happened(): Tally {
    return addTallies(this.#happened, Object.fromEntries(this.machine.struck));
  }

  async run(): Promise<void> {
    const { fault, clientsCount, roundsCount } = this.#plan;
    this.#trace.add(
      `plan: fault ${fault}, ${clientsCount} clients, ${roundsCount} rounds, ${JSON.stringify(this.#plan.node)}`,
    );
    for (let round = 0; round < roundsCount; round++) {
      const life = await this.#start();
      if (round === 0) await this.#work(life, this.#prepare(life));
      else await this.#work(life, examine(this.#worker(life, 0)));
      await this.#load(life);
    }
    await this.#finish();
    // Either end wants the store as it is.
    if (chance(this.#random, 0.5)) await this.#emptyStore();
    else await this.#decay();
  }

  /** Boots until a boot is not cut short. */
  async #start(): Promise<Life> {
    for (let tries = 0; ; tries++) {
      this.#trace.add("boot");
      if (tries === 0 && chance(this.#random, 0.2)) this.#faults.strikeStart();
      const booting = settled(this.machine.boot());
      const cut = tries < 3 && chance(this.#random, 0.3);
      await this.#stepUntil(
        () => booting.done,
        cut ? 1 + uniform(this.#random, 120) : Number.POSITIVE_INFINITY,
      );
      this.machine.clearFaults();
      if (booting.value !== undefined) return this.#begin(booting.value);
      if (booting.done && !String(booting.error).includes("injected:"))
        throw booting.error instanceof Error
          ? booting.error
          : violated(`the node does not start: ${String(booting.error)}`);
      this.#count(booting.done ? "start that failed" : "start cut short");
      this.#crash(booting.done ? "boot failed" : "boot cut short");
    }
  }

  #begin(node: HoldfastNode): Life {
    this.#trace.add("started");
    return new Life(this.simulation, node, this.#session, (error) => this.#faults.tolerates(error));
  }

  async #prepare(life: Life): Promise<void> {
    const worker = this.#worker(life, 0);
    for (const bucket of mainBuckets) await createBucket(worker, bucket);
    await writeFixtures(worker);
  }

  async #load(life: Life): Promise<void> {
    const { clientsCount, operationsPerClient, fault } = this.#plan;
    const clients = Array.from({ length: clientsCount }, (_, i) =>
      settled(runClient(this.#worker(life, i + 1), operationsPerClient)),
    );
    const work = (): boolean => clients.every(({ done }) => done);
    const collecting = settled(this.#collectNowAndThen(life, work));
    const checking = settled(this.#checkNowAndThen(life, work));
    const eventsMax = this.#anyEventsMax();
    if (fault !== "none") {
      await this.#stepUntil(() => work(), uniform(this.#random, 1 + Math.min(eventsMax, 1500)));
      this.#faults.strike();
      if (fault === "clock-jumps" || fault === "slow-disk")
        this.#count(fault === "slow-disk" ? "slow disk" : "clock jump");
    }
    await this.#stepUntil(
      () =>
        work() ||
        [...clients, checking].some(({ error }) => error !== undefined) ||
        life.failure !== undefined,
      eventsMax,
    );
    for (const { error } of [...clients, checking]) if (error !== undefined) throw error;
    await this.#endLife(life);
    await this.#stepUntil(() => work() && collecting.done && checking.done, Number.POSITIVE_INFINITY);
    for (const { error } of [...clients, collecting, checking]) if (error !== undefined) throw error;
    this.#faults.relieve(false);
  }

  /** Scans of all blocks in the midst of uploads: nothing that may still commit may be erased (S4). */
  async #collectNowAndThen(life: Life, isOver: () => boolean): Promise<void> {
    const { node, connection } = life;
    while (!isOver() && !connection.isDead) {
      await connection.pause(1 + uniform(this.#random, 60));
      if (isOver() || connection.isDead) return;
      try {
        await Promise.race([node.collect(), life.died]);
      } catch (error) {
        if (!connection.isDead && !life.isStopping && !this.#faults.mayFail) throw error;
      }
    }
  }

  /** Whatever else goes on, a check of the store finds nothing. */
  async #checkNowAndThen(life: Life, isOver: () => boolean): Promise<void> {
    const { node, connection } = life;
    while (!isOver() && !connection.isDead) {
      await connection.pause(1 + uniform(this.#random, 100));
      if (isOver() || connection.isDead) return;
      try {
        await Promise.race([checkStore(node, chance(this.#random, 0.3)), life.died]);
      } catch (error) {
        if (error instanceof Violation) throw error;
        if (!connection.isDead && !life.isStopping && !this.#faults.mayFail) throw error;
      }
    }
  }

  /** How many events pass before the crash: all orders of magnitude; at once, so that what was just read has to stay (S8). */
  #anyEventsMax(): number {
    if (chance(this.#random, 0.1)) return 0;
    if (chance(this.#random, 0.15)) return Number.POSITIVE_INFINITY;
    return 1 + uniform(this.#random, 1 << (6 + uniform(this.#random, 7)));
  }

  async #endLife(life: Life): Promise<void> {
    if (life.failure !== undefined && !this.#faults.mayFail)
      violated(`the node gave up: ${life.failure.message} ${String(life.failure.cause)}`);
    if (life.failure === undefined && chance(this.#random, 0.15)) {
      this.#trace.add("stop");
      life.isStopping = true;
      const stopping = settled(life.node.stop());
      await this.#stepUntil(() => stopping.done || life.failure !== undefined, Number.POSITIVE_INFINITY);
      if (stopping.error !== undefined && !this.#faults.mayFail) throw stopping.error;
    }
    life.end();
    this.#crash("crash");
  }

  #crash(why: string): void {
    const power = chance(this.#random, 0.6);
    this.#trace.add(`${why}: ${power ? "power loss" : "kill"}`);
    if (power) this.machine.powerLoss();
    else this.machine.kill();
  }

  /** No faults any more: everything can be read, everything dead goes, and nothing else does. */
  async #finish(): Promise<void> {
    this.#faults.relieve(true);
    const life = await this.#start();
    const worker = this.#worker(life, 0);
    await this.#work(life, examine(worker));
    await this.#work(life, this.#endUploads(worker));
    await this.#collect(life);
    await this.#work(life, examine(worker));
    await this.#work(life, checkCollected(life.node));
    this.#trace.add("stop");
    await this.#work(life, life.node.stop());
    life.end();
    this.machine.kill();
    await this.#work(
      life,
      auditStores(this.machine, this.#plan, (line) => this.#trace.add(line)),
    );
    this.machine.kill();
  }

  /** Everything is deleted: its space comes back, to the last volume. */
  async #emptyStore(): Promise<void> {
    const life = await this.#start();
    await this.#work(life, deleteEverything(life.node));
    await this.#collect(life);
    await this.#work(life, life.node.compact());
    await this.#work(life, life.node.compact());
    await this.#work(life, checkEmpty(life.node, this.machine.disk));
    this.#trace.add("stop");
    await this.#work(life, life.node.stop());
    life.end();
  }

  /** The device loses or spoils what it had acknowledged: whatever is still shown is true, the rest is refused. */
  async #decay(): Promise<void> {
    const decay = await bringDecay(this.machine, this.#random);
    this.#trace.add(`decay: ${decay}`);
    this.#count(`decay: ${decay}`);
    for (const isFirst of [true, false]) {
      this.#trace.add("boot");
      const booting = settled(this.machine.boot());
      await this.#stepUntil(() => booting.done, Number.POSITIVE_INFINITY);
      if (booting.value === undefined) {
        if (!(booting.error instanceof StoreError)) throw booting.error;
        this.#trace.add(`the node refuses to start: ${booting.error.message}`);
        this.#count("decay: start refused");
        return;
      }
      await this.#look(booting.value, isFirst);
    }
  }

  async #look(node: HoldfastNode, worksFirst: boolean): Promise<void> {
    const life = new Life(this.simulation, node, this.#session, () => true);
    const worker = this.#worker(life, 0);
    const since = this.#session.model.moment();
    const looking = async (): Promise<void> => {
      if (worksFirst) await runClient(worker, 8);
      for (const name of this.#session.model.names())
        if (!(await readName(worker, name))) this.#count("decay: read refused");
    };
    const looked = settled(looking());
    await this.#stepUntil(() => looked.done || life.failure !== undefined, Number.POSITIVE_INFINITY);
    if (life.failure !== undefined) {
      this.#trace.add(`the node gave up: ${life.failure.message}`);
      this.#count("decay: node stopped");
    } else if (looked.error !== undefined) throw looked.error;
    life.end();
    this.machine.powerLoss();
    if (life.failure === undefined) this.#session.model.settleRead(since);
  }

  async #endUploads(worker: Worker): Promise<void> {
    for (const upload of this.#session.uploads.all)
      if (upload.status === "open") await abortUpload(worker, upload);
    const { store } = worker.connection;
    for (const bucket of mainBuckets)
      for (const { key, uploadId } of await store.listUploads(bucket))
        await store.abortUpload({ bucket, key }, uploadId);
  }

  async #collect(life: Life): Promise<void> {
    const { readerGraceMs } = this.#plan;
    for (let i = 0; i < 3; i++) {
      await this.simulation.runFor(readerGraceMs + 1);
      await this.#work(life, life.node.collect());
    }
  }

  #count(what: string): void {
    this.#happened = addTallies(this.#happened, { [what]: 1 });
  }

  #worker({ connection }: Life, number: number): Worker {
    return { session: this.#session, connection, number };
  }

  /** Drives the simulation until the work is done. */
  async #work<T>(life: Life, promise: Promise<T>): Promise<T> {
    const work = settled(promise);
    await this.#stepUntil(() => work.done || life.failure !== undefined, Number.POSITIVE_INFINITY);
    if (life.failure !== undefined)
      violated(`the node gave up: ${life.failure.message} ${String(life.failure.cause)}`);
    if (work.error !== undefined) throw work.error;
    return promise;
  }

  async #stepUntil(isDone: () => boolean, eventsMax: number): Promise<void> {
    const endMs = this.simulation.nowMs + patienceMs;
    await this.simulation.runFor(0);
    for (let i = 0; i < eventsMax && !isDone(); i++) {
      const ran = await this.simulation.step();
      if (isDone()) return;
      if (!ran) violated("everything waits for something that will never come");
      if (this.simulation.nowMs > endMs)
        violated(`something does not come to an end within ${patienceMs} ms`);
    }
  }
}
