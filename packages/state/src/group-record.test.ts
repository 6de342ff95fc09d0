import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ballot,
  emptyBytes,
  fromHex,
  groupId,
  logIndex,
  present,
  toHex,
  UnsupportedVersionError,
  utf8,
} from "@holdfast/base";
import { simulatedHashing } from "@holdfast/ports/simulated";
import { newDisk, openStates } from "../test-support/entries.ts";
import { checkStateFormat, encodeGroupRecord, groupKey, stagedKey } from "./group-record.ts";
import { StateCorruptError } from "./stored-value.ts";

const bytesOf = (hex: string): Uint8Array => present(fromHex(hex), "hexadecimal");
const group = groupId(3);

/** As version 0.1.0 stored a group with one pair at index 300. */
const firstVersion = [
  { key: bytesOf("01000000036b6579"), value: bytesOf("48188f4d76616c7565") },
  { key: bytesOf("0200000003"), value: bytesOf("dac58af601ac024c4a266b8ded97b5") },
];

const position = { index: logIndex(301), ballot: ballot(7), membership: utf8("members") };

test("group record: one of version 1 reads as of ballot 0, without a membership, generation 0", async () => {
  const disk = newDisk(1);
  await disk.write(firstVersion);
  checkStateFormat(disk, simulatedHashing);
  const store = openStates(disk);
  const state = store.group(group);
  assert.deepEqual(state.applied, { index: logIndex(300), ballot: ballot(0), membership: emptyBytes });
  assert.deepEqual(state.get(utf8("key")), utf8("value"));
  assert.deepEqual(state.recomputeDigest(), state.digest);
  state.advance(position);
  await store.flush();
  assert.deepEqual(openStates(disk).group(group).applied, position);
});

test("group record: golden bytes of version 2; the pairs of generation 0 stand where they always stood", async () => {
  const disk = newDisk(1);
  await disk.write(firstVersion);
  const store = openStates(disk);
  store.group(group).advance(position);
  await store.flush();
  const stored = Array.from(disk.range({ from: new Uint8Array(0) }), ({ key, value }) => [
    toHex(key),
    toHex(value),
  ]);
  assert.deepEqual(stored, [
    ["01000000036b6579", "48188f4d76616c7565"],
    ["0200000003", "489d911302ad0207076d656d626572734c4a266b8ded97b500"],
  ]);
});

test("group record: damage is found, and a newer version refused, at an open and by the check before it", async () => {
  const digest = { low: 1, high: 2 };
  for (const keyOf of [groupKey, stagedKey]) {
    const key = keyOf(group);
    const value = encodeGroupRecord(simulatedHashing, key, { position, digest, generation: 5 });
    const disk = newDisk(1);
    await disk.write([{ key, value }]);
    checkStateFormat(disk, simulatedHashing);
    disk.rot(key);
    assert.throws(() => checkStateFormat(disk, simulatedHashing), StateCorruptError);
    assert.throws(() => openStates(disk).group(group), StateCorruptError);
    const newer = value.slice();
    newer[4] = 3;
    const checksum = simulatedHashing.crc32(newer.subarray(4), simulatedHashing.crc32(key));
    new DataView(newer.buffer).setUint32(0, checksum);
    await disk.write([{ key, value: newer }]);
    assert.throws(() => checkStateFormat(disk, simulatedHashing), UnsupportedVersionError);
    assert.throws(() => openStates(disk).group(group), UnsupportedVersionError);
  }
});
