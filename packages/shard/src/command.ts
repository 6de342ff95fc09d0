/**
 * What one entry of a shard's log can say. Every entry carries the proposer's clock: the state machine knows only
 * max(time of the entry before, proposer's clock) (S16).
 */

import type { Attempt, BucketId, Codec, ContentId, Epoch, WriterId } from "@holdfast/base";
import {
  branded,
  byteString,
  byteView,
  contentIdCodec,
  epoch,
  integer,
  list,
  optional,
  record,
  text,
  uint32,
  union,
  variant,
  versioned,
} from "@holdfast/base";
import type {
  BucketSettings,
  ChecksumAlgorithm,
  ContentPart,
  FileAttributes,
  FileChecksum,
  WriteCondition,
} from "@holdfast/namespace";
import {
  bucketSettingsCodec,
  checksumAlgorithmCodec,
  checksumScopeCodec,
  contentPartCodec,
  fileAttributesCodec,
  fileChecksumCodec,
  writeConditionCodec,
} from "@holdfast/namespace";

/** Where a new version's bytes are. */
export type PutBody =
  | { readonly kind: "inline"; readonly body: Uint8Array; readonly crc32: number }
  /** Blocks streamed under this very attempt: the content's id is (this shard, writer, attempt). */
  | { readonly kind: "streamed"; readonly part: ContentPart; readonly evidenceEpoch: Epoch }
  /** A content that took (this shard, writer, attempt) as a reference before (S5). */
  | { readonly kind: "referenced"; readonly content: ContentId };

/** Numbered operations: done at most once per writer and attempt (S15). */
export type Operation =
  | {
      readonly kind: "putFile";
      readonly bucket: BucketId;
      readonly key: string;
      readonly condition: WriteCondition;
      readonly attributes: FileAttributes;
      readonly bytes: number;
      readonly etag: string;
      readonly checksum: FileChecksum | undefined;
      readonly body: PutBody;
    }
  | {
      readonly kind: "deleteFile";
      readonly bucket: BucketId;
      readonly key: string;
      readonly condition: WriteCondition;
    }
  | {
      readonly kind: "createUpload";
      readonly bucket: BucketId;
      readonly key: string;
      readonly attributes: FileAttributes;
      readonly checksumAlgorithm: ChecksumAlgorithm | undefined;
      readonly checksumScope: "full" | "composite" | undefined;
    }
  | {
      readonly kind: "putPart";
      readonly bucket: BucketId;
      readonly key: string;
      readonly upload: number;
      /** Its writer and attempt are this command's. */
      readonly part: ContentPart;
      readonly evidenceEpoch: Epoch;
    }
  | {
      readonly kind: "completeUpload";
      readonly bucket: BucketId;
      readonly key: string;
      readonly upload: number;
      readonly condition: WriteCondition;
      /** In ascending order of number; each MD5 is compared with the part's record in this entry (S20). */
      readonly parts: readonly { readonly number: number; readonly md5: Uint8Array }[];
      readonly etag: string;
      readonly checksum: FileChecksum | undefined;
    }
  | {
      readonly kind: "abortUpload";
      readonly bucket: BucketId;
      readonly key: string;
      readonly upload: number;
    };

const putBodyCodec: Codec<PutBody> = union({
  inline: variant(1, record({ body: byteView, crc32: uint32 })),
  streamed: variant(2, record({ part: contentPartCodec, evidenceEpoch: branded<Epoch>() })),
  referenced: variant(3, record({ content: contentIdCodec })),
});

/** Before the first change of layout there is one epoch. */
const firstEpoch: Epoch = epoch(1);

const partFields = {
  bucket: branded<BucketId>(),
  key: text,
  upload: integer,
  part: contentPartCodec,
} as const;
const partWithoutEvidence = record(partFields);

const completeCodec = record({
  bucket: branded<BucketId>(),
  key: text,
  upload: integer,
  condition: writeConditionCodec,
  parts: list(record({ number: integer, md5: byteString })),
  etag: text,
  checksum: optional(fileChecksumCodec),
});

const operationCodec: Codec<Operation> = union({
  putFile: variant(
    1,
    record({
      bucket: branded<BucketId>(),
      key: text,
      condition: writeConditionCodec,
      attributes: fileAttributesCodec,
      bytes: integer,
      etag: text,
      checksum: optional(fileChecksumCodec),
      body: putBodyCodec,
    }),
  ),
  deleteFile: variant(2, record({ bucket: branded<BucketId>(), key: text, condition: writeConditionCodec })),
  createUpload: variant(
    3,
    record({
      bucket: branded<BucketId>(),
      key: text,
      attributes: fileAttributesCodec,
      checksumAlgorithm: optional(checksumAlgorithmCodec),
      checksumScope: optional(checksumScopeCodec),
    }),
  ),
  // Written before there was more than one layout.
  putPart: variant(7, record({ ...partFields, evidenceEpoch: branded<Epoch>() }), {
    4: (reader) => ({ ...partWithoutEvidence.read(reader), evidenceEpoch: firstEpoch }),
  }),
  // Carried an epoch of its own, which was the only one there was; the parts have theirs now.
  completeUpload: variant(8, completeCodec, {
    5: (reader) => {
      const complete = completeCodec.read(reader);
      integer.read(reader);
      return complete;
    },
  }),
  abortUpload: variant(6, record({ bucket: branded<BucketId>(), key: text, upload: integer })),
});

/** Attempts from `first` to `last`, both included. */
export interface AttemptRange {
  readonly first: Attempt;
  readonly last: Attempt;
}

/** What a writer publishes in the entries it sends anyway. */
export interface WriterProgress {
  /** The lowest attempt still open: everything below is closed. */
  readonly floor: Attempt;
  /** Attempts at or above the floor that are closed too and whose results nobody will ask for again. */
  readonly closed: readonly AttemptRange[];
}

export type ShardCommand =
  /** The entry's index is the writer's number. `node` and `run` tell whose it is. */
  | { readonly kind: "openWriter"; readonly node: string; readonly run: string }
  | { readonly kind: "closeWriter"; readonly writer: WriterId }
  | {
      readonly kind: "operate";
      readonly writer: WriterId;
      readonly attempt: Attempt;
      readonly progress: WriterProgress;
      readonly operation: Operation;
    }
  | { readonly kind: "publishProgress"; readonly writer: WriterId; readonly progress: WriterProgress }
  | { readonly kind: "installBucket"; readonly bucket: BucketId; readonly settings: BucketSettings }
  | { readonly kind: "sealBucket"; readonly bucket: BucketId }
  | { readonly kind: "unsealBucket"; readonly bucket: BucketId }
  | { readonly kind: "removeBucket"; readonly bucket: BucketId }
  | { readonly kind: "addReference"; readonly content: ContentId; readonly reference: ContentId }
  /** Idempotent; references that are not there are ignored. */
  | { readonly kind: "dropReferences"; readonly drops: readonly ReferenceDrop[] }
  /** Outbox items that their content's home shard has applied. */
  | { readonly kind: "settleDrops"; readonly sequences: readonly number[] }
  /** Dead contents whose blocks are erased everywhere: their records go. */
  | { readonly kind: "forgetContents"; readonly contents: readonly ContentId[] }
  /** From here on evidence below this epoch is refused (S3). Idempotent; a lower one than before changes nothing. */
  | { readonly kind: "closeEpoch"; readonly epoch: Epoch };

export interface ReferenceDrop {
  readonly content: ContentId;
  readonly reference: ContentId;
}

const progressCodec: Codec<WriterProgress> = record({
  floor: branded<Attempt>(),
  closed: list(record({ first: branded<Attempt>(), last: branded<Attempt>() })),
});

const bucketOnly = record({ bucket: branded<BucketId>() });

const commandCodec: Codec<ShardCommand> = union({
  openWriter: variant(1, record({ node: text, run: text })),
  closeWriter: variant(2, record({ writer: branded<WriterId>() })),
  operate: variant(
    3,
    record({
      writer: branded<WriterId>(),
      attempt: branded<Attempt>(),
      progress: progressCodec,
      operation: operationCodec,
    }),
  ),
  publishProgress: variant(4, record({ writer: branded<WriterId>(), progress: progressCodec })),
  installBucket: variant(5, record({ bucket: branded<BucketId>(), settings: bucketSettingsCodec })),
  sealBucket: variant(6, bucketOnly),
  unsealBucket: variant(7, bucketOnly),
  removeBucket: variant(8, bucketOnly),
  addReference: variant(9, record({ content: contentIdCodec, reference: contentIdCodec })),
  dropReferences: variant(
    10,
    record({ drops: list(record({ content: contentIdCodec, reference: contentIdCodec })) }),
  ),
  settleDrops: variant(11, record({ sequences: list(integer) })),
  forgetContents: variant(12, record({ contents: list(contentIdCodec) })),
  closeEpoch: variant(13, record({ epoch: branded<Epoch>() })),
});

/** One entry as it stands in the log. */
export interface ShardEntry {
  /** The proposer's wall clock. */
  readonly timeMs: number;
  readonly command: ShardCommand;
}

export const shardEntryCodec: Codec<ShardEntry> = versioned(
  1,
  record({ timeMs: integer, command: commandCodec }),
);
