import type { Codec } from "@holdfast/base";
import { AssertionError, DecodeError, decode } from "@holdfast/base";

/** An entry of our own log that does not decode is a broken invariant: skipping it would let replicas drift apart. */
export function decodeEntry<T>(codec: Codec<T>, command: Uint8Array, index: number): T {
  try {
    return decode(codec, command);
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause;
    throw new AssertionError(`entry ${index} cannot be decoded: ${cause.message}`);
  }
}
