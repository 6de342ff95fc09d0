/**
 * Content: what the bytes are, apart from what they are called (SAFETY.md). It lives in its home shard, is written
 * once, and goes from live to dead once; dead is final.
 */

import type { Attempt, Codec, ContentId, Epoch, WriterId } from "@holdfast/base";
import {
  branded,
  byteString,
  contentIdCodec,
  integer,
  list,
  optional,
  record,
  uint32,
  union,
  variant,
  versioned,
} from "@holdfast/base";
import type { FileChecksum } from "./attributes.ts";
import { fileChecksumCodec } from "./attributes.ts";

/** How a content's blocks are spread (DESIGN.md section 5): `replicas:n` is k = 1, m = n - 1. */
export interface Redundancy {
  readonly dataFragments: number;
  readonly parityFragments: number;
}

export const redundancyCodec: Codec<Redundancy> = record({
  dataFragments: integer,
  parityFragments: integer,
});

/**
 * One part and where its blocks are: block `i` is named by the content id (home, writer, attempt) with `number` as the
 * part, `i` as the sequence and the salt of that sequence (0 where none is listed). Every block has `blockBytes` bytes
 * but the last. A file stored in one piece has a single part, number 1.
 */
export interface ContentPart {
  readonly number: number;
  /** The attempt that streamed this part; with the content's home it names the blocks. */
  readonly writer: WriterId;
  readonly attempt: Attempt;
  readonly bytes: number;
  readonly blockBytes: number;
  /** CRC-32 over the whole part, checked end to end when the part is read whole (S1). */
  readonly crc32: number;
  readonly md5: Uint8Array;
  readonly checksum: FileChecksum | undefined;
  readonly salts: readonly { readonly sequence: number; readonly salt: number }[];
}

export const contentPartCodec: Codec<ContentPart> = record({
  number: integer,
  writer: branded<WriterId>(),
  attempt: branded<Attempt>(),
  bytes: integer,
  blockBytes: integer,
  crc32: uint32,
  md5: byteString,
  checksum: optional(fileChecksumCodec),
  salts: list(record({ sequence: integer, salt: uint32 })),
});

export interface Content {
  readonly id: ContentId;
  readonly bytes: number;
  /** Sorted by number. */
  readonly parts: readonly ContentPart[];
  readonly redundancy: Redundancy;
  /** The lowest layout epoch of the block answers it was committed with (S3). */
  readonly evidenceEpoch: Epoch;
  /** Cluster time of its death, or undefined while it lives. */
  readonly deadSinceMs: number | undefined;
}

const contentCodec: Codec<Content> = record({
  id: contentIdCodec,
  bytes: integer,
  parts: list(contentPartCodec),
  redundancy: redundancyCodec,
  evidenceEpoch: branded<Epoch>(),
  deadSinceMs: optional(integer),
});

/**
 * What an attempt that streamed blocks became, kept under the attempt's number: a content of its own, a part of an
 * upload that is still open, or a part of the content that a completed upload made.
 */
export type ContentRecord =
  | { readonly kind: "content"; readonly content: Content }
  | {
      readonly kind: "uploadPart";
      readonly upload: number;
      readonly part: number;
      /** Of the bucket: what the part's blocks were stored with. */
      readonly redundancy: Redundancy;
    }
  | { readonly kind: "absorbed"; readonly into: ContentId };

const uploadPartFields = { upload: integer, part: integer } as const;
const uploadPartCodec = record(uploadPartFields);
/** What there was before a cluster could have several nodes. */
const singleReplica: Redundancy = { dataFragments: 1, parityFragments: 0 };

export const contentRecordCodec: Codec<ContentRecord> = versioned(
  1,
  union({
    content: variant(1, record({ content: contentCodec })),
    uploadPart: variant(4, record({ ...uploadPartFields, redundancy: redundancyCodec }), {
      2: (reader) => ({ ...uploadPartCodec.read(reader), redundancy: singleReplica }),
    }),
    absorbed: variant(3, record({ into: contentIdCodec })),
  }),
);

export { contentCodec };
