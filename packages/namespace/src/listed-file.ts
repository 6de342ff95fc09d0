/**
 * What a listing says of a file, read straight from its stored version: a page has a thousand of them, and the user
 * metadata, the content and the inline body that it leaves out are most of what there is to decode.
 */

import { ByteReader, boolean, decode, optional, text } from "@holdfast/base";
import type { FileChecksum } from "./attributes.ts";
import { fileChecksumCodec } from "./attributes.ts";
import type { FileVersion } from "./file-version.ts";
import { fileVersionCodec } from "./file-version.ts";

export interface ListedFile
  extends Pick<FileVersion, "key" | "bytes" | "etag" | "modifiedAtMs" | "checksum"> {
  readonly contentType: string | undefined;
}

/** The version of FileVersion's format whose order of fields is spelled out here. */
const knownFormat = 1;
const optionalText = optional(text);
const optionalChecksum = optional(fileChecksumCodec);

/** Of a FileVersion as it is stored. Throws DecodeError. */
export function listedFile(stored: Uint8Array): ListedFile {
  if (stored[0] !== knownFormat) return listed(decode(fileVersionCodec, stored));
  const reader = new ByteReader(stored);
  reader.u8();
  const key = text.read(reader);
  reader.varint(); // The version's number.
  const bytes = reader.varint();
  const etag = text.read(reader);
  const modifiedAtMs = reader.varint();
  const contentType = optionalText.read(reader);
  skipAttributesBehindType(reader);
  const checksum: FileChecksum | undefined = optionalChecksum.read(reader);
  return { key, bytes, etag, modifiedAtMs, contentType, checksum };
}

function listed({ key, bytes, etag, modifiedAtMs, attributes, checksum }: FileVersion): ListedFile {
  return { key, bytes, etag, modifiedAtMs, contentType: attributes.contentType, checksum };
}

const optionalAttributesBehindType = 5;

function skipAttributesBehindType(reader: ByteReader): void {
  for (let i = 0; i < optionalAttributesBehindType; i++) if (boolean.read(reader)) reader.bytes();
  for (let pairs = reader.varint(); pairs > 0; pairs--) {
    reader.bytes();
    reader.bytes();
  }
}
