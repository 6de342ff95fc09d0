import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8, utf8Text } from "@holdfast/base";
import { ClusterMachines } from "../../test-support/cluster-machines.ts";
import { bytesOf } from "../../test-support/maintained-machine.ts";

test("cluster: what one of three nodes stored each of them reads", async () => {
  const world = await ClusterMachines.start(3);
  await world.settled();
  await world.run(world.node(1).files.createBucket({ name: "b-1", owner: "tests" }));
  for (const number of [0, 1, 2]) {
    await world.run(world.storeFile(number, `of-${number}`, utf8(`by ${number}`)));
    for (const other of [0, 1, 2])
      assert.equal(utf8Text(await world.run(world.readFile(other, `of-${number}`))), `by ${number}`);
  }
  await world.stop();
});

test("cluster: files of every size are on two nodes at least, and each node reads them whole", async () => {
  const world = await ClusterMachines.start(3);
  await world.settled();
  await world.run(
    world.node(0).files.createBucket({ name: "b-1", owner: "tests", settings: { blockBytes: 65_536 } }),
  );
  const bodies = [0, 1, 20_000, 65_536, 300_000].map((length) => bytesOf(length + 1, length));
  for (const [i, body] of bodies.entries()) await world.run(world.storeFile(i % 3, `f-${i}`, body));
  for (const number of [0, 1, 2])
    for (const [i, body] of bodies.entries())
      assert.deepEqual(await world.run(world.readFile(number, `f-${i}`)), body, `f-${i} by ${number}`);
  let count = 0;
  for (const { node } of world.machines) count += (await world.run(node.status())).blocks.blocks;
  assert.ok(count >= 2 * 7, `${count} blocks`);
  await world.stop();
});

test("cluster: with one of three nodes dead, service goes on, and it has everything when it is back", async () => {
  for (const victim of [0, 1, 2]) {
    const world = await ClusterMachines.start(3);
    await world.settled();
    const [one = 0, other = 0] = [0, 1, 2].filter((number) => number !== victim);
    await world.run(world.node(0).files.createBucket({ name: "b-1", owner: "tests" }));
    const body = bytesOf(1, 300_000);
    await world.run(world.storeFile(victim, "before", body));
    world.machine(victim).crash("power-loss");
    assert.deepEqual(await world.run(world.readFile(one, "before")), body);
    await world.run(world.storeFile(one, "during", body));
    await world.run(world.storeFile(other, "small", utf8("during")));
    assert.deepEqual(await world.run(world.readFile(other, "during")), body);
    await world.machine(victim).start();
    await world.settled();
    assert.deepEqual(await world.run(world.readFile(victim, "during")), body);
    assert.equal(utf8Text(await world.run(world.readFile(victim, "small"))), "during");
    await world.stop();
  }
});

test("cluster: a node that lost its power with little in its state store finds the others", async () => {
  for (const victim of [0, 1, 2]) {
    const world = await ClusterMachines.start(3, { checkpointIntervalMs: 3_600_000 });
    await world.settled();
    world.machine(victim).crash("power-loss");
    await world.machine(victim).start();
    await world.settled();
    await world.stop();
  }
});

test("cluster: grown by one node at a time, with files; of two nodes one has no shard, and serves all the same", async () => {
  const world = await ClusterMachines.start(1);
  await world.run(world.node(0).files.createBucket({ name: "b-1", owner: "tests" }));
  const body = bytesOf(3, 300_000);
  for (let i = 0; i < 4; i++) await world.run(world.storeFile(0, `f-${i}`, body));
  for (const number of [1, 2]) {
    await world.join();
    await world.until(async () => {
      const { epoch, partitions } = (await world.run(world.node(number).status())).cluster;
      return epoch > number && partitions.change === undefined;
    }, `the layout has node ${number}`);
    for (let i = 0; i < 4; i++)
      assert.deepEqual(await world.run(world.readFile(number, `f-${i}`)), body, `f-${i}`);
    await world.run(world.storeFile(number, `by-${number}`, body));
    assert.deepEqual(await world.run(world.readFile(0, `by-${number}`)), body);
  }
  await world.settled();
  await world.stop();
});

test("cluster: a node that stops in order hands over what it leads, and nobody waits for an election", async () => {
  const world = await ClusterMachines.start(3);
  await world.settled();
  await world.run(world.node(0).files.createBucket({ name: "b-1", owner: "tests" }));
  const leader = (await world.run(world.node(0).status())).cluster.shards[0]?.leader;
  const ids = [await world.idOf(0), await world.idOf(1), await world.idOf(2)];
  const leading = ids.findIndex((id) => id === leader);
  const other = (leading + 1) % 3;
  await world.machine(leading).stop();
  const beganMs = world.simulation.nowMs;
  for (let i = 0; i < 8; i++) await world.run(world.storeFile(other, `f-${i}`, utf8("x")));
  const tookMs = world.simulation.nowMs - beganMs;
  assert.ok(tookMs < 200, `${tookMs} ms`);
  for (const [i, machine] of world.machines.entries()) if (i !== leading) await machine.stop();
});

test("cluster: a leader whose disk is full hands over what it leads, and the others go on", async () => {
  const world = await ClusterMachines.start(3, { shardCount: 1, segmentBytes: 64 * 1024 });
  await world.settled();
  await world.run(world.node(0).files.createBucket({ name: "b-1", owner: "tests" }));
  const leader = (await world.run(world.node(0).status())).cluster.shards[0]?.leader;
  const ids = [await world.idOf(0), await world.idOf(1), await world.idOf(2)];
  const full = ids.findIndex((id) => id === leader);
  const other = (full + 1) % 3;
  const { disk } = world.machine(full);
  const { freeBytes, totalBytes } = await world.run(disk.space());
  disk.capacityBytes = totalBytes - freeBytes;
  // What is left in the segments, and the seconds in which it is seen that nothing more fits.
  for (let i = 0; i < 30; i++)
    await world.run(world.storeFile(other, `f-${i}`, bytesOf(i, 9000)).catch(() => undefined));
  await world.simulation.runFor(4000);
  for (let i = 30; i < 60; i++) await world.run(world.storeFile(other, `f-${i}`, bytesOf(i, 9000)));
  disk.capacityBytes = totalBytes;
  await world.settled();
  assert.deepEqual(await world.run(world.readFile(full, "f-59")), bytesOf(59, 9000));
  await world.stop();
});
