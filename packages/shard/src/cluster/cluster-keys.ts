/**
 * Keys of the system group's tables about nodes, beside those of the namespace (its state-keys.ts has the whole list).
 *
 * | table | key behind the table byte | value |
 * | --- | --- | --- |
 * | 0x23 founding | | Founding |
 * | 0x24 nodes | node id, 16 characters | NodeRecord |
 * | 0x25 tokens | digest 32 | JoinToken |
 * | 0x26 layout | | Layout (package ring) |
 * | 0x27 groups | group 8 | GroupRecord |
 * | 0x28 layout change | | epoch at which the partitions that are joint became so |
 * | 0x29 completed slots | node id, 16 characters, width 1 | CompletedSlots |
 * | 0x2a closed epochs | | list of epochs, by shard |
 * | 0x2b used widths | | list of widths |
 */

import type { GroupId, NodeId } from "@holdfast/base";
import { concatBytes, utf8 } from "@holdfast/base";
import { numbersKey } from "@holdfast/namespace";

const tables = {
  founding: 0x23,
  nodes: 0x24,
  tokens: 0x25,
  layout: 0x26,
  groups: 0x27,
  layoutChange: 0x28,
  completedSlots: 0x29,
  closedEpochs: 0x2a,
  usedWidths: 0x2b,
} as const;

export const foundingKey: Uint8Array = numbersKey(tables.founding);
export const nodesTable: Uint8Array = numbersKey(tables.nodes);
export const tokensTable: Uint8Array = numbersKey(tables.tokens);
export const layoutKey: Uint8Array = numbersKey(tables.layout);
export const groupsTable: Uint8Array = numbersKey(tables.groups);
export const layoutChangeKey: Uint8Array = numbersKey(tables.layoutChange);
export const completedSlotsTable: Uint8Array = numbersKey(tables.completedSlots);
export const closedEpochsKey: Uint8Array = numbersKey(tables.closedEpochs);
export const usedWidthsKey: Uint8Array = numbersKey(tables.usedWidths);

export function nodeKey(node: NodeId): Uint8Array {
  return concatBytes([nodesTable, utf8(node)]);
}

export function tokenKey(digest: Uint8Array): Uint8Array {
  return concatBytes([tokensTable, digest]);
}

export function groupKey(group: GroupId): Uint8Array {
  return numbersKey(tables.groups, group);
}

export function completedSlotsKey(node: NodeId, width: number): Uint8Array {
  return concatBytes([completedSlotsTable, utf8(node), Uint8Array.of(width)]);
}
