/**
 * Looks through the states of all groups before anybody relies on them: a key that rot has changed, or that cannot be found where it
 * stands, fails no value's checksum, and the node would say that a file is not there (S12).
 */

import { DecodeError, UnsupportedVersionError } from "@holdfast/base";
import { decodeMembership } from "@holdfast/consensus";
import type { Clock, Hashing, KeyValue } from "@holdfast/ports";
import { DiskError, turn } from "@holdfast/ports";
import type { GroupState } from "@holdfast/state";
import { StateCorruptError, StateStore } from "@holdfast/state";

const pairsPerStep = 1000;
/** What is not looked at by then the scrub reads in its own time: a node of a very large store is not to be away for minutes. */
const checkMsMax = 10_000;

/**
 * What is wrong with a state store, if its groups all have other voters: they have what it lost. Undefined for one that is whole, or that
 * nobody could make good. Nothing is written. `onStep` is called again and again.
 */
export async function checkStates(
  open: () => KeyValue | Promise<KeyValue>,
  hashing: Hashing,
  clock: Clock,
  onStep: () => void = () => undefined,
): Promise<string | undefined> {
  let store: KeyValue | undefined;
  try {
    store = await open();
    return await lookThrough(new StateStore(store, hashing, () => undefined), clock, onStep);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return `it cannot be read: ${String(error)}`;
  } finally {
    await store?.close();
  }
}

async function lookThrough(
  states: StateStore,
  clock: Clock,
  onStep: () => void,
): Promise<string | undefined> {
  const endsAtMs = clock.monotonicMs() + checkMsMax;
  const groups = states.stored();
  if (groups.some(isAlone)) return undefined;
  for (const state of groups) {
    // Marked before, and loaded anew: what there is of it counts for nothing.
    if (state.isCondemned) continue;
    const damage = await walk(state, clock, endsAtMs, onStep);
    if (damage !== undefined) return damage;
  }
  return undefined;
}

/** Nobody else votes there, and so nobody else needs to have what it has. */
function isAlone({ applied: { membership } }: GroupState): boolean {
  return membership.length > 0 && decodeMembership(membership).voters.length === 1;
}

async function walk(
  state: GroupState,
  clock: Clock,
  endsAtMs: number,
  onStep: () => void,
): Promise<string | undefined> {
  const { group, damage } = state;
  if (damage !== undefined) return `group ${group}: ${damage}`;
  const steps = state.walkDigest();
  try {
    while (clock.monotonicMs() < endsAtMs) {
      onStep();
      const { damagedKeys, matches } = steps.step(pairsPerStep);
      if (damagedKeys.length > 0)
        return `${damagedKeys.length} values of group ${group} are not what was stored`;
      if (matches !== undefined)
        return matches ? undefined : `what is there of group ${group} is not all of it`;
      await turn(clock);
    }
    return undefined;
  } finally {
    steps.leave();
  }
}

/** What reading a damaged store may end with. */
export function isUnreadable(error: unknown): boolean {
  return (
    error instanceof StateCorruptError ||
    (error instanceof DecodeError && !(error instanceof UnsupportedVersionError)) ||
    (error instanceof DiskError && error.kind === "damaged")
  );
}
