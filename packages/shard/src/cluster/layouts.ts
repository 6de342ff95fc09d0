/** The layout in force. Whoever changes it computes the next one; the entry judges that it follows the last. */

import type { Epoch } from "@holdfast/base";
import { branded, decode, decodeOrNothing, encode, versioned } from "@holdfast/base";
import type { Refusal } from "@holdfast/namespace";
import { refusal } from "@holdfast/namespace";
import type { StateReader, StateWriter } from "@holdfast/ports";
import type { Layout } from "@holdfast/ring";
import { hasJointPartitions, idOf, layoutCodec, tableOfWidth } from "@holdfast/ring";
import { layoutChangeKey, layoutKey } from "./cluster-keys.ts";
import { findFounding, findNode } from "./members.ts";
import { usedWidths } from "./used-widths.ts";

const changeCodec = versioned(1, branded<Epoch>());

/** Undefined until the first. */
export function findLayout(state: StateReader): Layout | undefined {
  const stored = state.get(layoutKey);
  return stored === undefined ? undefined : decode(layoutCodec, stored);
}

/**
 * The epoch of the layout in which the partitions that are joint now became so; undefined while all are stable. It stays the
 * same while some of them are completed, which raises the layout's epoch: what was stored under any layout of this change is
 * on a quorum of the old slots and in new ones.
 */
export function layoutChange(state: StateReader): Epoch | undefined {
  const stored = state.get(layoutChangeKey);
  return stored === undefined ? undefined : decode(changeCodec, stored);
}

/** `LayoutConflict` unless it is the next one and no change is under way: somebody else was faster. */
export function setLayout(state: StateWriter, bytes: Uint8Array): Refusal | undefined {
  const next = decodeOrNothing(layoutCodec, bytes);
  const founding = findFounding(state);
  if (next === undefined || founding === undefined || next.partitionBits !== founding.partitionBits)
    return refusal("InvalidRequest");
  const current = findLayout(state);
  if (next.epoch !== (current?.epoch ?? 0) + 1 || layoutChange(state) !== undefined)
    return refusal("LayoutConflict");
  const isSound = current === undefined ? !hasJointPartitions(next) : follows(state, current, next);
  if (!isSound) return refusal("InvalidRequest");
  for (const { id } of next.members)
    if (findNode(state, id) === undefined) return refusal("NodeNotFound", id);
  state.put(layoutKey, bytes);
  if (hasJointPartitions(next)) state.put(layoutChangeKey, encode(changeCodec, next.epoch));
  return undefined;
}

/** A step of the change under way: the layout has fewer joint partitions, or none, and then the change is over. */
export function replaceLayout(state: StateWriter, layout: Layout): void {
  state.put(layoutKey, encode(layoutCodec, layout));
  if (!hasJointPartitions(layout)) state.remove(layoutChangeKey);
}

/**
 * S3: what is there now are the old slots of what comes. A table that goes, or forgets a slot, would leave blocks behind; one
 * of a width that no bucket ever had is empty.
 */
function follows(state: StateReader, current: Layout, next: Layout): boolean {
  const used = usedWidths(state);
  const isNothingLost = current.tables.every(({ width, slots }) => {
    const old = tableOfWidth(next, width)?.oldSlots;
    if (old === undefined) return !used.includes(width);
    return old.every((member, i) => idOf(next, member) === idOf(current, slots[i] ?? 0));
  });
  const isNewStable = next.tables.every(
    ({ width, slots, oldSlots }) => slots === oldSlots || tableOfWidth(current, width) !== undefined,
  );
  return isNothingLost && isNewStable;
}
