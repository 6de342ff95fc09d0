import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { concatBytes } from "./bytes.ts";
import { combineCrc } from "./crc-combine.ts";
import { crc32 } from "./crc32.ts";
import { Crc64Nvme } from "./crc64-nvme.ts";

function bigEndian32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
}

/** Bit by bit, from the definition. */
function crc32c(data: Uint8Array): Uint8Array {
  let c = 0xffff_ffff;
  for (const byte of data) {
    c ^= byte;
    for (let bit = 0; bit < 8; bit++) c = (c & 1) !== 0 ? (c >>> 1) ^ 0x82f6_3b78 : c >>> 1;
  }
  return bigEndian32(~c >>> 0);
}

function crc64(data: Uint8Array): Uint8Array {
  const crc = new Crc64Nvme();
  crc.update(data);
  return crc.finish();
}

const kinds = [
  ["crc32", (data: Uint8Array) => bigEndian32(crc32(data))],
  ["crc32c", crc32c],
  ["crc64nvme", crc64],
] as const;

for (const [kind, checksum] of kinds) {
  test(`crc combine: ${kind} of two parts is that of their concatenation`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), (a, b) => {
        assert.deepEqual(combineCrc(kind, checksum(a), checksum(b), b.length), checksum(concatBytes([a, b])));
      }),
      { numRuns: 50 },
    );
  });
}
