import type { HttpResponse } from "@holdfast/ports";
import { S3Error } from "../s3-error.ts";
import type { S3Request } from "../s3-request.ts";

/** Retention and legal hold of a file: no bucket has object lock. */
export async function getObjectLock(request: S3Request): Promise<HttpResponse> {
  await request.service.files.statFile({ bucket: request.bucket, key: request.key });
  throw new S3Error("InvalidRequest", "Bucket is missing Object Lock Configuration");
}
