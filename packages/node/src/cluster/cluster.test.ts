import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8, utf8Text } from "@holdfast/base";
import { ClusterMachines } from "../../test-support/cluster-machines.ts";

test("cluster: what one of three nodes stored each of them reads", async () => {
  const world = await ClusterMachines.start(3);
  await world.run(world.node(1).files.createBucket({ name: "b-1", owner: "tests" }));
  for (const number of [0, 1, 2]) {
    await world.run(world.storeFile(number, `of-${number}`, utf8(`by ${number}`)));
    for (const other of [0, 1, 2])
      assert.equal(utf8Text(await world.run(world.readFile(other, `of-${number}`))), `by ${number}`);
  }
  await world.stop();
});
