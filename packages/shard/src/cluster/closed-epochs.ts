/**
 * Up to which epoch each shard has applied `CloseEpoch`: it takes no evidence of an older layout any more (SAFETY.md S3). The
 * shards' own logs decide that; this is what the system group was told of it, so that everybody can wait for the last one.
 */

import type { Codec, Epoch, ShardId } from "@holdfast/base";
import { branded, decode, encode, epoch, list, versioned } from "@holdfast/base";
import type { Refusal } from "@holdfast/namespace";
import { findCluster, refusal } from "@holdfast/namespace";
import type { StateReader, StateWriter } from "@holdfast/ports";
import { closedEpochsKey } from "./cluster-keys.ts";
import { findLayout } from "./layouts.ts";

/** By shard; a shard beyond the end has closed none. */
export const closedEpochsCodec: Codec<readonly Epoch[]> = versioned(1, list(branded<Epoch>()));

/** These shards have applied `CloseEpoch(closed)`, durably. Told in any order and as often as one likes: the highest counts. */
export function closeShards(
  state: StateWriter,
  closed: Epoch,
  shards: readonly ShardId[],
): Refusal | undefined {
  const shardCount = findCluster(state)?.shardCount ?? 0;
  // A shard that closed what does not exist yet would open the way to a backfill that begins too early.
  if (closed > (findLayout(state)?.epoch ?? 0)) return refusal("InvalidRequest", "epoch");
  if (shards.some((shard) => shard >= shardCount)) return refusal("InvalidRequest", "shard");
  const known = closedEpochs(state);
  const epochs = Array.from({ length: shardCount }, (_, shard) => known[shard] ?? epoch(0));
  let isNew = false;
  for (const shard of shards) {
    if ((epochs[shard] ?? 0) >= closed) continue;
    epochs[shard] = closed;
    isNew = true;
  }
  if (isNew) state.put(closedEpochsKey, encode(closedEpochsCodec, epochs));
  return undefined;
}

/** No shard takes evidence below it; 0 as long as some shard never closed any. */
export function closedEverywhere(state: StateReader, shardCount: number): Epoch {
  const epochs = closedEpochs(state);
  if (epochs.length < shardCount) return epoch(0);
  return epoch(epochs.reduce((lowest, each) => Math.min(lowest, each), Number.MAX_SAFE_INTEGER));
}

/** Of one shard, as far as the system group was told. */
export function closedEpochOf(state: StateReader, shard: ShardId): Epoch {
  return closedEpochs(state)[shard] ?? epoch(0);
}

function closedEpochs(state: StateReader): readonly Epoch[] {
  const stored = state.get(closedEpochsKey);
  return stored === undefined ? [] : decode(closedEpochsCodec, stored);
}
