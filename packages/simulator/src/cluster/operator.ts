/** What an operator does with the nodes of a cluster: lets new ones in, drains some, removes those that hold nothing any more. */

import type { NodeId } from "@holdfast/base";
import { StoreError } from "@holdfast/base";
import type { Simulation } from "@holdfast/ports/simulated";
import { violated } from "../model/violation.ts";
import type { Excuses } from "./excuses.ts";
import type { Member } from "./member.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";

export interface OperatorParts {
  readonly cluster: SimulatedCluster;
  readonly simulation: Simulation;
  readonly excuses: Excuses;
  readonly trace: (line: string) => void;
}

/** Before what was refused is tried again. */
const againMs = 500;
/** In which a node that runs learns that it was removed. */
const learnsMsMax = 15_000;
const lookMs = 100;

export class Operator {
  readonly #parts: OperatorParts;

  constructor(parts: OperatorParts) {
    this.#parts = parts;
  }

  /** Another node takes the place of this one, whether it lives or not. `isAlone`: no other fault comes meanwhile. */
  async replace(number: number, isAlone: boolean): Promise<void> {
    const { cluster } = this.#parts;
    const id = cluster.idOf(number);
    const successor = await this.#add();
    await this.#drain(id, true);
    await this.#remove(number);
    if (isAlone) await this.#learns(cluster.member(number));
    cluster.retire(cluster.member(number));
    await cluster.admit(successor.number);
  }

  /** Another node comes for a while; this one was to go, and stays after all. */
  async host(number: number, forMs: number, isAlone: boolean): Promise<void> {
    const { cluster } = this.#parts;
    const id = cluster.idOf(number);
    const guest = await this.#add();
    await this.#drain(id, true);
    await this.#wait(forMs);
    await this.#drain(id, false);
    await this.#drain(cluster.idOf(guest.number), true);
    await this.#remove(guest.number);
    if (isAlone) await this.#learns(guest);
    cluster.retire(guest);
  }

  /** A new node, on a machine of its own. */
  #add(): Promise<Member> {
    const { cluster } = this.#parts;
    return this.#untilDone("a node is added", () => cluster.join());
  }

  #drain(node: NodeId, draining: boolean): Promise<unknown> {
    const { cluster } = this.#parts;
    const what = `node ${node} is ${draining ? "drained" : "not drained any more"}`;
    return this.#untilDone(what, () => cluster.ask((any) => any.cluster.changeNode(node, { draining })));
  }

  /** As soon as it holds nothing any more and votes nowhere; by way of itself, too. Only then may it refuse, and it alone. */
  #remove(number: number): Promise<unknown> {
    const { cluster, excuses } = this.#parts;
    const node = cluster.idOf(number);
    return this.#untilDone(`node ${node} is removed`, async () => {
      const stays = excuses.leaves(number);
      try {
        return await cluster.ask((any) => any.cluster.removeNode(node));
      } catch (error) {
        if (error instanceof StoreError && error.code === "NodeInUse") stays();
        throw error;
      }
    });
  }

  /** A node that was removed and runs says so to whoever asks. */
  async #learns(member: Member): Promise<void> {
    const { simulation } = this.#parts;
    const endMs = simulation.nowMs + learnsMsMax;
    for (;;) {
      const { run } = member;
      if (run?.node === undefined) return;
      const found = await Promise.race([run.node.readiness(), run.died]);
      if (found?.reason?.startsWith("This node was removed") === true) return;
      if (simulation.nowMs > endMs) violated(`node ${member.number} does not learn that it was removed`);
      await this.#wait(lookMs);
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((wake) => this.#parts.simulation.after(ms, wake));
  }

  async #untilDone<T>(what: string, act: () => Promise<T>): Promise<T> {
    const { trace } = this.#parts;
    for (;;) {
      try {
        const done = await act();
        trace(what);
        return done;
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        trace(`not yet: ${what}: ${error.code}`);
        await this.#wait(againMs);
      }
    }
  }
}
