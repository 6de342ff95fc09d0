import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { epoch, fromHex, seededRandom, toHex } from "@holdfast/base";
import { DiskError } from "@holdfast/ports";
import { SimulatedDisk, simulatedHashing } from "@holdfast/ports/simulated";
import { epochFileName, ServedEpoch } from "./served-epoch.ts";

const folder = "blocks";
/** Of 0x0102030405. */
const golden = "484645504f434801000000010203040583254913";
const path = `${folder}/${epochFileName}`;

async function newDisk(seed = 1): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk({ random: seededRandom(seed) });
  await disk.makeFolder(folder);
  await disk.syncDirectory("");
  return disk;
}

function open(disk: SimulatedDisk, known = 1): Promise<ServedEpoch> {
  return ServedEpoch.open({ disk: disk.mount(), hashing: simulatedHashing, folder }, epoch(known));
}

describe("the epoch that a block server follows", () => {
  test("admits what is at least as new, and nothing older from then on", async () => {
    const served = await open(await newDisk(), 3);
    assert.equal(await served.admits(epoch(2)), false);
    assert.equal(await served.admits(epoch(3)), true);
    assert.equal(await served.admits(epoch(9)), true);
    assert.equal(await served.admits(epoch(3)), false);
    assert.equal(served.current, 9);
  });

  test("of two that rise at once the lower is not admitted", async () => {
    const served = await open(await newDisk());
    const [low, high] = [served.admits(epoch(2)), served.admits(epoch(3))];
    const last = served.admits(epoch(4));
    assert.equal(await last, true);
    assert.equal(await high, false);
    // The first was written alone, before the others came.
    assert.ok(!(await low) || served.current === 4);
    assert.equal(served.current, 4);
  });

  test("what was admitted survives a loss of power, and so does what a start found", async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const disk = await newDisk(seed);
      await (await open(disk)).raise(epoch(5));
      disk.powerLoss();
      const second = await open(disk);
      assert.equal(second.current, 5);
      // The new name may not be durable when the process dies; the next one relies on it (S8).
      disk.failNext("sync-directory");
      await assert.rejects(second.raise(epoch(6)), DiskError);
      disk.kill();
      const { current } = await open(disk);
      disk.powerLoss();
      assert.equal((await open(disk)).current, current, `seed ${seed}`);
    }
  });

  test("what the node's layout says is the least of it", async () => {
    const disk = await newDisk();
    await open(disk, 4);
    assert.equal((await open(disk, 2)).current, 4);
    assert.equal((await open(disk, 8)).current, 8);
  });

  test("is told of when it is durable, not before, and a disk that fails promises nothing", async () => {
    const disk = await newDisk();
    const served = await open(disk);
    disk.failNextSync();
    await assert.rejects(served.admits(epoch(2)), DiskError);
    assert.equal(served.current, 1);
    assert.equal(await served.admits(epoch(1)), true);
    assert.equal(await served.admits(epoch(2)), true);
  });

  test("what happens under one has ended before a newer one is admitted, and none begins meanwhile", async () => {
    const served = await open(await newDisk());
    const acting = Promise.withResolvers<string>();
    const events: string[] = [];
    const act = served.actUnder(epoch(2), () => acting.promise).then((value) => events.push(`${value}`));
    while (served.current < 2) await new Promise((resolve) => setImmediate(resolve));
    const admitted = served.admits(epoch(3)).then((isAdmitted) => events.push(`admitted ${isAdmitted}`));
    const late = served.actUnder(epoch(2), () => Promise.resolve("late"));
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(events, []);
    assert.equal(served.current, 2);
    assert.equal(await late, undefined, "a newer one is wanted");
    acting.resolve("done");
    await Promise.all([act, admitted]);
    assert.deepEqual(events, ["done", "admitted true"]);
    assert.equal(await served.actUnder(epoch(2), () => assert.fail("a newer one is followed")), undefined);
  });

  test("one that fails under it holds nothing up", async () => {
    const served = await open(await newDisk());
    await assert.rejects(
      served.actUnder(epoch(1), () => Promise.reject(new Error("no"))),
      /no/,
    );
    assert.equal(await served.admits(epoch(2)), true);
  });

  test("version 1 has these bytes", async () => {
    const disk = await newDisk();
    await open(disk, 0x0102030405);
    assert.equal(toHex(disk.peek(path) ?? new Uint8Array(0)), golden);
    assert.equal((await open(disk)).current, 0x0102030405);
  });

  test("a damaged file, and one of a newer program, are refused", async () => {
    const bytes = fromHex(golden) ?? assert.fail("hexadecimal digits");
    for (let at = 0; at < bytes.length; at++) {
      const disk = await newDisk();
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      await write(disk, changed);
      await assert.rejects(open(disk), { code: "DataCorrupt" });
      await write(disk, bytes.subarray(0, at));
      await assert.rejects(open(disk), { code: "DataCorrupt" });
    }
    const newer = bytes.slice(0, 16);
    newer[7] = 2;
    const disk = await newDisk();
    const crc32 = simulatedHashing.crc32(newer);
    await write(disk, Uint8Array.of(...newer, crc32 >>> 24, crc32 >>> 16, crc32 >>> 8, crc32));
    await assert.rejects(open(disk), { code: "DataCorrupt", message: /version 2/ });
  });
});

async function write(disk: SimulatedDisk, bytes: Uint8Array): Promise<void> {
  await disk.remove(path).catch(() => undefined);
  const file = await disk.open(path, "create");
  await file.write(0, [bytes]);
  await file.close();
}
