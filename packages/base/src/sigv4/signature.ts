/** The signature itself: what all forms of SigV4 (header, query, chunks) have in common. */

import { toHex, utf8 } from "../bytes.ts";
import type { SignableRequest } from "./canonical-request.ts";
import { canonicalRequest } from "./canonical-request.ts";
import type { Sha256 } from "./hmac-sha256.ts";
import type { SigningScope } from "./signing-key.ts";
import { scopeText, signingKey } from "./signing-key.ts";

export const algorithm = "AWS4-HMAC-SHA256";
export const unsignedPayload = "UNSIGNED-PAYLOAD";
/** SHA-256 of no bytes, in hex: the payload hash of a request without a body. */
export const emptyPayloadHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

export interface SignatureInput {
  readonly request: SignableRequest;
  /** Lower-case, sorted. */
  readonly signedHeaders: readonly string[];
  readonly payloadHash: string;
  /** `yyyymmddThhmmssZ`. */
  readonly timestamp: string;
  readonly scope: SigningScope;
  readonly secretKey: string;
  readonly sha256: Sha256;
}

/** 64 hexadecimal digits. */
export function signatureOf(input: SignatureInput): string {
  const canonical = canonicalRequest(input.request, input.signedHeaders, input.payloadHash);
  const digest = toHex(input.sha256(textBytes(canonical)));
  const key = signingKey(input.sha256, input.secretKey, input.scope);
  return key.signTextToHex(`${algorithm}\n${input.timestamp}\n${scopeText(input.scope)}\n${digest}`);
}

const encoder = new TextEncoder();
const room = new Uint8Array(8 * 1024);

/** In UTF-8, in memory that is used again. */
function textBytes(text: string): Uint8Array {
  if (text.length * 3 > room.length) return utf8(text);
  return room.subarray(0, encoder.encodeInto(text, room).written);
}

/** Takes the same time wherever the texts differ, so that a signature cannot be guessed digit by digit. */
export function equalInConstantTime(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i % Math.max(1, b.length));
  return difference === 0;
}
