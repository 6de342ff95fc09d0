import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { concatBytes, toHex, utf8 } from "./bytes.ts";
import { Crc64Nvme } from "./crc64-nvme.ts";

function inOneGo(data: Uint8Array): string {
  const crc = new Crc64Nvme();
  crc.update(data);
  return toHex(crc.finish());
}

test("crc64nvme has the published check value", () => {
  assert.equal(inOneGo(utf8("123456789")), "ae8b14860a799888");
  assert.equal(inOneGo(utf8("")), "0000000000000000");
});

test("crc64nvme of pieces is that of the whole, and equals the bitwise definition", () => {
  const bitwise = (data: Uint8Array): string => {
    let crc = 0xffff_ffff_ffff_ffffn;
    for (const byte of data) {
      crc ^= BigInt(byte);
      for (let bit = 0; bit < 8; bit++)
        crc = (crc & 1n) === 1n ? (crc >> 1n) ^ 0x9a6c_9329_ac4b_c9b5n : crc >> 1n;
    }
    return (crc ^ 0xffff_ffff_ffff_ffffn).toString(16).padStart(16, "0");
  };
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }), (pieces) => {
      const crc = new Crc64Nvme();
      for (const piece of pieces) crc.update(piece);
      const whole = concatBytes(pieces);
      const digest = toHex(crc.finish());
      assert.equal(digest, inOneGo(whole));
      assert.equal(digest, bitwise(whole));
    }),
  );
});
