import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { sha256 } from "./sha256.ts";

function expected(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

test("SHA-256: every length around the edges of its blocks is that of Node", () => {
  for (let length = 0; length <= 200; length++) {
    const data = Uint8Array.from({ length }, (_, i) => i * 7 + length);
    assert.equal(Buffer.from(sha256(data)).toString("hex"), expected(data), String(length));
  }
});

test("SHA-256: any bytes, and any view into a larger buffer, are hashed as Node does", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1000 }), fc.nat(100), (data, offset) => {
      const view = data.subarray(Math.min(offset, data.length));
      assert.equal(Buffer.from(sha256(view)).toString("hex"), expected(view));
    }),
  );
});
