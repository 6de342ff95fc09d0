import type { BucketId, Codec, Epoch } from "@holdfast/base";
import { branded, epoch, integer, optional, record, text, versioned } from "@holdfast/base";
import type { ChecksumAlgorithm, FileAttributes } from "./attributes.ts";
import { checksumAlgorithmCodec, checksumScopeCodec, fileAttributesCodec } from "./attributes.ts";
import type { ContentPart } from "./content.ts";
import { contentPartCodec } from "./content.ts";

/** A multipart upload that is neither completed nor aborted (S20). Its number is the index of the entry that made it. */
export interface Upload {
  readonly number: number;
  readonly bucket: BucketId;
  readonly key: string;
  readonly createdAtMs: number;
  readonly attributes: FileAttributes;
  readonly checksumAlgorithm: ChecksumAlgorithm | undefined;
  readonly checksumScope: "full" | "composite" | undefined;
}

export const uploadCodec: Codec<Upload> = versioned(
  1,
  record({
    number: integer,
    bucket: branded<BucketId>(),
    key: text,
    createdAtMs: integer,
    attributes: fileAttributesCodec,
    checksumAlgorithm: optional(checksumAlgorithmCodec),
    checksumScope: optional(checksumScopeCodec),
  }),
);

/** A part as it was last stored; sent again, the newer attempt replaces it. */
export interface UploadedPart {
  readonly part: ContentPart;
  readonly modifiedAtMs: number;
  /** The lowest layout epoch of the block answers that it was recorded with (S3). */
  readonly evidenceEpoch: Epoch;
}

const partFields = { part: contentPartCodec, modifiedAtMs: integer } as const;
const partWithoutEvidence = record(partFields);

export const uploadedPartCodec: Codec<UploadedPart> = versioned(
  2,
  record({ ...partFields, evidenceEpoch: branded<Epoch>() }),
  // Recorded before there was more than one layout.
  { 1: (reader) => ({ ...partWithoutEvidence.read(reader), evidenceEpoch: epoch(1) }) },
);
