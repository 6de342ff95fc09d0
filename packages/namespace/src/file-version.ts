import type { Codec, ContentId, LogIndex } from "@holdfast/base";
import {
  branded,
  byteView,
  contentIdCodec,
  integer,
  optional,
  record,
  text,
  uint32,
  union,
  variant,
  versioned,
} from "@holdfast/base";
import type { FileAttributes, FileChecksum } from "./attributes.ts";
import { fileAttributesCodec, fileChecksumCodec } from "./attributes.ts";

/** Where a version's bytes are: small ones in the version itself, larger ones in a content that it refers to. */
export type FileBody =
  | { readonly kind: "inline"; readonly body: Uint8Array; readonly crc32: number }
  /** `reference` is this version's member of the content's reference set: the attempt that committed it (S5). */
  | { readonly kind: "content"; readonly content: ContentId; readonly reference: ContentId };

export type ContentBody = Extract<FileBody, { readonly kind: "content" }>;

export const fileBodyCodec: Codec<FileBody> = union({
  inline: variant(1, record({ body: byteView, crc32: uint32 })),
  content: variant(2, record({ content: contentIdCodec, reference: contentIdCodec })),
});

/** One stored state of a file. */
export interface FileVersion {
  readonly key: string;
  /** Index of the entry that committed it: names the version, grows with every commit of the file. */
  readonly version: LogIndex;
  readonly bytes: number;
  /** Without quotes: MD5 in hex, or for completed uploads MD5 of the parts' MD5s, "-", their number. */
  readonly etag: string;
  /** Cluster time of the commit. */
  readonly modifiedAtMs: number;
  readonly attributes: FileAttributes;
  readonly checksum: FileChecksum | undefined;
  readonly body: FileBody;
}

export const fileVersionCodec: Codec<FileVersion> = versioned(
  1,
  record({
    key: text,
    version: branded<LogIndex>(),
    bytes: integer,
    etag: text,
    modifiedAtMs: integer,
    attributes: fileAttributesCodec,
    checksum: optional(fileChecksumCodec),
    body: fileBodyCodec,
  }),
);
