/**
 * Who should vote for each shard, and who should lead it. Only a group's own log says who votes (SAFETY.md S13): these are
 * wishes that a reconciler moves towards. Voters are placed like the slots of a partition, by ring and zones, but evenly,
 * whatever the nodes' weights: a vote costs syncs and memory, not disk space. Leaders are spread evenly over the voters.
 */

import type { NodeId, ShardId } from "@holdfast/base";
import { assert } from "@holdfast/base";
import type { Layout } from "./layout.ts";
import { idOf, shardCountOf } from "./layout.ts";
import type { Member } from "./member.ts";
import { changedRows, placedRows } from "./placement.ts";
import type { Rows } from "./rows.ts";
import { nobody } from "./rows.ts";

/** Five voters from five nodes, three from three, else one: never an even number. */
export function voterCountFor(placeableCount: number): 1 | 3 | 5 {
  if (placeableCount >= 5) return 5;
  return placeableCount >= 3 ? 3 : 1;
}

/** The nodes that should vote for a shard; the first should lead it. */
export function voterWish(layout: Layout, shard: ShardId): readonly NodeId[] {
  const { width, slots } = layout.voters;
  assert(shard >= 0 && shard < shardCountOf(layout), "a shard of the cluster");
  return Array.from(slots.subarray(shard * width, (shard + 1) * width), (member) => idOf(layout, member));
}

export function leaderWish(layout: Layout, shard: ShardId): NodeId {
  assert(shard >= 0 && shard < shardCountOf(layout), "a shard of the cluster");
  return idOf(layout, layout.voters.slots[shard * layout.voters.width] ?? 0);
}

/** Rows of voters for as many shards as `previous` has; as many voters and leaders as possible stay. */
export function placedVoters(nodes: readonly Member[], previous: Rows): Rows {
  const equals = nodes.map((node) => ({ ...node, weight: 1 }));
  const width = voterCountFor(nodes.length);
  const isFirst = previous.slots.every((node) => node === nobody);
  const rows = isFirst
    ? placedRows(equals, width, previous.slots.length / previous.width)
    : changedRows(equals, width, previous);
  spreadLeaders(rows, nodes.length);
  return rows;
}

/**
 * Puts the leader of each shard first in its row, so that the numbers of shards that nodes lead are as even as the voters
 * allow: as long as a path of hand-overs leads from a node to one that leads at least two fewer, leadership moves along it
 * (Harvey et al., "Semi-matchings for bipartite graphs and load balancing", 2006: then it is optimal).
 */
function spreadLeaders(rows: Rows, nodeCount: number): void {
  while (improveLeaders(rows, nodeCount));
}

function improveLeaders({ width, slots }: Rows, nodeCount: number): boolean {
  const loads = new Uint32Array(nodeCount);
  for (let i = 0; i < slots.length; i += width) loads[slots[i] ?? 0] = (loads[slots[i] ?? 0] ?? 0) + 1;
  const byLoad = [...loads.keys()].sort((a, b) => (loads[b] ?? 0) - (loads[a] ?? 0) || a - b);
  for (const from of byLoad) {
    const path = pathToIdle({ width, slots }, loads, from);
    if (path === undefined) continue;
    for (const i of path) {
      const first = i - (i % width);
      [slots[first], slots[i]] = [slots[i] ?? 0, slots[first] ?? 0];
    }
    return true;
  }
  return false;
}

/** Positions in `slots` whose nodes take over from the first of their rows, from the idle end on. */
function pathToIdle({ width, slots }: Rows, loads: Uint32Array, from: number): readonly number[] | undefined {
  /** Position by which each node was reached. */
  const reachedBy = new Map<number, number>([[from, -1]]);
  // A map may grow while it is walked: it is the queue.
  for (const [leader] of reachedBy) {
    for (let i = 0; i < slots.length; i++) {
      const node = slots[i] ?? 0;
      if (i % width === 0 || slots[i - (i % width)] !== leader || reachedBy.has(node)) continue;
      reachedBy.set(node, i);
      if ((loads[node] ?? 0) + 2 <= (loads[from] ?? 0)) return pathBack({ width, slots }, reachedBy, node);
    }
  }
  return undefined;
}

function pathBack(
  { width, slots }: Rows,
  reachedBy: ReadonlyMap<number, number>,
  end: number,
): readonly number[] {
  const path: number[] = [];
  for (let i = reachedBy.get(end) ?? -1; i >= 0; i = reachedBy.get(slots[i - (i % width)] ?? 0) ?? -1)
    path.push(i);
  return path;
}
