/** One process on the machine, from its start to its death, as the clients see it. */

import type { StoreError } from "@holdfast/base";
import type { HoldfastNode } from "@holdfast/node";
import type { Simulation } from "@holdfast/ports/simulated";
import { Connection } from "../workload/connection.ts";
import { filesClient } from "../workload/files-client.ts";
import type { Session } from "../workload/session.ts";

export class Life {
  readonly node: HoldfastNode;
  readonly connection: Connection;
  /** The node said that it can go on no longer. */
  failure: StoreError | undefined;
  /** The node was asked to stop: it may refuse what comes now. */
  isStopping = false;
  readonly died: Promise<void>;
  readonly #die: () => void;

  constructor(
    simulation: Simulation,
    node: HoldfastNode,
    session: Session,
    tolerates: (error: StoreError) => boolean,
  ) {
    const { promise: died, resolve } = Promise.withResolvers<void>();
    this.node = node;
    this.died = died;
    this.#die = resolve;
    void node.failed.then((reason) => {
      this.failure = reason;
    });
    this.connection = new Connection({
      session,
      store: filesClient({ files: node.files, model: session.model, blockBytes: session.options.blockBytes }),
      pause: (ms) => new Promise((wake) => simulation.after(ms, wake)),
      nowMs: () => simulation.nowMs,
      died,
      tolerates: (error) => (this.isStopping && error.code === "Stopped") || tolerates(error),
    });
  }

  end(): void {
    this.connection.end();
    this.#die();
  }
}
