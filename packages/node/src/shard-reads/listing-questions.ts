/** Questions for pages of what one shard has. */

import type { BucketId, Codec } from "@holdfast/base";
import { branded, integer, limits, optional, record, text } from "@holdfast/base";
import type {
  FileListing,
  ListedFile,
  ListFiles,
  ListUploads,
  PartListing,
  Upload,
  UploadListing,
  UploadName,
} from "@holdfast/namespace";
import {
  fileAttributesCodec,
  fileChecksumCodec,
  findUpload,
  listFiles,
  listParts,
  listUploads,
  uploadCodec,
  uploadedPartCodec,
} from "@holdfast/namespace";
import { atMost, shortList } from "../network/bounded-codecs.ts";
import { ShardQuestion } from "./shard-question.ts";

const limitCodec = atMost(limits.keysPerRequestMax);
const prefixesCodec = shortList(text, limits.keysPerRequestMax);
const bucketField = branded<BucketId>();

const listedFileCodec: Codec<ListedFile> = record({
  key: text,
  bytes: integer,
  etag: text,
  modifiedAtMs: integer,
  attributes: fileAttributesCodec,
  checksum: optional(fileChecksumCodec),
});

export const filesQuestion: ShardQuestion<ListFiles, FileListing> = new ShardQuestion({
  tag: 10,
  asked: record({ bucket: bucketField, prefix: text, delimiter: text, after: text, limit: limitCodec }),
  answer: record({
    files: shortList(listedFileCodec, limits.keysPerRequestMax),
    prefixes: prefixesCodec,
    next: optional(text),
  }),
  find: (state, asked) => listFiles([state], asked),
});

export const uploadsQuestion: ShardQuestion<ListUploads, UploadListing> = new ShardQuestion({
  tag: 11,
  asked: record({
    bucket: bucketField,
    prefix: text,
    delimiter: text,
    afterKey: text,
    afterUpload: optional(integer),
    limit: limitCodec,
  }),
  answer: record({
    uploads: shortList(uploadCodec, limits.keysPerRequestMax),
    prefixes: prefixesCodec,
    next: optional(record({ key: text, upload: optional(integer) })),
  }),
  find: (state, asked) => listUploads([state], asked),
});

export interface AskedParts extends UploadName {
  readonly afterPart: number;
  readonly limit: number;
}

/** Undefined without such an upload. */
export const partsQuestion: ShardQuestion<
  AskedParts,
  { readonly upload: Upload; readonly page: PartListing } | undefined
> = new ShardQuestion({
  tag: 12,
  asked: record({ bucket: bucketField, key: text, upload: integer, afterPart: integer, limit: limitCodec }),
  answer: optional(
    record({
      upload: uploadCodec,
      page: record({
        parts: shortList(uploadedPartCodec, limits.keysPerRequestMax),
        next: optional(integer),
      }),
    }),
  ),
  find: (state, { afterPart, limit, ...name }) => {
    const upload = findUpload(state, name);
    return upload === undefined
      ? undefined
      : { upload, page: listParts(state, name.upload, afterPart, limit) };
  },
});
