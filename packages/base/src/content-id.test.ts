import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { attempt, shardId, writerId } from "./brand.ts";
import { compareBytes, startsWithBytes, toHex } from "./bytes.ts";
import { decode, encode } from "./codec.ts";
import type { BlockId } from "./content-id.ts";
import {
  blockIdCodec,
  blockIdFromKey,
  blockKey,
  blockKeyBytes,
  contentIdFromKey,
  contentKey,
  contentKeyBytes,
} from "./content-id.ts";

const word = fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 0xffff_ffff }));
const long = fc.oneof(fc.nat({ max: 3 }), fc.maxSafeNat());
const anyBlockId: fc.Arbitrary<BlockId> = fc
  .tuple(word, long, long, word, word, word)
  .map(([home, writer, tries, part, sequence, salt]) => ({
    content: { home: shardId(home), writer: writerId(writer), attempt: attempt(tries) },
    part,
    sequence,
    salt,
  }));
const numbers = ({ content, part, sequence, salt }: BlockId): number[] => [
  content.home,
  content.writer,
  content.attempt,
  part,
  sequence,
  salt,
];

test("a block key reads back, has a fixed length and begins with its content's key", () => {
  fc.assert(
    fc.property(anyBlockId, (id) => {
      const key = blockKey(id);
      assert.equal(key.length, blockKeyBytes);
      assert.equal(contentKey(id.content).length, contentKeyBytes);
      assert.ok(startsWithBytes(key, contentKey(id.content)));
      assert.deepEqual(blockIdFromKey(key), id);
      assert.deepEqual(contentIdFromKey(key), id.content);
      assert.deepEqual({ ...decode(blockIdCodec, encode(blockIdCodec, id)) }, id);
    }),
  );
});

test("block keys sort by home, writer, attempt, part, sequence, salt", () => {
  fc.assert(
    fc.property(anyBlockId, anyBlockId, (a, b) => {
      const [left, right] = [numbers(a), numbers(b)];
      const first = left.findIndex((value, i) => value !== right[i]);
      const expected = first < 0 ? 0 : Math.sign((left[first] ?? 0) - (right[first] ?? 0));
      assert.equal(Math.sign(compareBytes(blockKey(a), blockKey(b))), expected);
    }),
  );
});

test("golden bytes of a block key", () => {
  const content = { home: shardId(1), writer: writerId(0x1_0000_0002), attempt: attempt(3) };
  const key = blockKey({ content, part: 4, sequence: 5, salt: 6 });
  assert.equal(toHex(key), "00000001" + "0000000100000002" + "0000000000000003" + "000000040000000500000006");
});
