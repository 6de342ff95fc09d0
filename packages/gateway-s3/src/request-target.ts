/** What a request is about: the service, a bucket or a file, named in path style or virtual-host style. */

import { limits, utf8 } from "@holdfast/base";
import { S3Error } from "./s3-error.ts";
import { decodeUri } from "./uri.ts";

export interface RequestTarget {
  /** "" for the service itself. */
  readonly bucket: string;
  /** "" for the bucket itself. */
  readonly key: string;
}

/** Throws InvalidURI and KeyTooLongError. Nothing is normalized: "//" and dot segments belong to the key. */
export function parseTarget(
  path: string,
  host: string | undefined,
  domains: readonly string[],
): RequestTarget {
  if (!path.startsWith("/")) throw new S3Error("InvalidURI");
  const hostBucket = bucketInHost(host ?? "", domains);
  if (hostBucket !== undefined) return { bucket: hostBucket, key: decodeKey(path.slice(1)) };
  const slash = path.indexOf("/", 1);
  if (slash < 0) return { bucket: decodeUri(path.slice(1)), key: "" };
  const bucket = decodeUri(path.slice(1, slash));
  if (bucket === "") throw new S3Error("InvalidURI");
  return { bucket, key: decodeKey(path.slice(slash + 1)) };
}

/** `bucket.domain:port`; undefined for the domain itself and for hosts of no known domain. */
function bucketInHost(host: string, domains: readonly string[]): string | undefined {
  if (domains.length === 0) return undefined;
  const name = host.replace(/:\d*$/, "").toLowerCase();
  for (const domain of domains) {
    if (name.length > domain.length + 1 && name.endsWith(`.${domain.toLowerCase()}`)) {
      return name.slice(0, -domain.length - 1);
    }
  }
  return undefined;
}

function decodeKey(encoded: string): string {
  const key = decodeUri(encoded);
  checkKeyLength(key);
  return key;
}

export function checkKeyLength(key: string): void {
  // No character of UTF-16 takes more than three bytes.
  if (key.length * 3 <= limits.keyBytesMax) return;
  const bytes = utf8(key).length;
  if (bytes <= limits.keyBytesMax) return;
  throw new S3Error("KeyTooLongError", undefined, { Size: bytes, MaxSizeAllowed: limits.keyBytesMax });
}
