/** Entries that any replica applies alike, and what a group that applied them holds. */

import assert from "node:assert/strict";
import {
  ballot,
  emptyBytes,
  encode,
  groupId,
  logIndex,
  seededRandom,
  text,
  toHex,
  uniform,
  utf8,
} from "@holdfast/base";
import { SimulatedKeyValue, simulatedHashing } from "@holdfast/ports/simulated";
import type { GroupState } from "../src/group-state.ts";
import type { StatePosition } from "../src/state-position.ts";
import { StateStore } from "../src/state-store.ts";

const keysCount = 20;

export function positionAt(index: number): StatePosition {
  return { index: logIndex(index), ballot: ballot(1 + Math.floor(index / 10)), membership: emptyBytes };
}

/** The changes of entry `index` of a group, the same at every replay. What is kept as a record is put, if `encodesAtOnce`. */
export function applyEntry(state: GroupState, index: number, encodesAtOnce: boolean = false): void {
  const random = seededRandom(1000 * state.group + index);
  for (let change = 0; change < 4; change++) {
    const key = utf8(`key-${uniform(random, keysCount)}`);
    const value = `value-${index}-${change}`;
    const kind = uniform(random, 4);
    if (kind === 0) state.remove(key);
    else if (kind === 1) state.put(key, encode(text, value));
    else if (kind === 2 || encodesAtOnce) state.putRecord(text, key, value);
    else state.keepRecord(text, key, value);
    assert.equal(state.getRecord(text, key), kind === 0 ? undefined : value);
  }
  state.advance(positionAt(index));
}

/** Entries behind the applied one, up to `index`. */
export function applyUpTo(state: GroupState, index: number): void {
  for (let next = state.appliedIndex + 1; next <= index; next++) applyEntry(state, next);
}

export interface StateContents {
  readonly contents: readonly string[];
  readonly digest: unknown;
  readonly applied: StatePosition;
}

export function contentsOf(state: GroupState): StateContents {
  const pairs = [...state.range({ from: new Uint8Array(0) })];
  return {
    contents: pairs.map(({ key, value }) => `${toHex(key)}=${toHex(value)}`),
    digest: state.digest,
    applied: state.applied,
  };
}

/** What a group that applied entries 1 to `index` holds. */
export function expectedContents(group: number, index: number): StateContents {
  const state = openStates(newDisk(1)).group(groupId(group));
  for (let i = 1; i <= index; i++) applyEntry(state, i, true);
  return contentsOf(state);
}

export function assertExact(state: GroupState): void {
  assert.deepEqual(contentsOf(state), expectedContents(state.group, state.appliedIndex));
  assert.deepEqual(state.recomputeDigest(), state.digest);
}

export function newDisk(seed: number): SimulatedKeyValue {
  return new SimulatedKeyValue({ random: seededRandom(seed) });
}

export function openStates(disk: SimulatedKeyValue): StateStore {
  return new StateStore(disk.mount(), simulatedHashing);
}
