import type { Codec } from "@holdfast/base";
import { byteString, list, oneOf, optional, record, text } from "@holdfast/base";

/** What a client says about a file besides its bytes; kept and handed back as it came. */
export interface FileAttributes {
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly contentDisposition: string | undefined;
  readonly contentLanguage: string | undefined;
  readonly cacheControl: string | undefined;
  readonly expires: string | undefined;
  /** Names in lower case, without any protocol's prefix; in the order given. */
  readonly userMetadata: readonly UserMetadata[];
}

export interface UserMetadata {
  readonly name: string;
  readonly value: string;
}

export const noAttributes: FileAttributes = {
  contentType: undefined,
  contentEncoding: undefined,
  contentDisposition: undefined,
  contentLanguage: undefined,
  cacheControl: undefined,
  expires: undefined,
  userMetadata: [],
};

export const fileAttributesCodec: Codec<FileAttributes> = record({
  contentType: optional(text),
  contentEncoding: optional(text),
  contentDisposition: optional(text),
  contentLanguage: optional(text),
  cacheControl: optional(text),
  expires: optional(text),
  userMetadata: list(record({ name: text, value: text })),
});

/** A checksum that the client asked to have kept (S3's flexible checksums). */
export interface FileChecksum {
  readonly algorithm: ChecksumAlgorithm;
  /** Over the whole file, or over the checksums of its parts. */
  readonly scope: "full" | "composite";
  /** Big-endian, as S3 sends it (before base64). */
  readonly value: Uint8Array;
}

export const checksumAlgorithms = ["crc32", "crc32c", "crc64nvme", "sha1", "sha256"] as const;
export type ChecksumAlgorithm = (typeof checksumAlgorithms)[number];

export const checksumAlgorithmCodec: Codec<ChecksumAlgorithm> = oneOf(checksumAlgorithms);

export const checksumScopeCodec: Codec<"full" | "composite"> = oneOf(["full", "composite"] as const);

export const fileChecksumCodec: Codec<FileChecksum> = record({
  algorithm: checksumAlgorithmCodec,
  scope: checksumScopeCodec,
  value: byteString,
});
