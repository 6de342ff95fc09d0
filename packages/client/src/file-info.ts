/** What a node says about a file, without its bytes. */

import type { FileAttributes } from "./attributes.ts";
import { attributesFrom } from "./attributes.ts";
import type { FileName } from "./file-name.ts";
import { notUnderstood } from "./read-answer.ts";

export interface FileInfo extends FileAttributes {
  /** `bucket/key`. */
  readonly name: string;
  /** Opaque; names this version of the file. */
  readonly version: string;
  readonly bytes: number;
  /** Names this content of the file; without quotes. */
  readonly etag: string;
  /** CRC-32 (IEEE) of the whole file. */
  readonly crc32: number;
  readonly modifiedAtMs: number;
  readonly userMetadata: Readonly<Record<string, string>>;
}

/** From the headers of an answer to GET or HEAD. */
export function fileInfo(name: FileName, headers: Readonly<Record<string, string | undefined>>): FileInfo {
  const etag = headers["etag"];
  const version = headers["x-holdfast-version"];
  const bytes = Number(headers["x-holdfast-bytes"] ?? Number.NaN);
  const crc32 = Number.parseInt(headers["x-holdfast-crc32"] ?? "", 16);
  const modifiedAtMs = Number(headers["x-holdfast-modified-at-ms"] ?? Number.NaN);
  if (etag === undefined || version === undefined || [bytes, crc32, modifiedAtMs].some(Number.isNaN))
    throw notUnderstood();
  return {
    ...attributesFrom(headers),
    name: `${name.bucket}/${name.key}`,
    version,
    bytes,
    etag: etag.replace(/^"(.*)"$/, "$1"),
    crc32,
    modifiedAtMs,
  };
}
