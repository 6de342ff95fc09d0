/**
 * A shard's tables in slices, in key order: for checks that go through everything in small steps, while entries are
 * applied between them. A slice is one state of the shard; `next` is where to go on, undefined at the end.
 */

import type { BucketId, ContentId, ShardId } from "@holdfast/base";
import {
  ByteReader,
  bucketId,
  concatBytes,
  contentIdFromKey,
  contentKeyBytes,
  decode,
  prefixEnd,
  utf8,
} from "@holdfast/base";
import type { KeyValuePair, StateReader } from "@holdfast/ports";
import type { ContentRecord } from "./content.ts";
import { contentRecordCodec } from "./content.ts";
import type { FileVersion } from "./file-version.ts";
import { fileVersionCodec } from "./file-version.ts";
import { filesOf, numbersKey, streamFromKey, tables } from "./state-keys.ts";

export interface Slice<T> {
  readonly items: readonly T[];
  readonly next: Uint8Array | undefined;
}

export interface SliceRequest {
  /** `next` of the slice before; undefined for the first one. */
  readonly from: Uint8Array | undefined;
  readonly limit: number;
}

export interface WalkedFile {
  readonly bucket: BucketId;
  readonly version: FileVersion;
}

/** All files, or those of a bucket whose keys begin with a prefix. */
export function walkFiles(
  state: StateReader,
  request: SliceRequest,
  within?: { readonly bucket: BucketId; readonly prefix: string },
): Slice<WalkedFile> {
  const under =
    within === undefined
      ? numbersKey(tables.files)
      : concatBytes([filesOf(within.bucket), utf8(within.prefix)]);
  return sliceUnder(state, under, request, ({ key, value }) => ({
    bucket: bucketId(new ByteReader(key.subarray(1)).u53()),
    version: decode(fileVersionCodec, value),
  }));
}

export interface WalkedStream {
  readonly id: ContentId;
  readonly record: ContentRecord;
}

/** What became of each attempt that streamed blocks. */
export function walkStreams(state: StateReader, shard: ShardId, request: SliceRequest): Slice<WalkedStream> {
  return sliceUnder(state, numbersKey(tables.streams), request, ({ key, value }) => ({
    id: { home: shard, ...streamFromKey(key) },
    record: decode(contentRecordCodec, value),
  }));
}

export interface WalkedReference {
  readonly content: ContentId;
  readonly reference: ContentId;
}

/** Members of the reference sets of contents homed here. */
export function walkReferences(state: StateReader, request: SliceRequest): Slice<WalkedReference> {
  return sliceUnder(state, numbersKey(tables.references), request, ({ key }) => ({
    content: contentIdFromKey(key.subarray(1, 1 + contentKeyBytes)),
    reference: contentIdFromKey(key.subarray(1 + contentKeyBytes)),
  }));
}

/** References that versions of this shard hold as copies. */
export function walkHeldReferences(
  state: StateReader,
  shard: ShardId,
  request: SliceRequest,
): Slice<ContentId> {
  return sliceUnder(state, numbersKey(tables.heldReferences), request, ({ key }) => ({
    home: shard,
    ...streamFromKey(key),
  }));
}

function sliceUnder<T>(
  state: StateReader,
  prefix: Uint8Array,
  { from, limit }: SliceRequest,
  item: (pair: KeyValuePair) => T,
): Slice<T> {
  const items: T[] = [];
  for (const pair of state.range({ from: from ?? prefix, to: prefixEnd(prefix), limit: limit + 1 })) {
    if (items.length === limit) return { items, next: pair.key };
    items.push(item(pair));
  }
  return { items, next: undefined };
}
