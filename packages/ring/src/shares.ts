/**
 * How many slots of a table each node should hold.
 *
 * The wish is a water level: a node takes level x weight, but at most one slot of each partition; a zone takes what its
 * nodes take, but no less and no more than the zone rule gives it, and then fills its own nodes to a level of its own.
 * The level rises until all slots are taken.
 *
 * Slots are whole. They are given by the highest averages method of Jefferson and D'Hondt (Balinski and Young, "Fair
 * Representation", 1982): the level rises and every node takes floor(level x weight). Of all ways to round, this one makes
 * max(slots / weight) as small as it can be; nobody gets less than his real share rounded down; and when a node joins,
 * nobody gets more than before (it is population monotone), so that no data moves between those who were there already.
 * Without limits from zones or partitions no node exceeds 1 + nodes / slots times its share.
 *
 * All of it in whole numbers: every node must come to the same result.
 */

import { assert } from "@holdfast/base";
import type { Member } from "./member.ts";
import type { ZoneRule } from "./zone-rule.ts";

/** What a claimant takes at a level; never falls as the level rises. */
type Claim = (level: number) => number;

/** Two weights up to 1000 have thresholds at least a millionth apart: one level between any two of them. */
const levelsPerUnit = 2 ** 20;
/** Parts of a slot in which shares are computed before they are rounded. */
const fineParts = 1024;

/** Slots of a table for each node. */
export interface Shares {
  /** In sum partitions x width. */
  readonly exact: Uint32Array;
  /** Within 5 % of the share before rounding; `exact` itself where a whole slot is more than that. */
  readonly low: Uint32Array;
  readonly high: Uint32Array;
}

/**
 * `held` is what the nodes hold now: among nodes with the same claim to the last slots, who has one keeps it, and then the
 * order of ids decides.
 */
export function sharesOf(
  nodes: readonly Member[],
  rule: ZoneRule,
  partitionCount: number,
  held: Uint32Array,
): Shares {
  const exact = apportioned(nodes, rule, partitionCount, held, 1);
  const ideal = apportioned(nodes, rule, partitionCount, new Uint32Array(nodes.length), fineParts);
  return {
    exact,
    low: exact.map((share, node) =>
      Math.min(share, Math.ceil(((ideal[node] ?? 0) * 95) / (100 * fineParts))),
    ),
    high: exact.map((share, node) =>
      Math.max(share, Math.floor(((ideal[node] ?? 0) * 105) / (100 * fineParts))),
    ),
  };
}

/** The shares before they are rounded, in slots, to a thousandth. For reports. */
export function idealShares(
  nodes: readonly Member[],
  rule: ZoneRule,
  partitionCount: number,
): readonly number[] {
  const shares = apportioned(nodes, rule, partitionCount, new Uint32Array(nodes.length), fineParts);
  return Array.from(shares, (share) => share / fineParts);
}

/** In units of 1 / parts of a slot. */
function apportioned(
  nodes: readonly Member[],
  rule: ZoneRule,
  partitionCount: number,
  held: Uint32Array,
  parts: number,
): Uint32Array {
  const most = partitionCount * parts;
  const levelMax = partitionCount * levelsPerUnit;
  const claims = nodes.map(
    ({ weight }): Claim =>
      (level) =>
        Math.min(most, Math.floor((level * weight * parts) / levelsPerUnit)),
  );
  const zones = Array.from(rule.least, (_, zone) =>
    [...nodes.keys()].filter((node) => rule.zoneOf[node] === zone),
  );
  const totals = apportion(
    most * rule.width,
    levelMax,
    zones.map((inZone, zone): Claim => {
      const [low, high] = [most * (rule.least[zone] ?? 0), most * (rule.most[zone] ?? 0)];
      return (level) => Math.max(low, Math.min(high, sum(inZone.map((node) => claims[node]?.(level) ?? 0))));
    }),
    zones.map((inZone) => sum(inZone.map((node) => held[node] ?? 0))),
  );
  const shares = new Uint32Array(nodes.length);
  for (const [zone, inZone] of zones.entries()) {
    const inZoneShares = apportion(
      totals[zone] ?? 0,
      levelMax,
      inZone.map((node) => claims[node] ?? (() => 0)),
      inZone.map((node) => held[node] ?? 0),
    );
    for (const [i, node] of inZone.entries()) shares[node] = inZoneShares[i] ?? 0;
  }
  return shares;
}

/** Raises the level until the claims take the total; the last ones, whose claims come at the same level, by `held`. */
function apportion(
  total: number,
  levelMax: number,
  claims: readonly Claim[],
  held: readonly number[],
): readonly number[] {
  const at = (level: number): number[] => claims.map((claim) => claim(level));
  let [low, high] = [-1, levelMax];
  assert(sum(at(high)) >= total, "the claimants can take it all");
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (sum(at(middle)) < total) low = middle;
    else high = middle;
  }
  const granted = low < 0 ? at(0) : at(low);
  const next = at(high);
  let left = total - sum(granted);
  for (const wanted of [held, next]) {
    for (const [i, has] of granted.entries()) {
      const more = Math.min(left, Math.max(0, Math.min(next[i] ?? 0, wanted[i] ?? 0) - has));
      granted[i] = has + more;
      left -= more;
    }
  }
  assert(left === 0, "all of it is granted");
  return granted;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
