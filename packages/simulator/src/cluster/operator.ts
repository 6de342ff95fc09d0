/** What an operator does with the nodes of a cluster: lets new ones in, drains some, removes those that hold nothing any more. */

import type { NodeId } from "@holdfast/base";
import { StoreError } from "@holdfast/base";
import type { Simulation } from "@holdfast/ports/simulated";
import type { Member } from "./member.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";

export interface OperatorParts {
  readonly cluster: SimulatedCluster;
  readonly simulation: Simulation;
  readonly trace: (line: string) => void;
}

/** Before what was refused is tried again. */
const againMs = 500;

export class Operator {
  readonly #parts: OperatorParts;

  constructor(parts: OperatorParts) {
    this.#parts = parts;
  }

  /** Another node takes the place of this one, whether it lives or not. */
  async replace(number: number): Promise<void> {
    const { cluster } = this.#parts;
    const id = cluster.idOf(number);
    const successor = await this.#add();
    await this.#drain(id, true);
    await this.#remove(id);
    cluster.retire(cluster.member(number));
    await cluster.admit(successor.number);
  }

  /** Another node comes for a while; this one was to go, and stays after all. */
  async host(number: number, forMs: number): Promise<void> {
    const { cluster } = this.#parts;
    const id = cluster.idOf(number);
    const guest = await this.#add();
    await this.#drain(id, true);
    await this.#wait(forMs);
    await this.#drain(id, false);
    const guestId = cluster.idOf(guest.number);
    await this.#drain(guestId, true);
    await this.#remove(guestId);
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

  /** As soon as it holds nothing any more and votes nowhere. */
  #remove(node: NodeId): Promise<unknown> {
    const { cluster } = this.#parts;
    return this.#untilDone(`node ${node} is removed`, () =>
      cluster.ask((any) => any.cluster.removeNode(node)),
    );
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
