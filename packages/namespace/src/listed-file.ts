/**
 * What a listing says of a file, read straight from its stored version: a page has a thousand of them, and the content and
 * the inline body that it leaves out are most of what there is to decode.
 */

import { ByteReader, decode, optional, text } from "@holdfast/base";
import { fileAttributesCodec, fileChecksumCodec } from "./attributes.ts";
import type { FileVersion } from "./file-version.ts";
import { fileVersionCodec } from "./file-version.ts";

export type ListedFile = Pick<
  FileVersion,
  "key" | "bytes" | "etag" | "modifiedAtMs" | "attributes" | "checksum"
>;

/** The version of FileVersion's format whose order of fields is spelled out here. */
const knownFormat = 1;
const optionalChecksum = optional(fileChecksumCodec);

/** Of a FileVersion as it is stored. Throws DecodeError. */
export function listedFile(stored: Uint8Array): ListedFile {
  if (stored[0] !== knownFormat) return decode(fileVersionCodec, stored);
  const reader = new ByteReader(stored);
  reader.u8();
  const key = text.read(reader);
  reader.varint(); // The version's number.
  const bytes = reader.varint();
  const etag = text.read(reader);
  const modifiedAtMs = reader.varint();
  const attributes = fileAttributesCodec.read(reader);
  const checksum = optionalChecksum.read(reader);
  return { key, bytes, etag, modifiedAtMs, attributes, checksum };
}
