import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concatBytes } from "@holdfast/base";
import { noAttributes, unconditional } from "@holdfast/namespace";
import { ClusterMachines } from "../../test-support/cluster-machines.ts";
import { bytesOf } from "../../test-support/maintained-machine.ts";
import type { IncomingBody } from "../files/interface.ts";
import type { NodeOptions } from "../node-options.ts";

const blockBytes = 65_536;
const graceMs = 1000;
const body = bytesOf(1, 2 * blockBytes);

async function cluster(nodes: number, options: NodeOptions = {}): Promise<ClusterMachines> {
  const world = await ClusterMachines.start(nodes, { shardCount: 4, readerGraceMs: graceMs, ...options });
  await world.settled();
  const settings = { blockBytes };
  await world.run(world.node(0).files.createBucket({ name: "b-1", owner: "tests", settings }));
  return world;
}

/** Blocks on each of these nodes. */
async function blocksOn(world: ClusterMachines, numbers: readonly number[]): Promise<readonly number[]> {
  const counts: number[] = [];
  for (const number of numbers) counts.push((await world.run(world.node(number).status())).blocks.blocks);
  return counts;
}

async function remove(world: ClusterMachines, number: number, key: string): Promise<void> {
  await world.run(world.node(number).files.deleteFile({ bucket: "b-1", key, condition: unconditional }));
}

async function copy(world: ClusterMachines, number: number, from: string, to: string): Promise<void> {
  const source = { bucket: "b-1", key: from };
  const copied = { source, bucket: "b-1", key: to, condition: unconditional, attributes: undefined };
  await world.run(world.node(number).files.copyFile(copied));
}

/** A body whose second half never comes. */
function stuck(bytes: Uint8Array): IncomingBody {
  async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    yield bytes;
    await new Promise(() => undefined);
  }
  return { chunks: chunks(), bytes: 2 * bytes.length, expectedDigests: () => [] };
}

describe("collection in a cluster", () => {
  test("what died is erased on every node, and what its copies owed each other across shards is settled", async () => {
    const world = await cluster(4, { collectIntervalMs: 100 });
    const numbers = [0, 1, 2, 3];
    const keys = Array.from({ length: 8 }, (_, i) => `f-${i}`);
    for (const [i, key] of keys.entries()) {
      await world.run(world.storeFile(i % 4, key, body));
      await copy(world, (i + 1) % 4, key, `copy-${key}`);
      await remove(world, (i + 2) % 4, key);
    }
    await world.simulation.runFor(4 * graceMs);
    for (const key of keys)
      for (const number of numbers)
        assert.deepEqual(
          await world.run(world.readFile(number, `copy-${key}`)),
          body,
          "a copy keeps its bytes",
        );
    for (const [i, key] of keys.entries()) await remove(world, i % 4, `copy-${key}`);
    await world.until(
      async () => (await blocksOn(world, numbers)).every((count) => count === 0),
      "no block is left",
    );
    await world.stop();
  });

  test("nodes with a replica erase before the record is forgotten: no scan is needed", async () => {
    // The first scan comes after 24 s.
    const world = await cluster(3, { collectIntervalMs: 200 });
    const numbers = [0, 1, 2];
    for (let i = 0; i < 8; i++) await world.run(world.storeFile(i % 3, `f-${i}`, body));
    await world.simulation.runFor(1000);
    assert.deepEqual(await blocksOn(world, numbers), [16, 16, 16]);
    const startMs = world.simulation.nowMs;
    // Most copies are in other shards, which owe the contents' homes a drop.
    for (let i = 0; i < 8; i++) {
      await copy(world, i % 3, `f-${i}`, `copy-${i}`);
      await remove(world, i % 3, `f-${i}`);
    }
    await world.simulation.runFor(2 * graceMs);
    assert.deepEqual(await blocksOn(world, numbers), [16, 16, 16], "the copies need them");
    for (let i = 0; i < 8; i++) await remove(world, i % 3, `copy-${i}`);
    await world.simulation.runFor(0.8 * graceMs);
    assert.deepEqual(await blocksOn(world, numbers), [16, 16, 16], "readers of before may be at them (S6)");
    await world.simulation.runFor(3 * graceMs);
    assert.ok(world.simulation.nowMs - startMs < 10_000);
    assert.deepEqual(await blocksOn(world, numbers), [0, 0, 0]);
    await world.stop();
  });

  test("what a node missed while it was down its scan finds, in shards without a replica there too", async () => {
    const world = await cluster(4);
    for (let i = 0; i < 8; i++) await world.run(world.storeFile(i % 3, `f-${i}`, body));
    await world.run(world.storeFile(0, "stays", body));
    await world.simulation.runFor(1000);
    const [before = 0] = await blocksOn(world, [3]);
    assert.ok(before > 2);
    world.machine(3).crash("power-loss");
    for (let i = 0; i < 8; i++) await remove(world, i % 3, `f-${i}`);
    for (let i = 0; i < 12; i++) {
      await world.simulation.runFor(graceMs);
      for (const number of [0, 1, 2]) await world.run(world.node(number).collect());
    }
    await world.machine(3).start();
    await world.until(async () => {
      await world.run(
        world
          .node(3)
          .collect()
          .catch(() => undefined),
      );
      const [count = 0] = await blocksOn(world, [3]);
      return count <= 2;
    }, "its scan finds them");
    assert.deepEqual(await world.run(world.readFile(3, "stays")), body, "what lives is kept");
    await world.stop();
  });

  test("the writer of a node that is gone is closed, and what it left is collected; those of idle nodes are not", async () => {
    const silent = { writerPublishMs: 1000, writerSilentMs: 5000 };
    const world = await cluster(3, { collectIntervalMs: 200, ...silent });
    await world.run(world.storeFile(2, "kept", body));
    const { files } = world.node(2);
    const request = { bucket: "b-1", key: "never", condition: unconditional, body: stuck(body) };
    void files.storeFile({ ...request, attributes: noAttributes }).catch(() => undefined);
    await world.simulation.runFor(500);
    const kept = await blocksOn(world, [0, 1]);
    assert.ok(
      kept.every((count) => count === 4),
      `blocks of both: ${kept.join()}`,
    );
    const gone = await world.idOf(2);
    world.machine(2).crash("power-loss");
    await world.simulation.runFor(4500);
    for (const number of [0, 1]) await world.run(world.node(number).collect());
    assert.deepEqual(await blocksOn(world, [0, 1]), kept, "its attempt is open (S4)");
    const closed = (): readonly unknown[] =>
      world.machines
        .flatMap(({ journal }) => journal.lines)
        .filter(({ event }) => event === "silent writer closed")
        .map(({ fields }) => fields["node"]);
    await world.until(async () => {
      for (const number of [0, 1]) await world.run(world.node(number).collect());
      return (await blocksOn(world, [0, 1])).every((count) => count === 2) && closed().length >= 4;
    }, "what it left is collected");
    await world.simulation.runFor(10_000);
    assert.deepEqual(
      closed(),
      Array.from({ length: 4 }, () => gone),
      "one of each shard, and no other",
    );
    assert.deepEqual(await world.run(world.readFile(0, "kept")), body, "what it committed stays");
    await world.machine(2).start();
    await world.settled();
    await world.run(world.storeFile(2, "again", concatBytes([body, body])));
    await world.stop();
  });
});
