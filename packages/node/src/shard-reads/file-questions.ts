/** Questions about files and uploads of one shard. */

import type { BucketId, ContentId } from "@holdfast/base";
import {
  branded,
  contentIdCodec,
  integer,
  limits,
  optional,
  record,
  text,
  union,
  variant,
} from "@holdfast/base";
import type { Content, ContentPart, FileVersion, Upload, UploadName } from "@holdfast/namespace";
import {
  contentCodec,
  contentPartCodec,
  fileKeyBytes,
  fileVersionCodec,
  findContent,
  findEarlier,
  findFile,
  findPart,
  findUpload,
  isRefusal,
  uploadCodec,
} from "@holdfast/namespace";
import type { StateReader } from "@holdfast/ports";
import { shortList } from "../network/bounded-codecs.ts";
import { ShardQuestion } from "./shard-question.ts";

export interface FileName {
  readonly bucket: BucketId;
  readonly key: string;
}

/** Where the bytes of a found version are. */
export type FoundBytes =
  | { readonly kind: "inline" }
  | { readonly kind: "content"; readonly content: Content }
  /** The content is homed in another shard, which is to be asked. */
  | { readonly kind: "elsewhere"; readonly content: ContentId }
  /** The content is homed here, and not on record: never so in a sound state. */
  | { readonly kind: "lost" };

export interface FileAndBytes {
  readonly version: FileVersion;
  readonly bytes: FoundBytes;
}

const bucketField = branded<BucketId>();
const nameFields = { bucket: bucketField, key: text } as const;
const nameCodec = record(nameFields);
const uploadNameCodec = record({ ...nameFields, upload: integer });

/** A file as it is now, with its content if that is homed in the same shard. */
export const fileQuestion: ShardQuestion<FileName, FileAndBytes | undefined> = new ShardQuestion({
  tag: 1,
  asked: nameCodec,
  answer: optional(
    record({
      version: fileVersionCodec,
      bytes: union({
        inline: variant(1, record({})),
        content: variant(2, record({ content: contentCodec })),
        elsewhere: variant(3, record({ content: contentIdCodec })),
        lost: variant(4, record({})),
      }),
    }),
  ),
  find: (state, { bucket, key }, shard) => {
    const version = findFile(state, bucket, key);
    if (version === undefined) return undefined;
    const { body } = version;
    if (body.kind === "inline") return { version, bytes: inline };
    if (body.content.home !== shard)
      return { version, bytes: { kind: "elsewhere", content: body.content } as const };
    const content = findContent(state, body.content);
    return { version, bytes: content === undefined ? lost : ({ kind: "content", content } as const) };
  },
});

const inline = { kind: "inline" } as const;
const lost = { kind: "lost" } as const;

/** The ETag of a file as it is now: for conditions that are looked at before they are judged. */
export const etagQuestion: ShardQuestion<FileName, string | undefined> = new ShardQuestion({
  tag: 2,
  asked: nameCodec,
  answer: optional(text),
  find: (state, name) => etagOf(state, name),
});

export const uploadQuestion: ShardQuestion<UploadName, Upload | undefined> = new ShardQuestion({
  tag: 3,
  asked: uploadNameCodec,
  answer: optional(uploadCodec),
  find: findUpload,
});

/** What the completion of an upload is prepared from, all of one moment. */
export interface Completion {
  readonly upload: Upload;
  /** Of the file that there is; undefined if there is none. */
  readonly etag: string | undefined;
  /** Those that were asked for, in that order; undefined where there is none. */
  readonly parts: readonly (ContentPart | undefined)[];
}

export interface AskedCompletion extends UploadName {
  /** Their numbers. */
  readonly parts: readonly number[];
}

/** Undefined without such an upload. */
export const completionQuestion: ShardQuestion<AskedCompletion, Completion | undefined> = new ShardQuestion({
  tag: 4,
  asked: record({ ...nameFields, upload: integer, parts: shortList(integer, limits.partNumberMax) }),
  answer: optional(
    record({
      upload: uploadCodec,
      etag: optional(text),
      parts: shortList(optional(contentPartCodec), limits.partNumberMax),
    }),
  ),
  find: (state, { parts, ...name }) => {
    const upload = findUpload(state, name);
    if (upload === undefined) return undefined;
    const recorded = parts.map((part) => findPart(state, name.upload, part)?.part);
    return { upload, etag: etagOf(state, name), parts: recorded };
  },
});

function etagOf(state: StateReader, { bucket, key }: FileName): string | undefined {
  const bytes = fileKeyBytes(key);
  return isRefusal(bytes) ? undefined : findEarlier(state, bucket, bytes)?.etag;
}
