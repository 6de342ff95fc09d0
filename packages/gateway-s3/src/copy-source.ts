/** What copies read from: `x-amz-copy-source` and its conditions. */

import { StoreError } from "@holdfast/base";
import type { ReadCondition } from "@holdfast/node";
import { readCondition } from "./condition-headers.ts";
import { refuseVersion } from "./query.ts";
import { checkKeyLength } from "./request-target.ts";
import { invalidArgument, S3Error } from "./s3-error.ts";
import { decodeUri } from "./uri.ts";

export interface CopySource {
  readonly bucket: string;
  readonly key: string;
  readonly condition: ReadCondition | undefined;
}

export function copySource(headers: Readonly<Record<string, string | undefined>>): CopySource {
  const named = parseCopySource(headers["x-amz-copy-source"] ?? "");
  return { ...named, condition: readCondition(headers, "x-amz-copy-source-") };
}

/** S3 copies no more than this in one request. */
export function sourceTooLarge(bytesMax: number): S3Error {
  const message = `The specified copy source is larger than the maximum allowable size for a copy source: ${bytesMax}`;
  return new S3Error("InvalidRequest", message);
}

/** `[/]bucket/key[?versionId=..]`, percent-encoded; a "?" of the key itself is encoded. */
function parseCopySource(header: string): { readonly bucket: string; readonly key: string } {
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

/** A source that was not modified is, for a copy, a condition that failed; one that is too large has words of its own. */
export async function sourceErrors<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof StoreError && error.code === "NotModified") throw new S3Error("PreconditionFailed");
    if (error instanceof StoreError && error.code === "BodyTooLarge")
      throw sourceTooLarge(Number(error.fields["bytesMax"]));
    throw error;
  }
}
