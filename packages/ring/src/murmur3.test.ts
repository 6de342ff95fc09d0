import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "@holdfast/base";
import { murmur3 } from "./murmur3.ts";

test("murmur3 gives the published values of MurmurHash3_x86_32", () => {
  for (const [input, seed, hash] of [
    ["", 0, 0],
    ["", 1, 0x514e_28b7],
    ["", 0xffff_ffff, 0x81f1_6f39],
    ["test", 0, 0xba6b_d213],
    ["test", 0x9747_b28c, 0x704b_81dc],
    ["Hello, world!", 0, 0xc036_3e43],
    ["Hello, world!", 0x9747_b28c, 0x2488_4cba],
    ["The quick brown fox jumps over the lazy dog", 0, 0x2e4f_f723],
    ["The quick brown fox jumps over the lazy dog", 0x9747_b28c, 0x2fa8_26cd],
  ] as const)
    assert.equal(murmur3(utf8(input), seed), hash, input);
  assert.equal(murmur3(Uint8Array.of(0xff, 0xff, 0xff, 0xff)), 0x7629_3b50);
  assert.equal(murmur3(Uint8Array.of(0x21, 0x43, 0x65, 0x87), 0x5082_edee), 0x2362_f9de);
});
