/** Nodes of one cluster, each the real `holdfast server` in a process of its own, on loopback, over mutual TLS among themselves. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { present } from "@holdfast/base";
import type { Cluster, Store } from "@holdfast/client";
import { connect } from "@holdfast/client";
import type { NodeProcess } from "./server-process.ts";
import { accessKey, bucket, secretKey, startNode } from "./server-process.ts";

const placedMsMax = 60_000;
const lookMs = 100;

export class HoldfastCluster {
  readonly #folder: string;
  readonly #nodes: NodeProcess[] = [];
  #store: Store | undefined;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** With the bucket "bench", of which each node has a replica. `inspectPorts`: by node, where Node's inspector listens in it. */
  static async start(size: number, inspectPorts: readonly number[] = []): Promise<HoldfastCluster> {
    const cluster = new HoldfastCluster(await mkdtemp(join(tmpdir(), "holdfast-bench-cluster-")));
    try {
      for (let i = 0; i < size; i++) await cluster.join(inspectPorts[i]);
      await cluster.#untilPlaced(size);
      await cluster.store.createBucket(bucket, { redundancy: `replicas:${size}` });
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** In the order in which they came. */
  get nodes(): readonly NodeProcess[] {
    return this.#nodes;
  }

  /** Of their S3 gateways. */
  get ports(): readonly number[] {
    return this.#nodes.map(({ port }) => port);
  }

  get httpPorts(): readonly number[] {
    return this.#nodes.map(({ httpUrl }) => Number(new URL(httpUrl).port));
  }

  /** Through the first node. */
  get store(): Store {
    return present(this.#store, "a store");
  }

  /** A node comes, the first one as the founder; resolves when it serves, which is before it has its share of the data. */
  async join(inspectPort?: number): Promise<NodeProcess> {
    const data = join(this.#folder, String(this.#nodes.length));
    const token = this.#store === undefined ? undefined : (await this.#store.issueJoinToken()).token;
    const node = await startNode({ data, inspectPort, cluster: { joinToken: token } });
    this.#nodes.push(node);
    this.#store ??= await connect({ endpoint: node.httpUrl, accessKey, secretKey });
    return node;
  }

  async stop(): Promise<void> {
    this.#store?.close();
    await Promise.all(this.#nodes.map((node) => node.kill()));
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Until all share the data and vote: before, a new bucket would not get its replicas. */
  async #untilPlaced(size: number): Promise<void> {
    const endsAtMs = performance.now() + placedMsMax;
    while (!isPlaced(await this.store.cluster(), size)) {
      if (performance.now() > endsAtMs) throw new Error("the nodes did not come together in time");
      await delay(lookMs);
    }
  }
}

function isPlaced({ nodes, system, shards, partitions }: Cluster, size: number): boolean {
  const groups = [system, ...shards];
  const areVoting = groups.every(({ leader, voters }) => leader !== undefined && voters.length === size);
  return partitions.change === undefined && areVoting && nodes.every(({ isMember }) => isMember);
}
