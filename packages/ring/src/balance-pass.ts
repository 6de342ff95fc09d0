/**
 * Second step of placement: nodes come to hold their shares, and as few slots as possible differ from a reference (what the
 * nodes hold already, or what the ring of virtual nodes says).
 *
 * This is a minimum cost flow: a partition sends its slots through its zones to nodes, a node takes as many as it may, and a
 * slot costs one where the node is not in the partition's reference row. Bounds that leave room for the shares can always be
 * kept: dividing every share evenly over all partitions is a flow, and a network with whole capacities that has a flow has a
 * whole one. It is solved by successive cheapest paths (Ahuja, Magnanti and Orlin, "Network Flows", 1993, §9.7), which begin
 * with rows that are the cheapest each by itself. The network's partitions and zones are left out: what they mean for two
 * nodes is whether some partition could swap them, and at which cost (`SwapGraph`). What is left are the nodes, and a pool
 * that stands for the network's sink: a node that may hold more takes from it, one that may hold less gives to it.
 */

import { assert } from "@holdfast/base";
import type { Rows } from "./rows.ts";
import type { Shares } from "./shares.ts";
import type { SwapCost } from "./swap-graph.ts";
import { noSwap, SwapGraph } from "./swap-graph.ts";
import type { ZoneRule } from "./zone-rule.ts";

/** Changes `rows`, each the cheapest by itself (as `filledRows` gives them), until every node holds exactly its share. */
export function balanceExactly(rows: Rows, reference: Rows, { exact }: Shares, rule: ZoneRule): void {
  new BalancePass(rows, reference, rule).settle(exact, exact);
}

/**
 * Changes `rows`, each the cheapest by itself, until every node is within its bounds, and as few slots as possible differ from
 * the reference; then on towards the exact shares, as far as so many more slots reach. Gives the least number.
 */
export function balanceFrugally(
  rows: Rows,
  reference: Rows,
  { low, high, exact }: Shares,
  rule: ZoneRule,
  morePercent: number,
): number {
  const pass = new BalancePass(rows, reference, rule);
  pass.settle(low, high);
  const least = pass.differingCount;
  pass.approach(exact, Math.floor((least * morePercent) / 100));
  return least;
}

/** Cheapest paths from the nodes with a surplus to all others. */
interface Paths {
  /** The node before each one; -1 where a path begins, or none leads. */
  readonly before: Int32Array;
  /** Cost of the arc from there. */
  readonly costs: Int8Array;
  /** Cost of the whole path, times 2 x nodes, plus its arcs. */
  readonly distances: Float64Array;
}

class BalancePass {
  readonly #graph: SwapGraph;
  readonly #nodeCount: number;
  /** The pool's number, behind those of the nodes. */
  readonly #pool: number;
  readonly #slotCount: number;
  /** What each node should hold: settled by the pool between the bounds. */
  #targets: Uint32Array = new Uint32Array(0);
  #low: Uint32Array = new Uint32Array(0);
  #high: Uint32Array = new Uint32Array(0);

  constructor(rows: Rows, reference: Rows, rule: ZoneRule) {
    this.#graph = new SwapGraph(rows, reference, rule);
    this.#nodeCount = this.#graph.nodeCount;
    this.#pool = this.#nodeCount;
    this.#slotCount = rows.slots.length;
  }

  get differingCount(): number {
    return this.#graph.differingCount;
  }

  settle(low: Uint32Array, high: Uint32Array): void {
    this.#low = low;
    this.#high = high;
    this.#targets = this.#graph.counts.map((count, node) =>
      Math.max(low[node] ?? 0, Math.min(high[node] ?? 0, count)),
    );
    for (let surplus = this.#surplusOfAll(); surplus > 0; ) {
      const paths = this.#cheapestPaths();
      for (let end = 0; end <= this.#pool; end++) this.#fill(end, paths);
      const left = this.#surplusOfAll();
      assert(left < surplus, "bounds around shares that keep the zone rule can be kept");
      surplus = left;
    }
  }

  /** From within bounds: one path at a time, the cheapest of all, which never takes a node out of its bounds. */
  approach(exact: Uint32Array, budget: number): void {
    [this.#targets, this.#low, this.#high] = [exact, exact, exact];
    const most = this.differingCount + budget;
    while (this.#surplusOfAll() > 0) {
      const paths = this.#cheapestPaths();
      let end = -1;
      for (let node = 0; node < this.#nodeCount; node++)
        if (this.#surplus(node) < 0 && (end < 0 || distanceOf(paths, node) < distanceOf(paths, end)))
          end = node;
      const path = pathTo(end, paths);
      const cost = path.slice(1).reduce((sum, node) => sum + (paths.costs[node] ?? 0), 0);
      if (this.differingCount + cost > most) return;
      assert(this.#push(path, paths), "a cheapest path with the fewest arcs is there as a whole");
    }
  }

  #surplusOfAll(): number {
    let all = 0;
    for (let node = 0; node <= this.#pool; node++) all += Math.max(0, this.#surplus(node));
    return all;
  }

  #surplus(node: number): number {
    if (node < this.#pool) return (this.#graph.counts[node] ?? 0) - (this.#targets[node] ?? 0);
    return this.#targets.reduce((sum, target) => sum + target, 0) - this.#slotCount;
  }

  /**
   * By label correcting with a queue: costs may be negative, cycles are not. Among equally cheap paths one with the fewest
   * arcs, which cannot use a partition twice in ways that exclude each other: without what lies between it would be shorter.
   */
  #cheapestPaths(): Paths {
    const count = this.#nodeCount + 1;
    const distances = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
    const before = new Int32Array(count).fill(-1);
    const costs = new Int8Array(count);
    const isQueued = new Uint8Array(count);
    const queue: number[] = [];
    for (let node = 0; node < count; node++) {
      if (this.#surplus(node) <= 0) continue;
      distances[node] = 0;
      queue.push(node);
    }
    for (let head = 0; head < queue.length; head++) {
      assert(head < count * count, "no cycle of swaps costs less than nothing");
      const from = queue[head] ?? 0;
      isQueued[from] = 0;
      for (let to = 0; to < count; to++) {
        const cost = this.#arc(from, to);
        if (cost === noSwap) continue;
        const distance = (distances[from] ?? 0) + cost * 2 * count + 1;
        if (distance >= (distances[to] ?? 0)) continue;
        distances[to] = distance;
        before[to] = from;
        costs[to] = cost;
        if (isQueued[to] === 1) continue;
        isQueued[to] = 1;
        queue.push(to);
      }
    }
    return { before, costs, distances };
  }

  #arc(from: number, to: number): SwapCost {
    if (from === to) return noSwap;
    if (to === this.#pool) return (this.#targets[from] ?? 0) < (this.#high[from] ?? 0) ? 0 : noSwap;
    if (from === this.#pool) return (this.#targets[to] ?? 0) > (this.#low[to] ?? 0) ? 0 : noSwap;
    return this.#graph.cheapestSwap(from, to);
  }

  /** Gives an end what it lacks along its path, as long as the path is there at its cost. */
  #fill(end: number, paths: Paths): void {
    if (this.#surplus(end) >= 0) return;
    const path = pathTo(end, paths);
    const source = path[0] ?? end;
    while (this.#surplus(end) < 0 && this.#surplus(source) > 0) if (!this.#push(path, paths)) return;
  }

  /** False if paths of the same round used an arc up: then the surplus has come to rest on its way, at no loss. */
  #push(path: readonly number[], { costs }: Paths): boolean {
    for (let i = 1; i < path.length; i++) {
      const [from, to] = [path[i - 1] ?? 0, path[i] ?? 0];
      if (this.#arc(from, to) !== costs[to]) return false;
      if (to === this.#pool) this.#targets[from] = (this.#targets[from] ?? 0) + 1;
      else if (from === this.#pool) this.#targets[to] = (this.#targets[to] ?? 0) - 1;
      else this.#graph.swap(from, to);
    }
    return path.length > 1;
  }
}

function pathTo(end: number, { before }: Paths): readonly number[] {
  const path: number[] = [];
  for (let node = end; node >= 0; node = before[node] ?? -1) path.unshift(node);
  return path;
}

function distanceOf({ distances }: Paths, node: number): number {
  return distances[node] ?? Number.POSITIVE_INFINITY;
}
