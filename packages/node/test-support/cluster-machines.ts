/** Machines whose nodes make up one cluster, in virtual time: the first founds it, the others are let in by it. */

import assert from "node:assert/strict";
import type { NodeId } from "@holdfast/base";
import { concatBytes, nodeId, present, seededRandom, toHex } from "@holdfast/base";
import { noAttributes, unconditional } from "@holdfast/namespace";
import { SimulatedSwitch, Simulation } from "@holdfast/ports/simulated";
import type { ClusterStatus } from "../src/cluster/cluster-status.ts";
import { bodyChunks } from "../src/files/body-chunks.ts";
import type { FileReading, StoredFile } from "../src/files/interface.ts";
import type { HoldfastNode } from "../src/node.ts";
import type { NodeOptions, Rejoining } from "../src/node-options.ts";
import { incoming } from "./maintained-machine.ts";
import { NodeMachine } from "./node-machine.ts";

export class ClusterMachines {
  readonly simulation: Simulation;
  readonly switch: SimulatedSwitch;
  readonly machines: NodeMachine[] = [];
  readonly #options: NodeOptions;
  #tokens = 0;

  private constructor(options: NodeOptions) {
    this.#options = { shardCount: 2, ...options };
    const random = seededRandom(1);
    const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    this.simulation = new Simulation({ random, drain });
    const { simulation } = this;
    const latency = { latencyMsMin: 0.1, latencyMsMax: 1, silenceMsMax: 2000, breakChance: 0 };
    this.switch = new SimulatedSwitch({ simulation, random, ...latency });
  }

  static async start(nodes: number, options: NodeOptions = {}): Promise<ClusterMachines> {
    const world = new ClusterMachines(options);
    await world.#add();
    for (let i = 1; i < nodes; i++) await world.join();
    return world;
  }

  /** A new node, let in by the first. */
  async join(): Promise<NodeMachine> {
    const door = this.node(0);
    const token = new Uint8Array(32).fill(++this.#tokens);
    await this.run(door.membership.issueToken(token, 60_000));
    const { clusterId } = await this.run(door.status());
    const entrance = { clusterId, enter: door.membership.letIn.bind(undefined, token) };
    return this.#add({ entrance });
  }

  /** With a new token, how a node that lost its log comes back by way of this one. */
  async rejoining(by: number): Promise<Rejoining> {
    const door = this.node(by);
    const token = new Uint8Array(32).fill(++this.#tokens);
    await this.run(door.membership.issueToken(token, 60_000));
    const { clusterId } = await this.run(door.status());
    return { clusterId, token: toHex(token), enter: door.membership.letBack.bind(undefined, token) };
  }

  async #add(options: NodeOptions = {}): Promise<NodeMachine> {
    const number = this.machines.length;
    const place = { zone: `zone-${number}`, addresses: addressesOf(number) };
    const own = { ...this.#options, place, ...options };
    const machine = new NodeMachine(own, { min: 0.05, max: 0.3 }, this);
    machine.seed = 1000 * (number + 1);
    this.machines.push(machine);
    await machine.start();
    return machine;
  }

  node(number: number): HoldfastNode {
    return this.machine(number).node;
  }

  machine(number: number): NodeMachine {
    return present(this.machines[number], "a machine");
  }

  async idOf(number: number): Promise<NodeId> {
    return nodeId((await this.run(this.node(number).status())).nodeId);
  }

  /** Every shard has its voters, on their nodes and nowhere else, and nothing is on its way to where it should be. */
  async settled(): Promise<void> {
    await this.until(() => this.isSettled(), "the cluster settles");
  }

  async isSettled(): Promise<boolean> {
    const voting = votersOf(this.machines.length);
    const replicas: number[] = [];
    for (const { node } of this.machines) {
      const { cluster, ready } = await this.run(node.status());
      const { nodes, shards, system, partitions, epoch } = cluster;
      const here = shardsHere(cluster);
      const areLed = [system, ...here.map((number) => present(shards[number], "a shard"))].every(
        ({ voters, leader }) => voters.length === voting && leader !== undefined,
      );
      if (!ready || !areLed || partitions.change !== undefined) return false;
      if (nodes.length !== this.machines.length || (nodes.length > 1 && epoch === 1)) return false;
      for (const number of shards.keys())
        replicas[number] = (replicas[number] ?? 0) + (here.includes(number) ? 1 : 0);
    }
    return replicas.every((count) => count === voting);
  }

  /** Numbers of the shards that have no replica on this machine's node. */
  async shardsElsewhere(number: number): Promise<readonly number[]> {
    const { cluster } = await this.run(this.node(number).status());
    const here = shardsHere(cluster);
    return [...cluster.shards.keys()].filter((shard) => !here.includes(shard));
  }

  run<T>(promise: Promise<T>): Promise<T> {
    return this.simulation.runUntilSettled(promise, 60_000);
  }

  async until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const startMs = this.simulation.nowMs;
    while (!(await holds())) {
      assert.ok(this.simulation.nowMs - startMs < 60_000, what);
      await this.simulation.runFor(20);
    }
  }

  storeFile(number: number, key: string, bytes: Uint8Array, condition = unconditional): Promise<StoredFile> {
    const body = incoming(bytes);
    const request = { bucket: "b-1", key, attributes: noAttributes, condition, body };
    return this.node(number).files.storeFile(request);
  }

  async readFile(number: number, key: string): Promise<Uint8Array> {
    const reading: FileReading = await this.node(number).files.readFile({ bucket: "b-1", key });
    const pieces: Uint8Array[] = [];
    for await (const piece of bodyChunks(reading.body)) pieces.push(new Uint8Array(piece));
    return concatBytes([new Uint8Array(0), ...pieces, new Uint8Array(0)]);
  }

  async stop(): Promise<void> {
    for (const machine of this.machines) await machine.stop();
  }
}

function shardsHere({ shards }: ClusterStatus): readonly number[] {
  return shards.flatMap(({ appliedIndex }, number) => (appliedIndex === undefined ? [] : [number]));
}

function votersOf(nodes: number): number {
  if (nodes >= 5) return 5;
  return nodes >= 3 ? 3 : 1;
}

function addressesOf(number: number): { readonly rpc: string; readonly http: string; readonly s3: string } {
  return { rpc: `node-${number}:2`, http: `node-${number}:1`, s3: `node-${number}:0` };
}
