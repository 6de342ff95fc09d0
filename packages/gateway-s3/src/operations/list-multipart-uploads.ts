import { formatIso8601, limits } from "@holdfast/base";
import type { UploadInfo, UploadPage } from "@holdfast/node";
import type { HttpResponse } from "@holdfast/ports";
import { xmlAnswer } from "../answer.ts";
import { checksumType } from "../checksum-headers.ts";
import { countParameter, urlEncodingParameter } from "../query.ts";
import type { S3Request } from "../s3-request.ts";
import { encodeForListing } from "../uri.ts";
import { element, leaf, optionalLeaf } from "../xml-writer.ts";
import { ownerElement } from "./owner.ts";

export async function listMultipartUploads(request: S3Request): Promise<HttpResponse> {
  const { query, bucket } = request;
  const encodeUrl = urlEncodingParameter(query);
  const encode = encodeUrl ? encodeForListing : (text: string): string => text;
  const limit = countParameter(query, "max-uploads", limits.keysPerRequestMax, limits.keysPerRequestMax);
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const afterKey = query.get("key-marker") ?? "";
  // Without a key marker the upload's is without meaning, as in S3.
  const afterUploadId = afterKey === "" ? "" : (query.get("upload-id-marker") ?? "");
  const page = await readPage(request, { prefix, delimiter, afterKey, afterUploadId, limit });
  const owner = request.requester.account;
  return xmlAnswer(
    "ListMultipartUploadsResult",
    leaf("Bucket", bucket) +
      leaf("KeyMarker", encode(afterKey)) +
      leaf("UploadIdMarker", afterUploadId) +
      optionalLeaf("NextKeyMarker", page.next === undefined ? undefined : encode(page.next.key)) +
      optionalLeaf("NextUploadIdMarker", page.next?.uploadId) +
      leaf("Prefix", encode(prefix)) +
      optionalLeaf("Delimiter", delimiter === "" ? undefined : encode(delimiter)) +
      optionalLeaf("EncodingType", encodeUrl ? "url" : undefined) +
      leaf("MaxUploads", limit) +
      leaf("IsTruncated", page.next !== undefined) +
      page.uploads.map((upload) => uploadElement(upload, encode, owner)).join("") +
      page.prefixes.map((common) => element("CommonPrefixes", leaf("Prefix", encode(common)))).join(""),
  );
}

async function readPage(
  request: S3Request,
  ask: {
    readonly prefix: string;
    readonly delimiter: string;
    readonly afterKey: string;
    readonly afterUploadId: string;
    readonly limit: number;
  },
): Promise<UploadPage> {
  const { files } = request.service;
  if (ask.limit > 0) return files.listUploads({ bucket: request.bucket, ...ask });
  await files.bucket(request.bucket);
  return { uploads: [], prefixes: [], next: undefined };
}

function uploadElement(upload: UploadInfo, encode: (text: string) => string, owner: string): string {
  const { checksumAlgorithm, checksumScope } = upload;
  return element(
    "Upload",
    leaf("Key", encode(upload.key)) +
      leaf("UploadId", upload.uploadId) +
      ownerElement("Initiator", owner) +
      ownerElement("Owner", owner) +
      leaf("StorageClass", "STANDARD") +
      leaf("Initiated", formatIso8601(upload.createdAtMs)) +
      optionalLeaf("ChecksumAlgorithm", checksumAlgorithm?.toUpperCase()) +
      optionalLeaf("ChecksumType", checksumScope === undefined ? undefined : checksumType(checksumScope)),
  );
}
