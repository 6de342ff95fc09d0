import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { concatBytes, utf8 } from "./bytes.ts";
import { crc32, crc32Combine } from "./crc32.ts";

/** Bit by bit, as the polynomial is defined. */
function bitwise(data: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xedb8_8320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

test("crc32 has the published check value", () => {
  assert.equal(crc32(utf8("123456789")), 0xcbf43926);
  assert.equal(crc32(new Uint8Array(0)), 0);
});

test("crc32 equals its bitwise definition, in one go and continued from a seed", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), (a, b) => {
      assert.equal(crc32(a), bitwise(a));
      assert.equal(crc32(b, crc32(a)), bitwise(concatBytes([a, b])));
    }),
  );
});

test("crc32Combine gives the checksum of the concatenation", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), fc.uint8Array({ maxLength: 3000 }), (a, b) => {
      assert.equal(crc32Combine(crc32(a), crc32(b), b.length), crc32(concatBytes([a, b])));
    }),
  );
});

test("crc32Combine holds for lengths that no buffer has", () => {
  // Doubling a run of zeros 33 times by the rule itself, against shifting by the whole length at once.
  let run = bitwise(new Uint8Array(1024));
  let bytes = 1024;
  const first = bitwise(utf8("head"));
  let byHalves = crc32Combine(first, run, bytes);
  for (let i = 0; i < 33; i++) {
    byHalves = crc32Combine(byHalves, run, bytes);
    run = crc32Combine(run, run, bytes);
    bytes *= 2;
  }
  assert.equal(bytes, 2 ** 43);
  assert.equal(crc32Combine(first, run, bytes), byHalves);
});
