/**
 * Looks through the states of all groups before anybody relies on them: a key that rot has changed, or that cannot be found where it
 * stands, fails no value's checksum, and the node would say that a file is not there (S12).
 */

import { DecodeError } from "@holdfast/base";
import { decodeMembership } from "@holdfast/consensus";
import type { Clock } from "@holdfast/ports";
import { DiskError, turn } from "@holdfast/ports";
import type { GroupState, StateStore } from "@holdfast/state";
import { StateCorruptError } from "@holdfast/state";
import type { WriteAheadLog } from "@holdfast/wal";

const pairsPerStep = 1000;
/** What is not looked at by then the scrub reads in its own time: a node of a very large store is not to be away for minutes. */
const checkMsMax = 10_000;

/**
 * What is wrong, of a store whose groups all have other voters: they have what it lost. Undefined for one that is whole, or that
 * nobody could make good.
 */
export async function checkStates(
  states: StateStore,
  wal: Pick<WriteAheadLog, "groups" | "group">,
  clock: Clock,
): Promise<string | undefined> {
  const endsAtMs = clock.monotonicMs() + checkMsMax;
  const groups = wal.groups().map((group) => states.group(group));
  if (groups.some(isAlone)) return undefined;
  for (const state of groups) {
    // Marked before, and loaded anew: what there is of it counts for nothing.
    if (state.isCondemned) continue;
    const damage = behindLog(state, wal) ?? (await walk(state, clock, endsAtMs));
    if (damage !== undefined) return damage;
  }
  return undefined;
}

/** Nobody else votes there, and so nobody else needs to have what it has. */
function isAlone({ applied: { membership } }: GroupState): boolean {
  return membership.length > 0 && decodeMembership(membership).voters.length === 1;
}

/** A crash amid the installation of a snapshot leaves the log ahead of the state, and the snapshot beside it. */
function behindLog(
  { group, appliedIndex, staged }: GroupState,
  wal: Pick<WriteAheadLog, "group">,
): string | undefined {
  const checkpoint = wal.group(group)?.checkpoint ?? 0;
  if (appliedIndex >= checkpoint || (staged !== undefined && staged.position.index >= checkpoint))
    return undefined;
  return `the state of group ${group} ends at ${appliedIndex}, and the log before ${checkpoint} is gone`;
}

async function walk(state: GroupState, clock: Clock, endsAtMs: number): Promise<string | undefined> {
  const { group } = state;
  if (state.damage !== undefined) return `group ${group}: ${state.damage}`;
  const steps = state.walkDigest();
  try {
    while (clock.monotonicMs() < endsAtMs) {
      const { damagedKeys, matches } = steps.step(pairsPerStep);
      if (damagedKeys.length > 0)
        return `${damagedKeys.length} values of group ${group} are not what was stored`;
      if (matches !== undefined)
        return matches ? undefined : `what is there of group ${group} is not all of it`;
      await turn(clock);
    }
    return undefined;
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return `group ${group} cannot be read: ${String(error)}`;
  } finally {
    steps.leave();
  }
}

/** What reading a damaged store may end with. */
export function isUnreadable(error: unknown): boolean {
  return (
    error instanceof StateCorruptError ||
    error instanceof DecodeError ||
    (error instanceof DiskError && error.kind === "damaged")
  );
}
