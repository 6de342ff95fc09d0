import { KiB } from "@holdfast/base";
import type { Hashing, KeyValue, Mutation } from "@holdfast/ports";
import type { StateDigest } from "./digest.ts";
import { SnapshotReader } from "./snapshot-reader.ts";
import type { StateKeys } from "./state-keys.ts";
import type { StatePosition } from "./state-position.ts";

export interface LoadTarget {
  readonly store: KeyValue;
  readonly hashing: Hashing;
  /** Where the pairs go: a generation that nothing is stored of. */
  readonly keys: StateKeys;
  /** What the body has to stand for. */
  readonly position: StatePosition;
}

export interface LoadedGeneration {
  readonly digest: StateDigest;
  /** The last pairs: not written yet, so that what is to be written with them can be. */
  readonly rest: readonly Mutation[];
}

/** Of keys and values; memory holds one batch and one frame. */
const batchBytesMax = 256 * KiB;

/**
 * Writes a snapshot's pairs to the store, in batches that nothing names yet. Throws StateSnapshotError when the body makes no
 * state, whatever the body throws, and DiskError; what was written until then is garbage.
 */
export async function loadGeneration(
  { store, hashing, keys, position }: LoadTarget,
  body: AsyncIterable<Uint8Array>,
): Promise<LoadedGeneration> {
  const reader = new SnapshotReader(keys, position, hashing);
  let batch: Mutation[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    for (const pair of reader.read(chunk)) {
      batch.push(pair);
      bytes += pair.key.length + pair.value.length;
      if (bytes < batchBytesMax) continue;
      await store.write(batch);
      batch = [];
      bytes = 0;
    }
  }
  return { digest: reader.finish(), rest: batch };
}
