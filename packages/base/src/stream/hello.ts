/** What the server says first, before anything is sealed: what it allows, and a number that nobody could know beforehand. */

import type { Codec } from "../codec.ts";
import { byteString, DecodeError, decode, encode, integer, record, versioned } from "../codec.ts";

export const streamVersion: number = 1;
export const nonceBytes: number = 16;

export interface StreamHello {
  readonly nonce: Uint8Array;
  /** Of the server; a client that goes beyond is refused, or cut off. */
  readonly operationsMax: number;
  readonly messageBytesMax: number;
  readonly bodyBytesMax: number;
}

const helloCodec: Codec<StreamHello> = versioned(
  streamVersion,
  record({
    nonce: byteString,
    operationsMax: integer,
    messageBytesMax: integer,
    bodyBytesMax: integer,
  }),
);

export function encodeStreamHello(hello: StreamHello): Uint8Array {
  return encode(helloCodec, hello);
}

/** Throws DecodeError, UnsupportedVersionError among them. */
export function decodeStreamHello(bytes: Uint8Array): StreamHello {
  const hello = decode(helloCodec, bytes);
  if (hello.nonce.length !== nonceBytes) throw new DecodeError("a nonce of another length");
  return hello;
}
