import { formatIso8601, limits } from "@holdfast/base";
import type { StoredPart } from "@holdfast/node";
import type { HttpResponse } from "@holdfast/ports";
import { quoted, xmlAnswer } from "../answer.ts";
import { checksumType, partChecksumElement } from "../checksum-headers.ts";
import { countParameter } from "../query.ts";
import type { S3Request } from "../s3-request.ts";
import { element, leaf, optionalLeaf } from "../xml-writer.ts";
import { ownerElement } from "./owner.ts";
import { uploadReference } from "./upload-reference.ts";

export async function listParts(request: S3Request): Promise<HttpResponse> {
  const { query, bucket, key } = request;
  const reference = uploadReference(request);
  const limit = countParameter(query, "max-parts", limits.keysPerRequestMax, limits.keysPerRequestMax);
  const afterPart = countParameter(query, "part-number-marker", 0, limits.partNumberMax);
  // Asked for none, one is read all the same: the upload must be there.
  const page = await request.service.files.listParts({ ...reference, afterPart, limit: Math.max(1, limit) });
  const parts = limit === 0 ? [] : page.parts;
  const next = limit === 0 ? undefined : page.next;
  const { checksumAlgorithm, checksumScope } = page.upload;
  const owner = request.requester.account;
  return xmlAnswer(
    "ListPartsResult",
    leaf("Bucket", bucket) +
      leaf("Key", key) +
      leaf("UploadId", reference.uploadId) +
      ownerElement("Initiator", owner) +
      ownerElement("Owner", owner) +
      leaf("StorageClass", "STANDARD") +
      optionalLeaf("ChecksumAlgorithm", checksumAlgorithm?.toUpperCase()) +
      optionalLeaf("ChecksumType", checksumScope === undefined ? undefined : checksumType(checksumScope)) +
      leaf("PartNumberMarker", afterPart) +
      optionalLeaf("NextPartNumberMarker", next ?? parts.at(-1)?.part) +
      leaf("MaxParts", limit) +
      leaf("IsTruncated", next !== undefined) +
      parts.map(partElement).join(""),
  );
}

function partElement(part: StoredPart): string {
  return element(
    "Part",
    leaf("PartNumber", part.part) +
      leaf("LastModified", formatIso8601(part.modifiedAtMs)) +
      leaf("ETag", quoted(part.etag)) +
      partChecksumElement(part.checksum) +
      leaf("Size", part.bytes),
  );
}
