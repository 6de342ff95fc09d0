/** A layout in numbers: who holds what, how even that is, and how the zones are covered. */

import type { Epoch, NodeId } from "@holdfast/base";
import type { Layout, PartitionTable } from "./layout.ts";
import { jointPartitions, partitionCountOf } from "./layout.ts";
import type { Member } from "./member.ts";
import { numbersAmong, placeableOf, zonesOf } from "./member.ts";
import { zoneRuleOf } from "./placement.ts";
import { idealShares } from "./shares.ts";
import { slotCounts } from "./swap-graph.ts";
import { keepsZoneRule } from "./zone-rule.ts";

export interface LayoutDescription {
  readonly epoch: Epoch;
  readonly partitionCount: number;
  readonly nodeCount: number;
  readonly zoneCount: number;
  readonly tables: readonly TableDescription[];
}

/** Of a joint partition the new slots count. */
export interface TableDescription {
  readonly width: number;
  readonly jointCount: number;
  readonly nodes: readonly NodeDescription[];
  readonly zones: readonly {
    readonly zone: string;
    readonly nodeCount: number;
    readonly slotCount: number;
  }[];
  /** The largest slots / wanted slots: 1 if everybody holds exactly what is wanted. */
  readonly maxOverShare: number;
  /** Fewest different zones that one partition's slots lie in. */
  readonly zonesPerPartitionMin: number;
  /** Partitions that do not keep the zone rule: none, unless they were taken back. */
  readonly zoneRuleBrokenCount: number;
}

export interface NodeDescription {
  readonly id: NodeId;
  readonly zone: string;
  readonly weight: number;
  readonly draining: boolean;
  readonly slotCount: number;
  /** Of all slots, 0 to 1. */
  readonly share: number;
  /** Slots by weight, before rounding, as far as partitions and zones allow (`shares.ts`); 0 if it is draining. */
  readonly wantedSlots: number;
  /** slotCount / wantedSlots - 1; 0 if nothing is wanted. */
  readonly deviation: number;
}

export function describeLayout(layout: Layout): LayoutDescription {
  return {
    epoch: layout.epoch,
    partitionCount: partitionCountOf(layout),
    nodeCount: layout.members.length,
    zoneCount: zonesOf(layout.members).length,
    tables: layout.tables.map((table) => describeTable(layout, table)),
  };
}

export function describeTable(layout: Layout, table: PartitionTable): TableDescription {
  const { members } = layout;
  const counts = slotCounts(table.slots, members.length);
  const wanted = wantedSlots(layout, table.width);
  const nodes = members.map((member, index): NodeDescription => {
    const slotCount = counts[index] ?? 0;
    const wantedHere = wanted.get(member.id) ?? 0;
    const deviation = wantedHere === 0 ? 0 : slotCount / wantedHere - 1;
    return {
      ...member,
      slotCount,
      share: slotCount / table.slots.length,
      wantedSlots: wantedHere,
      deviation,
    };
  });
  return {
    width: table.width,
    jointCount: jointPartitions(table).length,
    nodes,
    zones: zonesOf(members).map((zone) => {
      const inZone = nodes.filter((node) => node.zone === zone);
      return {
        zone,
        nodeCount: inZone.length,
        slotCount: inZone.reduce((sum, { slotCount }) => sum + slotCount, 0),
      };
    }),
    maxOverShare: 1 + Math.max(...nodes.map(({ deviation }) => deviation)),
    ...zoneCoverage(members, table),
  };
}

function wantedSlots(layout: Layout, width: number): ReadonlyMap<NodeId, number> {
  const placeable = placeableOf(layout.members);
  const shares = idealShares(placeable, zoneRuleOf(placeable, width), partitionCountOf(layout));
  return new Map(placeable.map(({ id }, index) => [id, shares[index] ?? 0]));
}

function zoneCoverage(
  members: readonly Member[],
  { width, slots }: PartitionTable,
): Pick<TableDescription, "zonesPerPartitionMin" | "zoneRuleBrokenCount"> {
  const placeable = placeableOf(members);
  const rule = zoneRuleOf(placeable, width);
  const numbers = numbersAmong(members, placeable);
  let zonesPerPartitionMin = width;
  let zoneRuleBrokenCount = 0;
  for (let first = 0; first < slots.length; first += width) {
    const row = slots.subarray(first, first + width);
    const zones = new Set(Array.from(row, (node) => members[node]?.zone));
    zonesPerPartitionMin = Math.min(zonesPerPartitionMin, zones.size);
    const placed = Array.from(row, (node) => numbers[node] ?? -1);
    if (!keepsZoneRule(rule, placed)) zoneRuleBrokenCount++;
  }
  return { zonesPerPartitionMin, zoneRuleBrokenCount };
}
