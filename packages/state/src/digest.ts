/**
 * A digest of a group's whole state that does not depend on the order of changes: sums over all pairs of two mixes of
 * the pair's checksum. Replicas compare it at equal applied index (S12); it finds divergence and rot, it is no proof
 * against an adversary.
 */

import type { Codec } from "@holdfast/base";
import { record, uint32 } from "@holdfast/base";

export interface StateDigest {
  readonly low: number;
  readonly high: number;
}

export const emptyDigest: StateDigest = { low: 0, high: 0 };

export const stateDigestCodec: Codec<StateDigest> = record({ low: uint32, high: uint32 });

export function digestWith(digest: StateDigest, checksum: number): StateDigest {
  return {
    low: (digest.low + mix(checksum, 0x85eb_ca6b)) >>> 0,
    high: (digest.high + mix(checksum, 0xc2b2_ae35)) >>> 0,
  };
}

export function digestWithout(digest: StateDigest, checksum: number): StateDigest {
  return {
    low: (digest.low - mix(checksum, 0x85eb_ca6b)) >>> 0,
    high: (digest.high - mix(checksum, 0xc2b2_ae35)) >>> 0,
  };
}

/** A 32-bit finalizer in the manner of MurmurHash3. */
function mix(value: number, factor: number): number {
  let z = Math.imul(value ^ (value >>> 16) ^ factor, factor);
  z = Math.imul(z ^ (z >>> 13), 0x9e37_79b1);
  return (z ^ (z >>> 16)) >>> 0;
}
