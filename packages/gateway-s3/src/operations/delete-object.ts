import type { HttpResponse } from "@holdfast/ports";
import { noContent } from "../answer.ts";
import { writeCondition } from "../condition-headers.ts";
import { refuseVersion } from "../query.ts";
import { headerNotImplemented } from "../s3-error.ts";
import type { S3Request } from "../s3-request.ts";

/** Deleting what is not there succeeds. */
export async function deleteObject(request: S3Request): Promise<HttpResponse> {
  const { bucket, key, headers } = request;
  refuseVersion(request.query.get("versionId"));
  for (const name of ["x-amz-if-match-size", "x-amz-if-match-last-modified-time"]) {
    if (headers[name] !== undefined) throw headerNotImplemented(name);
  }
  await request.service.files.deleteFile({ bucket, key, condition: writeCondition(headers) });
  return noContent;
}
