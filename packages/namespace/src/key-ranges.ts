import { prefixEnd } from "@holdfast/base";
import type { KeyValuePair, StateReader } from "@holdfast/ports";

/** The pairs whose keys start with a prefix, in key order; all, unless a limit is given. */
export function pairsUnder(state: StateReader, prefix: Uint8Array, limit?: number): Iterable<KeyValuePair> {
  const range = { from: prefix, to: prefixEnd(prefix) };
  return state.range(limit === undefined ? range : { ...range, limit });
}

/** The same as a list: for whoever changes the state on the way. */
export function listPairs(state: StateReader, prefix: Uint8Array, limit?: number): readonly KeyValuePair[] {
  return [...pairsUnder(state, prefix, limit)];
}

export function isRangeEmpty(state: StateReader, prefix: Uint8Array): boolean {
  for (const _ of pairsUnder(state, prefix, 1)) return false;
  return true;
}
