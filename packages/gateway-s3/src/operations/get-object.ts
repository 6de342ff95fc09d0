/** GetObject and HeadObject: the same file, the same headers; only the body differs. */

import { limits, StoreError } from "@holdfast/base";
import type { ByteRange, FileInfo, FileReading, ReadCondition, ReadFileRequest } from "@holdfast/node";
import type { HttpResponse } from "@holdfast/ports";
import { checksumAnswerHeaders, checksumHeader, checksumText, knownChecksum } from "../checksum-headers.ts";
import { readCondition } from "../condition-headers.ts";
import { fileHeaders, overrideHeaders } from "../file-headers.ts";
import { partNumberParameter, refuseVersion } from "../query.ts";
import { parseRange } from "../range-header.ts";
import { S3Error } from "../s3-error.ts";
import type { S3Request } from "../s3-request.ts";

export async function getObject(request: S3Request): Promise<HttpResponse> {
  const { files } = request.service;
  const reading = await withRange<FileReading>(request, (ask) => files.readFile(ask));
  return fileAnswer(request, reading.file, reading.body);
}

export async function headObject(request: S3Request): Promise<HttpResponse> {
  const { files } = request.service;
  const file = await withRange<FileInfo>(request, (ask) => files.statFile(ask));
  return fileAnswer(request, file, undefined);
}

async function withRange<T>(request: S3Request, read: (ask: ReadFileRequest) => Promise<T>): Promise<T> {
  const { bucket, key, headers, query } = request;
  const signal = request.http;
  refuseVersion(query.get("versionId"));
  const range = requestedRange(request);
  const condition = readCondition(headers, "");
  const ifRange = range === undefined ? undefined : headers["if-range"];
  if (ifRange !== undefined && condition === undefined) {
    // RFC 9110 section 13.1.5: a part of the file the client knows, or else the whole of the one there is.
    try {
      return await read({ bucket, key, signal, range, condition: rangeCondition(ifRange) });
    } catch (error) {
      if (!(error instanceof StoreError && error.code === "ConditionFailed")) throw error;
      return read({ bucket, key, signal });
    }
  }
  try {
    return await read({ bucket, key, signal, range, condition });
  } catch (error) {
    throw range?.kind === "part" && isOutside(error) ? new S3Error("InvalidPartNumber") : error;
  }
}

function isOutside(error: unknown): boolean {
  return error instanceof StoreError && (error.code === "InvalidRange" || error.code === "InvalidPart");
}

function rangeCondition(ifRange: string): ReadCondition | undefined {
  const isDate = /^[A-Z][a-z]{2}, /.test(ifRange);
  return readCondition(isDate ? { "if-unmodified-since": ifRange } : { "if-match": ifRange }, "");
}

function requestedRange(request: S3Request): ByteRange | undefined {
  const range = parseRange(request.headers["range"]);
  if (!request.query.has("partNumber")) return range;
  if (request.headers["range"] !== undefined) {
    throw new S3Error("InvalidRequest", "Cannot specify both Range header and partNumber query parameter.");
  }
  return { kind: "part", part: partNumberParameter(request.query, limits.partNumberMax) };
}

function fileAnswer(request: S3Request, file: FileInfo, body: HttpResponse["body"]): HttpResponse {
  const { offset, bytes } = file.range;
  const headers = fileHeaders(file);
  headers["content-length"] = String(bytes);
  const whole = offset === 0 && bytes === file.bytes;
  const byPart = request.query.has("partNumber");
  if (request.headers["x-amz-checksum-mode"] !== undefined) {
    Object.assign(headers, answeredChecksum(file, whole && !(byPart && file.partCount !== undefined)));
  }
  if (byPart && file.partCount !== undefined) headers["x-amz-mp-parts-count"] = String(file.partCount);
  overrideHeaders(headers, request.query);
  // An empty range has no first byte to name, so the empty file's part is answered as the whole.
  const partial = bytes > 0 && (byPart || isRanged(request, whole));
  if (partial) headers["content-range"] = `bytes ${offset}-${offset + bytes - 1}/${file.bytes}`;
  return { status: partial ? 206 : 200, headers, body };
}

/** SDKs hold it against what they receive, so it must be that of the bytes which are sent: all of the file, or a part. */
function answeredChecksum(file: FileInfo, whole: boolean): Readonly<Record<string, string>> {
  if (whole) return checksumAnswerHeaders(knownChecksum(file), file.partCount);
  const part = file.partChecksum;
  return part === undefined ? {} : { [checksumHeader(part.algorithm)]: checksumText(part, undefined) };
}

/** A range that covers all is still answered as one, unless If-Range failed. */
function isRanged(request: S3Request, whole: boolean): boolean {
  if (parseRange(request.headers["range"]) === undefined) return false;
  return !whole || request.headers["if-range"] === undefined;
}
