/**
 * Decodes a body in aws-chunked framing, step by step and in bounded memory: data passes through as views of what came
 * in; only chunk headers (256 bytes) and the trailer (4 KiB) are gathered. A chunk's signature is known to be good
 * only at the chunk's end, after its data was passed on, so whoever consumes the data keeps nothing until `finish` has
 * returned: gateways commit a file only then.
 *
 *     body    = *chunk last trailer
 *     chunk   = size-hex [;chunk-signature=64hex] CRLF data CRLF
 *     last    = "0" [;chunk-signature=64hex] CRLF
 *     trailer = *(name ":" value LF) CRLF          (LF, as some clients end these lines by LF CRLF)
 */

import type { ChunkSignatures, Sha256 } from "@holdfast/base";
import { concatBytes, equalInConstantTime, utf8, utf8Text } from "@holdfast/base";
import type { Digest, Hashing } from "@holdfast/ports";
import { S3Error } from "./s3-error.ts";

const chunkHeaderBytesMax = 256;
const trailerBytesMax = 4096;
const lf = 0x0a;
const cr = 0x0d;

export interface AwsChunkedOptions {
  /** `x-amz-decoded-content-length`. */
  readonly decodedBytes: number;
  /** Undefined for unsigned chunks. */
  readonly signatures: ChunkSignatures | undefined;
  /** Lower-case names of `x-amz-trailer`; all must come, no others may. */
  readonly trailerNames: readonly string[];
  readonly hashing: Hashing;
  readonly sha256: Sha256;
}

type Position = "header" | "data" | "data-end" | "trailer";

export class AwsChunkedDecoder {
  /** Lower-case names; complete once `finish` has returned. */
  readonly trailers: Map<string, string> = new Map();
  readonly #options: AwsChunkedOptions;
  #position: Position = "header";
  /** The pieces of a line that has not ended yet. */
  #line: Uint8Array[] = [];
  #lineBytes = 0;
  #trailerBytes = 0;
  #decodedBytes = 0;
  #chunkBytesLeft = 0;
  #chunkSignature = "";
  #chunkDigest: Digest | undefined;
  #trailerSignature: string | undefined;
  /** Whether the last line of the trailer was empty: what a whole body ends with. */
  #ended = false;

  constructor(options: AwsChunkedOptions) {
    this.#options = options;
  }

  /** The data in these bytes. Throws S3Error; the decoder is of no use after that. */
  push(bytes: Uint8Array): Uint8Array[] {
    const data: Uint8Array[] = [];
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#position === "data") {
        const piece = rest.subarray(0, this.#chunkBytesLeft);
        this.#onData(piece);
        data.push(piece);
        rest = rest.subarray(piece.length);
        continue;
      }
      const end = rest.indexOf(lf);
      const piece = end < 0 ? rest : rest.subarray(0, end + 1);
      this.#keepLine(piece);
      if (end >= 0) this.#onLine();
      rest = rest.subarray(piece.length);
    }
    return data;
  }

  /** Checks that the body was whole: lengths, trailer, its signature. */
  finish(): void {
    if (this.#position !== "trailer" || !this.#ended || this.#lineBytes > 0)
      throw new S3Error("IncompleteBody");
    if (this.#decodedBytes !== this.#options.decodedBytes) throw wrongLength();
    for (const name of this.#options.trailerNames) {
      if (!this.trailers.has(name)) throw new S3Error("MalformedTrailerError");
    }
    this.#checkTrailerSignature();
  }

  #keepLine(piece: Uint8Array): void {
    this.#line.push(piece);
    this.#lineBytes += piece.length;
    const limit = this.#position === "trailer" ? trailerBytesMax - this.#trailerBytes : chunkHeaderBytesMax;
    if (this.#lineBytes <= limit) return;
    throw this.#position === "trailer" ? new S3Error("MalformedTrailerError") : malformed();
  }

  #onLine(): void {
    const whole = concatBytes(this.#line);
    this.#line = [];
    this.#lineBytes = 0;
    const endsByCrLf = whole.at(-2) === cr;
    const line = asciiText(whole.subarray(0, whole.length - (endsByCrLf ? 2 : 1)));
    if (this.#position === "trailer") {
      this.#trailerBytes += whole.length;
      this.#onTrailerLine(line);
      return;
    }
    if (!endsByCrLf) throw malformed();
    if (this.#position === "header") {
      this.#onChunkHeader(line);
    } else {
      if (line !== "") throw malformed();
      this.#position = "header";
    }
  }

  #onChunkHeader(line: string): void {
    const parts = /^([0-9A-Fa-f]{1,13})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line);
    if (parts === null) throw malformed();
    const bytes = Number.parseInt(parts[1] ?? "", 16);
    this.#chunkSignature = parts[2] ?? "";
    if (bytes > this.#options.decodedBytes - this.#decodedBytes) throw wrongLength();
    this.#chunkBytesLeft = bytes;
    this.#position = bytes === 0 ? "trailer" : "data";
    if (bytes === 0) this.#checkChunkSignature(new Uint8Array(0));
  }

  #onData(piece: Uint8Array): void {
    this.#decodedBytes += piece.length;
    this.#chunkBytesLeft -= piece.length;
    if (this.#chunkBytesLeft === 0) {
      this.#checkChunkSignature(piece);
      this.#position = "data-end";
    } else if (this.#options.signatures !== undefined) {
      this.#chunkDigest ??= this.#options.hashing.digest("sha256");
      this.#chunkDigest.update(piece);
    }
  }

  /** A chunk that came in one piece is hashed in one go. */
  #checkChunkSignature(lastPiece: Uint8Array): void {
    const { signatures, sha256 } = this.#options;
    if (signatures === undefined) return;
    this.#chunkDigest?.update(lastPiece);
    const expected = signatures.next(this.#chunkDigest?.finish() ?? sha256(lastPiece));
    this.#chunkDigest = undefined;
    if (!equalInConstantTime(expected, this.#chunkSignature)) throw new S3Error("SignatureDoesNotMatch");
  }

  #onTrailerLine(line: string): void {
    this.#ended = line === "";
    if (this.#ended) return;
    const split = line.indexOf(":");
    const name = line.slice(0, Math.max(0, split)).trim().toLowerCase();
    const value = line.slice(split + 1).trim();
    if (name === "x-amz-trailer-signature" && this.#options.signatures !== undefined) {
      this.#trailerSignature = value;
      return;
    }
    if (!this.#options.trailerNames.includes(name) || this.trailers.has(name)) {
      throw new S3Error("MalformedTrailerError");
    }
    this.trailers.set(name, value);
  }

  #checkTrailerSignature(): void {
    const { signatures, sha256 } = this.#options;
    if (signatures === undefined) return;
    if (this.trailers.size === 0 && this.#trailerSignature === undefined) return;
    let lines = "";
    for (const [name, value] of this.trailers) lines += `${name}:${value}\n`;
    const expected = signatures.trailer(sha256(utf8(lines)));
    if (!equalInConstantTime(expected, this.#trailerSignature ?? ""))
      throw new S3Error("SignatureDoesNotMatch");
  }
}

function asciiText(bytes: Uint8Array): string {
  try {
    return utf8Text(bytes);
  } catch {
    throw malformed();
  }
}

function malformed(): S3Error {
  return new S3Error("InvalidRequest", "The body is not well-formed aws-chunked encoding.");
}

function wrongLength(): S3Error {
  const message = "The decoded body does not have the length that x-amz-decoded-content-length declares.";
  return new S3Error("IncompleteBody", message);
}
