/** Where a block is besides this node, as far as the other slots' nodes say. */

import type { BlockId, NodeId } from "@holdfast/base";
import { blockIdText, StoreError } from "@holdfast/base";
import { blocksPerRequestMax } from "../replication/block-wire.ts";
import type { BlockSlots } from "../replication/placement.ts";
import { nodesOf } from "../replication/placement.ts";
import type { InspectionParts } from "./inspection.ts";

/**
 * - `elsewhere`: another slot has it whole.
 * - `unknown`: none that answered has it, and not all did.
 * - `nowhere`: all answered, and none has it.
 */
export type Whereabouts = "elsewhere" | "unknown" | "nowhere";

type PlacedParts = Pick<InspectionParts, "placed">;

const attemptMs = 5000;

/** The block's slots by the layout of now; undefined while no layout has slots of this width. */
export function slotsOf(
  { placed: { placement } }: PlacedParts,
  id: BlockId,
  width: number,
): BlockSlots | undefined {
  try {
    return placement.slotsOf(id, width);
  } catch (error) {
    if (error instanceof StoreError && error.code === "Unavailable") return undefined;
    throw error;
  }
}

/** Whether this node is one of the slots that have to have it: of a partition that moves, one of the old ones (S3). */
export function isOwedHere(parts: PlacedParts, id: BlockId, width: number): boolean {
  return slotsOf(parts, id, width)?.slots.includes(parts.placed.slots.self) === true;
}

/** Of each of these blocks, by its name; `bytes` says how long each has to be. */
export async function whereaboutsOf(
  parts: PlacedParts,
  blocks: readonly { readonly id: BlockId; readonly bytes: number }[],
  width: number,
): Promise<ReadonlyMap<string, Whereabouts>> {
  const { slots } = parts.placed;
  const found = new Map<string, Whereabouts>();
  const asked = new Map<NodeId, { readonly id: BlockId; readonly bytes: number }[]>();
  for (const block of blocks) {
    const placed = slotsOf(parts, block.id, width);
    found.set(blockIdText(block.id), placed === undefined ? "unknown" : "nowhere");
    for (const node of placed === undefined ? [] : nodesOf(placed)) {
      if (node === slots.self) continue;
      const ofNode = asked.get(node);
      if (ofNode === undefined) asked.set(node, [block]);
      else ofNode.push(block);
    }
  }
  for (const [node, ofNode] of asked)
    for (let at = 0; at < ofNode.length; at += blocksPerRequestMax)
      await askNode(parts, node, ofNode.slice(at, at + blocksPerRequestMax), width, found);
  return found;
}

async function askNode(
  parts: PlacedParts,
  node: NodeId,
  blocks: readonly { readonly id: BlockId; readonly bytes: number }[],
  width: number,
  found: Map<string, Whereabouts>,
): Promise<void> {
  const [first] = blocks;
  const epoch = first === undefined ? undefined : slotsOf(parts, first.id, width)?.epoch;
  if (epoch === undefined) return;
  const ids = blocks.map(({ id }) => id);
  const answer = await parts.placed.slots.stat(node, ids, epoch, { deadlineMs: attemptMs });
  for (const [i, { id, bytes }] of blocks.entries()) {
    const name = blockIdText(id);
    if (answer.kind !== "done") {
      if (found.get(name) === "nowhere") found.set(name, "unknown");
      continue;
    }
    const stat = answer.value[i];
    if (stat?.state === "whole" && stat.bytes === bytes) found.set(name, "elsewhere");
  }
}
