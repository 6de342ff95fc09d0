import { assert, decode, encode, integer } from "@holdfast/base";
import type { StateReader, StateWriter } from "@holdfast/ports";
import { clusterTimeKey } from "./state-keys.ts";

/** Cluster time of the last entry applied; 0 before the first. */
export function clusterTimeMs(state: StateReader): number {
  const stored = state.get(clusterTimeKey);
  return stored === undefined ? 0 : decode(integer, stored);
}

/** S16: the state machine knows only max(time of the entry before, proposer's clock), so time never goes back. */
export function advanceClusterTime(state: StateWriter, proposedMs: number): number {
  const beforeMs = clusterTimeMs(state);
  if (proposedMs <= beforeMs) return beforeMs;
  assert(Number.isSafeInteger(proposedMs), "cluster time in whole milliseconds");
  state.put(clusterTimeKey, encode(integer, proposedMs));
  return proposedMs;
}
