/** Places the slots of one table: seeded by what was there or by the ring, then balanced (see the files of both steps). */

import { balanceExactly, balanceFrugally } from "./balance-pass.ts";
import type { Member } from "./member.ts";
import { zonesOf } from "./member.ts";
import type { Rows } from "./rows.ts";
import { filledRows } from "./rows.ts";
import { sharesOf } from "./shares.ts";
import { slotCounts } from "./swap-graph.ts";
import { virtualNodes } from "./virtual-nodes.ts";
import type { ZoneRule } from "./zone-rule.ts";
import { zoneRule } from "./zone-rule.ts";

/** Rows of this width for every partition, from as many nodes or more, sorted by id, each of which has exactly its share. */
export function placedRows(nodes: readonly Member[], width: number, partitionCount: number): Rows {
  const rule = zoneRuleOf(nodes, width);
  const rows = filledRows(partitionCount, undefined, virtualNodes(nodes, partitionCount), rule);
  const seed = { width, slots: rows.slots.slice() };
  const held = slotCounts(seed.slots, nodes.length);
  balanceExactly(rows, seed, sharesOf(nodes, rule, partitionCount, held), rule);
  return rows;
}

/**
 * The same from the rows so far, which are of any width and in indexes of `nodes`: with the fewest slots that change by which
 * every node comes within 5 % of its share, and then, for a tenth of that number more, as close to it as that reaches.
 */
export function changedRows(nodes: readonly Member[], width: number, previous: Rows): Rows {
  return rebalanced(nodes, width, previous, 10).rows;
}

/** The fewest slots that have to change, whatever one does, for every node to be within 5 % of its share. */
export function leastMoves(nodes: readonly Member[], previous: Rows): number {
  return rebalanced(nodes, previous.width, previous, 0).leastCount;
}

function rebalanced(
  nodes: readonly Member[],
  width: number,
  previous: Rows,
  morePercent: number,
): { readonly rows: Rows; readonly leastCount: number } {
  const rule = zoneRuleOf(nodes, width);
  const partitionCount = previous.slots.length / previous.width;
  const rows = filledRows(partitionCount, previous, virtualNodes(nodes, partitionCount), rule);
  const shares = sharesOf(nodes, rule, partitionCount, slotCounts(previous.slots, nodes.length));
  return { rows, leastCount: balanceFrugally(rows, previous, shares, rule, morePercent) };
}

export function zoneRuleOf(nodes: readonly Member[], width: number): ZoneRule {
  const zones = zonesOf(nodes);
  return zoneRule(
    Uint16Array.from(nodes, ({ zone }) => zones.indexOf(zone)),
    width,
  );
}
