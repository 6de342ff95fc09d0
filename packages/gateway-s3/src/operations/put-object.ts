import type { HttpResponse } from "@holdfast/ports";
import { emptyAnswer, quoted } from "../answer.ts";
import { checksumAnswerHeaders } from "../checksum-headers.ts";
import { writeCondition } from "../condition-headers.ts";
import { requestAttributes } from "../file-headers.ts";
import { openBody } from "../incoming-body.ts";
import { invalidArgument } from "../s3-error.ts";
import type { S3Request } from "../s3-request.ts";

/** Answered once the file is durable and visible; on any failure before that nothing is stored. */
export async function putObject(request: S3Request): Promise<HttpResponse> {
  const { headers, bucket, key, query } = request;
  const part = query.get("partNumber");
  // A part without its upload must not become a file.
  if (part !== undefined) throw invalidArgument("partNumber", part, "A part number needs an uploadId.");
  const opened = openBody(request);
  const stored = await opened.settle(
    request.service.files.storeFile({
      bucket,
      key,
      attributes: requestAttributes(headers),
      condition: writeCondition(headers),
      body: opened.body,
      signal: request.http,
    }),
  );
  return emptyAnswer({ etag: quoted(stored.etag), ...checksumAnswerHeaders(stored.checksum) });
}
