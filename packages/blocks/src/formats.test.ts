/** Golden bytes: what was once written stays readable for ever. `GOLDEN_REWRITE=1` writes them anew, for review. */

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { blockKey, contentKey, crc32, decode, encode, seededRandom } from "@holdfast/base";
import { CollectingJournal, SimulatedDisk, SimulatedKeyValue } from "@holdfast/ports/simulated";
import type { BlockStore } from "./block-store.ts";
import {
  assertHolds,
  assertMissing,
  BlockWorld,
  block,
  burstClock,
  content,
  folder,
  hashing,
  isBlockError,
  put,
} from "./block-world.test.ts";
import {
  blockEntryCodec,
  decodeValue,
  encodeValue,
  erasureEntryCodec,
  indexKey,
  storeKey,
  storeRecordCodec,
  volumeKey,
  volumeRecordCodec,
} from "./index-records.ts";
import { decodeNeedleHeader, encodeNeedleHeader } from "./needle.ts";
import { openBlockStore } from "./open-block-store.ts";
import { decodeIdentity, encodeIdentity } from "./store-identity.ts";
import { decodeVolumeHeader, encodeVolumeHeader } from "./volume-header.ts";

function golden(name: string, bytes: Uint8Array): Uint8Array {
  const path = new URL(`../testdata/${name}`, import.meta.url);
  if (process.env["GOLDEN_REWRITE"] === "1") writeFileSync(path, bytes);
  assert.ok(existsSync(path), `${name} is missing`);
  return new Uint8Array(readFileSync(path));
}

/** Of a version that is not written any more. */
function kept(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../testdata/${name}`, import.meta.url)));
}

const seed = seededRandom(1).bytes(16);
const incarnation = seededRandom(2).bytes(16);

test("volume header: version 2 is written and read as it always was, version 1 is read", () => {
  const header = { number: 7, incarnation, seed };
  const bytes = encodeVolumeHeader(header, hashing);
  assert.deepEqual(bytes, golden("volume-header-2.bin", bytes));
  assert.deepEqual(decodeVolumeHeader(bytes, hashing), header);
  assert.deepEqual(decodeVolumeHeader(kept("volume-header-1.bin"), hashing), header);
});

test("volume header: a newer version is refused clearly, damage is not taken for one", () => {
  const bytes = encodeVolumeHeader({ number: 7, incarnation, seed }, hashing);
  const damaged = bytes.slice();
  for (let at = 0; at < bytes.length; at += 512) damaged[at + 11] = 3;
  assert.equal(decodeVolumeHeader(damaged, hashing), undefined);
  const newer = damaged.slice(0, 512);
  new DataView(newer.buffer).setUint32(508, crc32(newer.subarray(0, 508)));
  assert.throws(() => decodeVolumeHeader(newer, hashing), isBlockError("unusable"));
});

test("identity: version 1 is written and read as it always was; a newer one is refused", () => {
  const bytes = encodeIdentity(incarnation, hashing);
  assert.deepEqual(bytes, golden("identity-1.bin", bytes));
  assert.deepEqual(decodeIdentity(bytes, hashing), incarnation);
  const newer = bytes.slice();
  newer[11] = 2;
  new DataView(newer.buffer).setUint32(newer.length - 4, crc32(newer.subarray(0, newer.length - 4)));
  assert.throws(() => decodeIdentity(newer, hashing), isBlockError("unusable"));
});

test("needle: headers are written and read as they always were, and only in their own place", () => {
  const block1 = {
    kind: "block",
    key: blockKey(block(3, 4)),
    bodyBytes: 5,
    checksum: 6,
    sequence: 7,
    syncedThrough: 8,
  } as const;
  const erasure = { ...block1, kind: "erasure", key: contentKey(content(3)), bodyBytes: 0 } as const;
  const needles = {
    "needle-block-1.bin": block1,
    "needle-erasure-1.bin": erasure,
    "needle-block-erasure-2.bin": { ...erasure, key: block1.key },
  };
  for (const [name, needle] of Object.entries(needles)) {
    const bytes = encodeNeedleHeader(needle, crc32(seed), 4096, hashing);
    assert.deepEqual(bytes, golden(name, bytes));
    assert.deepEqual(decodeNeedleHeader(bytes, 0, crc32(seed), 4096, hashing), needle);
    assert.equal(decodeNeedleHeader(bytes, 0, crc32(seed), 4096 + 64, hashing), undefined);
    assert.equal(decodeNeedleHeader(bytes, 0, crc32(seed) ^ 1, 4096, hashing), undefined);
  }
});

test("index: records are written and read as they always were", () => {
  const entry = {
    volume: 1,
    offset: 4096,
    bodyBytes: 2 ** 20,
    checksum: 7,
    sequence: 9,
    damaged: false,
    remains: [3],
  };
  const erasure = { volume: 2, offset: 8192, sequence: 10, remains: [1, 3] };
  const volume = { seedCrc: 77, completeThrough: 12_288, liveBytes: 8192, liveBlocks: 2 };
  const store = { incarnation, nextVolume: 4, nextSequence: 11 };
  const check = <T>(name: string, bytes: Uint8Array, read: (bytes: Uint8Array) => T, value: T): void => {
    assert.deepEqual(bytes, golden(`index-${name}-1.bin`, bytes));
    assert.deepEqual(read(bytes), value);
  };
  check("block", encode(blockEntryCodec, entry), (bytes) => decode(blockEntryCodec, bytes), entry);
  check("erasure", encode(erasureEntryCodec, erasure), (bytes) => decode(erasureEntryCodec, bytes), erasure);
  check("volume", encode(volumeRecordCodec, volume), (bytes) => decode(volumeRecordCodec, bytes), volume);
  check("store", encode(storeRecordCodec, store), (bytes) => decode(storeRecordCodec, bytes), store);
});

test("S12: an index value under another key is not believed", () => {
  const volume = { seedCrc: 77, completeThrough: 12_288, liveBytes: 8192, liveBlocks: 2 };
  const value = encodeValue(volumeRecordCodec, volumeKey(1), volume, hashing);
  assert.deepEqual(decodeValue(volumeRecordCodec, volumeKey(1), value, hashing), volume);
  assert.equal(decodeValue(volumeRecordCodec, volumeKey(2), value, hashing), undefined);
  assert.equal(decodeValue(volumeRecordCodec, storeKey, value, hashing), undefined);
  assert.notDeepEqual(indexKey("block", new Uint8Array(3)), indexKey("erasure", new Uint8Array(3)));
});

test("volume: one of version 1 gives its blocks", async () => {
  const old = await openedWith(kept("volume-1.bin"));
  await assertHolds(old, block(1, 0), seed);
  await assertMissing(old, block(2, 0));
  await assertHolds(old, block(3, 0), new Uint8Array(200).fill(3));
});

test("volume: one of version 2 gives its blocks", async () => {
  const world = new BlockWorld();
  const store = await world.open();
  await Promise.all([put(store, block(1, 0), seed), put(store, block(2, 0), incarnation)]);
  await store.erase(content(2));
  await Promise.all([put(store, block(3, 0), new Uint8Array(200).fill(3)), put(store, block(3, 1), seed)]);
  await store.eraseBlocks([block(3, 1)]);
  await put(store, block(4, 0), incarnation);
  const bytes = golden("volume-2.bin", world.disk.peek(`${folder}/00000001.vol`) ?? seed);
  assert.deepEqual(world.disk.peek(`${folder}/00000001.vol`), bytes);
  const old = await openedWith(bytes);
  await assertHolds(old, block(1, 0), seed);
  await assertMissing(old, block(2, 0));
  await assertHolds(old, block(3, 0), new Uint8Array(200).fill(3));
  await assertMissing(old, block(3, 1));
  await assertHolds(old, block(4, 0), incarnation);
});

/** A store whose folder has this volume, and no index. */
async function openedWith(volume: Uint8Array): Promise<BlockStore> {
  const random = seededRandom(9);
  const disk = new SimulatedDisk({ random });
  await disk.makeFolder(folder);
  const file = await disk.open(`${folder}/00000001.vol`, "create");
  await file.write(0, [volume]);
  const index = new SimulatedKeyValue({ random });
  return openBlockStore({
    disk,
    index,
    random,
    hashing,
    clock: burstClock,
    journal: new CollectingJournal(),
    folder,
  });
}
