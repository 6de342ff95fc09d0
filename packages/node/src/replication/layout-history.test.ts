/**
 * Random histories of layouts: nodes join, are drained, get other weights; changes are taken back; nodes crash, are cut off, and
 * one loses its disk for ever, while blocks are written and deleted. What must hold: everything acknowledged comes to a quorum
 * of the slots that the last layout names, and to nobody else.
 */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { NodeId, Random } from "@holdfast/base";
import { contentIdText, present, seededRandom, uniform } from "@holdfast/base";
import { findNode, layoutChange, listNodes } from "@holdfast/shard";
import { LayoutCluster, nameOf } from "../../test-support/layout-cluster.ts";
import { blockOf } from "../../test-support/replicated-cluster.ts";

interface Shape {
  readonly first: number;
  readonly all: number;
  readonly widths: readonly number[];
  readonly width: number;
  /** Nodes that may be down at once, and one of them for ever: n - q. */
  readonly downMax: number;
}

const limits = { suspicionMsMin: 200, suspicionMsMax: 2000, lingerMs: 1000, putDeadlineMs: 4000 };
const stepsMax = 60;

class History {
  readonly cluster: LayoutCluster;
  readonly #shape: Shape;
  readonly #random: Random;
  readonly #down = new Set<number>();
  #lost: number | undefined;
  #joined: number;
  #written = 0;
  #changes = 0;

  private constructor(cluster: LayoutCluster, shape: Shape, seed: number) {
    this.cluster = cluster;
    this.#shape = shape;
    this.#random = seededRandom(seed + 1_000_000);
    this.#joined = shape.first;
  }

  static async run(shape: Shape, seed: number): Promise<History> {
    const bytesPerSecondMax = 20_000 + 20_000 * (seed % 5);
    const cluster = await LayoutCluster.start({ ...shape, seed, limits, bytesPerSecondMax, lagMsMax: 1500 });
    const history = new History(cluster, shape, seed);
    for (let i = 0; i < 20; i++) history.#write();
    await cluster.nodes.simulation.runFor(500);
    for (let step = 0; step < stepsMax; step++) {
      await history.#step();
      await cluster.nodes.simulation.runFor(uniform(history.#random, 600));
    }
    return history;
  }

  get changes(): number {
    return this.#changes;
  }

  async settle(): Promise<void> {
    const { cluster } = this;
    cluster.nodes.between.healAll();
    const down = Array.from(this.#down);
    for (const number of down) if (number !== this.#lost) await this.#restart(number);
    if (this.#lost !== undefined) this.#giveUp(this.#lost);
    await cluster.settle();
    for (const [content, status] of cluster.contents)
      if (status === "open") cluster.contents.set(content, "gone");
    await cluster.nodes.simulation.runFor(40_000);
    await cluster.settle();
  }

  /** An operator says that it does not come back: what it was to get goes elsewhere. */
  #giveUp(number: number): void {
    if (findNode(this.cluster.state, nameOf(number)) === undefined) return;
    this.cluster.change(number, { draining: true });
    const change = layoutChange(this.cluster.state);
    if (change !== undefined) this.cluster.apply({ kind: "revertLayout", change });
  }

  async #step(): Promise<void> {
    const { cluster } = this;
    const what = uniform(this.#random, 30);
    if (what < 12) for (let i = 0; i < 4; i++) this.#write();
    else if (what < 15) this.#delete();
    else if (what < 18) this.#join();
    else if (what < 20) this.#drain();
    else if (what === 20) this.#weigh();
    else if (what < 23) this.#crash();
    else if (what < 26) await this.#restartOne();
    else if (what === 26) cluster.nodes.isolate(nameOf(1 + uniform(this.#random, this.#shape.all)));
    else if (what === 27) cluster.nodes.between.healAll();
    else if (what === 28) this.#revert();
    else this.#lose();
  }

  #running(): NodeId {
    const running = [...this.cluster.nodes.nodes.keys()];
    return present(running[uniform(this.#random, running.length)], "a node that runs");
  }

  #write(): void {
    const block = { id: blockOf(this.#written++), width: this.#shape.width };
    this.cluster.write(this.#running(), block).catch((error: unknown) => {
      throw error;
    });
  }

  #delete(): void {
    const live = this.cluster.live();
    const one = live[uniform(this.#random, Math.max(1, live.length))];
    if (one !== undefined) this.cluster.contents.set(contentIdText(one.id.content), "gone");
  }

  #join(): void {
    const number = this.#joined + 1;
    if (number > this.#shape.all || this.#down.has(number)) return;
    this.#joined = number;
    this.#changes++;
    this.cluster.join(number);
  }

  /** As long as enough stay that are not lost. */
  #drain(): void {
    const staying = listNodes(this.cluster.state).filter(({ draining }) => !draining);
    const others = staying.filter(({ id }) => this.#lost === undefined || id !== nameOf(this.#lost));
    if (others.length <= Math.max(...this.#shape.widths)) return;
    this.#changes++;
    const one = present(others[uniform(this.#random, others.length)], "a node that stays");
    this.cluster.change(Number(one.id), { draining: true });
  }

  #weigh(): void {
    this.#changes++;
    this.cluster.change(1 + uniform(this.#random, this.#joined), { weight: 1 + uniform(this.#random, 3) });
  }

  #crash(): void {
    const number = 1 + uniform(this.#random, this.#shape.all);
    if (this.#down.has(number) || this.#down.size >= this.#shape.downMax) return;
    this.#down.add(number);
    this.cluster.crash(number, uniform(this.#random, 2) === 0 ? "kill" : "power-loss");
  }

  async #restartOne(): Promise<void> {
    const numbers = [...this.#down].filter((number) => number !== this.#lost);
    const [number] = numbers;
    if (number !== undefined) await this.#restart(number);
  }

  async #restart(number: number): Promise<void> {
    this.#down.delete(number);
    await this.cluster.restart(number);
  }

  #revert(): void {
    const change = layoutChange(this.cluster.state);
    if (change !== undefined) this.cluster.apply({ kind: "revertLayout", change });
  }

  #lose(): void {
    if (this.#lost !== undefined || this.#down.size >= this.#shape.downMax) return;
    this.#lost = 1 + uniform(this.#random, this.#joined);
    this.#down.add(this.#lost);
    this.cluster.nodes.lose(nameOf(this.#lost));
  }
}

const shapes: readonly (readonly [Shape, seeds: number])[] = [
  [{ first: 1, all: 4, widths: [1], width: 1, downMax: 0 }, 4],
  [{ first: 3, all: 6, widths: [1, 3], width: 3, downMax: 1 }, 8],
  [{ first: 5, all: 8, widths: [1, 3, 5], width: 5, downMax: 2 }, 2],
];

describe("random histories of layouts", () => {
  for (const [shape, seeds] of shapes)
    test(`width ${shape.width} on ${shape.first} to ${shape.all} nodes: what was acknowledged comes to its slots`, async () => {
      let committed = 0;
      let changes = 0;
      for (let seed = 1; seed <= seeds; seed++) {
        const history = await History.run(shape, seed);
        try {
          await history.settle();
          await history.cluster.assertMoved();
        } catch (cause) {
          throw new Error(`seed ${seed}`, { cause });
        }
        committed += history.cluster.committed.length;
        changes += history.changes;
      }
      assert.ok(committed > 40 * seeds && changes > 2 * seeds, `${committed} blocks, ${changes} changes`);
    });
});
