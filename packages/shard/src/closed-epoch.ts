/**
 * The layout below which this shard takes no evidence (S3). A backfill copies what old owners list, and only that: a block
 * that an old owner took after its list, or that was acknowledged by owners that were not asked, would be lost with
 * them. So `CloseEpoch(e)` goes to every shard before the first list is asked for, and from its entry on nothing commits
 * whose blocks were stored under an epoch below e: the writer confirms them under today's layout and commits again.
 *
 * Completing an upload needs no check of its own. Its parts were judged when they were recorded: one that was recorded
 * before `CloseEpoch` was durable on a quorum before it, and so before every list; n - q + 1 old slots list it. One that was
 * recorded behind it has evidence that counts. Nor does a copy: its content was committed before, by an entry that was judged.
 */

import type { Epoch } from "@holdfast/base";
import { branded, decode, encode, epoch } from "@holdfast/base";
import type { StateReader, StateWriter } from "@holdfast/ports";
import type { Operation } from "./command.ts";
import { closedEpochKey } from "./shard-keys.ts";

/** Evidence below it is refused; 0 while no epoch was closed. */
export function closedEpoch(state: StateReader): Epoch {
  const stored = state.get(closedEpochKey);
  return stored === undefined ? epoch(0) : decode(branded<Epoch>(), stored);
}

/** It never falls: a command that comes late, or twice, changes nothing. */
export function closeEpoch(state: StateWriter, closed: Epoch): void {
  if (closed > closedEpoch(state)) state.put(closedEpochKey, encode(branded<Epoch>(), closed));
}

/** Whether an operation would commit streamed blocks that the backfill may not know of. */
export function hasStaleEvidence(state: StateReader, operation: Operation): boolean {
  const evidence = evidenceOf(operation);
  return evidence !== undefined && evidence < closedEpoch(state);
}

function evidenceOf(operation: Operation): Epoch | undefined {
  if (operation.kind === "putPart") return operation.evidenceEpoch;
  if (operation.kind !== "putFile" || operation.body.kind !== "streamed") return undefined;
  return operation.body.evidenceEpoch;
}
