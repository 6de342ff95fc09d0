/** The server's half of SigV4, second step: whether the signature is the secret's. */

import type { SignedAuthorization } from "./authorization.ts";
import type { SignableRequest } from "./canonical-request.ts";
import type { Sha256 } from "./hmac-sha256.ts";
import { equalInConstantTime, signatureOf } from "./signature.ts";

export interface VerifySignatureInput {
  readonly request: SignableRequest;
  readonly authorization: SignedAuthorization;
  /** As the request declares it, and so far unchecked: the caller holds the body against it. */
  readonly payloadHash: string;
  readonly secretKey: string;
  /** The same function each time: signing keys are remembered with it. */
  readonly sha256: Sha256;
}

/** Judges neither age nor region: the caller knows what it serves. */
export function verifySignature(input: VerifySignatureInput): boolean {
  const { signedHeaders, timestamp, scope, signature } = input.authorization;
  return equalInConstantTime(signatureOf({ ...input, signedHeaders, timestamp, scope }), signature);
}
