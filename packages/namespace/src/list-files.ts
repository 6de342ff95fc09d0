/** One page of a bucket's files over all of its shards (S19: linearizable per key, not a snapshot of the bucket). */

import type { BucketId } from "@holdfast/base";
import { utf8, utf8Text } from "@holdfast/base";
import type { StateReader } from "@holdfast/ports";
import type { ListedFile } from "./listed-file.ts";
import { listedFile } from "./listed-file.ts";
import { mergeNames, nameBehind } from "./merge-names.ts";
import { filesOf } from "./state-keys.ts";

export interface ListFiles {
  readonly bucket: BucketId;
  readonly prefix: string;
  /** "" for none. */
  readonly delimiter: string;
  /** Only what sorts behind this key or common prefix, by UTF-8 bytes; "" for all. */
  readonly after: string;
  /** Files and common prefixes together. */
  readonly limit: number;
}

export interface FileListing {
  /** In UTF-8 byte order. */
  readonly files: readonly ListedFile[];
  readonly prefixes: readonly string[];
  /** The last key or common prefix of the page when something is left: the next page's `after`. */
  readonly next: string | undefined;
}

/** `shards` are the states of the bucket's shards, each read behind a barrier that began after the request (S19). */
export function listFiles(shards: readonly StateReader[], request: ListFiles): FileListing {
  const prefix = utf8(request.prefix);
  const delimiter = utf8(request.delimiter);
  const from = nameBehind(utf8(request.after), prefix, delimiter);
  const query = { under: filesOf(request.bucket), suffixBytes: 0, prefix, delimiter, from };
  const page = mergeNames(shards, query, request.limit);
  const files: ListedFile[] = [];
  const prefixes: string[] = [];
  for (const { order, value } of page.items) {
    if (value === undefined) prefixes.push(utf8Text(order));
    else files.push(listedFile(value));
  }
  const last = page.items.at(-1);
  return { files, prefixes, next: page.more && last !== undefined ? utf8Text(last.order) : undefined };
}
