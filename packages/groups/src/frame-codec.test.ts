import assert from "node:assert/strict";
import { test } from "node:test";
import { ballot, DecodeError, groupId, logIndex, toHex, UnsupportedVersionError } from "@holdfast/base";
import { replicaId } from "@holdfast/consensus";
import fc from "fast-check";
import type { FrameItem } from "./frame-codec.ts";
import { decodeFrame, FrameWriter } from "./frame-codec.ts";

const head = { incarnation: "log-1", run: 7 };
const items: readonly FrameItem[] = [
  { kind: "Message", group: groupId(3), message: new Uint8Array([1, 2, 3]) },
  {
    kind: "Rest",
    group: groupId(300),
    from: replicaId(1),
    to: replicaId(2),
    ballot: ballot(5),
    index: logIndex(9),
  },
  { kind: "Wake", group: groupId(0) },
];

function encoded(added: readonly FrameItem[]): Uint8Array {
  const writer = new FrameWriter(head);
  for (const item of added) writer.add(item);
  return writer.finish();
}

test("frame: what was written is read, also when there is nothing", () => {
  assert.deepEqual(decodeFrame(encoded(items)), { ...head, items });
  assert.deepEqual(decodeFrame(encoded([])), { ...head, items: [] });
});

test("frame: version 1 has these bytes", () => {
  assert.equal(toHex(encoded(items)), "01056c6f672d310701030301020302ac02010205090300");
});

test("frame: a newer version is refused as such", () => {
  const bytes = encoded(items);
  bytes[0] = 2;
  assert.throws(() => decodeFrame(bytes), UnsupportedVersionError);
});

test("frame: one that is cut short or changed is read whole or refused, never half", () => {
  const bytes = encoded(items);
  for (let length = 0; length < bytes.length; length++) {
    const cut = bytes.slice(0, length);
    try {
      assert.ok(decodeFrame(cut).items.length < items.length);
    } catch (error) {
      assert.ok(error instanceof DecodeError);
    }
  }
});

test("frame: any bytes are a frame or a DecodeError", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeFrame(bytes);
      } catch (error) {
        assert.ok(error instanceof DecodeError);
      }
    }),
    { numRuns: 2000, seed: 1 },
  );
});
