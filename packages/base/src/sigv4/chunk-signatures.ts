/**
 * Signatures of a body sent in chunks (STREAMING-AWS4-HMAC-SHA256-PAYLOAD and its -TRAILER form): each covers its
 * chunk and the signature before it, from the request's own on, so that chunks cannot be dropped, changed or moved.
 */

import { toHex } from "../bytes.ts";
import type { HmacSha256, Sha256 } from "./hmac-sha256.ts";
import { emptyPayloadHash } from "./signature.ts";
import type { SigningScope } from "./signing-key.ts";
import { scopeText, signingKey } from "./signing-key.ts";

export interface ChunkSignaturesInput {
  readonly scope: SigningScope;
  /** The request's; `yyyymmddThhmmssZ`. */
  readonly timestamp: string;
  /** The request's signature. */
  readonly seedSignature: string;
  readonly secretKey: string;
  readonly sha256: Sha256;
}

export class ChunkSignatures {
  readonly #key: HmacSha256;
  readonly #head: string;
  #previous: string;

  constructor(input: ChunkSignaturesInput) {
    this.#key = signingKey(input.sha256, input.secretKey, input.scope);
    this.#head = `${input.timestamp}\n${scopeText(input.scope)}\n`;
    this.#previous = input.seedSignature;
  }

  /** The signature of the next chunk, from the SHA-256 of its data; the last chunk is empty. */
  next(chunkSha256: Uint8Array): string {
    return this.#sign(
      `AWS4-HMAC-SHA256-PAYLOAD\n${this.#head}${this.#previous}\n${emptyPayloadHash}\n${toHex(chunkSha256)}`,
    );
  }

  /** The signature of the trailer, from the SHA-256 of its lines as `name:value\n`; comes after the last chunk. */
  trailer(trailerSha256: Uint8Array): string {
    return this.#sign(`AWS4-HMAC-SHA256-TRAILER\n${this.#head}${this.#previous}\n${toHex(trailerSha256)}`);
  }

  #sign(stringToSign: string): string {
    this.#previous = this.#key.signTextToHex(stringToSign);
    return this.#previous;
  }
}
