import { formatIso8601, StoreError } from "@holdfast/base";
import type { FileAttributes } from "@holdfast/node";
import type { HttpResponse } from "@holdfast/ports";
import { quoted, xmlAnswer } from "../answer.ts";
import { checksumElements } from "../checksum-headers.ts";
import { readCondition, writeCondition } from "../condition-headers.ts";
import { requestAttributes } from "../file-headers.ts";
import { refuseVersion } from "../query.ts";
import { checkKeyLength } from "../request-target.ts";
import { headerNotImplemented, invalidArgument, S3Error } from "../s3-error.ts";
import type { S3Request } from "../s3-request.ts";
import { decodeUri } from "../uri.ts";
import { leaf } from "../xml-writer.ts";

/** Takes no body; the content is shared, not copied (SAFETY.md S5). */
export async function copyObject(request: S3Request): Promise<HttpResponse> {
  const { bucket, key, headers } = request;
  const source = copySource(headers["x-amz-copy-source"] ?? "");
  const attributes = newAttributes(request);
  if (attributes === undefined && source.bucket === bucket && source.key === key) {
    throw new S3Error(
      "InvalidRequest",
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  }
  if (headers["x-amz-checksum-algorithm"] !== undefined)
    throw headerNotImplemented("x-amz-checksum-algorithm");
  const condition = readCondition(headers, "x-amz-copy-source-");
  const copied = await sourceErrors(
    request.service.files.copyFile({
      source: { ...source, condition },
      bucket,
      key,
      condition: writeCondition(headers),
      attributes,
    }),
  );
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

/** `[/]bucket/key[?versionId=..]`, percent-encoded; a "?" of the key itself is encoded. */
export function copySource(header: string): { readonly bucket: string; readonly key: string } {
  const [, encoded = "", version] = /^\/?(.*?)(?:\?versionId=([^?]*))?$/s.exec(header) ?? [];
  refuseVersion(version);
  const decoded = decodeUri(encoded);
  const slash = decoded.indexOf("/");
  const bucket = decoded.slice(0, Math.max(0, slash));
  const key = decoded.slice(slash + 1);
  if (slash < 1 || key === "" || bucket.startsWith("arn:")) {
    const message = "Copy Source must mention the source bucket and key: sourcebucket/sourcekey";
    throw invalidArgument("x-amz-copy-source", header, message);
  }
  checkKeyLength(key);
  return { bucket, key };
}

/** A source that was not modified is, for a copy, a condition that failed. */
async function sourceErrors<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof StoreError && error.code === "NotModified") throw new S3Error("PreconditionFailed");
    throw error;
  }
}
