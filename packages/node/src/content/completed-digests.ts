/** ETag and checksum of a file that was uploaded in parts, from those of its parts, as S3 defines them. */

import { combineCrc, concatBytes, equalBytes, StoreError, toHex } from "@holdfast/base";
import type { ChecksumAlgorithm, ContentPart, FileChecksum, Upload } from "@holdfast/namespace";
import type { Hashing } from "@holdfast/ports";
import { refusal } from "../refusal.ts";
import { bigEndian } from "./body-digests.ts";

/** MD5 of the parts' MD5s, "-", their number. */
export function completedEtag(hashing: Hashing, md5s: readonly Uint8Array[]): string {
  return `${toHex(hashing.hash("md5", concatBytes(md5s)))}-${md5s.length}`;
}

/**
 * Undefined when neither the upload nor the client names one; refuses one that differs from what the client says, and one
 * that cannot be told from the parts.
 */
export function completedChecksum(
  hashing: Hashing,
  upload: Pick<Upload, "checksumAlgorithm" | "checksumScope">,
  parts: readonly ContentPart[],
  expected: FileChecksum | undefined,
): FileChecksum | undefined {
  const algorithm = upload.checksumAlgorithm ?? expected?.algorithm;
  if (algorithm === undefined) return undefined;
  const scope = upload.checksumScope ?? expected?.scope ?? "composite";
  const values = parts.map((part) => ({ value: partValue(part, algorithm), bytes: part.bytes }));
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

/** The CRC-32 of every part is known, asked for or not. */
function partValue(part: ContentPart, algorithm: ChecksumAlgorithm): Uint8Array {
  if (part.checksum?.algorithm === algorithm) return part.checksum.value;
  if (algorithm === "crc32") return bigEndian(part.crc32);
  throw refusal("InvalidPart", String(part.number));
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
