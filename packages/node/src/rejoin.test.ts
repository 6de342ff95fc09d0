import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { present, utf8 } from "@holdfast/base";
import { ClusterMachines } from "../test-support/cluster-machines.ts";
import { bytesOf } from "../test-support/maintained-machine.ts";

import { NodeMachine } from "../test-support/node-machine.ts";
import { folders, readIdentity } from "./identity.ts";

const body = bytesOf(7, 300_000);

async function threeWithFiles(): Promise<ClusterMachines> {
  const world = await ClusterMachines.start(3);
  await world.settled();
  await world.run(world.node(0).files.createBucket({ name: "b-1", owner: "tests" }));
  for (let i = 0; i < 6; i++) await world.run(world.storeFile(i % 3, `f-${i}`, body));
  return world;
}

/** Its power and its log. */
async function loseLog(world: ClusterMachines, number: number): Promise<void> {
  world.machine(number).crash("power-loss");
  await world.machine(number).loseLog();
  await world.simulation.runFor(3000);
}

async function blocksOf(world: ClusterMachines, number: number): Promise<number> {
  return (await world.run(world.node(number).status())).blocks.blocks;
}

suite("rejoin: a node whose log is lost", () => {
  test("is refused as it is, and told how it comes back", async () => {
    const world = await threeWithFiles();
    await loseLog(world, 2);
    for (let tries = 0; tries < 2; tries++)
      await assert.rejects(world.machine(2).start(), {
        code: "DataCorrupt",
        message: /lacks what was in "log".*holdfast server --rejoin/,
      });
  });

  for (const victim of [0, 1, 2])
    test(`comes back as node ${victim}, under its id and with its blocks, and votes under other numbers (S11)`, async () => {
      const world = await threeWithFiles();
      const [one = 0, other = 0] = [0, 1, 2].filter((number) => number !== victim);
      const id = await world.idOf(victim);
      const blocks = await blocksOf(world, victim);
      const before = present(
        (await world.run(world.node(one).cluster.nodes())).find((node) => node.id === id),
        "it",
      );
      await loseLog(world, victim);
      await world.run(world.storeFile(one, "meanwhile", utf8("meanwhile")));
      await world.machine(victim).start({ rejoining: await world.rejoining(one) });
      await world.settled();
      assert.equal(await world.idOf(victim), id);
      const after = present(
        (await world.run(world.node(other).cluster.nodes())).find((node) => node.id === id),
        "it",
      );
      assert.notEqual(after.logIncarnation, before.logIncarnation);
      assert.deepEqual({ ...after, logIncarnation: "" }, { ...before, logIncarnation: "" });
      assert.equal(await blocksOf(world, victim), blocks);
      for (let i = 0; i < 6; i++) assert.deepEqual(await world.run(world.readFile(victim, `f-${i}`)), body);
      assert.deepEqual(await world.run(world.readFile(victim, "meanwhile")), utf8("meanwhile"));
      // With one of the others dead it is needed for a majority, and has it.
      world.machine(one).crash("power-loss");
      await world.run(world.storeFile(victim, "by-two", body));
      assert.deepEqual(await world.run(world.readFile(other, "by-two")), body);
    });

  test("votes nowhere from when it is let in, and nobody else loses a vote while it is waited for (S11)", async () => {
    const world = await threeWithFiles();
    await loseLog(world, 2);
    const id = await world.idOf(0);
    const nodes = await world.run(world.node(0).cluster.nodes());
    const lost = present(
      nodes.find(({ addresses }) => addresses.rpc === "node-2:2"),
      "the node",
    );
    const { enter } = await world.rejoining(1);
    await world.run(enter({ ...lost, logIncarnation: "another" }));
    await world.simulation.runFor(5000);
    const { system, shards } = (await world.run(world.node(0).status())).cluster;
    for (const { voters, learners } of [system, ...shards]) {
      assert.deepEqual(learners, [lost.id]);
      assert.equal(voters.length, 2);
      assert.ok(voters.includes(id) && !voters.includes(lost.id));
    }
  });

  test("is refused while it is heard of as who it was, and with volumes that are not its own (S11)", async () => {
    const world = await threeWithFiles();
    const id = await world.idOf(2);
    const own = present(
      (await world.run(world.node(0).cluster.nodes())).find((node) => node.id === id),
      "it",
    );
    const { enter } = await world.rejoining(0);
    const asOther = world.run(enter({ ...own, logIncarnation: "another" }));
    await assert.rejects(asOther, { code: "Unavailable", message: /still heard of/ });
    world.machine(2).crash("power-loss");
    await world.simulation.runFor(3000);
    const otherVolumes = enter({ ...own, logIncarnation: "another", volumeIncarnation: "another" });
    await assert.rejects(world.run(otherVolumes), { code: "NodeConflict", message: /^The volumes/ });
    await world.machine(2).start();
    await world.settled();
    await world.stop();
  });

  test("goes on wherever a power loss cut it short: with its token until it is let in, and then by itself", async () => {
    const world = await threeWithFiles();
    const machine = world.machine(1);
    const met = new Set<string>();
    for (let cutMs = 1; !met.has("done"); cutMs += 1 + cutMs / 4) {
      await loseLog(world, 1);
      const rejoining = await world.rejoining(0);
      // A process that is dead tells nobody.
      machine.boot({ rejoining }).catch(() => undefined);
      await world.simulation.runFor(cutMs);
      machine.crash("power-loss");
      const { rejoin } = present(await world.run(readIdentity(machine.disk.mount())), "an identity");
      const stage = rejoin?.token === rejoining.token ? rejoin.stage : "none";
      met.add(stage);
      const isLetIn = !["none", "asking"].includes(stage);
      if (!isLetIn) await assert.rejects(machine.start(), { code: "DataCorrupt" });
      await world.simulation.runFor(1000);
      await machine.start(isLetIn ? {} : { rejoining });
      await world.settled();
      assert.deepEqual(await world.run(world.readFile(1, "f-1")), body);
    }
    assert.deepEqual([...met].sort(), ["asking", "done", "entering", "forgetting", "none"]);
    await world.stop();
  });

  test("is refused before anybody is asked when there is nothing that could come back", async () => {
    const world = await threeWithFiles();
    const rejoining = { ...(await world.rejoining(0)), enter: () => assert.fail("somebody was asked") };
    const fresh = new NodeMachine();
    await assert.rejects(fresh.start({ rejoining }), { code: "InvalidRequest", message: /give --join/ });
    assert.equal(await fresh.run(readIdentity(fresh.disk.mount())), undefined, "it may join yet");
    await loseLog(world, 1);
    const elsewhere = { ...rejoining, clusterId: "another" };
    await assert.rejects(world.machine(1).start({ rejoining: elsewhere }), { code: "InvalidToken" });
    const disk = world.machine(1).disk.mount();
    for (const name of await world.run(disk.list(folders.blocks)))
      await world.run(disk.remove(`${folders.blocks}/${name}`));
    await assert.rejects(world.machine(1).start({ rejoining }), {
      code: "DataCorrupt",
      message: /^The volumes are missing too/,
    });
  });

  test("takes its token for no new wish at a later start, and may lose its log again", async () => {
    const world = await threeWithFiles();
    await loseLog(world, 1);
    const rejoining = await world.rejoining(0);
    await world.machine(1).start({ rejoining });
    await world.settled();
    const lives = async (): Promise<readonly string[]> =>
      (await world.run(world.node(0).cluster.nodes())).map(({ logIncarnation }) => logIncarnation);
    const life = await lives();
    await world.machine(1).stop();
    await world.machine(1).start({ rejoining });
    assert.deepEqual(await lives(), life);
    await loseLog(world, 1);
    await assert.rejects(world.machine(1).start({ rejoining }), { code: "DataCorrupt" });
    await world.machine(1).start({ rejoining: await world.rejoining(2) });
    await world.settled();
    assert.notDeepEqual(await lives(), life);
    await world.stop();
  });
});
