import { assert, integer } from "@holdfast/base";
import type { StateReader, StateWriter } from "@holdfast/ports";
import { clusterTimeKey } from "./state-keys.ts";

/** Cluster time of the last entry applied; 0 before the first. */
export function clusterTimeMs(state: StateReader): number {
  return state.getRecord(integer, clusterTimeKey) ?? 0;
}

/** S16: the state machine knows only max(time of the entry before, proposer's clock), so time never goes back. */
export function advanceClusterTime(state: StateWriter, proposedMs: number): number {
  const beforeMs = clusterTimeMs(state);
  if (proposedMs <= beforeMs) return beforeMs;
  assert(Number.isSafeInteger(proposedMs), "cluster time in whole milliseconds");
  state.keepRecord(integer, clusterTimeKey, proposedMs);
  return proposedMs;
}
