import { limits } from "@holdfast/base";
import type { HttpResponse } from "@holdfast/ports";
import { emptyAnswer, quoted } from "../answer.ts";
import { checksumAnswerHeaders } from "../checksum-headers.ts";
import { openBody } from "../incoming-body.ts";
import { partNumberParameter } from "../query.ts";
import type { S3Request } from "../s3-request.ts";
import { uploadReference } from "./upload-reference.ts";

/** Answered once the part is durable. */
export async function uploadPart(request: S3Request): Promise<HttpResponse> {
  const part = partNumberParameter(request.query, limits.partNumberMax);
  const opened = openBody(request);
  const signal = request.http;
  const stored = await opened.settle(
    request.service.files.storePart({ ...uploadReference(request), part, body: opened.body, signal }),
  );
  // The type is a property of the whole, not of a part.
  const { "x-amz-checksum-type": _, ...checksum } = checksumAnswerHeaders(stored.checksum);
  return emptyAnswer({ etag: quoted(stored.etag), ...checksum });
}
