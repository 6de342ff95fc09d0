import { StoreError } from "@holdfast/base";

/** Failures that every other file would meet too: better to stop than to report them ten thousand times. */
const hopelessCodes: ReadonlySet<string> = new Set([
  "BucketNotFound",
  "InvalidBucketName",
  "InvalidAccessKey",
  "SignatureMismatch",
  "RequestTimeSkewed",
  "OutOfSpace",
  "Unavailable",
  "Stopped",
]);

export function isHopeless(error: unknown): boolean {
  return error instanceof StoreError && hopelessCodes.has(error.code);
}
