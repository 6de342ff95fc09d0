import type { BucketId } from "@holdfast/base";
import type { EntryScope, Refusal } from "./entry-scope.ts";
import { refusal } from "./entry-scope.ts";
import { findInstalledBucket, hasNoFiles, isBucketRemoved } from "./installed-buckets.ts";
import { installedBucketKey, marker, removedBucketKey } from "./state-keys.ts";
import { abortUploadsOf } from "./uploads.ts";

/** What one entry takes on; a bucket with more is removed by several. */
const uploadPartsPerEntry = 1000;

/**
 * Idempotent. Uploads still open die with the bucket, as in S3: a bounded number of their parts in each entry, so that the
 * answer may be "removing", to be sent again. A crash between two entries leaves a sealed bucket with fewer uploads, which
 * nobody can see: it takes no parts and completes none.
 */
export function removeBucket(
  scope: EntryScope,
  bucket: BucketId,
): Refusal | { readonly kind: "done" | "removing" } {
  const { state } = scope;
  if (isBucketRemoved(state, bucket)) return { kind: "done" };
  const installed = findInstalledBucket(state, bucket);
  if (installed !== undefined) {
    if (!installed.sealed) return refusal("InvalidRequest");
    if (!hasNoFiles(state, bucket)) return refusal("BucketNotEmpty");
    if (!abortUploadsOf(scope, installed, uploadPartsPerEntry)) return { kind: "removing" };
    state.remove(installedBucketKey(bucket));
  }
  state.put(removedBucketKey(bucket), marker);
  return { kind: "done" };
}
