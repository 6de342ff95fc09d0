/** Checksums as S3 names them in headers and trailers, in requests and answers. */

import { fromBase64, toBase64 } from "@holdfast/base";
import type { ChecksumAlgorithm, FileChecksum, FileInfo } from "@holdfast/node";
import { checksumAlgorithms } from "@holdfast/node";
import { S3Error } from "./s3-error.ts";
import { leaf, optionalLeaf } from "./xml-writer.ts";

type RequestHeaders = Readonly<Record<string, string | undefined>>;

const digestBytes: Readonly<Record<ChecksumAlgorithm, number>> = {
  crc32: 4,
  crc32c: 4,
  crc64nvme: 8,
  sha1: 20,
  sha256: 32,
};

/** A checksum that the request promises: with its value, or to come in the trailer. */
export interface DeclaredChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly value: Uint8Array | undefined;
}

const headerNames: Readonly<Record<ChecksumAlgorithm, string>> = {
  crc32: "x-amz-checksum-crc32",
  crc32c: "x-amz-checksum-crc32c",
  crc64nvme: "x-amz-checksum-crc64nvme",
  sha1: "x-amz-checksum-sha1",
  sha256: "x-amz-checksum-sha256",
};

export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return headerNames[algorithm];
}

/** `trailerNames` are those of `x-amz-trailer`, checked before. */
export function declaredChecksum(
  headers: RequestHeaders,
  trailerNames: readonly string[],
): DeclaredChecksum | undefined {
  const declared: DeclaredChecksum[] = [];
  for (const algorithm of checksumAlgorithms) {
    const name = checksumHeader(algorithm);
    const text = headers[name];
    if (text !== undefined) declared.push({ algorithm, value: checksumValue(algorithm, text, "header") });
    else if (trailerNames.includes(name)) declared.push({ algorithm, value: undefined });
  }
  if (declared.length > 1) {
    const message = "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.";
    throw new S3Error("InvalidRequest", message);
  }
  checkAnnouncement(headers["x-amz-sdk-checksum-algorithm"], declared[0]);
  return declared[0];
}

/** `x-amz-sdk-checksum-algorithm` says which checksum the SDK sends: it must be there. */
function checkAnnouncement(announced: string | undefined, declared: DeclaredChecksum | undefined): void {
  if (announced === undefined) return;
  const algorithm = parseAlgorithm(announced, "x-amz-sdk-checksum-algorithm");
  if (declared === undefined) {
    throw new S3Error(
      "InvalidRequest",
      "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
    );
  }
  if (declared.algorithm !== algorithm) {
    throw new S3Error("InvalidRequest", "Value for x-amz-sdk-checksum-algorithm header is invalid.");
  }
}

/** "CRC32" and the like, in any case. */
export function parseAlgorithm(text: string, header: string): ChecksumAlgorithm {
  const algorithm = checksumAlgorithms.find((known) => known === text.toLowerCase());
  if (algorithm !== undefined) return algorithm;
  const message = `Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]`;
  throw new S3Error("InvalidRequest", message, { ArgumentName: header });
}

export function checksumValue(
  algorithm: ChecksumAlgorithm,
  text: string,
  where: "header" | "trailing header" | "element",
): Uint8Array {
  const value = fromBase64(text);
  if (value?.length === digestBytes[algorithm]) return value;
  throw new S3Error("InvalidRequest", `Value for ${checksumHeader(algorithm)} ${where} is invalid.`);
}

/** Content-MD5: InvalidDigest when it is no base64 of 16 bytes. */
export function contentMd5(headers: RequestHeaders): Uint8Array | undefined {
  const text = headers["content-md5"];
  if (text === undefined) return undefined;
  const value = fromBase64(text.trim());
  if (value?.length === 16) return value;
  throw new S3Error("InvalidDigest", undefined, { "Content-MD5": text });
}

/** Base64; a composite one says over how many parts. */
export function checksumText(checksum: FileChecksum, partCount: number | undefined): string {
  const text = toBase64(checksum.value);
  return checksum.scope === "composite" && partCount !== undefined ? `${text}-${partCount}` : text;
}

export function checksumType(scope: "full" | "composite"): string {
  return scope === "full" ? "FULL_OBJECT" : "COMPOSITE";
}

export function checksumAnswerHeaders(
  checksum: FileChecksum | undefined,
  partCount?: number,
): Readonly<Record<string, string>> {
  if (checksum === undefined) return {};
  return {
    [checksumHeader(checksum.algorithm)]: checksumText(checksum, partCount),
    "x-amz-checksum-type": checksumType(checksum.scope),
  };
}

/** `ChecksumCRC32` and the like. */
export function checksumElementName(algorithm: ChecksumAlgorithm): string {
  return `Checksum${algorithm.toUpperCase()}`;
}

/** The type is a property of the whole, not of a part. */
export function partChecksumElement(checksum: FileChecksum | undefined): string {
  return checksum === undefined
    ? ""
    : leaf(checksumElementName(checksum.algorithm), checksumText(checksum, undefined));
}

/** What a client can hold a whole file against: the checksum kept with it, else the CRC-32 that every file has. */
export function knownChecksum({ checksum, crc32 }: FileInfo): FileChecksum {
  if (checksum !== undefined) return checksum;
  const value = new Uint8Array(4);
  new DataView(value.buffer).setUint32(0, crc32);
  return { algorithm: "crc32", scope: "full", value };
}

export function checksumElements(checksum: FileChecksum | undefined, partCount?: number): string {
  if (checksum === undefined) return "";
  return (
    optionalLeaf(checksumElementName(checksum.algorithm), checksumText(checksum, partCount)) +
    optionalLeaf("ChecksumType", checksumType(checksum.scope))
  );
}
