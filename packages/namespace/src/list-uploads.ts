/** Pages of a bucket's open uploads over all of its shards, and of one upload's parts. */

import type { BucketId } from "@holdfast/base";
import { concatBytes, decode, prefixEnd, utf8, utf8Text } from "@holdfast/base";
import type { StateReader } from "@holdfast/ports";
import { mergeNames, nameBehind } from "./merge-names.ts";
import {
  lastNumber,
  numbersKey,
  partsOf,
  uploadNumberBytes,
  uploadPartKey,
  uploadsOf,
} from "./state-keys.ts";
import type { Upload, UploadedPart } from "./upload.ts";
import { uploadCodec, uploadedPartCodec } from "./upload.ts";

export interface ListUploads {
  readonly bucket: BucketId;
  readonly prefix: string;
  /** "" for none. */
  readonly delimiter: string;
  /** Only keys behind this key or common prefix; "" for all. */
  readonly afterKey: string;
  /** With `afterKey`: also uploads of that very key behind this number. */
  readonly afterUpload: number | undefined;
  /** Uploads and common prefixes together. */
  readonly limit: number;
}

export interface UploadListing {
  /** By key in UTF-8 byte order, then by number. */
  readonly uploads: readonly Upload[];
  readonly prefixes: readonly string[];
  /** Where the next page goes on when something is left; behind a common prefix there is no upload number. */
  readonly next: { readonly key: string; readonly upload: number | undefined } | undefined;
}

export function listUploads(shards: readonly StateReader[], request: ListUploads): UploadListing {
  const prefix = utf8(request.prefix);
  const delimiter = utf8(request.delimiter);
  const query = {
    under: uploadsOf(request.bucket),
    suffixBytes: uploadNumberBytes,
    prefix,
    delimiter,
    from: firstName(request, prefix, delimiter),
  };
  const page = mergeNames(shards, query, request.limit);
  const uploads: Upload[] = [];
  const prefixes: string[] = [];
  for (const { order, value } of page.items) {
    if (value === undefined) prefixes.push(utf8Text(order));
    else uploads.push(decode(uploadCodec, value));
  }
  return { uploads, prefixes, next: page.more ? markerOf(page.items.at(-1)) : undefined };
}

function firstName(
  { afterKey, afterUpload }: ListUploads,
  prefix: Uint8Array,
  delimiter: Uint8Array,
): Uint8Array {
  const key = utf8(afterKey);
  if (key.length === 0) return key;
  // Names here have their number behind them, which begins with a zero byte: behind all of a key's uploads is a byte 1.
  if (afterUpload !== undefined) return concatBytes([key, numbersKey(0, afterUpload + 1).subarray(1)]);
  const behind = nameBehind(key, prefix, delimiter);
  if (behind.length > key.length) behind[key.length] = 1;
  return behind;
}

function markerOf(
  last: { readonly order: Uint8Array; readonly value: Uint8Array | undefined } | undefined,
): { readonly key: string; readonly upload: number | undefined } | undefined {
  if (last === undefined) return undefined;
  if (last.value === undefined) return { key: utf8Text(last.order), upload: undefined };
  const key = last.order.subarray(0, last.order.length - uploadNumberBytes);
  return { key: utf8Text(key), upload: lastNumber(last.order) };
}

export interface PartListing {
  /** By number. */
  readonly parts: readonly UploadedPart[];
  /** The last part's number when more follow. */
  readonly next: number | undefined;
}

/** Parts with numbers above `afterPart`. */
export function listParts(state: StateReader, upload: number, afterPart: number, limit: number): PartListing {
  const from = uploadPartKey(upload, Math.min(afterPart + 1, 0xffff_ffff));
  const parts: UploadedPart[] = [];
  if (limit < 1) return { parts, next: undefined };
  for (const { value } of state.range({ from, to: prefixEnd(partsOf(upload)), limit: limit + 1 })) {
    if (parts.length === limit) return { parts, next: parts.at(-1)?.part.number };
    parts.push(decode(uploadedPartCodec, value));
  }
  return { parts, next: undefined };
}
