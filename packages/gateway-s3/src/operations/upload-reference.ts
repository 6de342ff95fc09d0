import type { UploadReference } from "@holdfast/node";
import type { S3Request } from "../s3-request.ts";

export function uploadReference(request: S3Request): UploadReference {
  return { bucket: request.bucket, key: request.key, uploadId: request.query.get("uploadId") ?? "" };
}
