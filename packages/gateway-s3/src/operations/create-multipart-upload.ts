import type { ChecksumAlgorithm } from "@holdfast/node";
import type { HttpResponse } from "@holdfast/ports";
import { xmlAnswer } from "../answer.ts";
import { checksumType, parseAlgorithm } from "../checksum-headers.ts";
import { requestAttributes } from "../file-headers.ts";
import { S3Error } from "../s3-error.ts";
import type { S3Request } from "../s3-request.ts";
import { leaf } from "../xml-writer.ts";

type Scope = "full" | "composite";

/** What a checksum of a whole made of parts can be: only CRCs of parts combine to that of the whole. */
const scopesOf: Readonly<Record<ChecksumAlgorithm, readonly Scope[]>> = {
  crc32: ["composite", "full"],
  crc32c: ["composite", "full"],
  crc64nvme: ["full"],
  sha1: ["composite"],
  sha256: ["composite"],
};

export async function createMultipartUpload(request: S3Request): Promise<HttpResponse> {
  const { bucket, key, headers } = request;
  const checksum = requestedChecksum(request);
  const upload = await request.service.files.createUpload({
    bucket,
    key,
    attributes: requestAttributes(headers),
    checksumAlgorithm: checksum?.algorithm,
    checksumScope: checksum?.scope,
  });
  const content = leaf("Bucket", bucket) + leaf("Key", key) + leaf("UploadId", upload.uploadId);
  if (checksum === undefined) return xmlAnswer("InitiateMultipartUploadResult", content);
  return xmlAnswer("InitiateMultipartUploadResult", content, {
    "x-amz-checksum-algorithm": checksum.algorithm.toUpperCase(),
    "x-amz-checksum-type": checksumType(checksum.scope),
  });
}

function requestedChecksum({
  headers,
}: S3Request): { readonly algorithm: ChecksumAlgorithm; readonly scope: Scope } | undefined {
  const algorithmText = headers["x-amz-checksum-algorithm"];
  const type = headers["x-amz-checksum-type"]?.toUpperCase();
  if (algorithmText === undefined) {
    if (type === undefined) return undefined;
    const message =
      "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.";
    throw new S3Error("InvalidRequest", message);
  }
  const algorithm = parseAlgorithm(algorithmText, "x-amz-checksum-algorithm");
  const scopes = scopesOf[algorithm];
  const scope = type === undefined ? scopes[0] : scopes.find((possible) => checksumType(possible) === type);
  if (scope !== undefined) return { algorithm, scope };
  const message = `The ${type ?? ""} checksum type cannot be used with the ${algorithm} checksum algorithm.`;
  throw new S3Error("InvalidRequest", message);
}
