/**
 * Buckets as one of their shards knows them (S17). Ids are never used again, so a bucket goes one way: unknown,
 * installed (sealed and unsealed any number of times), removed. The marker of a removed bucket stays: otherwise a delayed
 * InstallBucket, proposed before the deletion, would bring the bucket back in this shard, and commits would be
 * acknowledged into a bucket that is gone.
 */

import type { BucketId } from "@holdfast/base";
import type { StateReader, StateWriter } from "@holdfast/ports";
import type { BucketSettings, InstalledBucket } from "./bucket.ts";
import { installedBucketCodec } from "./bucket.ts";
import type { EntryScope, Refusal } from "./entry-scope.ts";
import { refusal } from "./entry-scope.ts";
import { isRangeEmpty } from "./key-ranges.ts";
import { filesOf, installedBucketKey, removedBucketKey } from "./state-keys.ts";

export function findInstalledBucket(state: StateReader, bucket: BucketId): InstalledBucket | undefined {
  return state.getRecord(installedBucketCodec, installedBucketKey(bucket));
}

/**
 * The bucket that takes commits, parts and uploads (S17). One that is sealed takes none, but may turn out to be in use and
 * go on: "not found" would be a wrong answer, so the caller is told to come again.
 */
export function findOpenBucket(state: StateReader, bucket: BucketId): InstalledBucket | Refusal {
  const installed = findInstalledBucket(state, bucket);
  if (installed === undefined) return refusal("BucketNotFound");
  return installed.sealed ? refusal("Overloaded", "bucket") : installed;
}

/** Whether this shard had the bucket removed: whoever asks need not install it any more. */
export function isBucketRemoved(state: StateReader, bucket: BucketId): boolean {
  return state.get(removedBucketKey(bucket)) !== undefined;
}

/**
 * Idempotent. Other settings than the installed ones are refused: contents are recorded with their bucket's redundancy,
 * which therefore must not change between the stream and its commit.
 */
export function installBucket(
  { state }: EntryScope,
  bucket: BucketId,
  settings: BucketSettings,
): Refusal | undefined {
  if (isBucketRemoved(state, bucket)) return refusal("BucketNotFound");
  const installed = findInstalledBucket(state, bucket);
  if (installed !== undefined)
    return equalSettings(installed.settings, settings) ? undefined : refusal("InvalidRequest");
  store(state, { id: bucket, settings, sealed: false });
  return undefined;
}

/**
 * From here on commits, parts and uploads are refused. A bucket that is unknown here cannot be sealed: the caller installs
 * it first, so that no InstallBucket under way can open it behind the seal. A removed one stays sealed and empty.
 */
export function sealBucket(
  { state }: EntryScope,
  bucket: BucketId,
): Refusal | { readonly kind: "sealed"; readonly empty: boolean } {
  if (isBucketRemoved(state, bucket)) return { kind: "sealed", empty: true };
  const installed = findInstalledBucket(state, bucket);
  if (installed === undefined) return refusal("BucketNotFound");
  if (!installed.sealed) store(state, { ...installed, sealed: true });
  return { kind: "sealed", empty: hasNoFiles(state, bucket) };
}

export function unsealBucket({ state }: EntryScope, bucket: BucketId): Refusal | undefined {
  const installed = findInstalledBucket(state, bucket);
  if (installed === undefined) return refusal("BucketNotFound");
  if (installed.sealed) store(state, { ...installed, sealed: false });
  return undefined;
}

function store(state: StateWriter, bucket: InstalledBucket): void {
  state.putRecord(installedBucketCodec, installedBucketKey(bucket.id), bucket);
}

export function hasNoFiles(state: StateReader, bucket: BucketId): boolean {
  return isRangeEmpty(state, filesOf(bucket));
}

function equalSettings(a: BucketSettings, b: BucketSettings): boolean {
  return (
    a.blockBytes === b.blockBytes &&
    a.redundancy.dataFragments === b.redundancy.dataFragments &&
    a.redundancy.parityFragments === b.redundancy.parityFragments
  );
}
