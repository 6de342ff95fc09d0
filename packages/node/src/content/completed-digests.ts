/** ETag and checksum of a file that was uploaded in parts, from those of its parts, as S3 defines them. */

import { combineCrc, concatBytes, equalBytes, StoreError, toHex } from "@holdfast/base";
import type { ContentPart, FileChecksum, Upload } from "@holdfast/namespace";
import type { Hashing } from "@holdfast/ports";
import { refusal } from "../refusal.ts";

/** MD5 of the parts' MD5s, "-", their number. */
export function completedEtag(hashing: Hashing, md5s: readonly Uint8Array[]): string {
  return `${toHex(hashing.hash("md5", concatBytes(md5s)))}-${md5s.length}`;
}

/** Undefined when the upload asked for none; refuses one that differs from what the client says. */
export function completedChecksum(
  hashing: Hashing,
  upload: Upload,
  parts: readonly ContentPart[],
  expected: FileChecksum | undefined,
): FileChecksum | undefined {
  const algorithm = upload.checksumAlgorithm;
  if (algorithm === undefined) return undefined;
  const scope = upload.checksumScope ?? "composite";
  const values = parts.map((part) => {
    if (part.checksum?.algorithm !== algorithm) throw refusal("InvalidPart", String(part.number));
    return { value: part.checksum.value, bytes: part.bytes };
  });
  const value =
    scope === "composite"
      ? hashing.hash(algorithm, concatBytes(values.map((part) => part.value)))
      : fullChecksum(algorithm, values);
  if (expected !== undefined && (expected.algorithm !== algorithm || !equalBytes(expected.value, value)))
    throw new StoreError(
      "ChecksumMismatch",
      "The checksum of the whole file differs from that of its parts.",
    );
  return { algorithm, scope, value };
}

function fullChecksum(
  algorithm: FileChecksum["algorithm"],
  parts: readonly { readonly value: Uint8Array; readonly bytes: number }[],
): Uint8Array {
  if (algorithm === "sha1" || algorithm === "sha256")
    throw new StoreError("InvalidRequest", `A full-object checksum cannot be made from ${algorithm} parts.`);
  return parts.reduce<Uint8Array>(
    (whole, part) => combineCrc(algorithm, whole, part.value, part.bytes),
    new Uint8Array(algorithm === "crc64nvme" ? 8 : 4),
  );
}
