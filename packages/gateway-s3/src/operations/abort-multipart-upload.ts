import type { HttpResponse } from "@holdfast/ports";
import { noContent } from "../answer.ts";
import { headerNotImplemented } from "../s3-error.ts";
import type { S3Request } from "../s3-request.ts";
import { uploadReference } from "./upload-reference.ts";

export async function abortMultipartUpload(request: S3Request): Promise<HttpResponse> {
  const condition = "x-amz-if-match-initiated-time";
  if (request.headers[condition] !== undefined) throw headerNotImplemented(condition);
  await request.service.files.abortUpload(uploadReference(request));
  return noContent;
}
