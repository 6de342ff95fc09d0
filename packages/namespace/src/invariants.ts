/** What holds in a shard's state behind every entry. Walks everything: for tests, the simulator and a paced check. */

import type { ContentId, ShardId } from "@holdfast/base";
import {
  assert,
  ByteReader,
  bucketId,
  contentIdFromKey,
  contentIdText,
  contentKeyBytes,
  decode,
  equalContentIds,
  integer,
} from "@holdfast/base";
import type { StateReader } from "@holdfast/ports";
import { completedUploadCodec } from "./completed-uploads.ts";
import type { Content, ContentRecord } from "./content.ts";
import { contentRecordCodec } from "./content.ts";
import { findContent, findStream } from "./contents.ts";
import { fileVersionCodec } from "./file-version.ts";
import { findInstalledBucket, isBucketRemoved } from "./installed-buckets.ts";
import { isRangeEmpty, listPairs, pairsUnder } from "./key-ranges.ts";
import { hasReference, isReferenceHeld, referenceCount } from "./references.ts";
import {
  completedUploadTimeKey,
  deadContentFromKey,
  deadContentKey,
  numbersKey,
  partsOf,
  referencesOf,
  streamFromKey,
  tables,
} from "./state-keys.ts";
import { uploadCodec, uploadedPartCodec } from "./upload.ts";
import { findPart } from "./uploads.ts";

/** Throws AssertionError. */
export function checkNamespaceInvariants(state: StateReader, shard: ShardId): void {
  checkFiles(state, shard);
  checkReferences(state, shard);
  checkStreams(state, shard);
  checkDeadQueue(state, shard);
  checkUploads(state);
  checkCompletedUploads(state);
}

/** Every version's content, where it is homed here, lives and has the version's reference (S5); its bucket is installed. */
function checkFiles(state: StateReader, shard: ShardId): void {
  let copies = 0;
  for (const { key, value } of pairsUnder(state, numbersKey(tables.files))) {
    const bucket = bucketId(new ByteReader(key.subarray(1)).u53());
    assert(
      findInstalledBucket(state, bucket) !== undefined,
      `files of bucket ${bucket}, which is not installed`,
    );
    assert(!isBucketRemoved(state, bucket), `files of bucket ${bucket}, which was removed`);
    const file = decode(fileVersionCodec, value);
    if (file.body.kind === "inline") {
      assert(file.body.body.length === file.bytes, `length of inline file ${file.key}`);
      continue;
    }
    const { content, reference } = file.body;
    const isCopy = !equalContentIds(content, reference);
    if (isCopy) {
      copies++;
      assert(isReferenceHeld(state, reference), `the copy ${file.key} does not hold its reference`);
    }
    if (content.home !== shard) continue;
    const found = findContent(state, content);
    assert(found !== undefined && found.deadSinceMs === undefined, `file ${file.key} names a dead content`);
    assert(found.bytes === file.bytes, `length of file ${file.key}`);
    assert(hasReference(state, content, reference), `file ${file.key} holds no reference to its content`);
  }
  const held = listPairs(state, numbersKey(tables.heldReferences)).length;
  assert(held === copies, `${held} references held by ${copies} copies`);
}

/** Every reference is to a live content homed here. */
function checkReferences(state: StateReader, shard: ShardId): void {
  for (const { key } of pairsUnder(state, numbersKey(tables.references))) {
    const id = contentIdFromKey(key.subarray(1, 1 + contentKeyBytes));
    assert(id.home === shard, `reference to ${contentIdText(id)} of another shard`);
    const content = findContent(state, id);
    assert(
      content !== undefined && content.deadSinceMs === undefined,
      `reference to dead ${contentIdText(id)}`,
    );
  }
  for (const { key, value } of pairsUnder(state, numbersKey(tables.referenceCounts))) {
    const id = contentIdFromKey(key.subarray(1));
    const count = listPairs(state, referencesOf(id)).length;
    assert(count > 1 && decode(integer, value) === count, `reference count of ${contentIdText(id)}`);
  }
}

function checkStreams(state: StateReader, shard: ShardId): void {
  for (const { key, value } of pairsUnder(state, numbersKey(tables.streams))) {
    const name = streamFromKey(key);
    checkStream(state, { home: shard, ...name }, decode(contentRecordCodec, value));
  }
}

function checkStream(state: StateReader, id: ContentId, stream: ContentRecord): void {
  const text = contentIdText(id);
  switch (stream.kind) {
    case "content":
      return checkContent(state, id, stream.content);
    case "uploadPart": {
      const part = findPart(state, stream.upload, stream.part);
      const isNamed = part?.part.writer === id.writer && part.part.attempt === id.attempt;
      assert(isNamed, `stream ${text} is not the part ${stream.part} of upload ${stream.upload}`);
      return;
    }
    case "absorbed": {
      const parts = findContent(state, stream.into)?.parts ?? [];
      const isNamed = parts.some((part) => part.writer === id.writer && part.attempt === id.attempt);
      assert(isNamed, `stream ${text} was absorbed into a content that does not name it`);
      return;
    }
  }
}

/** A live content has a reference; a dead one has none and is queued. Parts are ordered and add up. */
function checkContent(state: StateReader, id: ContentId, content: Content): void {
  const text = contentIdText(id);
  assert(equalContentIds(content.id, id), `content ${text} under another's key`);
  const isReferenced = !isRangeEmpty(state, referencesOf(id));
  if (content.deadSinceMs === undefined) {
    assert(isReferenced, `live content ${text} has no reference`);
    assert(
      referenceCount(state, id) === listPairs(state, referencesOf(id)).length,
      `reference count of ${text}`,
    );
  } else {
    assert(!isReferenced, `dead content ${text} has a reference`);
    assert(
      state.get(deadContentKey(content.deadSinceMs, id)) !== undefined,
      `dead content ${text} is not queued`,
    );
  }
  let bytes = 0;
  let numberBefore = 0;
  for (const part of content.parts) {
    assert(part.number > numberBefore, `order of the parts of ${text}`);
    numberBefore = part.number;
    bytes += part.bytes;
    const stream = findStream(state, part.writer, part.attempt);
    const isOwn = part.writer === id.writer && part.attempt === id.attempt;
    const isAbsorbed = stream?.kind === "absorbed" && equalContentIds(stream.into, id);
    assert(isOwn || isAbsorbed, `part ${part.number} of ${text} has no record of its stream`);
  }
  assert(bytes === content.bytes, `length of content ${text}`);
}

function checkDeadQueue(state: StateReader, shard: ShardId): void {
  for (const { key } of pairsUnder(state, numbersKey(tables.deadContents))) {
    const name = deadContentFromKey(key);
    const content = findContent(state, { home: shard, ...name });
    const deadSinceMs = new ByteReader(key.subarray(1)).u53();
    assert(content?.deadSinceMs === deadSinceMs, `queued content ${name.writer}.${name.attempt} is not dead`);
  }
}

/** Parts belong to open uploads, and their streams are on record. */
function checkUploads(state: StateReader): void {
  const open = new Set<number>();
  for (const { value } of pairsUnder(state, numbersKey(tables.uploads))) {
    const upload = decode(uploadCodec, value);
    assert(findInstalledBucket(state, upload.bucket) !== undefined, `bucket of upload ${upload.number}`);
    open.add(upload.number);
  }
  for (const { key, value } of pairsUnder(state, numbersKey(tables.uploadParts))) {
    const upload = new ByteReader(key.subarray(1)).u53();
    assert(open.has(upload), `part of upload ${upload}, which is not open`);
    const { part } = decode(uploadedPartCodec, value);
    const stream = findStream(state, part.writer, part.attempt);
    const isOnRecord =
      stream?.kind === "uploadPart" && stream.upload === upload && stream.part === part.number;
    assert(isOnRecord, `part ${part.number} of upload ${upload} has no record of its stream`);
  }
}

/** Kept answers are those of closed uploads, and each waits for its expiry. */
function checkCompletedUploads(state: StateReader): void {
  let kept = 0;
  for (const { value } of pairsUnder(state, numbersKey(tables.completedUploads))) {
    const { upload, modifiedAtMs } = decode(completedUploadCodec, value);
    assert(isRangeEmpty(state, partsOf(upload)), `completed upload ${upload} has parts`);
    assert(
      state.get(completedUploadTimeKey(modifiedAtMs, upload)) !== undefined,
      `upload ${upload} never expires`,
    );
    kept += 1;
  }
  const waiting = listPairs(state, numbersKey(tables.completedUploadTimes)).length;
  assert(waiting === kept, `${waiting} completed uploads wait for expiry, ${kept} are kept`);
}
