/**
 * Every key of a group's state, in one place. The first byte is the table; numbers are big-endian and of fixed width,
 * so that keys sort like what they name. Format version 1; the golden test holds it fast.
 *
 * | table | key behind the table byte | value |
 * | --- | --- | --- |
 * | 0x01 cluster time | | milliseconds |
 * | 0x02 buckets installed | bucket 8 | InstalledBucket |
 * | 0x03 buckets removed | bucket 8 | marker |
 * | 0x04 files | bucket 8, key in UTF-8 | FileVersion |
 * | 0x05 streams | writer 8, attempt 8 (home is this shard) | ContentRecord |
 * | 0x06 references | content 20, reference 20 | marker |
 * | 0x07 reference counts | content 20 | size of the set, where it is not 1 |
 * | 0x08 dead contents | dead since 8, writer 8, attempt 8 | marker |
 * | 0x09 uploads | bucket 8, key in UTF-8, upload 8 | Upload |
 * | 0x0a upload parts | upload 8, part number 4 | UploadedPart |
 * | 0x0b completed uploads | upload 8 | CompletedUpload |
 * | 0x0c completed uploads by time | completed at 8, upload 8 | marker |
 * | 0x0d outbox | sequence 8 | OutboxItem |
 * | 0x0e outbox end | | next sequence |
 * | 0x0f held references | writer 8, attempt 8 (of copies committed here) | marker |
 * | 0x10 to 0x1f | the shard's writers (package shard) | |
 * | 0x20 cluster | | Cluster (system group only, as all below) |
 * | 0x21 buckets | bucket 8 | Bucket |
 * | 0x22 bucket names | name in UTF-8 | bucket 8 |
 * | 0x23 to 0x2f | the cluster's nodes (package shard) | |
 */

import type { Attempt, BucketId, ContentId, WriterId } from "@holdfast/base";
import { attempt, ByteReader, ByteWriter, contentKey, contentKeyBytes, utf8, writerId } from "@holdfast/base";

export const tables = {
  clusterTime: 0x01,
  installedBuckets: 0x02,
  removedBuckets: 0x03,
  files: 0x04,
  streams: 0x05,
  references: 0x06,
  referenceCounts: 0x07,
  deadContents: 0x08,
  uploads: 0x09,
  uploadParts: 0x0a,
  completedUploads: 0x0b,
  completedUploadTimes: 0x0c,
  outbox: 0x0d,
  outboxEnd: 0x0e,
  heldReferences: 0x0f,
  cluster: 0x20,
  buckets: 0x21,
  bucketNames: 0x22,
} as const;

/** The value of keys that say everything themselves. */
export const marker: Uint8Array = Uint8Array.of(1);

/** A table byte and numbers of eight bytes each: the form of most keys. */
export function numbersKey(table: number, ...numbers: readonly number[]): Uint8Array {
  const key = new Uint8Array(1 + 8 * numbers.length);
  key[0] = table;
  for (let i = 0; i < numbers.length; i++) setUint53(key, 1 + 8 * i, numbers[i] ?? 0);
  return key;
}

function setUint53(key: Uint8Array, at: number, number: number): void {
  const high = Math.floor(number / 0x1_0000_0000);
  const low = number >>> 0;
  for (let i = 0; i < 4; i++) {
    key[at + i] = high >>> (24 - 8 * i);
    key[at + 4 + i] = low >>> (24 - 8 * i);
  }
}

export const clusterTimeKey: Uint8Array = numbersKey(tables.clusterTime);
export const outboxEndKey: Uint8Array = numbersKey(tables.outboxEnd);
export const clusterKey: Uint8Array = numbersKey(tables.cluster);

export function installedBucketKey(bucket: BucketId): Uint8Array {
  return numbersKey(tables.installedBuckets, bucket);
}

export function removedBucketKey(bucket: BucketId): Uint8Array {
  return numbersKey(tables.removedBuckets, bucket);
}

/** Bytes in front of the name in keys of files and uploads. */
export const namePrefixBytes = 9;

export function filesOf(bucket: BucketId): Uint8Array {
  return numbersKey(tables.files, bucket);
}

export function fileKey(bucket: BucketId, key: Uint8Array): Uint8Array {
  const whole = new Uint8Array(namePrefixBytes + key.length);
  whole[0] = tables.files;
  setUint53(whole, 1, bucket);
  whole.set(key, namePrefixBytes);
  return whole;
}

export function uploadsOf(bucket: BucketId): Uint8Array {
  return numbersKey(tables.uploads, bucket);
}

/**
 * Sorts by key, then by number: keys hold no zero byte (file-key.ts) and a number below 2^53 begins with one, so that a
 * key sorts in front of all keys it is a prefix of.
 */
export function uploadKey(bucket: BucketId, key: Uint8Array, upload: number): Uint8Array {
  const writer = new ByteWriter(namePrefixBytes + key.length + uploadNumberBytes);
  writer.u8(tables.uploads);
  writer.u53(bucket);
  writer.raw(key);
  writer.u53(upload);
  return writer.finish();
}

/** Bytes behind the name in keys of uploads. */
export const uploadNumberBytes = 8;

export function streamKey(writer: WriterId, number: Attempt): Uint8Array {
  return numbersKey(tables.streams, writer, number);
}

export interface StreamName {
  readonly writer: WriterId;
  readonly attempt: Attempt;
}

export function streamFromKey(key: Uint8Array): StreamName {
  const reader = new ByteReader(key.subarray(1));
  return { writer: writerId(reader.u53()), attempt: attempt(reader.u53()) };
}

export function referencesOf(content: ContentId): Uint8Array {
  const writer = new ByteWriter(1 + contentKeyBytes);
  writer.u8(tables.references);
  writer.raw(contentKey(content));
  return writer.finish();
}

export function referenceKey(content: ContentId, reference: ContentId): Uint8Array {
  const writer = new ByteWriter(1 + 2 * contentKeyBytes);
  writer.u8(tables.references);
  writer.raw(contentKey(content));
  writer.raw(contentKey(reference));
  return writer.finish();
}

/** Of the attempt that committed a copy here and whose version still stands. */
export function heldReferenceKey(reference: ContentId): Uint8Array {
  return numbersKey(tables.heldReferences, reference.writer, reference.attempt);
}

export function referenceCountKey(content: ContentId): Uint8Array {
  const writer = new ByteWriter(1 + contentKeyBytes);
  writer.u8(tables.referenceCounts);
  writer.raw(contentKey(content));
  return writer.finish();
}

export function deadContentKey(deadSinceMs: number, content: ContentId): Uint8Array {
  return numbersKey(tables.deadContents, deadSinceMs, content.writer, content.attempt);
}

export function deadContentFromKey(key: Uint8Array): StreamName {
  return streamFromKey(key.subarray(8));
}

export function partsOf(upload: number): Uint8Array {
  return numbersKey(tables.uploadParts, upload);
}

export function uploadPartKey(upload: number, part: number): Uint8Array {
  const writer = new ByteWriter(13);
  writer.u8(tables.uploadParts);
  writer.u53(upload);
  writer.u32(part);
  return writer.finish();
}

export function completedUploadKey(upload: number): Uint8Array {
  return numbersKey(tables.completedUploads, upload);
}

export function completedUploadTimeKey(completedAtMs: number, upload: number): Uint8Array {
  return numbersKey(tables.completedUploadTimes, completedAtMs, upload);
}

export function outboxKey(sequence: number): Uint8Array {
  return numbersKey(tables.outbox, sequence);
}

export function bucketKey(bucket: BucketId): Uint8Array {
  return numbersKey(tables.buckets, bucket);
}

export function bucketNameKey(name: string): Uint8Array {
  const bytes = utf8(name);
  const writer = new ByteWriter(1 + bytes.length);
  writer.u8(tables.bucketNames);
  writer.raw(bytes);
  return writer.finish();
}

/** The number that ends a key. */
export function lastNumber(key: Uint8Array): number {
  return new ByteReader(key.subarray(key.length - 8)).u53();
}
