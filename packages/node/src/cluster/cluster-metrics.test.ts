import assert from "node:assert/strict";
import { test } from "node:test";
import type { GaugeMetric } from "@holdfast/ports";
import { allMetrics } from "@holdfast/ports";
import { ClusterMachines } from "../../test-support/cluster-machines.ts";

test("cluster metrics: nodes that are up, groups that nobody leads, the layout and what moves", async () => {
  const world = await ClusterMachines.start(3);
  await world.settled();
  const value = (metric: GaugeMetric) => world.run(world.machine(2).metrics.value(metric, {}));
  const counts = async (): Promise<readonly unknown[]> => [
    await value(allMetrics.clusterNodes),
    await value(allMetrics.clusterNodesUp),
    await value(allMetrics.clusterLeaderlessGroups),
  ];
  assert.deepEqual(await counts(), [3, 3, 0]);
  const { epoch } = (await world.run(world.node(2).status())).cluster;
  assert.ok(epoch > 1);
  assert.equal(await value(allMetrics.clusterLayoutEpoch), epoch);
  assert.equal(await value(allMetrics.clusterJointPartitions), 0);
  await world.join();
  await world.until(async () => (await value(allMetrics.clusterJointPartitions)) !== 0, "partitions move");
  world.machine(3).crash("power-loss");
  world.machine(0).crash("power-loss");
  world.machine(1).crash("power-loss");
  await world.simulation.runFor(10_000);
  // The system group, and as many of the two shards as live here.
  const [nodes, up, leaderless] = await counts();
  assert.deepEqual([nodes, up], [4, 1]);
  assert.ok(leaderless === 2 || leaderless === 3, String(leaderless));
});
