import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { seededRandom, uniform } from "@holdfast/base";
import { noAttributes } from "@holdfast/namespace";
import {
  blockBytes,
  bytesOf,
  incoming,
  MaintainedMachine,
  problemsOf,
} from "../../test-support/maintained-machine.ts";
import { folders } from "../identity.ts";

const large = bytesOf(1, 3 * blockBytes);

async function filesIn(machine: MaintainedMachine, folder: string): Promise<readonly string[]> {
  return (await machine.run(machine.disk.list(folder))).filter((name) => name !== "identity");
}

function bytesIn(machine: MaintainedMachine, folder: string, names: readonly string[]): number {
  return names.reduce((sum, name) => sum + (machine.disk.peek(`${folder}/${name}`)?.length ?? 0), 0);
}

async function started(options = {}): Promise<MaintainedMachine> {
  const machine = new MaintainedMachine(options);
  await machine.start();
  await machine.bucket("b-1");
  return machine;
}

/** The grace of readers begins when a collection sees what is dead. */
async function eraseDead(machine: MaintainedMachine): Promise<void> {
  await machine.simulation.runFor(1);
  await machine.run(machine.node.collect());
  await machine.simulation.runFor(1500);
  await machine.run(machine.node.collect());
}

/** Past the grace of readers, collected and compacted, until nothing moves any more. */
async function settle(machine: MaintainedMachine): Promise<void> {
  for (let i = 0; i < 4; i++) {
    await machine.simulation.runFor(1500);
    await machine.run(machine.node.collect());
    await machine.run(machine.node.compact());
  }
}

describe("compaction by the node", () => {
  test("after deletes, overwrites, aborted and failed uploads every volume is unlinked", async () => {
    const machine = await started();
    const { files } = machine.node;
    const place = { bucket: "b-1", key: "in-parts" };
    for (let i = 0; i < 3; i++) await machine.put(`f-${i}`, large);
    await machine.put("f-0", large.subarray(0, blockBytes));
    const checksum = { checksumAlgorithm: undefined, checksumScope: undefined };
    const open = await machine.run(files.createUpload({ ...place, attributes: noAttributes, ...checksum }));
    const name = { ...place, uploadId: open.uploadId };
    for (const part of [1, 2]) await machine.run(files.storePart({ ...name, part, body: incoming(large) }));
    await machine.run(files.abortUpload(name));
    const cut = { ...incoming(large), bytes: large.length + 1 };
    const condition = { ifMatch: undefined, ifNoneMatch: undefined };
    const broken = files.storeFile({
      bucket: "b-1",
      key: "cut",
      attributes: noAttributes,
      condition,
      body: cut,
    });
    await assert.rejects(machine.run(broken), { code: "IncompleteBody" });
    for (let i = 0; i < 3; i++) await machine.remove(`f-${i}`);
    assert.ok(bytesIn(machine, folders.blocks, await filesIn(machine, folders.blocks)) > 15 * blockBytes);
    await settle(machine);
    assert.deepEqual(await filesIn(machine, folders.blocks), []);
    const { blocks } = await machine.run(machine.node.status());
    assert.deepEqual([blocks.blocks, blocks.volumes, blocks.liveBytes, blocks.deadBytes], [0, 0, 0, 0]);
    await machine.put("again", large);
    await machine.stop();
    await machine.start();
    assert.deepEqual(await machine.run(machine.readFile("again")), large);
    await machine.stop();
  });

  test("it runs by itself, keeps to its rate, and reads and writes go on beside it", async () => {
    const bytesPerSecond = 2 * blockBytes;
    const machine = await started({
      compactIntervalMs: 100,
      compactBytesPerSecondMax: bytesPerSecond,
      collectIntervalMs: 100,
      readerGraceMs: 200,
    });
    // Each volume holds three blocks and keeps one of them.
    for (let i = 0; i < 8; i++) {
      await machine.put(`gone-${i}`, large.subarray(0, 2 * blockBytes));
      await machine.put(`kept-${i}`, bytesOf(10 + i, blockBytes));
    }
    const before = await filesIn(machine, folders.blocks);
    assert.ok(before.length >= 8);
    for (let i = 0; i < 8; i++) await machine.remove(`gone-${i}`);
    const startedAtMs = machine.simulation.nowMs;
    const random = seededRandom(5);
    const isLeft = async (name: string): Promise<boolean> =>
      (await filesIn(machine, folders.blocks)).includes(name);
    for (const name of before.slice(0, 8)) {
      while (await isLeft(name)) {
        const i = uniform(random, 8);
        assert.deepEqual(await machine.run(machine.readFile(`kept-${i}`)), bytesOf(10 + i, blockBytes));
        await machine.put("small", bytesOf(i, 20_000));
        await machine.simulation.runFor(100);
        assert.ok(machine.simulation.nowMs - startedAtMs < 60_000, `${name} is left`);
      }
    }
    const tookMs = machine.simulation.nowMs - startedAtMs;
    assert.ok(tookMs > 3000, `eight blocks at two a second took ${tookMs} ms`);
    assert.deepEqual(problemsOf(await machine.fsck({ deep: true })), []);
    await machine.stop();
  });

  test("a crash in the midst of it loses nothing and brings nothing back", async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const machine = await started();
      const random = seededRandom(seed);
      for (let i = 0; i < 4; i++) {
        await machine.put(`gone-${i}`, large);
        await machine.put(`kept-${i}`, bytesOf(10 + i, blockBytes));
      }
      for (let i = 0; i < 4; i++) await machine.remove(`gone-${i}`);
      await eraseDead(machine);
      const compacting = machine.node.compact();
      compacting.catch(() => undefined);
      for (let i = uniform(random, 40); i > 0; i--) await machine.simulation.step();
      machine.crash(seed % 2 === 0 ? "kill" : "power-loss");
      await machine.start();
      const events = await machine.fsck({ deep: true });
      assert.deepEqual(problemsOf(events), [], `seed ${seed}`);
      for (let i = 0; i < 4; i++)
        assert.deepEqual(await machine.run(machine.readFile(`kept-${i}`)), bytesOf(10 + i, blockBytes));
      await settle(machine);
      const stored = bytesIn(machine, folders.blocks, await filesIn(machine, folders.blocks));
      assert.ok(stored < 5 * blockBytes, `${stored} bytes are left for four blocks`);
      await machine.stop();
    }
  });

  test("a volume whose copy the disk has no room for waits; a dead one goes, also beyond the reserve (S12)", async () => {
    const machine = await started({ reserveBytes: 2 ** 30 });
    machine.disk.capacityBytes = 2 ** 40;
    await machine.put("gone-1", large);
    await machine.put("kept", bytesOf(10, blockBytes));
    await machine.put("gone-2", large);
    await machine.put("gone-3", large);
    for (const key of ["gone-1", "gone-2", "gone-3"]) await machine.remove(key);
    await eraseDead(machine);
    const before = await filesIn(machine, folders.blocks);
    const { freeBytes, totalBytes } = await machine.run(machine.disk.space());
    machine.disk.capacityBytes = totalBytes - freeBytes + blockBytes / 2;
    await machine.run(machine.node.compact());
    const after = await filesIn(machine, folders.blocks);
    assert.ok(after.length < before.length, `${before.join(", ")} became ${after.join(", ")}`);
    assert.deepEqual(await machine.run(machine.readFile("kept")), bytesOf(10, blockBytes));
    await settle(machine);
    const stored = bytesIn(machine, folders.blocks, await filesIn(machine, folders.blocks));
    assert.ok(stored < 2 * blockBytes, `${stored} bytes are left for one block`);
    await machine.stop();
  });

  test("a block that cannot be read keeps its volume, and the others are compacted", async () => {
    const machine = await started();
    await machine.put("gone-1", large);
    await machine.put("damaged", bytesOf(10, blockBytes));
    await machine.put("gone-2", large);
    await machine.put("kept", bytesOf(11, blockBytes));
    await machine.put("last", large);
    await machine.remove("gone-1");
    await machine.remove("gone-2");
    await machine.rotBlock(bytesOf(10, blockBytes));
    await settle(machine);
    const kinds = problemsOf(await machine.fsck({ deep: true })).map(({ problem, files }) => [
      problem,
      ...files,
    ]);
    assert.deepEqual(kinds, [["block-damaged", "b-1/damaged"]]);
    assert.deepEqual(await machine.run(machine.readFile("kept")), bytesOf(11, blockBytes));
    await machine.stop();
  });

  test("log segments go once their entries are checkpointed: the log does not grow with the writes (S9)", async () => {
    const machine = await started({ checkpointIntervalMs: 10 });
    const body = bytesOf(3, 16_000);
    for (let i = 0; i < 200; i++) await machine.put(`f-${i % 5}`, body);
    await machine.simulation.runFor(1000);
    const names = await filesIn(machine, folders.log);
    const bytes = bytesIn(machine, folders.log, names);
    assert.ok(bytes <= 6 * 256 * 1024, `${bytes} bytes of log for 3.2 MB written: ${names.join(", ")}`);
    await machine.stop();
  });
});
