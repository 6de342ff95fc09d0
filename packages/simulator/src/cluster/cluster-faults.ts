/** Brings about what the plan has in store for a cluster, and heals it. */

import type { NodeId, Random } from "@holdfast/base";
import { chance, present, uniform } from "@holdfast/base";
import type { HoldfastNode } from "@holdfast/node";
import { dataFolders } from "@holdfast/node";
import type { Simulation } from "@holdfast/ports/simulated";
import { violated } from "../model/violation.ts";
import { rotValue } from "../run/decay.ts";
import type { PlannedFault } from "./cluster-plan.ts";
import { pick } from "./cluster-plan.ts";
import type { Excuses, Trouble } from "./excuses.ts";
import type { Member } from "./member.ts";
import type { Operator } from "./operator.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";

export interface ClusterFaultsParts {
  readonly cluster: SimulatedCluster;
  readonly operator: Operator;
  readonly excuses: Excuses;
  readonly simulation: Simulation;
  readonly random: Random;
  /** Some files have one copy alone: whoever has it, they cannot be read without that node. */
  readonly hasSingleCopies: boolean;
  readonly trace: (line: string) => void;
  readonly count: (what: string) => void;
}

interface Hit {
  readonly fault: PlannedFault["fault"];
  /** Numbers of nodes. */
  readonly node: number;
  readonly other: number;
  /** No other fault comes meanwhile. */
  readonly isAlone: boolean;
}

const momentMsMax = 3000;
const lookMs = 100;
const guestMsMax = 8000;

/** Waits in virtual time. */
type Heal = () => void | Promise<void>;

export class ClusterFaults {
  readonly #parts: ClusterFaultsParts;

  constructor(parts: ClusterFaultsParts) {
    this.#parts = parts;
  }

  /** One fault from its beginning to its end. */
  async bring(planned: PlannedFault): Promise<void> {
    const { trace, count, excuses } = this.#parts;
    await this.#wait(planned.afterMs);
    const hit = {
      fault: planned.fault,
      node: this.#numberOf(planned.node),
      other: this.#numberOf(planned.other),
      isAlone: planned.meanwhile === undefined,
    };
    await this.#momentOf(hit.node, planned.moment);
    const { fault, node, other } = hit;
    const { lastsMs, meanwhile } = planned;
    trace(`fault: ${fault} of node ${node}, ${other}, for ${lastsMs} ms`);
    count(fault);
    const over = excuses.begin(this.#trouble(hit, meanwhile));
    const heal = await this.#strike(hit);
    await this.#wait(lastsMs);
    await Promise.all([heal(), meanwhile === undefined ? undefined : this.bring(meanwhile)]);
    trace(`fault: ${fault} of node ${node} is healed`);
    over();
    this.#checkFailures(fault);
  }

  /** Of the node in this place. */
  #numberOf(place: number): number {
    const numbers = this.#numbers;
    return present(numbers[place % numbers.length], "a node");
  }

  #wait(ms: number): Promise<void> {
    return new Promise((wake) => this.#parts.simulation.after(ms, wake));
  }

  /** Comes at the latest after a while, whatever clients do. */
  async #momentOf(node: number, moment: PlannedFault["moment"]): Promise<void> {
    const { cluster, random } = this.#parts;
    if (moment === "any") return;
    await Promise.race([cluster.nextOperation(node, moment), this.#wait(momentMsMax)]);
    // Into the operation, which takes some ms; or at once, before anything else happens.
    if (moment !== "behind") await this.#wait(uniform(random, 1 << uniform(random, 16)) / 1000);
  }

  #trouble({ fault, node, other }: Hit, meanwhile: PlannedFault | undefined): Trouble {
    const { hasSingleCopies, cluster } = this.#parts;
    const quorumLost = hasSingleCopies || meanwhile !== undefined;
    const ofOne: Trouble = { hit: new Set([node]), quorumLost, codes: [], strikesLater: false };
    switch (fault) {
      case "quorum-lost":
      case "all-lost":
      case "all-apart":
        return { ...ofOne, hit: new Set(this.#numbers), quorumLost: true };
      case "cut-pair":
      case "clog-pair":
        return { ...ofOne, hit: new Set([node, other]) };
      case "full-disk":
        return { ...ofOne, codes: ["OutOfSpace"], strikesLater: true };
      case "sync-fails":
      case "write-fails":
      case "flush-fails":
        return { ...ofOne, strikesLater: true };
      case "clock-jump":
        return { ...ofOne, hit: new Set(), quorumLost: false };
      case "kill":
      case "power-loss":
      case "restart":
      case "pause":
      case "isolate":
      case "mute":
      case "deafen":
      case "clog":
      case "break-connections":
      case "slow-disk":
      case "rot-in-state":
      case "lost-log":
        return ofOne;
      case "wiped":
        return { ...ofOne, hit: new Set([node, cluster.nextNumber]) };
      case "replaced":
      case "guest":
        return { ...ofOne, hit: new Set([cluster.nextNumber]) };
    }
  }

  get #numbers(): readonly number[] {
    return this.#parts.cluster.members.map(({ number }) => number);
  }

  #strike({ fault, node, other, isAlone }: Hit): Heal | Promise<Heal> {
    const { cluster, operator, random } = this.#parts;
    const { machine } = cluster.member(node);
    switch (fault) {
      case "kill":
      case "power-loss":
        return this.#crash([node], fault);
      case "quorum-lost":
        return this.#crash(
          this.#numbers.filter((number) => number !== node),
          uniform(random, 2) === 0 ? "kill" : "power-loss",
        );
      case "all-lost":
        return this.#crash(this.#numbers, "power-loss");
      case "all-apart":
        return this.#cut(this.#numbers.flatMap((number) => this.#pairs(number)));
      case "restart":
        return this.#stop(node);
      case "pause":
        return this.#pause(node);
      case "isolate":
        return this.#cut([...this.#pairs(node), ...this.#pairs(node).map(([a, b]) => [b, a] as const)]);
      case "mute":
        return this.#cut(this.#pairs(node));
      case "deafen":
        return this.#cut(this.#pairs(node).map(([a, b]) => [b, a] as const));
      case "cut-pair":
        return this.#cut([this.#pair(node, other), this.#pair(other, node)]);
      case "clog":
        return this.#clog(this.#pairs(node));
      case "clog-pair":
        return this.#clog([this.#pair(node, other)]);
      case "break-connections":
        return this.#breakConnections(node);
      case "slow-disk":
        machine.disk.slowness = 2 + uniform(random, 30);
        return () => {
          machine.disk.slowness = 1;
        };
      case "full-disk":
        return this.#fill(node);
      case "rot-in-state":
        rotValue(machine, random, machine.stateFolder);
        return () => this.#scrub(node);
      case "clock-jump":
        machine.jumpWall((uniform(random, 7_200) - 3_600) * 1000);
        return () => undefined;
      case "sync-fails":
        if (chance(random, 0.2)) machine.disk.failNext("sync-directory");
        else machine.disk.failNextSync(chance(random, 0.5) ? /^log\// : undefined);
        return this.#untilItGivesUp(node);
      case "write-fails":
        machine.disk.failNext("write", chance(random, 0.5) ? /^log\// : undefined);
        return this.#untilItGivesUp(node);
      case "flush-fails":
        machine.failNextFlush(pick(random, [machine.stateFolder, dataFolders.blockIndex]));
        return this.#untilItGivesUp(node);
      case "lost-log":
        return this.#loseLog(node);
      case "wiped":
        cluster.retire(cluster.member(node));
        return () => operator.replace(node, isAlone);
      case "replaced":
        return () => operator.replace(node, isAlone);
      case "guest":
        return () => operator.host(node, uniform(random, guestMsMax), isAlone);
    }
  }

  /**
   * A process that gives up ends; what it had not made durable may be gone (S11). Others serve on with less, such as blocks that
   * are read alone, until somebody starts them anew.
   */
  #untilItGivesUp(node: number): Heal {
    const { cluster, random } = this.#parts;
    const member = cluster.member(node);
    const end = (): void => {
      cluster.takeFailure(node);
      member.crash(chance(random, 0.5) ? "kill" : "power-loss");
    };
    let [isOver, hasEnded] = [false, false];
    void cluster.nextFailure(node).then(async () => {
      await this.#wait(uniform(random, 500));
      if (isOver) return;
      hasEnded = true;
      end();
    });
    return () => {
      isOver = true;
      member.machine.clearFaults();
      if (!hasEnded) end();
      void member.start();
    };
  }

  #crash(nodes: readonly number[], kind: "kill" | "power-loss"): Heal {
    const { cluster } = this.#parts;
    for (const number of nodes) cluster.member(number).crash(kind);
    return async () => {
      await Promise.all(nodes.map((number) => this.#comeBack(number, kind)));
    };
  }

  /** Alone, until it votes again: with a second one its groups would have lost what they need. */
  async #loseLog(node: number): Promise<Heal> {
    const { cluster, random } = this.#parts;
    const kind = chance(random, 0.5) ? "kill" : "power-loss";
    cluster.member(node).crash(kind);
    await cluster.loseLog(node);
    return async () => {
      await this.#comeBack(node, kind);
      await cluster.votes(node);
    };
  }

  /** Some starts are cut short. */
  async #comeBack(number: number, kind: "kill" | "power-loss"): Promise<void> {
    const { cluster, random } = this.#parts;
    const member = cluster.member(number);
    void member.start();
    for (let tries = 0; tries < 3 && chance(random, 0.3); tries++) {
      await this.#wait(uniform(random, 1 << (3 + uniform(random, 7))));
      member.crash(kind);
      void member.start();
    }
  }

  async #stop(node: number): Promise<Heal> {
    const member = this.#parts.cluster.member(node);
    await member.stop();
    return () => void member.start();
  }

  #pause(node: number): Heal {
    const { cluster } = this.#parts;
    const { machine } = cluster.member(node);
    const { clock } = machine;
    const id = cluster.idOf(node);
    clock.suspend();
    cluster.switch.pause(id);
    return () => {
      clock.resume();
      cluster.switch.resume(id);
    };
  }

  #cut(paths: readonly (readonly [NodeId, NodeId])[]): Heal {
    const { switch: network } = this.#parts.cluster;
    for (const [from, to] of paths) network.cut(from, to);
    return () => {
      for (const [from, to] of paths) network.heal(from, to);
    };
  }

  #clog(paths: readonly (readonly [NodeId, NodeId])[]): Heal {
    const { switch: network } = this.#parts.cluster;
    for (const [from, to] of paths) network.clog(from, to);
    return () => {
      for (const [from, to] of paths) network.unclog(from, to);
    };
  }

  /** Again and again, until it heals. */
  #breakConnections(node: number): Heal {
    const { cluster, random, simulation } = this.#parts;
    let isOver = false;
    const again = (): void => {
      if (isOver) return;
      const [, other] = this.#pairs(node)[uniform(random, this.#numbers.length - 1)] ?? [];
      if (other !== undefined) cluster.switch.breakConnection(cluster.idOf(node), other);
      simulation.after(1 + uniform(random, 1000), again);
    };
    again();
    return () => {
      isOver = true;
    };
  }

  async #fill(node: number): Promise<Heal> {
    const { cluster, random, trace } = this.#parts;
    const { disk } = cluster.member(node).machine;
    const leftBytes = uniform(random, 600 * 1024);
    const { freeBytes, totalBytes } = await disk.space();
    disk.capacityBytes = totalBytes - freeBytes + leftBytes;
    trace(`fault: ${leftBytes} bytes left on the disk of node ${node}`);
    return () => {
      disk.capacityBytes = 2 ** 50;
      const failure = cluster.takeFailure(node);
      if (failure === undefined) return;
      cluster.member(node).crash("kill");
      void cluster.member(node).start();
    };
  }

  /** Within one scrub what rotted is found; then the node makes its state store anew (S12). */
  async #scrub(number: number): Promise<void> {
    const member = this.#parts.cluster.member(number);
    const found = await member.start();
    // The one that finds it may end amid its scrub.
    await Promise.race([found.scrub().catch(() => undefined), found.failed]);
    const { stateProblems } = await (await this.#whole(member)).scrub();
    if (stateProblems.length > 0) violated(`node ${number} is damaged still: ${stateProblems.join(" ")}`);
  }

  async #whole(member: Member): Promise<HoldfastNode> {
    for (;;) {
      const { node } = member;
      const status = await node?.status();
      if (node !== undefined && status?.ready === true && status.replicas.damaged.length === 0) return node;
      await this.#wait(lookMs);
    }
  }

  #checkFailures(fault: PlannedFault["fault"]): void {
    for (const number of this.#numbers) {
      const failure = this.#parts.cluster.takeFailure(number);
      if (failure !== undefined)
        violated(`node ${number} gave up under ${fault}: ${failure.message} ${String(failure.cause)}`);
    }
  }

  #pair(from: number, to: number): readonly [NodeId, NodeId] {
    const { cluster } = this.#parts;
    return [cluster.idOf(from), cluster.idOf(to)];
  }

  /** From the node to each of the others. */
  #pairs(node: number): readonly (readonly [NodeId, NodeId])[] {
    return this.#numbers.filter((number) => number !== node).map((number) => this.#pair(node, number));
  }
}
