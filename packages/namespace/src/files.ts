/** Files: one version each, committed and judged in one entry. */

import type { BucketId, ContentId, Epoch, LogIndex } from "@holdfast/base";
import { decode } from "@holdfast/base";
import type { StateReader } from "@holdfast/ports";
import type { FileAttributes, FileChecksum } from "./attributes.ts";
import type { InstalledBucket } from "./bucket.ts";
import type { WriteCondition } from "./condition.ts";
import { judgeCondition } from "./condition.ts";
import type { ContentPart } from "./content.ts";
import { findContent, findStream } from "./contents.ts";
import type { EntryScope, Refusal } from "./entry-scope.ts";
import { refusal } from "./entry-scope.ts";
import { fileKeyBytes, isRefusal } from "./file-key.ts";
import type { ContentBody, FileBody, FileVersion } from "./file-version.ts";
import { fileVersionCodec } from "./file-version.ts";
import { findOpenBucket } from "./installed-buckets.ts";
import { isPlausiblePart, isStreamedBy } from "./plausible-part.ts";
import { createContent, hasReference, holdReference, releaseContent } from "./references.ts";
import { fileKey } from "./state-keys.ts";

/** Where a new version's bytes are. */
export type NewBody =
  | { readonly kind: "inline"; readonly body: Uint8Array; readonly crc32: number }
  | { readonly kind: "streamed"; readonly part: ContentPart; readonly evidenceEpoch: Epoch }
  | { readonly kind: "referenced"; readonly content: ContentId };

export interface PutFile {
  readonly bucket: BucketId;
  readonly key: string;
  readonly condition: WriteCondition;
  readonly attributes: FileAttributes;
  readonly bytes: number;
  readonly etag: string;
  readonly checksum: FileChecksum | undefined;
  readonly body: NewBody;
}

export interface DeleteFile {
  readonly bucket: BucketId;
  readonly key: string;
  readonly condition: WriteCondition;
}

export interface Stored {
  readonly kind: "stored";
  readonly version: LogIndex;
  readonly etag: string;
  readonly bytes: number;
  readonly modifiedAtMs: number;
}

/** An inline body is a view of the stored value: to be read, not changed. */
export function findFile(state: StateReader, bucket: BucketId, key: string): FileVersion | undefined {
  const bytes = fileKeyBytes(key);
  if (isRefusal(bytes)) return undefined;
  const stored = state.get(fileKey(bucket, bytes));
  return stored === undefined ? undefined : decode(fileVersionCodec, stored);
}

/** What a commit asks of the version that it replaces. */
export interface EarlierVersion {
  readonly etag: string;
  /** Undefined for an inline body, which goes with its version. */
  readonly content: ContentBody | undefined;
}

/** As `findFile`, without a copy of the inline body. */
export function findEarlier(
  state: StateReader,
  bucket: BucketId,
  key: Uint8Array,
): EarlierVersion | undefined {
  const stored = state.peek(fileKey(bucket, key));
  if (stored === undefined) return undefined;
  const { etag, body } = decode(fileVersionCodec, stored);
  return { etag, content: body.kind === "content" ? body : undefined };
}

/** `attempt` is who commits: it names the streamed content, and the version's reference. */
export function putFile(scope: EntryScope, attempt: ContentId, request: PutFile): Stored | Refusal {
  const { state } = scope;
  const bucket = findOpenBucket(state, request.bucket);
  if (isRefusal(bucket)) return bucket;
  const key = fileKeyBytes(request.key);
  if (isRefusal(key)) return key;
  const before = findEarlier(state, request.bucket, key);
  const refused = judgeCondition(request.condition, before?.etag) ?? judgeBody(scope, attempt, request);
  if (refused !== undefined) return refused;
  const body = takeBody(scope, attempt, request, bucket);
  return commitVersion(scope, request.bucket, key, before, {
    key: request.key,
    version: scope.index,
    bytes: request.bytes,
    etag: request.etag,
    modifiedAtMs: scope.timeMs,
    attributes: request.attributes,
    checksum: request.checksum,
    body,
  });
}

export function deleteFile(
  scope: EntryScope,
  request: DeleteFile,
): Refusal | { readonly kind: "deleted"; readonly existed: boolean } {
  const { state } = scope;
  const bucket = findOpenBucket(state, request.bucket);
  if (isRefusal(bucket)) return bucket;
  const key = fileKeyBytes(request.key);
  if (isRefusal(key)) return key;
  const before = findEarlier(state, request.bucket, key);
  const refused = judgeCondition(request.condition, before?.etag);
  if (refused !== undefined) return refused;
  if (before === undefined) return { kind: "deleted", existed: false };
  state.remove(fileKey(request.bucket, key));
  releaseContent(scope, before.content);
  return { kind: "deleted", existed: true };
}

/** The version takes the place of the one before, whose reference is dropped. */
export function commitVersion(
  scope: EntryScope,
  bucket: BucketId,
  key: Uint8Array,
  before: EarlierVersion | undefined,
  file: FileVersion,
): Stored {
  scope.state.putRecord(fileVersionCodec, fileKey(bucket, key), file);
  releaseContent(scope, before?.content);
  const { version, etag, bytes, modifiedAtMs } = file;
  return { kind: "stored", version, etag, bytes, modifiedAtMs };
}

/** Nodes check what they propose; a command that contradicts itself or the state is refused, never recorded. */
function judgeBody(
  { state, shard }: EntryScope,
  attempt: ContentId,
  { body, bytes }: PutFile,
): Refusal | undefined {
  return isBodySound() ? undefined : refusal("InvalidRequest");

  function isBodySound(): boolean {
    if (body.kind === "inline") return body.body.length === bytes;
    if (body.kind === "streamed") {
      const { part } = body;
      if (part.number !== 1 || part.bytes !== bytes || !isPlausiblePart(part)) return false;
      return isStreamedBy(part, attempt) && findStream(state, attempt.writer, attempt.attempt) === undefined;
    }
    // Of a content homed elsewhere only its home shard knows; the AddReference there went before this entry (S5).
    if (body.content.home !== shard) return true;
    return hasReference(state, body.content, attempt) && findContent(state, body.content)?.bytes === bytes;
  }
}

function takeBody(
  scope: EntryScope,
  attempt: ContentId,
  { body, bytes }: PutFile,
  bucket: InstalledBucket,
): FileBody {
  switch (body.kind) {
    case "inline":
      return body;
    case "streamed":
      createContent(scope, {
        id: attempt,
        bytes,
        parts: [body.part],
        redundancy: bucket.settings.redundancy,
        evidenceEpoch: body.evidenceEpoch,
        deadSinceMs: undefined,
      });
      return { kind: "content", content: attempt, reference: attempt };
    case "referenced":
      holdReference(scope, attempt);
      return { kind: "content", content: body.content, reference: attempt };
  }
}
