/** CompleteMultipartUpload: the listed parts become the file, in the entry that checks their ETags (S20). */

import { limits } from "@holdfast/base";
import type { CompletedPart, FileChecksum } from "@holdfast/node";
import { checksumAlgorithms } from "@holdfast/node";
import type { HttpResponse } from "@holdfast/ports";
import { quoted, xmlAnswer } from "../answer.ts";
import {
  checksumElementName,
  checksumElements,
  checksumHeader,
  checksumType,
  checksumValue,
} from "../checksum-headers.ts";
import { bareEtag, writeCondition } from "../condition-headers.ts";
import { requireDocument } from "../request-document.ts";
import { invalidArgument, S3Error } from "../s3-error.ts";
import type { S3Request } from "../s3-request.ts";
import type { XmlElement } from "../xml-reader.ts";
import { childText } from "../xml-reader.ts";
import { leaf } from "../xml-writer.ts";
import { uploadReference } from "./upload-reference.ts";

export async function completeMultipartUpload(request: S3Request): Promise<HttpResponse> {
  const { bucket, key, headers } = request;
  const checksum = wholeChecksum(request);
  const parts = listedParts(await requireDocument(withoutChecksum(request), "CompleteMultipartUpload"));
  await checkWholeBytes(request, parts);
  const stored = await request.service.files.completeUpload({
    ...uploadReference(request),
    parts,
    condition: writeCondition(headers),
    checksum,
    checksumScope: declaredScope(request),
  });
  return xmlAnswer(
    "CompleteMultipartUploadResult",
    leaf("Location", `http://${headers["host"] ?? ""}${request.http.path}`) +
      leaf("Bucket", bucket) +
      leaf("Key", key) +
      leaf("ETag", quoted(stored.etag)) +
      checksumElements(stored.checksum, parts.length),
  );
}

function listedParts(document: XmlElement): readonly CompletedPart[] {
  const elements = document.children.filter((child) => child.name === "Part");
  if (elements.length === 0 || elements.length > limits.partNumberMax) throw new S3Error("MalformedXML");
  let previous = 0;
  return elements.map((element) => {
    const part = listedPart(element);
    if (part.part <= previous) throw new S3Error("InvalidPartOrder");
    previous = part.part;
    return part;
  });
}

function listedPart(element: XmlElement): CompletedPart {
  const number = childText(element, "PartNumber")?.trim() ?? "";
  const etag = childText(element, "ETag")?.trim();
  if (!/^\d{1,9}$/.test(number) || etag === undefined) throw new S3Error("MalformedXML");
  const part = Number(number);
  if (part < 1 || part > limits.partNumberMax) {
    const message = `PartNumber must be between 1 and ${limits.partNumberMax}`;
    throw new S3Error("InvalidArgument", message, { ArgumentName: "partNumber", ArgumentValue: number });
  }
  for (const algorithm of checksumAlgorithms) {
    const text = childText(element, checksumElementName(algorithm));
    if (text === undefined) continue;
    return { part, etag: bareEtag(etag), checksum: checksumValue(algorithm, text.trim(), "element") };
  }
  return { part, etag: bareEtag(etag) };
}

/** In this request the checksum header speaks of the whole file, not of the body. */
function wholeChecksum({ headers }: S3Request): FileChecksum | undefined {
  for (const algorithm of checksumAlgorithms) {
    const text = headers[checksumHeader(algorithm)];
    if (text === undefined) continue;
    const composite = /^(.+)-\d+$/.exec(text);
    const scope = composite !== null || headers["x-amz-checksum-type"] === "COMPOSITE" ? "composite" : "full";
    return { algorithm, scope, value: checksumValue(algorithm, composite?.[1] ?? text, "header") };
  }
  return undefined;
}

function declaredScope({ headers }: S3Request): "full" | "composite" | undefined {
  const type = headers["x-amz-checksum-type"];
  const scope = (["full", "composite"] as const).find((known) => checksumType(known) === type);
  if (type === undefined || scope !== undefined) return scope;
  throw invalidArgument("x-amz-checksum-type", type, "The checksum type is FULL_OBJECT or COMPOSITE.");
}

function withoutChecksum(request: S3Request): S3Request {
  const headers: Record<string, string | undefined> = { ...request.headers };
  for (const algorithm of checksumAlgorithms) delete headers[checksumHeader(algorithm)];
  delete headers["x-amz-sdk-checksum-algorithm"];
  return { ...request, headers };
}

/**
 * `x-amz-mp-object-size`, from the parts as they stand: Complete itself compares the ETags again, so parts that
 * changed since are refused there.
 */
async function checkWholeBytes(request: S3Request, parts: readonly CompletedPart[]): Promise<void> {
  const text = request.headers["x-amz-mp-object-size"];
  if (text === undefined) return;
  const listed = new Set(parts.map(({ part, etag }) => `${part} ${etag}`));
  let bytes = 0;
  let afterPart: number | undefined = 0;
  while (afterPart !== undefined) {
    const limit = limits.keysPerRequestMax;
    const page = await request.service.files.listParts({ ...uploadReference(request), afterPart, limit });
    for (const { part, etag, bytes: partBytes } of page.parts)
      if (listed.has(`${part} ${etag}`)) bytes += partBytes;
    afterPart = page.next;
  }
  if (text === String(bytes)) return;
  const message = `The provided 'x-amz-mp-object-size' header value ${text} does not match what was computed: ${bytes}`;
  throw new S3Error("InvalidRequest", message);
}
