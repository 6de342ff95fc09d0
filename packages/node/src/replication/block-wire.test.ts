import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { BlockId } from "@holdfast/base";
import {
  attempt,
  ByteWriter,
  DecodeError,
  decode,
  encode,
  epoch,
  limits,
  shardId,
  toHex,
  UnsupportedVersionError,
  writerId,
} from "@holdfast/base";
import fc from "fast-check";
import type { BlockAnswer, BlockRequest, BlockResult } from "./block-wire.ts";
import { blockAnswerCodec, blockRequestCodec, blocksPerRequestMax } from "./block-wire.ts";

const id: BlockId = {
  content: { home: shardId(2), writer: writerId(300), attempt: attempt(4) },
  part: 1,
  sequence: 7,
  salt: 3,
};
const key = "00000002000000000000012c0000000000000004000000010000000700000003";
const standing = { epoch: epoch(5), incarnation: Uint8Array.from({ length: 16 }, (_, i) => i) };
const standingHex = "05000102030405060708090a0b0c0d0e0f";

const requests: readonly (readonly [BlockRequest, string])[] = [
  [
    { kind: "put", id, bytes: 1_048_576, checksum: 0xdeadbeef, epoch: epoch(5) },
    `0101${key}808040deadbeef05`,
  ],
  [{ kind: "read", id, epoch: epoch(5) }, `0102${key}05`],
  [{ kind: "stat", ids: [id, id], epoch: epoch(5) }, `010302${key}${key}05`],
  [{ kind: "list", after: undefined, limit: 1000, epoch: epoch(5) }, "010400e80705"],
  [{ kind: "list", after: id, limit: 10, epoch: epoch(5) }, `010401${key}0a05`],
];

const whole = { state: "whole", bytes: 300, checksum: 1 } as const;
const results: readonly (readonly [BlockResult, string])[] = [
  [{ kind: "stored" }, "01"],
  [{ kind: "block", bytes: 300, checksum: 1 }, "02ac0200000001"],
  [
    { kind: "stats", stats: [whole, { state: "absent", bytes: 0, checksum: 0 }] },
    "030201ac0200000001000000000000",
  ],
  [{ kind: "page", blocks: [{ id, stat: whole }], isLast: true }, `0401${key}01ac020000000101`],
  [{ kind: "refused", reason: "stale-epoch" }, "0500"],
  [{ kind: "refused", reason: "conflict" }, "0501"],
  [{ kind: "refused", reason: "missing" }, "0502"],
  [{ kind: "refused", reason: "corrupt" }, "0503"],
  [{ kind: "refused", reason: "no-space" }, "0504"],
  [{ kind: "refused", reason: "busy" }, "0505"],
  [{ kind: "refused", reason: "mismatch" }, "0506"],
  [{ kind: "refused", reason: "unavailable" }, "0507"],
  [{ kind: "refused", reason: "not-understood" }, "0508"],
];

const answers = results.map(([result, hex]): readonly [BlockAnswer, string] => [
  { standing, result },
  `01${standingHex}${hex}`,
]);

/** A head of raw bytes. */
function head(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  write(writer);
  return writer.finish();
}

describe("heads of block exchanges", () => {
  test("version 1 has these bytes, and reads them", () => {
    for (const [request, hex] of requests) {
      assert.equal(toHex(encode(blockRequestCodec, request)), hex);
      assert.deepEqual(decode(blockRequestCodec, encode(blockRequestCodec, request)), request);
    }
    for (const [answer, hex] of answers) {
      assert.equal(toHex(encode(blockAnswerCodec, answer)), hex);
      assert.deepEqual(decode(blockAnswerCodec, encode(blockAnswerCodec, answer)), answer);
    }
  });

  test("a newer version is refused as such", () => {
    for (const [request] of requests) {
      const bytes = encode(blockRequestCodec, request).slice();
      bytes[0] = 2;
      assert.throws(() => decode(blockRequestCodec, bytes), UnsupportedVersionError);
    }
  });

  test("one that is cut short, or has something behind it, is refused", () => {
    for (const [request] of requests) {
      const bytes = encode(blockRequestCodec, request).slice();
      for (let length = 0; length < bytes.length; length++)
        assert.throws(() => decode(blockRequestCodec, bytes.slice(0, length)), DecodeError);
      assert.throws(() => decode(blockRequestCodec, Uint8Array.of(...bytes, 0)), DecodeError);
    }
  });

  test("no number in a head is beyond its bound", () => {
    const put = (bytes: number): Uint8Array =>
      encode(blockRequestCodec, { kind: "put", id, bytes, checksum: 0, epoch: epoch(1) });
    decode(blockRequestCodec, put(limits.blockBytesMax));
    assert.throws(() => decode(blockRequestCodec, put(limits.blockBytesMax + 1)), DecodeError);
    const list = { kind: "list", after: undefined, epoch: epoch(1) } as const;
    const long = encode(blockRequestCodec, { ...list, limit: blocksPerRequestMax + 1 });
    assert.throws(() => decode(blockRequestCodec, long), DecodeError);
    const ids = Array.from({ length: blocksPerRequestMax + 1 }, () => id);
    const many = encode(blockRequestCodec, { kind: "stat", ids, epoch: epoch(1) });
    assert.throws(() => decode(blockRequestCodec, many), DecodeError);
  });

  test("a count that promises more than there is takes no memory", () => {
    const promised = head((writer) => {
      writer.u8(1);
      writer.u8(3);
      writer.varint(Number.MAX_SAFE_INTEGER);
    });
    assert.throws(() => decode(blockRequestCodec, promised), DecodeError);
  });

  test("any bytes are a head or a DecodeError", () => {
    for (const codec of [blockRequestCodec, blockAnswerCodec])
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 0, max: 6 }), (bytes, tag) => {
          try {
            decode<unknown>(codec, Uint8Array.of(1, tag, ...bytes));
          } catch (error) {
            assert.ok(error instanceof DecodeError);
          }
        }),
      );
  });
});
