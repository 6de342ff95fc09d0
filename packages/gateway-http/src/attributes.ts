/**
 * What a client says about a file besides its bytes, in headers. Values of user metadata travel percent-encoded, since
 * headers carry ASCII: `x-holdfast-meta-author: J%C3%BCrgen`.
 */

import { formatHttpDate, limits, StoreError, utf8 } from "@holdfast/base";
import type { FileAttributes, FileInfo, UserMetadata } from "@holdfast/node";
import { decodePercent } from "./query.ts";

type Headers = Readonly<Record<string, string | undefined>>;

const userPrefix = "x-holdfast-meta-";

export function attributesFrom(headers: Headers): FileAttributes {
  return {
    contentType: headers["content-type"],
    contentEncoding: headers["x-holdfast-content-encoding"] ?? headers["content-encoding"],
    contentDisposition: headers["content-disposition"],
    contentLanguage: headers["content-language"],
    cacheControl: headers["cache-control"],
    expires: headers["expires"],
    userMetadata: userMetadataFrom(headers),
  };
}

function userMetadataFrom(headers: Headers): readonly UserMetadata[] {
  const all: UserMetadata[] = [];
  let totalBytes = 0;
  for (const [header, encoded] of Object.entries(headers)) {
    if (!header.startsWith(userPrefix) || encoded === undefined) continue;
    const name = header.slice(userPrefix.length);
    if (name === "") throw new StoreError("InvalidArgument", `Put a name behind ${userPrefix}.`);
    const value = decodePercent(encoded, "InvalidArgument");
    totalBytes += name.length + utf8(value).length;
    all.push({ name, value });
  }
  if (totalBytes > limits.userMetadataBytesMax) {
    const message = `Names and values of user metadata have at most ${limits.userMetadataBytesMax} bytes together.`;
    throw new StoreError("MetadataTooLarge", message, { fields: { bytes: totalBytes } });
  }
  return all;
}

/** Everything that an answer to GET or HEAD says about the file, but for lengths and ranges. */
export function headersOfFile(file: FileInfo): Record<string, string> {
  const headers: Record<string, string> = {
    etag: `"${file.etag}"`,
    "last-modified": formatHttpDate(file.modifiedAtMs),
    "accept-ranges": "bytes",
    "content-type": headerSafe(file.attributes.contentType ?? "application/octet-stream"),
    "x-holdfast-version": file.version,
    "x-holdfast-modified-at-ms": String(file.modifiedAtMs),
    "x-holdfast-bytes": String(file.bytes),
    "x-holdfast-crc32": crc32Text(file.crc32),
  };
  const { contentEncoding, contentDisposition, contentLanguage, cacheControl, expires, userMetadata } =
    file.attributes;
  // Not as `content-encoding`: browsers would decode the bytes, and their checksum would no longer be the file's.
  if (contentEncoding !== undefined) headers["x-holdfast-content-encoding"] = headerSafe(contentEncoding);
  if (contentDisposition !== undefined) headers["content-disposition"] = headerSafe(contentDisposition);
  if (contentLanguage !== undefined) headers["content-language"] = headerSafe(contentLanguage);
  if (cacheControl !== undefined) headers["cache-control"] = headerSafe(cacheControl);
  if (expires !== undefined) headers["expires"] = headerSafe(expires);
  for (const { name, value } of userMetadata) headers[userPrefix + name] = encodeMetadata(value);
  return headers;
}

/** Eight hexadecimal digits. */
export function crc32Text(crc32: number): string {
  return crc32.toString(16).padStart(8, "0");
}

/** Other protocols may have stored text that no header can carry: what HTTP forbids is replaced. */
function headerSafe(value: string): string {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value) ? value : value.replace(/[^\t\x20-\x7e\x80-\xff]/gu, "?");
}

/** Printable ASCII but "%" stays readable; spaces at the ends, which HTTP would drop, are encoded. */
function encodeMetadata(value: string): string {
  return value.toWellFormed().replace(/[^\x20-\x7e]|%|^ +| +$/gu, encodeURIComponent);
}
