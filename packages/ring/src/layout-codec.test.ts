import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ByteWriter,
  DecodeError,
  decode,
  encode,
  epoch,
  seededRandom,
  UnsupportedVersionError,
  uniform,
} from "@holdfast/base";
import * as fc from "fast-check";
import { anyMembers, firstLayout, layoutOf, member, members } from "../test-support/clusters.ts";
import { nextLayout } from "./change-layout.ts";
import type { Layout } from "./layout.ts";
import { jointPartitions, tableOf } from "./layout.ts";
import { layoutCodec } from "./layout-codec.ts";

const stable = firstLayout(members("aX bX cY dY eZ", [1, 2, 1, 3, 1]), [1, 3]);
const joint = layoutOf(nextLayout(stable, members("aX bX cY dY eZ fZ")));

test("layouts, stable and joint, turn into the same layout again", () => {
  fc.assert(
    fc.property(anyMembers({ min: 3, max: 12 }), anyMembers({ min: 3, max: 12 }), (before, after) => {
      const first = firstLayout(before, [1, 3]);
      for (const layout of [first, layoutOf(nextLayout(first, after))])
        assert.deepEqual(decode(layoutCodec, encode(layoutCodec, layout)), layout);
    }),
    { numRuns: 40 },
  );
});

test("a layout is compact: a byte for each slot, and old slots only where a partition is joint", () => {
  const [bytes, jointBytes] = [stable, joint].map((layout) => encode(layoutCodec, layout).length);
  assert.ok((bytes ?? 0) < 64 * 4 + 16 * 5 + 100, `${bytes} bytes`);
  const jointCount = joint.tables.reduce((sum, table) => sum + jointPartitions(table).length, 0);
  assert.ok((jointBytes ?? 0) - (bytes ?? 0) <= 4 * jointCount + 20);
});

test("more than 256 members take two bytes for each slot", () => {
  const many = Array.from({ length: 300 }, (_, i) => member(`node-${i}`, `z${i % 3}`));
  const layout = firstLayout(many, [3], 8);
  assert.ok(layout.tables[0]?.slots.some((node) => node > 255));
  assert.deepEqual(decode(layoutCodec, encode(layoutCodec, layout)), layout);
});

test("bytes that were cut or changed are refused or decode to a layout: nothing else", () => {
  const random = seededRandom(9);
  for (const whole of [encode(layoutCodec, stable), encode(layoutCodec, joint)]) {
    for (let length = 0; length < whole.length; length++)
      assert.throws(() => decode(layoutCodec, whole.subarray(0, length)), DecodeError);
    for (let i = 0; i < 3000; i++) {
      const bytes = whole.slice();
      bytes[uniform(random, bytes.length)] = uniform(random, 256);
      try {
        const layout = decode(layoutCodec, bytes);
        assert.deepEqual(encode(layoutCodec, layout), bytes);
      } catch (error) {
        assert.ok(error instanceof DecodeError, String(error));
      }
    }
  }
});

test("counts are refused before anything is made for them", () => {
  const head = (...values: readonly number[]): Uint8Array => {
    const writer = new ByteWriter();
    writer.u8(1);
    for (const value of values) writer.varint(value);
    return writer.finish();
  };
  for (const [bytes, message] of [
    [head(1, 17), /partition bits: 17, at most 16/],
    [head(1, 10, 1025), /members: 1025, at most 1024/],
    [head(1, 10, 0, 17), /tables: 17, at most 16/],
    [head(1, 16, 0, 1, 33), /width: 33, at most 32/],
    [head(1, 16, 0, 1, 0), /width 0/],
    [head(1, 16, 0, 1, 32), /needs 2097152 bytes, 0 left/],
    [head(1, 1, 0, 1, 1, 0, 0, 3), /joint partitions: 3, at most 2/],
    [head(1, 16, 0, 0, 4097), /shards: 4097, at most 4096/],
  ] as const)
    assert.throws(
      () => decode(layoutCodec, bytes),
      (error) => error instanceof DecodeError && message.test(error.message),
    );
  assert.throws(() => decode(layoutCodec, Uint8Array.of(2)), UnsupportedVersionError);
});

test("bytes that break an invariant of layouts are refused", () => {
  const [narrow, wide] = stable.tables;
  assert.ok(narrow !== undefined && wide !== undefined);
  const withSlots = (change: (slots: Uint16Array) => void, old: boolean = false): Layout => {
    const slots = wide.slots.slice();
    change(slots);
    const table = old ? tableOf(3, wide.slots, slots) : tableOf(3, slots, slots);
    return { ...stable, tables: [narrow, table] };
  };
  const broken: readonly (readonly [Layout, RegExp])[] = [
    [withSlots((slots) => slots.set([5], 4)), /slot of node 5; there are 5/],
    [withSlots((slots) => slots.set([1, 1], 0)), /two slots of one partition/],
    [withSlots((slots) => slots.subarray(0, 3).reverse(), true), /changes its slot/],
    [{ ...stable, members: stable.members.toReversed() }, /not sorted by id/],
    [{ ...stable, tables: [wide, narrow] }, /not sorted by width/],
    [{ ...stable, members: stable.members.map((one) => ({ ...one, weight: 0 })) }, /weight 0/],
    [
      { ...stable, members: stable.members.map((one) => ({ ...one, draining: true })) },
      /width 1 for 0 nodes/,
    ],
    [{ ...stable, voters: { width: 2, slots: stable.voters.slots.slice(0, 32) } }, /2 voters; never an even/],
    [{ ...stable, voters: { width: 1, slots: new Uint16Array(0) } }, /0 shards/],
    [{ ...stable, partitionBits: 0, tables: [] }, /2\^0 partitions/],
  ];
  for (const [layout, message] of broken)
    assert.throws(
      () => decode(layoutCodec, encode(layoutCodec, layout)),
      (error) => error instanceof DecodeError && message.test(error.message),
      String(message),
    );
  assert.equal(decode(layoutCodec, encode(layoutCodec, { ...stable, epoch: epoch(7) })).epoch, 7);
});
