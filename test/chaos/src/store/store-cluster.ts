/**
 * A cluster of real `holdfast server` processes, each on a directory of its own, with a proxy on every way from one to another: node
 * 0 founds it, the others join by a token each.
 */

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { present } from "@holdfast/base";
import type { Cluster, Store } from "@holdfast/client";
import { connect } from "@holdfast/client";
import { freePorts } from "../nemesis/free-ports.ts";
import type { Way } from "../nemesis/links.ts";
import { Links } from "../nemesis/links.ts";
import type { ClockSkew } from "./clock-skew.ts";
import { trueClock } from "./clock-skew.ts";
import type { ServerProcessOptions } from "./server-process.ts";
import { ServerProcess } from "./server-process.ts";

export interface StoreClusterOptions {
  readonly size: number;
  readonly consensus: "raft" | "multipaxos";
  /** Prepares a node's data directory before its first start. */
  readonly prepare?: (node: number, folder: string) => Promise<void>;
}

/** The first key of every cluster here. */
export const keys = { accessKey: "holdfast", secretKey: "holdfast-dev-secret" } as const;
const placedMsMax = 60_000;
const lookMs = 100;

interface ServerPlan {
  readonly data: string;
  readonly http: string;
  readonly process: ServerProcessOptions;
}

export class StoreCluster {
  readonly folder: string;
  /** Ends that nobody asked for. */
  readonly ends: string[];
  readonly #plans: readonly ServerPlan[];
  readonly #links: Links;
  readonly #processes: (ServerProcess | undefined)[];
  /** As a machine's clock, it stays wrong over restarts of what runs there. */
  readonly #clocks: ClockSkew[];

  private constructor(folder: string, plans: readonly ServerPlan[], links: Links, ends: string[]) {
    this.folder = folder;
    this.ends = ends;
    this.#plans = plans;
    this.#links = links;
    this.#processes = plans.map(() => undefined);
    this.#clocks = plans.map(() => trueClock);
  }

  /** Resolves when all nodes serve and every group has its voters. */
  static async open({ size, consensus, prepare }: StoreClusterOptions): Promise<StoreCluster> {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-files-"));
    const ends: string[] = [];
    const nodes = Array.from({ length: size }, (_, i) => i);
    const ports = await freePorts(3 * size);
    const port = (node: number, which: number): number => present(ports[3 * node + which], "a port");
    const links = await Links.open(nodes.map((node) => port(node, 2)));
    const plans = nodes.map((node): ServerPlan => {
      const data = join(folder, `node-${node}`);
      const [s3, http, rpc] = [0, 1, 2].map((which) => `127.0.0.1:${port(node, which)}`);
      const addresses = ["--s3", `${s3}`, "--http", `${http}`, "--rpc", `${rpc}`];
      const founding = node === 0 ? ["--consensus", consensus] : [];
      const others = nodes.filter((to) => to !== node);
      const dials = others.map((to) => [`127.0.0.1:${port(to, 2)}`, links.port(node, to)] as const);
      const process: ServerProcessOptions = {
        args: ["--data", data, ...addresses, "--log", "info", ...founding],
        journal: join(folder, `node-${node}.log`),
        dials: Object.fromEntries(dials),
        onEnd: (how) => ends.push(`node ${node} ended by itself: ${how}`),
      };
      return { data, http: `http://${http}`, process };
    });
    const cluster = new StoreCluster(folder, plans, links, ends);
    try {
      for (const [node, { data }] of plans.entries()) {
        await mkdir(data);
        await prepare?.(node, data);
      }
      await cluster.#found();
      return cluster;
    } catch (error) {
      await cluster.close(true);
      throw error;
    }
  }

  get size(): number {
    return this.#plans.length;
  }

  get nodes(): readonly number[] {
    return [...this.#plans.keys()];
  }

  data(node: number): string {
    return present(this.#plans[node], "a node").data;
  }

  journal(node: number): string {
    return present(this.#plans[node], "a node").process.journal;
  }

  /** Where the node's HTTP API is. */
  endpoint(node: number): string {
    return present(this.#plans[node], "a node").http;
  }

  /** Of this node alone. `retryMs` 0: nothing is tried again behind the caller's back. */
  connect(node: number, retryMs: number): Promise<Store> {
    return connect({ endpoint: this.endpoint(node), ...keys, retryMs });
  }

  async start(node: number, environment: Readonly<Record<string, string>> = {}): Promise<void> {
    const { process: options } = present(this.#plans[node], "a node");
    const clock = present(this.#clocks[node], "a clock");
    const started = ServerProcess.launch(options, { clock, environment });
    this.#processes[node] = started;
    await started.ready();
  }

  async kill(node: number): Promise<void> {
    await this.#processes[node]?.kill();
  }

  pause(node: number): void {
    this.#processes[node]?.pause();
  }

  resume(node: number): void {
    this.#processes[node]?.resume();
  }

  /** From now on the node's clocks are wrong by this; `trueClock` sets them right. */
  setClock(node: number, skew: ClockSkew): void {
    this.#clocks[node] = skew;
    this.#processes[node]?.setClock(skew);
  }

  cut(concerned: Way): void {
    this.#links.cut(concerned);
  }

  stall(concerned: Way): void {
    this.#links.stall(concerned);
  }

  heal(): void {
    this.#links.heal();
  }

  /** The folder is kept when something is to be looked at. */
  async close(keepsFolder: boolean): Promise<void> {
    for (const child of this.#processes) await child?.kill();
    this.#links.close();
    if (!keepsFolder) await rm(this.folder, { recursive: true, force: true });
  }

  async #found(): Promise<void> {
    await this.start(0);
    const first = await this.connect(0, 10_000);
    await Promise.all(
      this.nodes.slice(1).map(async (node) => {
        const { token } = await first.issueJoinToken();
        await this.start(node, { HOLDFAST_JOIN_TOKEN: token });
      }),
    );
    const endsAt = performance.now() + placedMsMax;
    while (!isPlaced(await first.cluster(), this.size)) {
      if (performance.now() > endsAt) throw new Error(`the nodes are not together in ${placedMsMax} ms`);
      await delay(lookMs);
    }
    first.close();
  }
}

function isPlaced({ nodes, system, shards, partitions }: Cluster, size: number): boolean {
  return (
    nodes.length === size &&
    partitions.change === undefined &&
    nodes.every(({ isMember }) => isMember) &&
    [system, ...shards].every(({ leader, voters }) => leader !== undefined && voters.length === size)
  );
}
