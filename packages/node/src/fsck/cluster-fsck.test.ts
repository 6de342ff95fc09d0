import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ClusterMachines } from "../../test-support/cluster-machines.ts";
import { bytesOf, problemsOf, rotBlock, summaryOf } from "../../test-support/maintained-machine.ts";
import type { FsckEvent, FsckOptions } from "./findings.ts";

const blockBytes = 65_536;
const numbers = [0, 1, 2, 3];
const keys = Array.from({ length: 8 }, (_, i) => `f-${i}`);

/** Four nodes, with files whose blocks are on three of them, in shards of which each lacks a replica somewhere. */
async function cluster(): Promise<ClusterMachines> {
  const world = await ClusterMachines.start(4, { shardCount: 4, collectIntervalMs: 1_000_000 });
  await world.settled();
  const settings = { blockBytes };
  await world.run(world.node(0).files.createBucket({ name: "b-1", owner: "tests", settings }));
  for (const [i, key] of keys.entries()) await world.run(world.storeFile(i % 4, key, bodyOf(i)));
  await world.simulation.runFor(500);
  return world;
}

function bodyOf(number: number): Uint8Array {
  return bytesOf(100 + number, 2 * blockBytes);
}

async function fsck(world: ClusterMachines, number: number, options: FsckOptions): Promise<FsckEvent[]> {
  const collect = async (): Promise<FsckEvent[]> => {
    const events: FsckEvent[] = [];
    for await (const event of world.node(number).fsck(options)) events.push(event);
    return events;
  };
  return world.run(collect());
}

function notesOf(events: readonly FsckEvent[]): readonly string[] {
  return events.flatMap((event) => (event.kind === "note" ? [event.note] : []));
}

/** The number of a node that has the block of this body; it is rotten from now on. */
async function rotSomewhere(world: ClusterMachines, body: Uint8Array): Promise<number> {
  for (const number of numbers) if (await rotBlock(world.machine(number), body)) return number;
  throw new Error("no node has it");
}

describe("fsck in a cluster", () => {
  test("each node is clean, with the files of its shards and the blocks of its slots", async () => {
    const world = await cluster();
    for (const deep of [false, true]) {
      let files = 0;
      for (const number of numbers) {
        const events = await fsck(world, number, { deep });
        assert.deepEqual([problemsOf(events), notesOf(events)], [[], []]);
        const summary = summaryOf(events);
        assert.equal(summary.clean, true);
        assert.equal(summary.unreferencedBytes, 0);
        const { blocks } = await world.run(world.node(number).status());
        assert.ok(summary.blocks <= blocks.blocks, "no block is missed that has no slot here");
        files += summary.files;
      }
      assert.equal(files, 3 * keys.length, "each file is judged where its shard has a replica");
    }
    await world.stop();
  });

  test("a block that rotted on one node is a note there, since others have it, and nothing elsewhere", async () => {
    const world = await cluster();
    let isMet = false;
    for (const i of keys.keys()) {
      const number = await rotSomewhere(world, bodyOf(i));
      for (const each of numbers) {
        const events = await fsck(world, each, { deep: true });
        assert.deepEqual(problemsOf(events), []);
        const { clean, incompleteReplicas } = summaryOf(events);
        assert.equal(clean, true);
        if (each !== number) assert.equal(notesOf(events).length, 0);
        // Nodes judge the files of their own shards.
        else if (incompleteReplicas > 0) {
          assert.deepEqual([notesOf(events), incompleteReplicas], [["replica-damaged"], 1]);
          isMet = true;
        }
      }
      if (isMet) break;
    }
    assert.ok(isMet);
    await world.stop();
  });

  test("blocks that a node lost are notes there; they are lost only if no slot has them", async () => {
    const world = await ClusterMachines.start(3, { shardCount: 2, collectIntervalMs: 1_000_000 });
    await world.settled();
    await world.run(
      world.node(0).files.createBucket({ name: "b-1", owner: "tests", settings: { blockBytes } }),
    );
    await world.run(world.storeFile(0, "f", bodyOf(0)));
    await world.simulation.runFor(500);
    for (const number of [0, 1, 2]) {
      assert.ok(await rotBlock(world.machine(number), bodyOf(0)));
      const events = await fsck(world, number, { deep: true });
      const isLast = number === 2;
      assert.deepEqual(problemsOf(events), isLast ? [{ problem: "block-damaged", files: ["b-1/f"] }] : []);
      assert.deepEqual(notesOf(events), isLast ? [] : ["replica-damaged"]);
    }
    await world.stop();
  });

  test("while not every other slot can be asked, a block is not called lost", async () => {
    const world = await ClusterMachines.start(3, { shardCount: 2, collectIntervalMs: 1_000_000 });
    await world.settled();
    await world.run(
      world.node(0).files.createBucket({ name: "b-1", owner: "tests", settings: { blockBytes } }),
    );
    await world.run(world.storeFile(0, "f", bodyOf(0)));
    await world.simulation.runFor(500);
    for (const number of [0, 1]) assert.ok(await rotBlock(world.machine(number), bodyOf(0)));
    await fsck(world, 1, { deep: true });
    world.machine(2).crash("power-loss");
    const events = await fsck(world, 0, { deep: true });
    assert.deepEqual([problemsOf(events), notesOf(events)], [[], ["replica-damaged"]]);
    const note = events.find((event) => event.kind === "note");
    assert.match(note?.message ?? "", /not all others could be asked/);
    await world.stop();
  });
});

describe("scrub in a cluster", () => {
  test("a rotted block is repaired from another slot, and counted as such", async () => {
    const world = await cluster();
    const number = await rotSomewhere(world, bodyOf(3));
    const result = await world.run(world.node(number).scrub());
    assert.deepEqual([result.damagedBlocks, result.repairedBlocks, result.damaged], [0, 1, []]);
    const again = await world.run(world.node(number).scrub());
    assert.deepEqual([again.damagedBlocks, again.repairedBlocks], [0, 0], "it is whole");
    assert.deepEqual(await world.run(world.readFile(number, "f-3")), bodyOf(3));
    await world.stop();
  });

  test("a block that rotted in every slot is damaged, with the file's name", async () => {
    const world = await ClusterMachines.start(3, { shardCount: 2, collectIntervalMs: 1_000_000 });
    await world.settled();
    await world.run(
      world.node(0).files.createBucket({ name: "b-1", owner: "tests", settings: { blockBytes } }),
    );
    await world.run(world.storeFile(0, "f", bodyOf(0)));
    await world.simulation.runFor(500);
    for (const number of [0, 1, 2]) assert.ok(await rotBlock(world.machine(number), bodyOf(0)));
    const scrub = world.node(1).scrub();
    const result = await world.simulation.runUntilSettled(scrub, 200_000);
    assert.deepEqual([result.damagedBlocks, result.repairedBlocks], [1, 0]);
    assert.deepEqual(
      result.damaged.map(({ files }) => files),
      [["b-1/f"]],
    );
    await world.stop();
  });
});
