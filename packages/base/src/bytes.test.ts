import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import {
  compareBytes,
  concatBytes,
  equalBytes,
  fromBase64,
  fromHex,
  prefixEnd,
  startsWithBytes,
  toBase64,
  toHex,
  utf8,
  utf8Text,
} from "./bytes.ts";

/** Any Unicode text, without lone surrogates. */
const anyText = fc.string({
  unit: fc
    .nat({ max: 0x10_ffff })
    .filter((point) => point < 0xd800 || point > 0xdfff)
    .map((point) => String.fromCodePoint(point)),
});
const anyBytes = fc.uint8Array({ maxLength: 40 });

test("compareBytes orders like Buffer.compare", () => {
  fc.assert(
    fc.property(anyBytes, anyBytes, (a, b) => {
      assert.equal(Math.sign(compareBytes(a, b)), Buffer.compare(a, b));
      assert.equal(equalBytes(a, b), Buffer.compare(a, b) === 0);
    }),
  );
});

test("concatBytes joins in order", () => {
  fc.assert(
    fc.property(fc.array(anyBytes), (parts) => {
      assert.deepEqual(concatBytes(parts), new Uint8Array(Buffer.concat(parts)));
    }),
  );
});

test("prefixEnd is above everything with the prefix and below everything else that is above it", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4 }), anyBytes, (prefix, other) => {
      const end = prefixEnd(prefix);
      const inside = compareBytes(other, prefix) >= 0 && (end === undefined || compareBytes(other, end) < 0);
      assert.equal(
        inside,
        startsWithBytes(other, prefix) || (end === undefined && compareBytes(other, prefix) >= 0),
      );
      if (end === undefined) assert.ok(prefix.every((byte) => byte === 0xff));
      else assert.ok(compareBytes(concatBytes([prefix, other]), end) < 0);
    }),
  );
});

test("hexadecimal turns into the same bytes again, in either case", () => {
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      assert.equal(toHex(bytes), Buffer.from(bytes).toString("hex"));
      assert.deepEqual(fromHex(toHex(bytes).toUpperCase()), bytes);
    }),
  );
  for (const text of ["0", "0g", "é0", "0x10"]) assert.equal(fromHex(text), undefined);
});

test("base64 agrees with Node's and refuses what is not canonical", () => {
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      assert.equal(toBase64(bytes), Buffer.from(bytes).toString("base64"));
      assert.deepEqual(fromBase64(toBase64(bytes)), bytes);
    }),
  );
  for (const text of ["A", "AA", "AA=", "AB==", "AAB=", "AAAA=", "A-_A", "AA==AA==", "AAAA\n"]) {
    assert.equal(fromBase64(text), undefined, text);
  }
});

test("text turns into UTF-8 and back; malformed bytes are refused; a byte order mark stays", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      assert.equal(utf8Text(utf8(text)), text);
    }),
  );
  assert.equal(utf8Text(utf8("\ufeffa")), "\ufeffa");
  assert.throws(() => utf8Text(new Uint8Array([0xc3])), TypeError);
});
