import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ContentId } from "@holdfast/base";
import { crc32, epoch, nodeId } from "@holdfast/base";
import { allMetrics } from "@holdfast/ports";
import { blockOf, bodyOf, contentOf, ReplicatedCluster } from "../../test-support/replicated-cluster.ts";

const block = blockOf(1);
const body = bodyOf(block, 5000);
const isUnavailable = { name: "StoreError", code: "Unavailable", retryable: true };

/** Of three nodes, these hold the block. */
async function heldBy(names: string): Promise<ReplicatedCluster> {
  const cluster = await ReplicatedCluster.start("abc");
  for (const name of names) await cluster.run(cluster.node(name).store.put(block, body, crc32(body)));
  return cluster;
}

describe("a block's read", () => {
  test("this node's own slot is asked first, and alone", async () => {
    const cluster = await heldBy("abc");
    cluster.onExchange = () => assert.fail("no other node is asked");
    await cluster.assertReads("a", block, 3, body);
  });

  test("whoever holds it gives it, and those that lack it get it again", async () => {
    for (const holder of "abc") {
      const cluster = await heldBy(holder);
      for (let i = 0; i < 3; i++) await cluster.assertReads("a", block, 3, body);
      await cluster.simulation.runFor(5000);
      const lacking = cluster.holders(block);
      // A read that this node's own slot answers has asked nobody else.
      if (holder !== "a") assert.ok(lacking.includes("a") && lacking.includes(holder), lacking);
      else assert.equal(lacking, "a");
      const metrics = cluster.metricsOf(nodeId("a"));
      const repairs = (await metrics.value(allMetrics.replicaRepairs, { cause: "missing" })) ?? 0;
      assert.equal(repairs, lacking.length - 1);
    }
  });

  test("a damaged slot is never served, and is repaired in passing", async () => {
    for (const damaged of ["a", "b", "ab"]) {
      const cluster = await heldBy("abc");
      for (const name of damaged) await cluster.rot(name, body);
      const reader = damaged === "b" ? "b" : "a";
      for (let i = 0; i < 10; i++) await cluster.assertReads(reader, block, 3, body);
      await cluster.simulation.runFor(5000);
      assert.ok(cluster.holders(block).includes(reader), "its own slot is whole again");
      cluster.onExchange = () => assert.fail("no other node is asked");
      await cluster.assertReads(reader, block, 3, body);
      assert.equal(cluster.node(reader).incomplete.count, 0);
    }
  });

  test("another node's damaged slot is repaired as well", async () => {
    const cluster = await ReplicatedCluster.start("abcd");
    for (const name of "abc") await cluster.run(cluster.node(name).store.put(block, body, crc32(body)));
    await cluster.rot("a", body);
    await cluster.rot("b", body);
    // In turns, so both of them are asked before long.
    for (let i = 0; i < 20; i++) await cluster.assertReads("d", block, 3, body);
    await cluster.simulation.runFor(5000);
    for (const name of "ab") await cluster.assertReads(name, block, 3, body);
    assert.equal(cluster.holders(block), "abc");
    const metrics = cluster.metricsOf(nodeId("d"));
    assert.equal(await metrics.value(allMetrics.replicaRepairs, { cause: "corrupt" }), 2);
  });

  test("no repair of what the home shard says is dead (S7)", async () => {
    const cluster = await heldBy("b");
    const asked: ContentId[] = [];
    cluster.mayExist = (content) => {
      asked.push(content);
      return Promise.resolve(false);
    };
    for (let i = 0; i < 3; i++) await cluster.assertReads("a", block, 3, body);
    await cluster.simulation.runFor(5000);
    assert.deepEqual(asked[0], contentOf(1));
    assert.equal(cluster.holders(block), "b");
    assert.equal(cluster.node("a").incomplete.count, 0);
  });

  test("an answer with other bytes than its checksum is not believed", async () => {
    const cluster = await heldBy("bc");
    cluster.onExchange = async (node, _from, request, signal) => {
      const answer = await node.server.onExchange(request, signal);
      if (node.id === "c") return answer;
      const chunks: Uint8Array[] = [];
      for await (const chunk of answer.body) chunks.push(chunk.map((byte) => byte ^ 1));
      return {
        head: answer.head,
        body: (async function* () {
          yield* chunks;
        })(),
      };
    };
    for (let i = 0; i < 10; i++) await cluster.assertReads("a", block, 3, body);
  });

  test("a slow slot is not waited for, and its late answer harms nobody", async () => {
    const cluster = await heldBy("bc");
    cluster.pause("b");
    for (let i = 0; i < 10; i++) {
      const begunAtMs = cluster.simulation.nowMs;
      await cluster.assertReads("a", block, 3, body);
      assert.ok(cluster.simulation.nowMs - begunAtMs < cluster.limits.hedgeMs + 50);
    }
    cluster.resume("b");
    await cluster.simulation.runFor(10_000);
    await cluster.assertReads("a", block, 3, body);
  });

  test("in joint all old and all new slots are tried", async () => {
    const cluster = await ReplicatedCluster.start("abcdef");
    cluster.setLayout(2, "abc", "def");
    await cluster.run(cluster.node("f").store.put(block, body, crc32(body)));
    cluster.isolate("b");
    await cluster.assertReads("a", block, 3, body);
  });

  test("in no slot: unavailable, with a report, and never the claim that it does not exist", async () => {
    const cluster = await heldBy("");
    await assert.rejects(cluster.run(cluster.node("a").blocks.read(block, 3)), isUnavailable);
    assert.equal(cluster.events("block in no slot"), 1);
    assert.equal(cluster.node("a").incomplete.count, 0, "there is nothing to repair it from");
    const metrics = cluster.metricsOf(nodeId("a"));
    assert.equal(await metrics.value(allMetrics.replicatedReadFailures, {}), 1);
  });

  test("out of reach: unavailable within the deadline", async () => {
    const cluster = await heldBy("bc");
    for (const name of "bc") cluster.isolate(name);
    const begunAtMs = cluster.simulation.nowMs;
    await assert.rejects(cluster.run(cluster.node("a").blocks.read(block, 3)), isUnavailable);
    assert.ok(cluster.simulation.nowMs - begunAtMs <= cluster.limits.readDeadlineMs);
  });

  test("a reader with an old layout looks again when it hears of a newer one", async () => {
    const cluster = await ReplicatedCluster.start("abcdef");
    cluster.setLayout(2, "def", undefined, "def");
    await cluster.run(cluster.node("d").blocks.put(block, body, crc32(body), 3).settled);
    const { remote } = cluster.node("d");
    const told = { ids: [block], epoch: epoch(2) };
    await cluster.run(remote.stat(nodeId("b"), told, { deadlineMs: 1000 }));
    const reading = cluster.run(cluster.node("a").blocks.read(block, 3));
    cluster.simulation.after(300, () => cluster.setLayout(2, "def"));
    assert.deepEqual((await reading).body, body);
  });
});
