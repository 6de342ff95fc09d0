import type { BucketId } from "@holdfast/base";
import type { EntryScope, Refusal } from "./entry-scope.ts";
import { refusal } from "./entry-scope.ts";
import { findInstalledBucket, hasNoFiles, isBucketRemoved } from "./installed-buckets.ts";
import { installedBucketKey, marker, removedBucketKey } from "./state-keys.ts";
import { abortUploadsOf } from "./uploads.ts";

/** Idempotent. Uploads still open die with the bucket, as in S3. */
export function removeBucket(scope: EntryScope, bucket: BucketId): Refusal | undefined {
  const { state } = scope;
  if (isBucketRemoved(state, bucket)) return undefined;
  const installed = findInstalledBucket(state, bucket);
  if (installed !== undefined) {
    if (!installed.sealed) return refusal("InvalidRequest");
    if (!hasNoFiles(state, bucket)) return refusal("BucketNotEmpty");
    abortUploadsOf(scope, installed);
    state.remove(installedBucketKey(bucket));
  }
  state.put(removedBucketKey(bucket), marker);
  return undefined;
}
