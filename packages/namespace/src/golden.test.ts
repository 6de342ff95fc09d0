/** Bytes of stored keys and records: what is on disks must be readable for ever. A new format version adds, never edits. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Codec } from "@holdfast/base";
import { bucketId, compareBytes, decode, encode, epoch, fromHex, logIndex, toHex } from "@holdfast/base";
import {
  bucket,
  contentIdOf,
  inlineFile,
  sampleEpoch,
  samplePart,
  uploadOf,
  utf8,
} from "../test-support/samples.ts";
import { goldenKeys, goldenRecords } from "../testdata/golden.ts";
import { bucketCodec, installedBucketCodec } from "./bucket.ts";
import { clusterCodec } from "./buckets.ts";
import { completedUploadCodec } from "./completed-uploads.ts";
import { contentRecordCodec } from "./content.ts";
import { fileVersionCodec } from "./file-version.ts";
import { outboxItemCodec } from "./outbox.ts";
import * as keys from "./state-keys.ts";
import { uploadCodec, uploadedPartCodec } from "./upload.ts";

const id = contentIdOf(3, 300, 4);
const settings = { redundancy: { dataFragments: 4, parityFragments: 2 }, blockBytes: 1_048_576 };

const keysNow: Readonly<Record<string, Uint8Array>> = {
  clusterTime: keys.clusterTimeKey,
  installedBucket: keys.installedBucketKey(bucket),
  removedBucket: keys.removedBucketKey(bucket),
  file: keys.fileKey(bucket, utf8("a/é")),
  stream: keys.streamKey(id.writer, id.attempt),
  reference: keys.referenceKey(id, contentIdOf(1, 2 ** 40, 5)),
  referenceCount: keys.referenceCountKey(id),
  deadContent: keys.deadContentKey(1_700_000_000_000, id),
  upload: keys.uploadKey(bucket, utf8("a/é"), 258),
  uploadPart: keys.uploadPartKey(258, 10_000),
  completedUpload: keys.completedUploadKey(258),
  completedUploadTime: keys.completedUploadTimeKey(1_700_000_000_000, 258),
  outbox: keys.outboxKey(1),
  outboxEnd: keys.outboxEndKey,
  cluster: keys.clusterKey,
  bucket: keys.bucketKey(bucket),
  bucketName: keys.bucketNameKey("photos"),
};

interface Sample<T> {
  readonly codec: Codec<T>;
  readonly value: T;
}

function sample<T>(codec: Codec<T>, value: T): Sample<unknown> {
  return { codec, value } as Sample<T> as Sample<unknown>;
}

const content = {
  id,
  bytes: 70_000,
  parts: [samplePart],
  redundancy: settings.redundancy,
  evidenceEpoch: sampleEpoch,
  deadSinceMs: 1_700_000_000_000,
};
const referencing = {
  ...inlineFile("k", "x"),
  body: { kind: "content", content: id, reference: contentIdOf(1, 2, 3) },
} as const;

const recordsNow: Readonly<Record<string, Sample<unknown>>> = {
  fileInline: sample(fileVersionCodec, inlineFile("a/é", "body")),
  fileContent: sample(fileVersionCodec, referencing),
  content: sample(contentRecordCodec, { kind: "content", content }),
  uploadPartStream2: sample(contentRecordCodec, {
    kind: "uploadPart",
    upload: 258,
    part: 2,
    redundancy: { dataFragments: 1, parityFragments: 2 },
  }),
  absorbedStream: sample(contentRecordCodec, { kind: "absorbed", into: id }),
  upload: sample(uploadCodec, uploadOf("k", 258)),
  uploadedPart2: sample(uploadedPartCodec, { part: samplePart, modifiedAtMs: 9, evidenceEpoch: sampleEpoch }),
  completedUpload: sample(completedUploadCodec, {
    upload: 258,
    bucket,
    key: "k",
    version: logIndex(300),
    etag: "e-1",
    bytes: 70_000,
    modifiedAtMs: 9,
  }),
  outboxItem: sample(outboxItemCodec, { content: id, reference: contentIdOf(1, 2, 3) }),
  installedBucket: sample(installedBucketCodec, { id: bucket, settings, sealed: true }),
  bucket: sample(bucketCodec, {
    id: bucket,
    name: "photos",
    createdAtMs: 9,
    owner: "alice",
    shardCount: 4,
    firstShard: 2,
    settings,
    state: "deleting",
  }),
  cluster: sample(clusterCodec, { clusterId: "c1", shardCount: 16, createdAtMs: 9 }),
};

/** As earlier programs wrote them, and what is read of them today. */
const recordsBefore: Readonly<Record<string, Sample<unknown>>> = {
  uploadedPart: sample(uploadedPartCodec, { part: samplePart, modifiedAtMs: 9, evidenceEpoch: epoch(1) }),
  uploadPartStream: sample(contentRecordCodec, {
    kind: "uploadPart",
    upload: 258,
    part: 2,
    redundancy: { dataFragments: 1, parityFragments: 0 },
  }),
};

describe("golden bytes", () => {
  it("keys are what they always were", () => {
    const now = Object.fromEntries(Object.entries(keysNow).map(([name, key]) => [name, toHex(key)]));
    assert.deepEqual(now, goldenKeys);
  });

  it("records are written as they always were", () => {
    const now = Object.fromEntries(
      Object.entries(recordsNow).map(([name, { codec, value }]) => [name, toHex(encode(codec, value))]),
    );
    const before = Object.keys(recordsBefore).map((name) => [name, goldenRecords[name]]);
    assert.deepEqual({ ...now, ...Object.fromEntries(before) }, goldenRecords);
  });

  it("records written by every earlier program are read", () => {
    for (const [name, { codec, value }] of Object.entries({ ...recordsNow, ...recordsBefore })) {
      const bytes = fromHex(goldenRecords[name] ?? "");
      assert.ok(bytes !== undefined);
      assert.deepEqual(decode(codec, bytes), value, name);
    }
  });
});

describe("state keys", () => {
  it("sort like what they name", () => {
    const sorted = [
      keys.fileKey(bucketId(6), utf8("z")),
      keys.fileKey(bucketId(7), utf8("a")),
      keys.fileKey(bucketId(7), utf8("a\u0001")),
      keys.fileKey(bucketId(7), utf8("\uffee")),
      keys.fileKey(bucketId(7), utf8("\u{1f600}")),
      keys.fileKey(bucketId(256), utf8("a")),
      keys.fileKey(bucketId(2 ** 33), utf8("a")),
      keys.uploadKey(bucketId(7), utf8("a"), 2),
      keys.uploadKey(bucketId(7), utf8("a"), Number.MAX_SAFE_INTEGER),
      keys.uploadKey(bucketId(7), utf8("a\u0001"), 1),
      keys.uploadKey(bucketId(7), utf8("ab"), 1),
      keys.uploadPartKey(1, 2),
      keys.uploadPartKey(1, 300),
    ];
    for (const [i, key] of sorted.entries()) {
      const before = sorted[i - 1];
      assert.ok(before === undefined || compareBytes(before, key) < 0, `key ${i}`);
    }
  });

  it("fit into the store: at most 1,900 bytes", () => {
    assert.ok(keys.uploadKey(bucket, new Uint8Array(1024), 1).length < 1_900);
  });
});
