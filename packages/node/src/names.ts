/** The names that every protocol accepts, checked in one place. */

import { limits, StoreError, utf8 } from "@holdfast/base";
import { fileKeyBytes, isRefusal } from "@holdfast/namespace";

/** S3's rules for buckets: 3 to 63 of a-z, 0-9, "." and "-", not shaped like an IP address. */
export function checkBucketName(name: string): void {
  const wellFormed = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) && !/\.\.|\.-|-\./.test(name);
  if (wellFormed && !/^\d+\.\d+\.\d+\.\d+$/.test(name)) return;
  throw new StoreError(
    "InvalidBucketName",
    'A bucket name has 3 to 63 characters of a-z, 0-9, "." and "-", begins and ends with a letter or digit, and is not an IP address.',
    { fields: { bucket: name } },
  );
}

export function checkKey(key: string): void {
  if (!key.isWellFormed()) throw new StoreError("InvalidKey", "A key must be well-formed Unicode.");
  const bytes = fileKeyBytes(key);
  if (!isRefusal(bytes)) return;
  throw bytes.code === "KeyTooLong"
    ? new StoreError("KeyTooLong", `A key has at most ${limits.keyBytesMax} bytes of UTF-8.`, {
        fields: { bytes: utf8(key).length, bytesMax: limits.keyBytesMax },
      })
    : new StoreError("InvalidKey", "A key is not empty and holds no zero character.");
}
