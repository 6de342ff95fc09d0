/** The stored format: golden bytes, readable for ever, and codecs that give back what they were given. */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { ballot, groupId, logIndex, seededRandom, utf8 } from "@holdfast/base";
import { simulatedHashing } from "@holdfast/ports/simulated";
import fc from "fast-check";
import { BatchBuffer } from "./batch-buffer.ts";
import type { GroupMark } from "./batch-header.ts";
import { batchHeaderBytes, batchHeaderBytesAt, decodeBatchHeader, writeBatchHeader } from "./batch-header.ts";
import { entry, group1, group2, LogWorld, write } from "./log-world.test.ts";
import type { LogRecord } from "./record.ts";
import { decodeRecords, recordBytes, writeRecord } from "./record.ts";
import { decodeSegmentHeader, encodeSegmentHeader } from "./segment-header.ts";

/** Rewritten by `HOLDFAST_REWRITE=1`; a change to it breaks every stored log, so it needs a new format version. */
const goldenPath = new URL("../testdata/segment-v1.wal", import.meta.url);

async function writeGolden(): Promise<Uint8Array> {
  const world = new LogWorld(1);
  const { log } = await world.open({ random: seededRandom(42) });
  const hardState = utf8("hard state");
  await world.run(log.append({ group: group1, entries: [entry(1, "one"), entry(2, "two", 2)], hardState }));
  await world.run(log.append(write(group1, entry(2, "replaced", 3))));
  await world.run(
    log.append({
      group: group2,
      base: { index: logIndex(7), ballot: ballot(5) },
      entries: [entry(8, "eight", 5)],
    }),
  );
  log.checkpoint(group1, logIndex(1));
  await world.run(log.append(write(groupId(3), entry(1, "gone"))));
  await world.run(Promise.all([log.settle(group2), log.forget(groupId(3))]));
  await world.run(log.close());
  return world.disk.peek("wal/00000001.wal") ?? new Uint8Array(0);
}

test("format: the same appends give the golden bytes", async () => {
  const bytes = await writeGolden();
  if (process.env["HOLDFAST_REWRITE"] === "1") writeFileSync(goldenPath, bytes);
  assert.ok(readFileSync(goldenPath).equals(bytes), "the stored format changed");
});

test("format: the golden bytes are readable", async () => {
  const world = new LogWorld(2);
  await world.run(world.disk.makeFolder("wal"));
  const file = await world.run(world.disk.open("wal/00000001.wal", "create"));
  await world.run(file.write(0, [new Uint8Array(readFileSync(goldenPath))]));
  const { log, recovery } = await world.open();
  assert.equal(recovery.suspects.size, 0);
  assert.deepEqual(log.groups(), [group1, group2]);
  assert.deepEqual(await world.read(log, group1), ["2/3 replaced"]);
  assert.deepEqual(await world.read(log, group2), ["8/5 eight"]);
  assert.deepEqual(log.group(group1)?.hardState, utf8("hard state"));
  assert.equal(log.group(group1)?.checkpoint, 1);
  assert.equal(log.group(group2)?.checkpoint, 7);
});

const uint53 = fc.maxSafeNat();
const anyGroup = fc.integer({ min: 0, max: 0xffff_ffff }).map(groupId);
const anyIndex = uint53.map(logIndex);
const anyBallot = uint53.map(ballot);
const anyPosition = fc.record({ index: anyIndex, ballot: anyBallot });
const anyEntries = fc
  .tuple(
    fc.integer({ min: 1, max: 2 ** 50 }),
    fc.array(fc.record({ ballot: anyBallot, payload: fc.uint8Array({ maxLength: 200 }) }), {
      minLength: 1,
      maxLength: 8,
    }),
  )
  .map(([first, list]) => list.map((one, i) => ({ index: logIndex(first + i), ...one })));
const anySuspicion = fc.record({
  from: anyIndex,
  through: anyIndex,
  ballot: anyBallot,
  hardStateLost: fc.boolean(),
  openEnded: fc.boolean(),
  evidence: fc.constantFrom("torn" as const, "rot" as const, "missing" as const),
});
const kind = <K extends LogRecord["kind"]>(name: K): fc.Arbitrary<K> => fc.constant(name);
const anyRecord: fc.Arbitrary<LogRecord> = fc.oneof(
  fc.record({ kind: kind("entries"), group: anyGroup, entries: anyEntries }),
  fc.record({ kind: kind("hard-state"), group: anyGroup, hardState: fc.uint8Array({ maxLength: 100 }) }),
  fc.record({ kind: kind("checkpoint"), group: anyGroup, position: anyPosition }),
  fc.record({ kind: kind("base"), group: anyGroup, position: anyPosition }),
  fc.record({ kind: kind("end"), group: anyGroup, last: anyIndex }),
  fc.record({ kind: kind("suspect"), group: anyGroup, suspicion: anySuspicion }),
  fc.record({ kind: kind("settled"), group: anyGroup }),
  fc.record({ kind: kind("forgotten"), group: anyGroup }),
);
const anyMark: fc.Arbitrary<GroupMark> = fc.record({
  group: anyGroup,
  previous: uint53,
  firstIndex: anyIndex,
  lastIndex: anyIndex,
  lastBallot: anyBallot,
  hardStateNew: fc.boolean(),
  restated: fc.boolean(),
});

test("format: records come back as they were written, in exactly the bytes computed before", () => {
  const buffer = new BatchBuffer(4096);
  fc.assert(
    fc.property(fc.array(anyRecord, { maxLength: 6 }), (records) => {
      const bytes = records.reduce((sum, one) => sum + recordBytes(one), 0);
      buffer.begin(bytes, 0);
      for (const one of records) writeRecord(buffer, one);
      assert.equal(buffer.length, bytes);
      const padded = buffer.finish();
      assert.equal(padded.length % 4096, 0);
      assert.ok(padded.subarray(bytes).every((byte) => byte === 0));
      assert.equal(JSON.stringify(decodeRecords(padded.subarray(0, bytes))), JSON.stringify(records));
    }),
  );
});

test("format: a batch header comes back, and not with a changed bit, another seed or another length", () => {
  const buffer = new BatchBuffer(4096);
  fc.assert(
    fc.property(fc.array(anyMark, { maxLength: 5 }), uint53, fc.nat(), (marks, sequence, place) => {
      const headerBytes = batchHeaderBytes(marks.length);
      buffer.begin(headerBytes, headerBytes);
      const header = { sequence, headerBytes, bodyBytes: 5, bodyChecksum: 77, marks };
      writeBatchHeader(buffer, header, 9, simulatedHashing);
      const bytes = buffer.finish().slice(0, headerBytes);
      assert.equal(batchHeaderBytesAt(bytes, headerBytes + 5), headerBytes);
      assert.equal(batchHeaderBytesAt(bytes, headerBytes + 4), undefined);
      const decoded = decodeBatchHeader(bytes, 9, simulatedHashing);
      assert.equal(JSON.stringify(decoded), JSON.stringify(header));
      assert.equal(decodeBatchHeader(bytes, 10, simulatedHashing), undefined);
      const bit = 4 * 8 + (place % ((headerBytes - 4) * 8));
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.equal(decodeBatchHeader(bytes, 9, simulatedHashing), undefined);
    }),
  );
});

test("format: a segment header is read from either copy", () => {
  const header = { incarnation: new Uint8Array(16).fill(7), sequence: 12, seed: 99, bytes: 65536 };
  for (const damaged of [[], [3], [4096 + 30]]) {
    const area = encodeSegmentHeader(header, simulatedHashing);
    for (const place of damaged) area[place] = 0xff;
    assert.deepEqual(decodeSegmentHeader(area, "x", simulatedHashing), header);
  }
  const area = encodeSegmentHeader(header, simulatedHashing);
  for (const place of [3, 4096 + 30]) area[place] = 0xff;
  assert.equal(decodeSegmentHeader(area, "x", simulatedHashing), undefined);
});
