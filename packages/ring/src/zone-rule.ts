/**
 * The zone rule: the slots of a partition are spread over the zones as evenly as the zones' numbers of nodes allow. With
 * as many zones as slots or more, all slots lie in different zones; with fewer, every zone holds at least one slot and at
 * most ceil(slots / zones), unless a zone has too few nodes: then it holds all its nodes, and the others share the rest
 * by the same rule. So the loss of a zone costs as few slots as possible. It can always be kept.
 */

import { assert } from "@holdfast/base";

export interface ZoneRule {
  /** Slots of a partition. */
  readonly width: number;
  /** Number of each node's zone. */
  readonly zoneOf: Uint16Array;
  /** For each zone: the least and the most slots of one partition that it may hold; they differ by at most one. */
  readonly least: Uint16Array;
  readonly most: Uint16Array;
  /** Zones that hold one slot more than their least, in every partition. */
  readonly extraCount: number;
}

/** `zoneOf` gives the zone's number for each node, from 0 and without gaps; at least as many nodes as slots. */
export function zoneRule(zoneOf: Uint16Array, width: number): ZoneRule {
  const sizes: number[] = [];
  for (const zone of zoneOf) sizes[zone] = (sizes[zone] ?? 0) + 1;
  assert(width >= 1 && width <= zoneOf.length, "a node for each slot");
  const atMost = (level: number): number => sizes.reduce((sum, size) => sum + Math.min(size, level), 0);
  let level = 1;
  while (atMost(level) < width) level++;
  return {
    width,
    zoneOf,
    least: Uint16Array.from(sizes, (size) => Math.min(size, level - 1)),
    most: Uint16Array.from(sizes, (size) => Math.min(size, level)),
    extraCount: width - atMost(level - 1),
  };
}

/** Whether the slots of one partition keep the rule. */
export function keepsZoneRule(rule: ZoneRule, nodes: Iterable<number>): boolean {
  const counts = new Uint16Array(rule.least.length);
  for (const node of nodes) {
    const zone = rule.zoneOf[node];
    if (zone === undefined) return false;
    counts[zone] = (counts[zone] ?? 0) + 1;
  }
  return counts.every((count, zone) => count >= (rule.least[zone] ?? 0) && count <= (rule.most[zone] ?? 0));
}
