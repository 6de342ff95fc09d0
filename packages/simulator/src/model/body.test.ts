import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bodyBytes, bodyLength, firstDifference, pieceBytes } from "./body.ts";

const piece = fc.record({ id: fc.nat(1_000_000), bytes: fc.nat(300) });
const body = fc.record({ pieces: fc.array(piece, { minLength: 1, maxLength: 4 }) });

test("a slice of a body has the bytes that the whole has there", () => {
  fc.assert(
    fc.property(body, fc.nat(1200), fc.nat(1200), (some, from, length) => {
      const whole = bodyBytes(some);
      assert.equal(whole.length, bodyLength(some));
      const offset = Math.min(from, whole.length);
      const slice = whole.subarray(offset, offset + length);
      assert.deepEqual([...bodyBytes(some, offset, slice.length)], [...slice]);
      assert.equal(firstDifference(some, offset, slice), undefined);
    }),
  );
});

test("eight bytes of another piece, or of another place of the same piece, show", () => {
  fc.assert(
    fc.property(piece, piece, fc.nat(200), fc.nat(200), (one, other, at, elsewhere) => {
      fc.pre(one.bytes >= at + 8 && other.bytes >= elsewhere + 8);
      fc.pre(one.id !== other.id || at !== elsewhere);
      const mixed = bodyBytes({ pieces: [one] }).slice();
      mixed.set(pieceBytes(other, elsewhere, 8), at);
      const difference = firstDifference({ pieces: [one] }, 0, mixed);
      assert.ok(difference !== undefined && difference >= at && difference < at + 8);
    }),
  );
});
