import type { HttpResponse } from "@holdfast/ports";
import { noContent, xmlAnswer } from "../answer.ts";
import type { S3Request } from "../s3-request.ts";
import { element } from "../xml-writer.ts";

/** Tags cannot be set yet, so no file has any. */
export async function getObjectTagging(request: S3Request): Promise<HttpResponse> {
  await request.service.files.statFile({ bucket: request.bucket, key: request.key });
  return xmlAnswer("Tagging", element("TagSet", ""));
}

export async function deleteObjectTagging(request: S3Request): Promise<HttpResponse> {
  await request.service.files.statFile({ bucket: request.bucket, key: request.key });
  return noContent;
}
