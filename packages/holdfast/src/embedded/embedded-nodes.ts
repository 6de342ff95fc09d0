/** The nodes of a store in this process: the first founds the cluster, the others are let in by it; faults among them. */

import type { NodeId } from "@holdfast/base";
import { StoreError } from "@holdfast/base";
import { newJoinSecret, realClock, tokenDigest } from "@holdfast/host";
import type { Entrance } from "@holdfast/node";
import { sleep } from "@holdfast/ports";
import { SimulatedSwitch } from "@holdfast/ports/simulated";
import type { ServerConfig } from "../server/config.ts";
import { EmbeddedNode } from "./embedded-node.ts";
import { realTimeline } from "./real-timeline.ts";

const tokenLifetimeMs = 60_000;
const lookMs = 20;
/** Nodes that start together are let in within a moment. */
const joinSettleMs = 50;
/** After which a start has failed; restarts that wait for other nodes are not waited for. */
const readyMsMax = 60_000;

export class EmbeddedNodes {
  readonly nodes: readonly EmbeddedNode[];
  readonly #between: SimulatedSwitch;

  /** One for each data directory. */
  constructor(configs: readonly ServerConfig[]) {
    const latency = { latencyMsMin: 0, latencyMsMax: 0, silenceMsMax: 2000, reconnectMsMax: 20 };
    this.#between = new SimulatedSwitch({ simulation: realTimeline, ...latency });
    this.nodes = configs.map((config, number) => {
      const place = {
        zone: `zone-${number}`,
        addresses: { rpc: `node-${number}:1`, http: `node-${number}:2`, s3: `node-${number}:3` },
      };
      return new EmbeddedNode(config, this.#between, { place, joinSettleMs });
    });
  }

  /** Resolves when all nodes serve. `isNew`: the directories are empty, and the nodes have to find together. */
  async start(isNew: boolean): Promise<void> {
    const [first, ...others] = this.nodes;
    if (first === undefined) return;
    if (!isNew) await Promise.all(this.nodes.map((node) => node.start()));
    else {
      await first.start();
      for (const node of others) await node.start(await this.#entrance(first));
    }
    await this.ready();
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  node(number: number): EmbeddedNode {
    const node = this.nodes[number];
    if (node !== undefined) return node;
    const message = `There is no node ${number}; they are numbered from 0 to ${this.nodes.length - 1}.`;
    throw new StoreError("InvalidArgument", message);
  }

  /** Resolves when all that run serve. */
  async ready(): Promise<void> {
    const endsAtMs = realClock.monotonicMs() + readyMsMax;
    for (const node of this.nodes)
      while (node.isRunning && !(await this.#isReady(node))) {
        if (realClock.monotonicMs() > endsAtMs)
          throw new StoreError("Unavailable", "The nodes did not come to serve in time.");
        await sleep(realClock, lookMs);
      }
  }

  /** Each group of nodes hears only of those in it. */
  partition(groups: readonly (readonly number[])[]): void {
    const ids = groups.map((numbers) => numbers.map((number) => this.#idOf(number)));
    this.heal();
    for (const [i, some] of ids.entries())
      for (const others of ids.slice(i + 1)) this.#between.partition(some, others);
  }

  heal(): void {
    this.#between.healAll();
  }

  /** Ready, and everything is where it should be: a node just let in is given its replicas a moment later. */
  async #isReady({ server: { node } }: EmbeddedNode): Promise<boolean> {
    const { ready, writable, cluster } = await node.status();
    const { nodes, shards, system, partitions } = cluster;
    const voters = nodes.length >= 5 ? 5 : nodes.length >= 3 ? 3 : 1;
    const isPlaced = [system, ...shards].every(
      (group) => group.leader !== undefined && group.voters.length === voters,
    );
    const isWhole = nodes.length === this.nodes.length && partitions.change === undefined;
    return ready && writable && isPlaced && isWhole;
  }

  async #entrance({ server: { node } }: EmbeddedNode): Promise<Entrance> {
    const token = tokenDigest(newJoinSecret());
    await node.membership.issueToken(token, tokenLifetimeMs);
    const { clusterId } = await node.status();
    return { clusterId, enter: (about) => node.membership.letIn(token, about) };
  }

  #idOf(number: number): NodeId {
    const { network } = this.node(number);
    if (network !== undefined) return network.self;
    throw new StoreError("InvalidArgument", `Node ${number} was never started.`);
  }
}
