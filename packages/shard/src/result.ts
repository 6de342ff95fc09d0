import type { Codec, ErrorCode, LogIndex, WriterId } from "@holdfast/base";
import {
  boolean,
  branded,
  DecodeError,
  integer,
  isErrorCode,
  record,
  text,
  union,
  variant,
  versioned,
} from "@holdfast/base";
import type { Content } from "@holdfast/namespace";
import { contentCodec } from "@holdfast/namespace";

/** What an entry answered. Refusals changed nothing but the writer's record. */
export type ShardResult =
  | { readonly kind: "done" }
  | { readonly kind: "writerOpened"; readonly writer: WriterId }
  | {
      readonly kind: "stored";
      readonly version: LogIndex;
      readonly etag: string;
      readonly bytes: number;
      readonly modifiedAtMs: number;
    }
  | { readonly kind: "deleted"; readonly existed: boolean }
  | { readonly kind: "uploadCreated"; readonly upload: number }
  | { readonly kind: "partStored"; readonly modifiedAtMs: number }
  | { readonly kind: "sealed"; readonly empty: boolean }
  | { readonly kind: "referenced"; readonly content: Content }
  /** `subject` says what was wrong with: a part's number, an ETag; "" where the code says it all. */
  | { readonly kind: "refused"; readonly code: ErrorCode; readonly subject: string }
  /** A part of what removeBucket has to do is done: to be sent again. */
  | { readonly kind: "removing" }
  /** The writer or the attempt is not open (S15): if this was a retry, its outcome is unknown; it was not done now. */
  | { readonly kind: "writerClosed" };

export const errorCodeCodec: Codec<ErrorCode> = {
  write: (writer, code) => text.write(writer, code),
  read: (reader) => {
    const code = text.read(reader);
    if (!isErrorCode(code)) throw new DecodeError(`unknown error code: ${code}`);
    return code;
  },
};

/** Stored in the writer's record until the writer acknowledges it. */
export const shardResultCodec: Codec<ShardResult> = versioned(
  1,
  union({
    done: variant(1, record({})),
    writerOpened: variant(2, record({ writer: branded<WriterId>() })),
    stored: variant(
      3,
      record({ version: branded<LogIndex>(), etag: text, bytes: integer, modifiedAtMs: integer }),
    ),
    deleted: variant(4, record({ existed: boolean })),
    uploadCreated: variant(5, record({ upload: integer })),
    partStored: variant(6, record({ modifiedAtMs: integer })),
    sealed: variant(7, record({ empty: boolean })),
    referenced: variant(8, record({ content: contentCodec })),
    refused: variant(9, record({ code: errorCodeCodec, subject: text })),
    writerClosed: variant(10, record({})),
    removing: variant(11, record({})),
  }),
);
