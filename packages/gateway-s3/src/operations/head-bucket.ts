import type { HttpResponse } from "@holdfast/ports";
import { emptyAnswer } from "../answer.ts";
import type { S3Request } from "../s3-request.ts";

export async function headBucket(request: S3Request): Promise<HttpResponse> {
  await request.service.files.bucket(request.bucket);
  return emptyAnswer({
    "x-amz-bucket-region": request.service.region,
    "x-amz-access-point-alias": "false",
  });
}
