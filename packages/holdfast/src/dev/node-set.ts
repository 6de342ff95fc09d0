/** All nodes of one `holdfast dev`: started in the order that their plan says, stopped together. */

import { Failure } from "../command-line/failure.ts";
import { joinTokenVariable } from "../server/membership.ts";
import type { ServedAt } from "../server/ready-line.ts";
import type { NodeEnvironment } from "./node-process.ts";
import type { DevPlan } from "./plan.ts";
import type { SupervisedNodeOptions } from "./supervised-node.ts";
import { SupervisedNode } from "./supervised-node.ts";

/** A join token, which is good for one node, from the node that serves the HTTP API there. */
export type IssueToken = (httpUrl: string) => Promise<string>;

export interface NodeSetOptions extends Omit<SupervisedNodeOptions, "planned"> {
  readonly plan: DevPlan;
  readonly issueToken: IssueToken;
}

export class NodeSet {
  readonly #options: NodeSetOptions;
  readonly #nodes: readonly SupervisedNode[];

  constructor(options: NodeSetOptions) {
    this.#options = options;
    this.#nodes = options.plan.nodes.map((planned) => new SupervisedNode({ ...options, planned }));
  }

  /** Resolves, when all serve, with where the first one does; rejects with why one of them could not start. */
  async start(): Promise<ServedAt> {
    const [first, ...others] = this.#nodes;
    if (first === undefined) throw new Failure("there is no node to start", { code: "NoNodes" });
    const { plan, issueToken } = this.#options;
    if (plan.kind === "existing") {
      // Alone none of them may be able to serve: they are each other's quorum.
      const [at] = await Promise.all([this.#startOne(first), ...others.map((node) => this.#startOne(node))]);
      return at;
    }
    const at = await this.#startOne(first);
    await Promise.all(
      others.map(async (node) => {
        // Not in the arguments, which everybody on this machine can see.
        await this.#startOne(node, { [joinTokenVariable]: await issueToken(at.http) });
      }),
    );
    return at;
  }

  /** Resolves when all have ended; rejects, when all have, if one had to be killed. */
  async stop(): Promise<void> {
    const ends = await Promise.allSettled(this.#nodes.map((node) => node.stop()));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }

  kill(): void {
    for (const node of this.#nodes) node.kill();
  }

  async #startOne(node: SupervisedNode, environment?: NodeEnvironment): Promise<ServedAt> {
    try {
      return await node.start(environment);
    } catch (error) {
      if (this.#nodes.length === 1 || !(error instanceof Failure)) throw error;
      const { code, next, message } = error;
      const options = { code, cause: error, ...(next === undefined ? {} : { next }) };
      throw new Failure(`node ${node.number}: ${message}`, options);
    }
  }
}
