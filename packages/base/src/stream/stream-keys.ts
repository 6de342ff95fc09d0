/**
 * The keys of one stream. A signature covers one request, and whoever copies it from the wire can send that one again; on a
 * stream it would stand for everything that follows. So each message is sealed by a key that only those can make who have the
 * secret key, and that is new for each stream: both sides' nonces are in it, and all else that the server said in its hello.
 */

import { concatBytes, utf8 } from "../bytes.ts";
import type { Sha256 } from "../sigv4/hmac-sha256.ts";
import { HmacSha256 } from "../sigv4/hmac-sha256.ts";

export interface StreamKeys {
  readonly toServer: HmacSha256;
  readonly toClient: HmacSha256;
}

/** `clientNonce` as it stands in the signed query, `hello` as it was sent. */
export function streamKeys(
  sha256: Sha256,
  secretKey: string,
  clientNonce: string,
  hello: Uint8Array,
): StreamKeys {
  const secret = new HmacSha256(sha256, utf8(secretKey));
  const keyOf = (label: string): HmacSha256 =>
    new HmacSha256(sha256, secret.sign(concatBytes([utf8(`${label}\n${clientNonce}\n`), hello])));
  return { toServer: keyOf("holdfast stream to server"), toClient: keyOf("holdfast stream to client") };
}
