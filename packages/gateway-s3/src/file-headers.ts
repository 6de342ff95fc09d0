/** What is kept beside a file's content (type, encoding, user metadata) as HTTP headers, in and out. */

import { formatHttpDate, limits, toBase64, utf8 } from "@holdfast/base";
import type { FileAttributes, FileInfo, UserMetadata } from "@holdfast/node";
import { quoted } from "./answer.ts";
import type { Query } from "./query.ts";
import { S3Error } from "./s3-error.ts";

type RequestHeaders = Readonly<Record<string, string | undefined>>;

const metadataPrefix = "x-amz-meta-";

export function requestAttributes(headers: RequestHeaders): FileAttributes {
  return {
    contentType: headers["content-type"],
    contentEncoding: withoutAwsChunked(headers["content-encoding"]),
    contentDisposition: headers["content-disposition"],
    contentLanguage: headers["content-language"],
    cacheControl: headers["cache-control"],
    expires: headers["expires"],
    userMetadata: requestMetadata(headers),
  };
}

/** The framing of the request is not the file's: "aws-chunked,gzip" is kept as "gzip". */
function withoutAwsChunked(encoding: string | undefined): string | undefined {
  if (encoding === undefined || !encoding.toLowerCase().includes("aws-chunked")) return encoding;
  const rest = encoding.split(",").map((coding) => coding.trim());
  const kept = rest.filter((coding) => coding !== "" && coding.toLowerCase() !== "aws-chunked").join(",");
  return kept === "" ? undefined : kept;
}

function requestMetadata(headers: RequestHeaders): readonly UserMetadata[] {
  const metadata: UserMetadata[] = [];
  let bytes = 0;
  for (const header in headers) {
    if (!header.startsWith(metadataPrefix)) continue;
    const name = header.slice(metadataPrefix.length);
    const value = headers[header] ?? "";
    bytes += utf8(name).length + utf8(value).length;
    metadata.push({ name, value });
  }
  if (bytes > limits.userMetadataBytesMax) {
    const details = { Size: bytes, MaxSizeAllowed: limits.userMetadataBytesMax };
    throw new S3Error("MetadataTooLarge", undefined, details);
  }
  return metadata;
}

/** Everything but the length, range and checksum. */
export function fileHeaders(file: FileInfo): Record<string, string> {
  const headers: Record<string, string> = {
    etag: quoted(file.etag),
    "last-modified": formatHttpDate(file.modifiedAtMs),
    "accept-ranges": "bytes",
    "content-type": headerText(file.attributes.contentType ?? "binary/octet-stream"),
  };
  const { contentEncoding, contentDisposition, contentLanguage, cacheControl, expires } = file.attributes;
  if (contentEncoding !== undefined) headers["content-encoding"] = headerText(contentEncoding);
  if (contentDisposition !== undefined) headers["content-disposition"] = headerText(contentDisposition);
  if (contentLanguage !== undefined) headers["content-language"] = headerText(contentLanguage);
  if (cacheControl !== undefined) headers["cache-control"] = headerText(cacheControl);
  if (expires !== undefined) headers["expires"] = headerText(expires);
  addMetadata(headers, file.attributes.userMetadata);
  return headers;
}

/** Metadata written by way of another protocol may have names that no header can have: S3 counts those. */
function addMetadata(headers: Record<string, string>, metadata: readonly UserMetadata[]): void {
  let missing = 0;
  for (const { name, value } of metadata) {
    if (/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) headers[metadataPrefix + name] = headerText(value);
    else missing++;
  }
  if (missing > 0) headers["x-amz-missing-meta"] = String(missing);
}

const headerValue = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;

/** As it is where a header can carry it, else encoded as RFC 2047 says, which is what S3 does. */
function headerText(value: string): string {
  return headerValue.test(value) ? value : `=?UTF-8?B?${toBase64(utf8(value))}?=`;
}

const overrides = [
  ["response-content-type", "content-type"],
  ["response-content-language", "content-language"],
  ["response-expires", "expires"],
  ["response-cache-control", "cache-control"],
  ["response-content-disposition", "content-disposition"],
  ["response-content-encoding", "content-encoding"],
] as const;

/** `response-*` parameters replace headers of this answer alone. */
export function overrideHeaders(headers: Record<string, string>, query: Query): void {
  if (query.size === 0) return;
  for (const [parameter, header] of overrides) {
    const value = query.get(parameter);
    if (value === undefined) continue;
    if (!headerValue.test(value)) {
      const message = "Header value cannot be represented using ISO-8859-1.";
      throw new S3Error("InvalidArgument", message, { ArgumentName: parameter });
    }
    headers[header] = value;
  }
}
