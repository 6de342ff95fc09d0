/**
 * Random histories: nodes die, lose power, are cut off, stand still, dawdle, fill up and lose their disks while blocks are
 * written and read. What must hold: everything acknowledged is readable as long as no more than n - q nodes lost what they
 * had, and no read ever shows other bytes. In the end all is complete again.
 */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { BlockId, NodeId } from "@holdfast/base";
import { blockIdText, present, StoreError, seededRandom, uniform } from "@holdfast/base";
import { blockOf, bodyOf, ReplicatedCluster } from "../../test-support/replicated-cluster.ts";
import { quorumOf } from "./quorum.ts";

interface Shape {
  readonly names: string;
  readonly width: number;
  /** In joint, the new slots. */
  readonly next?: string;
}

const limits = {
  suspicionMsMin: 200,
  suspicionMsMax: 2000,
  lingerMs: 1000,
  putDeadlineMs: 4000,
  lingerBytesMax: 20_000,
};
const stepsMax = 30;

class History {
  readonly cluster: ReplicatedCluster;
  readonly acknowledged: BlockId[] = [];
  readonly #shape: Shape;
  readonly #random;
  readonly #lossesMax: number;
  readonly #lost = new Set<NodeId>();
  readonly #paused = new Set<NodeId>();
  #written = 0;
  /** Nothing bad happens any more. */
  #isOver = false;
  #reads: Promise<void>[] = [];

  private constructor(cluster: ReplicatedCluster, shape: Shape, seed: number) {
    this.cluster = cluster;
    this.#shape = shape;
    this.#random = seededRandom(seed + 1_000_000);
    this.#lossesMax = shape.width - quorumOf(shape.width);
  }

  static async run(shape: Shape, seed: number): Promise<History> {
    const cluster = await ReplicatedCluster.start(shape.names, { seed, limits });
    cluster.setLayout(2, shape.names, shape.next);
    const history = new History(cluster, shape, seed);
    for (let step = 0; step < stepsMax; step++) {
      await history.#step();
      await cluster.simulation.runFor(uniform(history.#random, 200));
    }
    return history;
  }

  async settle(): Promise<void> {
    const { cluster } = this;
    this.#isOver = true;
    this.#heal();
    for (const id of cluster.ids) {
      cluster.disk(id).slowness = 1;
      cluster.disk(id).capacityBytes = 2 ** 50;
      if (!cluster.nodes.has(id)) await this.#start(id);
    }
    await cluster.simulation.runFor(8000);
    await Promise.all(this.#reads);
  }

  /** Each at another node. */
  async assertReadable(): Promise<void> {
    const { cluster, acknowledged } = this;
    const reads = acknowledged.map(async (id, i) => {
      const name = present(cluster.ids[i % cluster.ids.length], "a node");
      const { body } = await cluster.node(name).blocks.read(id, this.#shape.width);
      assert.deepEqual(body, bodyOf(id), `block ${blockIdText(id)} read at ${name}`);
    });
    await cluster.run(Promise.all(reads));
  }

  /** Nothing is left to be done, and no body is held. */
  assertComplete(): void {
    for (const [name, { incomplete, blocks, server }] of this.cluster.nodes) {
      assert.equal(incomplete.count, 0, `the list of ${name} is worked off`);
      assert.deepEqual([blocks.heldBytes, server.heldBytes], [0, 0], `${name} holds bodies`);
    }
  }

  async #step(): Promise<void> {
    const { cluster } = this;
    const id = present(cluster.ids[uniform(this.#random, cluster.ids.length)], "a node");
    const isUp = cluster.nodes.has(id);
    const what = uniform(this.#random, 24);
    if (what < 8) return this.#put();
    if (what < 12) return this.#read();
    if (what < 14) {
      if (isUp) this.#crash(id, what === 12 ? "kill" : "power-loss");
      return;
    }
    if (what < 18) {
      if (!isUp) await this.#start(id);
      return;
    }
    if (what === 18) return cluster.isolate(id);
    if (what === 19) return this.#heal();
    if (what === 20) return this.#pause(id);
    if (what === 21) cluster.disk(id).slowness = [1, 20, 1000][uniform(this.#random, 3)] ?? 1;
    if (what === 22) cluster.disk(id).capacityBytes = cluster.disk(id).capacityBytes === 0 ? 2 ** 50 : 0;
    if (what === 23) this.#lose(id);
  }

  #running(): NodeId | undefined {
    const running = [...this.cluster.nodes.keys()];
    return running.length === 0 ? undefined : running[uniform(this.#random, running.length)];
  }

  #put(): void {
    const name = this.#running();
    if (name === undefined) return;
    const id = blockOf(this.#written++);
    this.cluster.put(name, id, this.#shape.width).durable.then(
      ({ holders }) => {
        this.acknowledged.push(id);
        // At the worst moment: the others may not have it yet.
        if (!this.#isOver && uniform(this.#random, 4) === 0) for (const { node } of holders) this.#lose(node);
      },
      (error: unknown) => assert.ok(error instanceof StoreError && error.outcome === "not-applied"),
    );
  }

  #read(): void {
    const name = this.#running();
    const id = this.acknowledged[uniform(this.#random, Math.max(1, this.acknowledged.length))];
    if (name === undefined || id === undefined) return;
    const reading = this.cluster.node(name).blocks.read(id, this.#shape.width);
    const checked = reading.then(
      ({ body }) => assert.deepEqual(body, bodyOf(id), `block ${blockIdText(id)} read at ${name}`),
      (error: unknown) => assert.ok(error instanceof StoreError && error.code === "Unavailable"),
    );
    // A process that dies with a read under way never answers it.
    this.#reads.push(Promise.race([checked, this.#death(name)]));
  }

  #death(name: NodeId): Promise<void> {
    const node = this.cluster.nodes.get(name);
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.cluster.nodes.get(name) !== node) resolve();
        else this.cluster.simulation.after(1000, look);
      };
      look();
    });
  }

  /** A node's start makes room first: it gives up its ballast. */
  async #start(id: NodeId): Promise<void> {
    this.cluster.disk(id).capacityBytes = 2 ** 50;
    await this.cluster.start(id);
  }

  #crash(id: NodeId, how: "kill" | "power-loss"): void {
    this.#wake(id);
    this.cluster.crash(id, how);
  }

  #pause(id: NodeId): void {
    if (!this.cluster.nodes.has(id) || this.#paused.has(id)) return;
    this.#paused.add(id);
    this.cluster.pause(id);
  }

  #wake(id: NodeId): void {
    if (this.#paused.delete(id)) this.cluster.resume(id);
  }

  #heal(): void {
    for (const id of this.#paused) this.#wake(id);
    this.cluster.between.healAll();
  }

  /** A node that lost its disk may lose it again. */
  #lose(id: NodeId): void {
    if (!this.#lost.has(id) && this.#lost.size >= this.#lossesMax) return;
    this.#lost.add(id);
    this.#wake(id);
    this.cluster.lose(id);
  }
}

const shapes: readonly (readonly [Shape, seeds: number])[] = [
  [{ names: "a", width: 1 }, 20],
  [{ names: "abc", width: 3 }, 100],
  [{ names: "abcd", width: 3 }, 40],
  [{ names: "abcde", width: 5 }, 50],
  [{ names: "abcde", width: 3, next: "cde" }, 50],
];

describe("random histories of replicated blocks", () => {
  for (const [shape, seeds] of shapes) {
    const { names, width, next } = shape;
    const place = next === undefined ? "" : `, moving to ${next}`;
    test(`width ${width} on ${names.length} nodes${place}: what was acknowledged is readable`, async () => {
      let acknowledged = 0;
      for (let seed = 1; seed <= seeds; seed++) {
        const history = await History.run(shape, seed);
        await history.settle();
        try {
          history.assertComplete();
          await history.assertReadable();
          // What the reads found missing on disks that were lost is repaired.
          await history.cluster.simulation.runFor(3000);
          history.assertComplete();
        } catch (cause) {
          throw new Error(`seed ${seed}`, { cause });
        }
        acknowledged += history.acknowledged.length;
      }
      assert.ok(acknowledged > 3 * seeds, `${acknowledged} blocks in ${seeds} histories`);
    });
  }
});
