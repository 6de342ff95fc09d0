/** A request's body as the store takes it, with the digests that the request vouches for. */

import { fromHex, limits, StoreError } from "@holdfast/base";
import type { ExpectedDigest, IncomingBody } from "@holdfast/node";
import type { HttpRequest } from "@holdfast/ports";
import type { Payload } from "./authenticate.ts";

/** InvalidArgument, InvalidDigest, BodyTooLarge. */
export function incomingBody(request: HttpRequest, payload: Payload): IncomingBody {
  const bytes = declaredBytes(request);
  const expected: ExpectedDigest[] = [];
  const crc32 = crc32Of(request.headers["x-holdfast-crc32"]);
  if (crc32 !== undefined) expected.push({ algorithm: "crc32", value: crc32 });
  const sha256 = payload.kind === "signed" ? fromHex(payload.sha256) : undefined;
  if (sha256 !== undefined) expected.push({ algorithm: "sha256", value: sha256 });
  return {
    chunks: bytes === undefined ? limited(request.body) : request.body,
    bytes,
    expectedDigests: () => expected,
    // Kept and handed back, so that a client that could not say it beforehand compares it afterwards.
    checksumAlgorithm: "crc32",
    verify: sha256 === undefined ? [] : ["sha256"],
  };
}

/** Undefined for a chunked body. No length and no chunks means no body (RFC 9112 section 6.3). */
function declaredBytes(request: HttpRequest): number | undefined {
  if (request.headers["transfer-encoding"] !== undefined) return undefined;
  const bytes = Number(request.headers["content-length"] ?? "0");
  if (!Number.isSafeInteger(bytes) || bytes < 0)
    throw new StoreError("InvalidArgument", "content-length is not a number of bytes.");
  if (bytes > limits.bodyBytesMax) throw tooLarge();
  return bytes;
}

async function* limited(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > limits.bodyBytesMax) throw tooLarge();
    yield chunk;
  }
}

function tooLarge(): StoreError {
  return new StoreError(
    "BodyTooLarge",
    `One request carries at most ${limits.bodyBytesMax} bytes: send larger files in parts.`,
  );
}

/** Four bytes, from eight hexadecimal digits. */
export function crc32Of(text: string | undefined): Uint8Array | undefined {
  if (text === undefined) return undefined;
  const value = fromHex(text);
  if (value?.length !== 4)
    throw new StoreError("InvalidDigest", "A CRC-32 is written as eight hexadecimal digits.");
  return value;
}
