/** Multipart uploads until they are completed or aborted (S20); completing is in complete-upload.ts. */

import type { BucketId, ContentId, Epoch } from "@holdfast/base";
import { decode, encode, limits } from "@holdfast/base";
import type { StateReader } from "@holdfast/ports";
import type { ChecksumAlgorithm, FileAttributes } from "./attributes.ts";
import type { BucketSettings, InstalledBucket } from "./bucket.ts";
import { expireCompletedUploads } from "./completed-uploads.ts";
import type { ContentPart } from "./content.ts";
import { findStream, killPart, storeStream } from "./contents.ts";
import type { EntryScope, Refusal } from "./entry-scope.ts";
import { refusal } from "./entry-scope.ts";
import { fileKeyBytes, isRefusal } from "./file-key.ts";
import { findOpenBucket } from "./installed-buckets.ts";
import { isRangeEmpty, listPairs, pairsUnder } from "./key-ranges.ts";
import { isPlausiblePart, isStreamedBy } from "./plausible-part.ts";
import { partsOf, uploadKey, uploadPartKey, uploadsOf } from "./state-keys.ts";
import type { Upload, UploadedPart } from "./upload.ts";
import { uploadCodec, uploadedPartCodec } from "./upload.ts";

export interface CreateUpload {
  readonly bucket: BucketId;
  readonly key: string;
  readonly attributes: FileAttributes;
  readonly checksumAlgorithm: ChecksumAlgorithm | undefined;
  readonly checksumScope: "full" | "composite" | undefined;
}

/** Names an open upload; key and bucket are part of its name. */
export interface UploadName {
  readonly bucket: BucketId;
  readonly key: string;
  readonly upload: number;
}

export interface PutPart extends UploadName {
  readonly part: ContentPart;
  readonly evidenceEpoch: Epoch;
}

export function findUpload(state: StateReader, { bucket, key, upload }: UploadName): Upload | undefined {
  const bytes = fileKeyBytes(key);
  if (isRefusal(bytes)) return undefined;
  const stored = state.get(uploadKey(bucket, bytes, upload));
  return stored === undefined ? undefined : decode(uploadCodec, stored);
}

export function findPart(state: StateReader, upload: number, part: number): UploadedPart | undefined {
  if (part < 1 || part > limits.partNumberMax) return undefined;
  const stored = state.get(uploadPartKey(upload, part));
  return stored === undefined ? undefined : decode(uploadedPartCodec, stored);
}

/** All parts of an upload, by number. */
export function findParts(state: StateReader, upload: number): readonly UploadedPart[] {
  const parts: UploadedPart[] = [];
  for (const { value } of pairsUnder(state, partsOf(upload))) parts.push(decode(uploadedPartCodec, value));
  return parts;
}

export function createUpload(
  scope: EntryScope,
  request: CreateUpload,
): Refusal | { readonly kind: "uploadCreated"; readonly upload: number } {
  const bucket = findOpenBucket(scope.state, request.bucket);
  if (isRefusal(bucket)) return bucket;
  const key = fileKeyBytes(request.key);
  if (isRefusal(key)) return key;
  const upload: Upload = {
    number: scope.index,
    bucket: request.bucket,
    key: request.key,
    createdAtMs: scope.timeMs,
    attributes: request.attributes,
    checksumAlgorithm: request.checksumAlgorithm,
    checksumScope: request.checksumScope,
  };
  scope.state.put(uploadKey(request.bucket, key, upload.number), encode(uploadCodec, upload));
  expireCompletedUploads(scope);
  return { kind: "uploadCreated", upload: upload.number };
}

/** Sent again, a part replaces the one before, whose blocks die in this entry. */
export function putPart(
  scope: EntryScope,
  attempt: ContentId,
  { part, evidenceEpoch, ...name }: PutPart,
): Refusal | { readonly kind: "partStored"; readonly modifiedAtMs: number } {
  const { state } = scope;
  const bucket = findOpenBucket(state, name.bucket);
  if (isRefusal(bucket)) return bucket;
  // S20: after Complete or Abort there is no upload to put a part into.
  const upload = findUpload(state, name);
  if (upload === undefined) return refusal("UploadNotFound");
  const isNewStream =
    isStreamedBy(part, attempt) && findStream(state, part.writer, part.attempt) === undefined;
  if (!isNewStream || !isPlausiblePart(part)) return refusal("InvalidRequest");
  const before = findPart(state, upload.number, part.number);
  if (before !== undefined) killPart(scope, before.part, bucket.settings.redundancy);
  storeStream(scope, part.writer, part.attempt, {
    kind: "uploadPart",
    upload: upload.number,
    part: part.number,
    redundancy: bucket.settings.redundancy,
  });
  const stored: UploadedPart = { part, modifiedAtMs: scope.timeMs, evidenceEpoch };
  state.put(uploadPartKey(upload.number, part.number), encode(uploadedPartCodec, stored));
  return { kind: "partStored", modifiedAtMs: scope.timeMs };
}

/** All its parts die. */
export function abortUpload(scope: EntryScope, name: UploadName): Refusal | { readonly kind: "done" } {
  const bucket = findOpenBucket(scope.state, name.bucket);
  if (isRefusal(bucket)) return bucket;
  const upload = findUpload(scope.state, name);
  if (upload === undefined) return refusal("UploadNotFound");
  closeUpload(scope, upload, bucket.settings, new Set());
  return { kind: "done" };
}

/**
 * A sealed bucket goes, and its open uploads with it (S17): of one after the other the parts, then the record. Stops
 * behind `limit` parts and records; true when no upload is left.
 */
export function abortUploadsOf(scope: EntryScope, bucket: InstalledBucket, limit: number): boolean {
  let left = limit;
  for (const { key, value } of listPairs(scope.state, uploadsOf(bucket.id), limit)) {
    const { number } = decode(uploadCodec, value);
    left -= killParts(scope, number, bucket.settings, left);
    if (left <= 0) return false;
    scope.state.remove(key);
    left--;
  }
  return isRangeEmpty(scope.state, uploadsOf(bucket.id));
}

function killParts(scope: EntryScope, upload: number, settings: BucketSettings, limit: number): number {
  const pairs = listPairs(scope.state, partsOf(upload), limit);
  for (const { key, value } of pairs) {
    killPart(scope, decode(uploadedPartCodec, value).part, settings.redundancy);
    scope.state.remove(key);
  }
  return pairs.length;
}

/** The upload's records go; parts that are not used die. */
export function closeUpload(
  scope: EntryScope,
  upload: Upload,
  settings: BucketSettings,
  usedParts: ReadonlySet<number>,
): void {
  const { state } = scope;
  for (const { key, value } of listPairs(state, partsOf(upload.number))) {
    const { part } = decode(uploadedPartCodec, value);
    if (!usedParts.has(part.number)) killPart(scope, part, settings.redundancy);
    state.remove(key);
  }
  const key = fileKeyBytes(upload.key);
  if (!isRefusal(key)) state.remove(uploadKey(upload.bucket, key, upload.number));
}
