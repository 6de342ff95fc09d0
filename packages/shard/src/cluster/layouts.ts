/** The layout in force. Whoever changes it computes the next one; the entry judges that it follows the last. */

import { decode, decodeOrNothing } from "@holdfast/base";
import type { Refusal } from "@holdfast/namespace";
import { refusal } from "@holdfast/namespace";
import type { StateReader, StateWriter } from "@holdfast/ports";
import type { Layout } from "@holdfast/ring";
import { layoutCodec } from "@holdfast/ring";
import { layoutKey } from "./cluster-keys.ts";
import { findFounding, findNode } from "./members.ts";

/** Undefined until the first. */
export function findLayout(state: StateReader): Layout | undefined {
  const stored = state.get(layoutKey);
  return stored === undefined ? undefined : decode(layoutCodec, stored);
}

/** `LayoutConflict` unless it is the next one: somebody else was faster. */
export function setLayout(state: StateWriter, bytes: Uint8Array): Refusal | undefined {
  const next = decodeOrNothing(layoutCodec, bytes);
  const founding = findFounding(state);
  if (next === undefined || founding === undefined || next.partitionBits !== founding.partitionBits)
    return refusal("InvalidRequest");
  if (next.epoch !== (findLayout(state)?.epoch ?? 0) + 1) return refusal("LayoutConflict");
  for (const { id } of next.members)
    if (findNode(state, id) === undefined) return refusal("NodeNotFound", id);
  state.put(layoutKey, bytes);
  return undefined;
}
