import assert from "node:assert/strict";
import { test } from "node:test";
import { Slabs } from "./slab.ts";

test("new bytes are zeroed, of the length asked for, and nobody else's", () => {
  const slabs = new Slabs();
  const taken: Uint8Array[] = [];
  for (let length = 0; length < 40_000; length = length * 2 + 7) {
    for (let i = 0; i < 20; i++) {
      const bytes = slabs.newBytes(length);
      assert.equal(bytes.length, length);
      assert.ok(bytes.every((byte) => byte === 0));
      bytes.fill(0xff);
      taken.push(bytes);
    }
  }
  assert.ok(taken.every((bytes) => bytes.every((byte) => byte === 0xff)));
});

test("a copy has its own bytes", () => {
  const bytes = new Uint8Array(100).fill(1);
  const copy = new Slabs().copy(bytes.subarray(10));
  bytes.fill(2);
  assert.deepEqual(copy, new Uint8Array(90).fill(1));
});
