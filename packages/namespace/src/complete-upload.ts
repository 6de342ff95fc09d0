/** Completing a multipart upload: everything is judged and done in one entry (S20). */

import type { ContentId, Epoch } from "@holdfast/base";
import { assert, epoch, equalBytes, limits } from "@holdfast/base";
import type { FileChecksum } from "./attributes.ts";
import { expireCompletedUploads, findKept, keepCompletedUpload } from "./completed-uploads.ts";
import type { WriteCondition } from "./condition.ts";
import { judgeCondition } from "./condition.ts";
import type { ContentPart } from "./content.ts";
import { findStream, storeStream } from "./contents.ts";
import type { EntryScope, Refusal } from "./entry-scope.ts";
import { refusal } from "./entry-scope.ts";
import { fileKeyBytes, isRefusal } from "./file-key.ts";
import type { Stored } from "./files.ts";
import { commitVersion, findEarlier } from "./files.ts";
import { findOpenBucket } from "./installed-buckets.ts";
import { createContent } from "./references.ts";
import type { UploadedPart } from "./upload.ts";
import type { UploadName } from "./uploads.ts";
import { closeUpload, findPart, findUpload } from "./uploads.ts";

export interface CompleteUpload extends UploadName {
  readonly condition: WriteCondition;
  readonly parts: readonly ListedPart[];
  readonly etag: string;
  readonly checksum: FileChecksum | undefined;
}

export interface ListedPart {
  readonly number: number;
  readonly md5: Uint8Array;
}

/** The attempt that completes names the content; each part keeps the attempt that streamed it, which names its blocks. */
export function completeUpload(
  scope: EntryScope,
  attempt: ContentId,
  request: CompleteUpload,
): Stored | Refusal {
  const { state } = scope;
  const bucket = findOpenBucket(state, request.bucket);
  if (isRefusal(bucket)) return bucket;
  const key = fileKeyBytes(request.key);
  if (isRefusal(key)) return key;
  const upload = findUpload(state, request);
  if (upload === undefined) return firstAnswer(scope, request);
  const listed = judgeParts(scope, request);
  if (isRefusal(listed)) return listed;
  const parts = listed.map(({ part }) => part);
  const before = findEarlier(state, request.bucket, key);
  const refused = judgeCondition(request.condition, before?.etag);
  if (refused !== undefined) return refused;
  if (findStream(state, attempt.writer, attempt.attempt) !== undefined) return refusal("InvalidRequest");

  const bytes = totalBytes(parts);
  const { redundancy } = bucket.settings;
  createContent(scope, {
    id: attempt,
    bytes,
    parts,
    redundancy,
    evidenceEpoch: lowestEvidence(listed),
    deadSinceMs: undefined,
  });
  closeUpload(scope, upload, bucket.settings, new Set(parts.map((part) => part.number)));
  for (const part of parts)
    storeStream(scope, part.writer, part.attempt, { kind: "absorbed", into: attempt });
  const stored = commitVersion(scope, request.bucket, key, before, {
    key: request.key,
    version: scope.index,
    bytes,
    etag: request.etag,
    modifiedAtMs: scope.timeMs,
    attributes: upload.attributes,
    checksum: request.checksum,
    body: { kind: "content", content: attempt, reference: attempt },
  });
  const { kind: _, ...answer } = stored;
  keepCompletedUpload(scope, { upload: upload.number, bucket: request.bucket, key: request.key, ...answer });
  expireCompletedUploads(scope);
  return stored;
}

/** A Complete sent again, with the same parts (the ETag is made of their MD5s), gets the answer of the first. */
function firstAnswer({ state, timeMs }: EntryScope, request: CompleteUpload): Stored | Refusal {
  const completed = findKept(state, request.bucket, request.key, request.upload, timeMs);
  if (completed?.etag !== request.etag) return refusal("UploadNotFound");
  const { version, etag, bytes, modifiedAtMs } = completed;
  return { kind: "stored", version, etag, bytes, modifiedAtMs };
}

/** The parts listed, as their records say now; or what is wrong with the list. */
function judgeParts(
  { state }: EntryScope,
  { upload, parts: listed }: CompleteUpload,
): readonly UploadedPart[] | Refusal {
  if (listed.length === 0) return refusal("InvalidPart");
  let numberBefore = 0;
  for (const { number } of listed) {
    if (number <= numberBefore) return refusal("InvalidPartOrder", String(number));
    numberBefore = number;
  }
  const parts: UploadedPart[] = [];
  for (const { number, md5 } of listed) {
    const found = findPart(state, upload, number);
    if (found === undefined || !equalBytes(found.part.md5, md5))
      return refusal("InvalidPart", String(number));
    parts.push(found);
  }
  const small = parts.slice(0, -1).find(({ part }) => part.bytes < limits.partBytesMin);
  if (small !== undefined) return refusal("PartTooSmall", String(small.part.number));
  return totalBytes(parts.map(({ part }) => part)) > limits.fileBytesMax ? refusal("BodyTooLarge") : parts;
}

/** A content is as well proven as its worst part (S3). */
function lowestEvidence(parts: readonly UploadedPart[]): Epoch {
  return epoch(parts.reduce((lowest, part) => Math.min(lowest, part.evidenceEpoch), Number.MAX_SAFE_INTEGER));
}

function totalBytes(parts: readonly ContentPart[]): number {
  let bytes = 0;
  for (const part of parts) bytes += part.bytes;
  assert(Number.isSafeInteger(bytes), "the bytes of 10,000 parts of at most 5 GiB");
  return bytes;
}
