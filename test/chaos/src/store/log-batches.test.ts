import assert from "node:assert/strict";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { ballot, groupId, logIndex, present, seededRandom } from "@holdfast/base";
import { nodeHashing, openDisk, realClock } from "@holdfast/host";
import { silentJournal } from "@holdfast/ports";
import type { OpenedLog } from "@holdfast/wal";
import { openWriteAheadLog } from "@holdfast/wal";
import { findBatches } from "./log-batches.ts";

const group = groupId(3);
const entriesCount = 12;

async function openLog(folder: string): Promise<OpenedLog> {
  const ports = {
    disk: await openDisk(folder),
    clock: realClock,
    random: seededRandom(1),
    hashing: nodeHashing,
    journal: silentJournal,
  };
  return openWriteAheadLog({ ...ports, folder: "log", segmentBytes: 1024 * 1024 });
}

/** A log of its own with a batch for each of some entries, the longest over several pages; it stays open. */
async function filledLog(t: TestContext): Promise<{ readonly folder: string; readonly opened: OpenedLog }> {
  const folder = await mkdtemp(join(tmpdir(), "log-batches-"));
  t.after(() => rm(folder, { recursive: true }));
  const opened = await openLog(folder);
  await opened.log.append({ group, base: { index: logIndex(0), ballot: ballot(0) }, entries: [] });
  for (let i = 1; i <= entriesCount; i++) {
    const payload = new Uint8Array(1000 * i).fill(i);
    await opened.log.append({ group, entries: [{ index: logIndex(i), ballot: ballot(1), payload }] });
  }
  return { folder, opened };
}

test("every batch of a log that is in use is found, and no more", async (t) => {
  const { folder, opened } = await filledLog(t);
  const found = await findBatches(join(folder, "log"));
  await opened.log.close();
  const { recovery, log } = await openLog(folder);
  await log.close();
  assert.ok(found.length > entriesCount);
  // The log proves its last batch by an empty one when it idles, and at its end.
  assert.ok(recovery.batchesCount - found.length <= 1, `${found.length} of ${recovery.batchesCount}`);
});

for (const place of ["first", "last"] as const)
  test(`a bit that turns over in the ${place} byte of a batch of a log in use is damage at the next start`, async (t) => {
    const { folder, opened } = await filledLog(t);
    const batches = await findBatches(join(folder, "log"));
    const batch = present(batches[5], "a batch");
    const file = await open(batch.path, "r+");
    const offset = batch.offset + (place === "first" ? 0 : batch.headerBytes + batch.bodyBytes - 1);
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, offset);
    buffer[0] = (buffer[0] ?? 0) ^ 1;
    await file.write(buffer, 0, 1, offset);
    await file.close();
    const left = (await findBatches(join(folder, "log"))).map((each) => each.offset);
    const expected = batches.filter((each) => place === "last" || each !== batch).map((each) => each.offset);
    // An idle log may have proved its last batch by another one meanwhile.
    assert.deepEqual(left.slice(0, expected.length), expected);
    await opened.log.close();
    const { recovery, log } = await openLog(folder);
    await log.close();
    assert.equal(recovery.headersLost || recovery.damagedBatchesCount > 0, true);
    assert.equal(recovery.suspects.has(group), true);
  });
