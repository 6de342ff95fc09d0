import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ContentId } from "@holdfast/base";
import { crc32, decode, nodeId } from "@holdfast/base";
import { allMetrics } from "@holdfast/ports";
import type { ClusterOptions } from "../../test-support/replicated-cluster.ts";
import { blockOf, bodyOf, ReplicatedCluster } from "../../test-support/replicated-cluster.ts";
import { blockRequestCodec } from "./block-wire.ts";

const count = 20;

/** Twenty blocks of which node c lacks every one. */
async function incomplete(options: ClusterOptions = {}): Promise<ReplicatedCluster> {
  const cluster = await ReplicatedCluster.start("abc", options);
  cluster.crash("c", "power-loss");
  for (let i = 0; i < count; i++) await cluster.run(cluster.put("a", blockOf(i), 3).settled);
  assert.equal(cluster.node("a").incomplete.count, count);
  return cluster;
}

function assertComplete(cluster: ReplicatedCluster): void {
  for (let i = 0; i < count; i++) assert.equal(cluster.holders(blockOf(i)), "abc", `block ${i}`);
  assert.equal(cluster.node("a").incomplete.count, 0);
}

describe("the list of incomplete blocks", () => {
  test("is worked off when the node is back", async () => {
    const cluster = await incomplete();
    await cluster.start(nodeId("c"));
    await cluster.simulation.runFor(cluster.limits.suspicionMsMax + 5000);
    assertComplete(cluster);
    const metrics = cluster.metricsOf(nodeId("a"));
    assert.equal(await metrics.value(allMetrics.completedBlocks, { outcome: "copied" }), count);
    assert.equal(await metrics.value(allMetrics.incompleteBlocks, {}), 0);
  });

  for (const how of ["kill", "power-loss"] as const)
    test(`survives a ${how} of the node that wrote, and its list is worked off by the next process`, async () => {
      const cluster = await incomplete();
      cluster.crash("a", how);
      await cluster.start(nodeId("a"));
      assert.equal(cluster.node("a").incomplete.count, count);
      await cluster.start(nodeId("c"));
      await cluster.simulation.runFor(cluster.limits.suspicionMsMax + 5000);
      assertComplete(cluster);
    });

  test("what was taken from it stays out when the list is opened again", async () => {
    const cluster = await incomplete();
    await cluster.start(nodeId("c"));
    await cluster.simulation.runFor(cluster.limits.suspicionMsMax + 5000);
    cluster.crash("a", "kill");
    await cluster.start(nodeId("a"));
    assert.equal(cluster.node("a").incomplete.count, 0);
  });

  test("dead content is not copied and leaves the list (S7); what nobody can say of stays", async () => {
    const cluster = await incomplete();
    cluster.mayExist = ({ attempt }: ContentId) => {
      if (attempt % 3 === 0) return Promise.resolve(true);
      return attempt % 3 === 1 ? Promise.resolve(false) : Promise.reject(new Error("no leader"));
    };
    await cluster.start(nodeId("c"));
    await cluster.simulation.runFor(cluster.limits.suspicionMsMax + 5000);
    for (let i = 0; i < count; i++)
      assert.equal(cluster.holders(blockOf(i)), i % 3 === 0 ? "abc" : "ab", `block ${i}`);
    const left = cluster.node("a").incomplete.of(nodeId("c"), undefined, 100);
    assert.deepEqual(
      left.map(({ id }) => id.content.attempt % 3),
      left.map(() => 2),
    );
    assert.equal(left.length, 6);
    cluster.mayExist = () => Promise.resolve(true);
    await cluster.simulation.runFor(5000);
    assert.equal(cluster.node("a").incomplete.count, 0);
  });

  test("a node that stays away is asked ever more rarely", async () => {
    const cluster = await incomplete();
    let asked = 0;
    cluster.onExchange = (node, _from, request, signal) => {
      if (node.id !== "c") return node.server.onExchange(request, signal);
      asked++;
      return Promise.reject(new Error("not today"));
    };
    await cluster.start(nodeId("c"));
    await cluster.simulation.runFor(600_000);
    assert.ok(asked >= 5 && asked <= 25, `asked ${asked} times in ten minutes`);
  });

  test("a full node leaves the others' entries to be done", async () => {
    const cluster = await ReplicatedCluster.start("abcde");
    for (const name of "de") cluster.crash(name, "kill");
    for (let i = 0; i < count; i++) await cluster.run(cluster.put("a", blockOf(i), 5).settled);
    for (const name of "de") await cluster.start(nodeId(name));
    cluster.fill("d");
    await cluster.simulation.runFor(cluster.limits.suspicionMsMax + 5000);
    assert.deepEqual(cluster.node("a").incomplete.nodes(), ["d"]);
    cluster.disk("d").capacityBytes = 2 ** 50;
    await cluster.simulation.runFor(cluster.limits.suspicionMsMax + 5000);
    for (let i = 0; i < count; i++) assert.equal(cluster.holders(blockOf(i)), "abcde");
  });

  test("a node whose disk stays full is sent ever fewer blocks", async () => {
    const cluster = await incomplete();
    let sent = 0;
    cluster.onExchange = (node, _from, request, signal) => {
      if (node.id === "c" && decode(blockRequestCodec, request.head).kind === "put") sent++;
      return node.server.onExchange(request, signal);
    };
    await cluster.start(nodeId("c"));
    cluster.fill("c");
    await cluster.simulation.runFor(600_000);
    assert.ok(sent >= 5 && sent <= 25, `${sent} in ten minutes`);
    assert.equal(cluster.node("a").incomplete.count, count);
  });

  test("a slot that has its block after all costs a question alone", async () => {
    const cluster = await ReplicatedCluster.start("abc");
    await cluster.run(cluster.put("a", blockOf(1), 3).settled);
    cluster.onExchange = (node, _from, request, signal) => {
      assert.equal(decode(blockRequestCodec, request.head).kind, "stat");
      return node.server.onExchange(request, signal);
    };
    await cluster.run(cluster.node("a").incomplete.add({ node: nodeId("c"), id: blockOf(1), width: 3 }));
    await cluster.simulation.runFor(5000);
    assert.equal(cluster.node("a").incomplete.count, 0);
    const metrics = cluster.metricsOf(nodeId("a"));
    assert.equal(await metrics.value(allMetrics.completedBlocks, { outcome: "in-place" }), 1);
  });

  test("where the layout has moved on, the slots of today get the block", async () => {
    const cluster = await ReplicatedCluster.start("abcd");
    cluster.crash("c", "kill");
    await cluster.run(cluster.put("a", blockOf(1), 3).settled);
    cluster.setLayout(2, "abd");
    await cluster.simulation.runFor(5000);
    assert.equal(cluster.holders(blockOf(1)), "abd");
    assert.equal(cluster.node("a").incomplete.count, 0);
  });

  test("copying keeps to its rate", async () => {
    const cluster = await incomplete({ completedBytesPerSecond: 20_000 });
    const bytes = Array.from({ length: count }, (_, i) => bodyOf(blockOf(i)).length);
    await cluster.start(nodeId("c"));
    const list = cluster.node("a").incomplete;
    while (list.count === count) await cluster.simulation.step();
    const begunAtMs = cluster.simulation.nowMs;
    while (list.count > 0) await cluster.simulation.step();
    const seconds = (cluster.simulation.nowMs - begunAtMs) / 1000;
    const rest = bytes.reduce((sum, each) => sum + each, 0) - Math.max(...bytes);
    assert.ok(seconds > rest / 20_000, `${rest} bytes in ${seconds} s`);
  });

  test("a slot that holds another body is reported and not asked again", async () => {
    const cluster = await incomplete();
    await cluster.start(nodeId("c"));
    const other = bodyOf(blockOf(99), 700);
    await cluster.run(cluster.node("c").store.put(blockOf(3), other, crc32(other)));
    await cluster.rot("c", other);
    await assert.rejects(cluster.run(cluster.node("c").store.read(blockOf(3))));
    await cluster.simulation.runFor(cluster.limits.suspicionMsMax + 5000);
    assert.equal(cluster.events("block conflict"), 1);
    assert.equal(cluster.node("a").incomplete.count, 0);
  });
});
