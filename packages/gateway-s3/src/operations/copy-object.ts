import { formatIso8601, limits } from "@holdfast/base";
import type { FileAttributes, StoredFile } from "@holdfast/node";
import type { HttpResponse } from "@holdfast/ports";
import { quoted, xmlAnswer } from "../answer.ts";
import { checksumElements, parseAlgorithm } from "../checksum-headers.ts";
import { writeCondition } from "../condition-headers.ts";
import { copySource, sourceErrors } from "../copy-source.ts";
import { requestAttributes } from "../file-headers.ts";
import { invalidArgument, S3Error } from "../s3-error.ts";
import type { S3Request } from "../s3-request.ts";
import { slowAnswer } from "../slow-answer.ts";
import { leaf } from "../xml-writer.ts";

/** Takes no body; the content is shared, not copied (SAFETY.md S5), but read where another checksum is asked for. */
export async function copyObject(request: S3Request): Promise<HttpResponse> {
  const { bucket, key, headers } = request;
  const source = copySource(headers);
  const attributes = newAttributes(request);
  const algorithm = headers["x-amz-checksum-algorithm"];
  const changes = attributes ?? algorithm ?? headers["x-amz-storage-class"];
  if (changes === undefined && source.bucket === bucket && source.key === key) {
    throw new S3Error(
      "InvalidRequest",
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  }
  const copying = request.service.files.copyFile({
    source: { ...source, bytesMax: limits.bodyBytesMax },
    bucket,
    key,
    condition: writeCondition(headers),
    attributes,
    checksumAlgorithm:
      algorithm === undefined ? undefined : parseAlgorithm(algorithm, "x-amz-checksum-algorithm"),
    signal: request.http,
  });
  return slowAnswer(request, sourceErrors(copying).then(copyAnswer));
}

function copyAnswer(copied: StoredFile): HttpResponse {
  return xmlAnswer(
    "CopyObjectResult",
    leaf("LastModified", formatIso8601(copied.modifiedAtMs)) +
      leaf("ETag", quoted(copied.etag)) +
      checksumElements(copied.checksum),
  );
}

/** Undefined takes over the source's. */
function newAttributes({ headers }: S3Request): FileAttributes | undefined {
  const directive = headers["x-amz-metadata-directive"];
  switch (directive) {
    case undefined:
    case "COPY":
      return undefined;
    case "REPLACE":
      return requestAttributes(headers);
    default:
      throw invalidArgument("x-amz-metadata-directive", directive, "Unknown metadata directive.");
  }
}
