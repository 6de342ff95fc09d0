/**
 * UploadPartCopy: a part that is read from a file of this store. It is written anew (SAFETY.md S5: a copy that cuts blocks is
 * a rewrite), streamed from block to block with the memory of an upload; each source block is verified on the way.
 */

import { formatIso8601, limits, StoreError } from "@holdfast/base";
import type { ByteRange, FileReading, StoredPart } from "@holdfast/node";
import { bodyChunks } from "@holdfast/node";
import type { HttpResponse } from "@holdfast/ports";
import { quoted, xmlAnswer } from "../answer.ts";
import { partChecksumElement } from "../checksum-headers.ts";
import { copySource, sourceErrors, sourceTooLarge } from "../copy-source.ts";
import { partNumberParameter } from "../query.ts";
import { parseRange } from "../range-header.ts";
import { invalidArgument } from "../s3-error.ts";
import type { S3Request } from "../s3-request.ts";
import { slowAnswer } from "../slow-answer.ts";
import { leaf } from "../xml-writer.ts";
import { uploadReference } from "./upload-reference.ts";

const rangeHeader = "x-amz-copy-source-range";

/** Answered once the part is durable. */
export async function uploadPartCopy(request: S3Request): Promise<HttpResponse> {
  const part = partNumberParameter(request.query, limits.partNumberMax);
  const reading = await readSource(request);
  const { bytes } = reading.file.range;
  if (bytes > limits.bodyBytesMax) throw sourceTooLarge(limits.bodyBytesMax);
  const stored = request.service.files.storePart({
    ...uploadReference(request),
    part,
    body: { chunks: bodyChunks(reading.body), bytes, expectedDigests: () => [] },
    signal: request.http,
  });
  return slowAnswer(request, stored.then(partAnswer));
}

function partAnswer(part: StoredPart): HttpResponse {
  return xmlAnswer(
    "CopyPartResult",
    leaf("LastModified", formatIso8601(part.modifiedAtMs)) +
      leaf("ETag", quoted(part.etag)) +
      partChecksumElement(part.checksum),
  );
}

async function readSource(request: S3Request): Promise<FileReading> {
  const { headers, http, service } = request;
  const source = copySource(headers);
  const range = sourceRange(headers[rangeHeader]);
  try {
    const reading = await sourceErrors(service.files.readFile({ ...source, range, signal: http }));
    if (range?.last !== undefined && range.last >= reading.file.bytes)
      throw outside(headers, reading.file.bytes);
    return reading;
  } catch (error) {
    if (error instanceof StoreError && error.code === "InvalidRange")
      throw outside(headers, Number(error.fields["bytes"]));
    throw error;
  }
}

/** Both ends, and both within the source: nothing is cut or ignored here, as in S3. */
function sourceRange(text: string | undefined): (ByteRange & { readonly kind: "from" }) | undefined {
  if (text === undefined) return undefined;
  const range = parseRange(text);
  if (range?.kind === "from" && range.last !== undefined) return range;
  const message =
    "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy";
  throw invalidArgument(rangeHeader, text, message);
}

function outside(headers: S3Request["headers"], bytes: number): Error {
  const message = `Range specified is not valid for source object of size: ${bytes}`;
  return invalidArgument(rangeHeader, headers[rangeHeader] ?? "", message);
}
