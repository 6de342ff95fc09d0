/** What still names a node, so that it may not be removed (S13): slots of the layout, and replicas of groups. */

import type { NodeId } from "@holdfast/base";
import type { Layout } from "@holdfast/ring";
import type { GroupRecord } from "@holdfast/shard";
import { systemGroup } from "../groups/group-ids.ts";

export interface NodeUses {
  /** The layout lists it, be it without a slot. */
  readonly isMember: boolean;
  /** Over all tables; old slots of partitions that are moving are among them. */
  readonly slots: number;
  /** Shards of which it has a replica, be it only by number. */
  readonly shardReplicas: number;
}

/** Of every member of the layout and every home of a replica; of others nothing is there. */
export function nodeUses(
  layout: Layout | undefined,
  groups: readonly GroupRecord[],
): ReadonlyMap<NodeId, NodeUses> {
  const uses = new Map<NodeId, NodeUses>();
  const counts = layout === undefined ? [] : slotCounts(layout);
  for (const [member, { id }] of (layout?.members ?? []).entries())
    uses.set(id, { isMember: true, slots: counts[member] ?? 0, shardReplicas: 0 });
  for (const { group, places } of groups) {
    if (group === systemGroup) continue;
    for (const node of new Set(places.map((place) => place.node))) {
      const known = uses.get(node) ?? unused;
      uses.set(node, { ...known, shardReplicas: known.shardReplicas + 1 });
    }
  }
  return uses;
}

export const unused: NodeUses = { isMember: false, slots: 0, shardReplicas: 0 };

function slotCounts({ members, tables }: Layout): readonly number[] {
  const counts = members.map(() => 0);
  const count = (member: number | undefined): void => {
    if (member !== undefined) counts[member] = (counts[member] ?? 0) + 1;
  };
  for (const { slots, oldSlots } of tables)
    for (const [i, member] of slots.entries()) {
      count(member);
      if (oldSlots[i] !== member) count(oldSlots[i]);
    }
  return counts;
}
