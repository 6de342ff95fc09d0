import type { HttpResponse } from "@holdfast/ports";
import { noContent } from "../answer.ts";
import type { S3Request } from "../s3-request.ts";

export async function deleteBucket(request: S3Request): Promise<HttpResponse> {
  await request.service.files.deleteBucket(request.bucket);
  return noContent;
}
