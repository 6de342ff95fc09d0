/**
 * The CRC of A followed by B from the CRCs of both and the length of B, for every CRC that S3 knows: appending n bytes
 * multiplies A's remainder by x^(8n) modulo the polynomial (as zlib's crc32_combine). On BigInt: called once a part.
 */

import { ByteReader, ByteWriter } from "./codec.ts";

export type CombinableCrc = "crc32" | "crc32c" | "crc64nvme";

/** Width in bits and bit-reflected polynomial. */
const parameters: Readonly<Record<CombinableCrc, { readonly width: number; readonly polynomial: bigint }>> = {
  crc32: { width: 32, polynomial: 0xedb8_8320n },
  crc32c: { width: 32, polynomial: 0x82f6_3b78n },
  crc64nvme: { width: 64, polynomial: 0x9a6c_9329_ac4b_c9b5n },
};

/** CRCs are big-endian byte strings; `bytesB` is below 2^53. */
export function combineCrc(
  kind: CombinableCrc,
  crcA: Uint8Array,
  crcB: Uint8Array,
  bytesB: number,
): Uint8Array {
  const { width, polynomial } = parameters[kind];
  const one = 1n << BigInt(width - 1);
  const multiply = (a: bigint, b: bigint): bigint => {
    let product = 0n;
    let factor = b;
    for (let bit = one; bit !== 0n; bit >>= 1n) {
      if ((a & bit) !== 0n) product ^= factor;
      factor = (factor & 1n) === 1n ? (factor >> 1n) ^ polynomial : factor >> 1n;
    }
    return product;
  };
  let shifted = toBigInt(crcA);
  let power = one >> 8n; // x^8, bit-reflected
  for (let rest = bytesB; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) shifted = multiply(power, shifted);
    power = multiply(power, power);
  }
  return fromBigInt(shifted ^ toBigInt(crcB), width);
}

function toBigInt(bytes: Uint8Array): bigint {
  const reader = new ByteReader(bytes);
  let value = 0n;
  while (reader.remaining > 0) value = (value << 32n) | BigInt(reader.u32());
  return value;
}

function fromBigInt(value: bigint, width: number): Uint8Array {
  const writer = new ByteWriter(width / 8);
  if (width === 64) writer.u32(Number(value >> 32n));
  writer.u32(Number(value & 0xffff_ffffn));
  return writer.finish();
}
