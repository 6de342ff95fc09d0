/**
 * Headers that ask for something this store does not do. They are refused, never ignored: a client that asks for
 * encryption, a lock or public access must not believe it got it.
 */

import { checksumAlgorithms } from "@holdfast/node";
import { checksumHeader } from "./checksum-headers.ts";
import { headerNotImplemented, invalidArgument, S3Error } from "./s3-error.ts";

const refusedPrefixes = [
  "x-amz-server-side-encryption",
  "x-amz-copy-source-server-side-encryption",
  "x-amz-object-lock-",
  "x-amz-bypass-governance-retention",
  // Fencing comes with locks; until then a fenced request must not run unfenced.
  "x-holdfast-lock",
  "x-holdfast-token",
] as const;

const refusedNames: ReadonlySet<string> = new Set([
  "x-amz-tagging",
  "x-amz-website-redirect-location",
  "x-amz-write-offset-bytes",
  "x-amz-rename-source",
]);

/** S3 has more algorithms: a checksum that cannot be held against the body must not look as if it had been. */
const checksumNames: ReadonlySet<string> = new Set([
  ...checksumAlgorithms.map(checksumHeader),
  "x-amz-checksum-algorithm",
  "x-amz-checksum-mode",
  "x-amz-checksum-type",
]);

/** Buckets are BucketOwnerEnforced, which is S3's default: these two say nothing new, and others are refused as S3 does. */
const acceptedAcls: ReadonlySet<string> = new Set(["private", "bucket-owner-full-control"]);

export function refuseUnsupported(headers: Readonly<Record<string, string | undefined>>): void {
  for (const name in headers) {
    if (!name.startsWith("x-")) continue;
    if (refusedNames.has(name) || refusedPrefixes.some((prefix) => name.startsWith(prefix))) {
      throw headerNotImplemented(name);
    }
    if (name.startsWith("x-amz-grant-")) throw new S3Error("AccessControlListNotSupported");
    if (name.startsWith("x-amz-checksum-") && !checksumNames.has(name)) throw headerNotImplemented(name);
    refuseValue(name, headers[name] ?? "");
  }
}

function refuseValue(name: string, value: string): void {
  switch (name) {
    case "x-amz-acl":
      if (!acceptedAcls.has(value)) throw new S3Error("AccessControlListNotSupported");
      break;
    case "x-amz-storage-class":
      if (value !== "STANDARD")
        throw new S3Error("InvalidStorageClass", undefined, { StorageClassRequested: value });
      break;
    case "x-amz-tagging-directive":
      if (value !== "COPY") throw headerNotImplemented(name);
      break;
    case "x-amz-bucket-object-lock-enabled":
      if (value.toLowerCase() !== "false") throw headerNotImplemented(name);
      break;
    case "x-amz-object-ownership":
      if (value !== "BucketOwnerEnforced") throw headerNotImplemented(name);
      break;
    case "x-amz-checksum-mode":
      if (value.toUpperCase() !== "ENABLED")
        throw invalidArgument(name, value, "The checksum mode is not valid.");
      break;
    default:
  }
}
