/**
 * An oracle: the fewest slots that must differ from a reference, by a plain minimum cost flow over every partition, zone and
 * node (Bellman-Ford on an edge list, one unit at a time). For rings of a few partitions.
 */

import type { Rows } from "../src/rows.ts";
import type { ZoneRule } from "../src/zone-rule.ts";

interface Edge {
  readonly from: string;
  readonly to: string;
  capacity: number;
  readonly cost: number;
  readonly back: number;
}

/** A reward that outweighs all slots: what is due to a lower bound is taken first. */
const due = -10_000;

export function slowLeastDifference(
  reference: Rows,
  rule: ZoneRule,
  bounds: { readonly low: Uint32Array; readonly high: Uint32Array },
): number {
  const partitionCount = reference.slots.length / reference.width;
  const edges: Edge[] = [];
  const connect = (from: string, to: string, capacity: number, cost: number): void => {
    edges.push({ from, to, capacity, cost, back: edges.length + 1 });
    edges.push({ from: to, to: from, capacity: 0, cost: -cost, back: edges.length - 1 });
  };
  const bounded = (from: string, to: string, low: number, high: number): void => {
    connect(from, to, low, due);
    connect(from, to, high - low, 0);
  };
  for (let partition = 0; partition < partitionCount; partition++) {
    connect("source", `p${partition}`, rule.width, 0);
    for (const [zone, least] of rule.least.entries())
      bounded(`p${partition}`, `p${partition}z${zone}`, least, rule.most[zone] ?? 0);
    const row = reference.slots.subarray(partition * reference.width, (partition + 1) * reference.width);
    for (const [node, zone] of rule.zoneOf.entries())
      connect(`p${partition}z${zone}`, `n${node}`, 1, row.includes(node) ? 0 : 1);
  }
  for (const [node, low] of bounds.low.entries()) bounded(`n${node}`, "sink", low, bounds.high[node] ?? 0);
  let cost = 0;
  for (let unit = 0; unit < partitionCount * rule.width; unit++) cost += sendOne(edges);
  const dues = partitionCount * sum(rule.least) + sum(bounds.low);
  return cost - dues * due;
}

/** Sends one unit from source to sink by the cheapest path; its cost. */
function sendOne(edges: readonly Edge[]): number {
  const distances = new Map<string, number>([["source", 0]]);
  const by = new Map<string, Edge>();
  for (let isChanged = true; isChanged; ) {
    isChanged = false;
    for (const edge of edges) {
      const reached = (distances.get(edge.from) ?? Number.POSITIVE_INFINITY) + edge.cost;
      if (edge.capacity === 0 || reached >= (distances.get(edge.to) ?? Number.POSITIVE_INFINITY)) continue;
      distances.set(edge.to, reached);
      by.set(edge.to, edge);
      isChanged = true;
    }
  }
  for (let at = "sink"; at !== "source"; ) {
    const edge = by.get(at);
    const back = edges[edge?.back ?? -1];
    if (edge === undefined || back === undefined) throw new Error("no flow: the bounds cannot be kept");
    edge.capacity--;
    back.capacity++;
    at = edge.from;
  }
  return distances.get("sink") ?? Number.NaN;
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
