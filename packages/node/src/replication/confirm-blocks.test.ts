/** Confirming blocks under today's layout (S3): what the evidence then says has to be true. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { BlockId, Epoch } from "@holdfast/base";
import { crc32, epoch, nodeId } from "@holdfast/base";
import { blockOf, bodyOf, ReplicatedCluster } from "../../test-support/replicated-cluster.ts";
import { isStored } from "./quorum.ts";

const block = blockOf(1);
const isUnavailable = { name: "StoreError", code: "Unavailable", retryable: true, outcome: "not-applied" };

/** Of these nodes some hold the block. */
async function heldBy(
  names: string,
  holders: string,
  ...ids: readonly BlockId[]
): Promise<ReplicatedCluster> {
  const cluster = await ReplicatedCluster.start(names);
  for (const id of ids.length === 0 ? [block] : ids)
    for (const name of holders) {
      const body = bodyOf(id);
      await cluster.run(cluster.node(name).store.put(id, body, crc32(body)));
    }
  return cluster;
}

function confirm(
  cluster: ReplicatedCluster,
  ids: Iterable<BlockId> = [block],
  width = 3,
  name = "a",
): Promise<Epoch | undefined> {
  return cluster.run(cluster.node(name).blocks.confirm(ids, width));
}

/** Bodies that went from node to node. */
function countPuts(cluster: ReplicatedCluster): () => number {
  let puts = 0;
  cluster.onExchange = async (node, _from, request, signal) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request.body) chunks.push(chunk);
    if (chunks.length > 0) puts++;
    const body = (async function* () {
      yield* chunks;
    })();
    return node.server.onExchange({ head: request.head, body }, signal);
  };
  return () => puts;
}

describe("confirming blocks", () => {
  test("what counts as stored under today's layout is asked for, and not copied", async () => {
    const cluster = await heldBy("abcd", "ab");
    cluster.setLayout(4, "abc", "abd");
    const puts = countPuts(cluster);
    assert.equal(await confirm(cluster), epoch(4));
    assert.equal(puts(), 0);
    assert.equal(cluster.holders(block), "ab");
  });

  test("from one slot that has it a block goes to those that lack it, and to no other", async () => {
    for (const holder of "abc") {
      const cluster = await heldBy("abc", holder);
      cluster.setLayout(2);
      const puts = countPuts(cluster);
      assert.equal(await confirm(cluster), epoch(2));
      assert.ok(cluster.holders(block).length >= 2, cluster.holders(block));
      await cluster.simulation.runFor(10_000);
      assert.equal(cluster.holders(block), "abc");
      assert.equal(puts(), holder === "a" ? 2 : 1, "nothing is sent to who has it");
      assert.equal(cluster.node("a").blocks.heldBytes, 0);
    }
  });

  test("in joint it is a quorum of the old slots and one of the new before it is evidence", async () => {
    const cluster = await heldBy("abcdef", "abc");
    cluster.setLayout(2, "abc", "def");
    cluster.isolate("f");
    assert.equal(await confirm(cluster), epoch(2));
    assert.equal(cluster.holders(block), "abcde");
    await cluster.simulation.runFor(10_000);
    assert.deepEqual(cluster.node("a").incomplete.nodes(), ["f"], "who lacks it stands in the list");
  });

  test("it fails in time, not applied, when too few of the new slots can take it", async () => {
    const cluster = await heldBy("abcdef", "abc");
    cluster.setLayout(2, "abc", "def");
    for (const name of "ef") cluster.isolate(name);
    const begunAtMs = cluster.simulation.nowMs;
    await assert.rejects(confirm(cluster), isUnavailable);
    assert.ok(
      cluster.simulation.nowMs - begunAtMs <= cluster.limits.putDeadlineMs + cluster.limits.attemptMs,
    );
    await cluster.simulation.runFor(10_000);
    assert.equal(cluster.node("a").blocks.heldBytes, 0);
  });

  test("slots that are silent, full or damaged do not count", async () => {
    const cluster = await heldBy("abcde", "abc");
    await cluster.rot("b", bodyOf(block));
    // What a read found damaged, its store says so of.
    await assert.rejects(cluster.run(cluster.node("b").store.read(block)), { kind: "corrupt" });
    cluster.crash("c", "kill");
    cluster.fill("d");
    cluster.setLayout(2, "abcde");
    assert.equal(await confirm(cluster, [block], 5), epoch(2));
    assert.equal(cluster.holders(block), "abe");
  });

  test("in no slot, or in none that can be reached: unavailable", async () => {
    const nowhere = await heldBy("abc", "");
    await assert.rejects(confirm(nowhere), isUnavailable);
    assert.equal(nowhere.events("block in no slot"), 1);
    const away = await heldBy("abc", "c");
    away.isolate("c");
    await assert.rejects(confirm(away), isUnavailable);
  });

  test("two slots with different bodies under one id are a conflict, never evidence (S1)", async () => {
    const cluster = await heldBy("abc", "ab");
    const other = bodyOf(blockOf(99), 500);
    await cluster.run(cluster.node("c").store.put(block, other, crc32(other)));
    await assert.rejects(confirm(cluster), { code: "Internal", outcome: "not-applied" });
    assert.equal(cluster.events("block conflict"), 1);
  });

  test("who hears of a newer layout waits for it, and confirms under it", async () => {
    const cluster = await heldBy("abcd", "abc");
    cluster.setLayout(2, "abc", "abd", "d");
    await cluster.run(cluster.put("d", blockOf(2), 3).settled);
    const confirming = confirm(cluster);
    cluster.simulation.after(500, () => cluster.setLayout(2, "abc", "abd"));
    assert.equal(await confirming, epoch(2));
    await assert.rejects(
      async () => {
        cluster.setLayout(3, "abd", undefined, "d");
        await cluster.run(cluster.put("d", blockOf(3), 3).settled);
        await confirm(cluster);
      },
      isUnavailable,
      "a layout that does not come",
    );
  });

  test("of many blocks each is evidence, and the lowest epoch counts", async () => {
    const ids = Array.from({ length: 1203 }, (_, i) => blockOf(1, i));
    const cluster = await heldBy("abcd", "b", ids[0] ?? block, ids[700] ?? block, ids[1202] ?? block);
    // What the writer itself holds is all of it.
    for (const id of ids) {
      const body = bodyOf(id);
      await cluster.run(cluster.node("a").store.put(id, body, crc32(body)));
    }
    cluster.setLayout(5, "abc", "abd");
    assert.equal(await confirm(cluster, ids), epoch(5));
    const layout = cluster.layoutOf(nodeId("a"))(block, 3);
    for (const id of ids) {
      const holders = cluster.holders(id);
      assert.ok(
        isStored(layout, 3, (node) => holders.includes(node)),
        `held by ${holders}`,
      );
    }
    await cluster.simulation.runFor(10_000);
    assert.equal(cluster.node("a").blocks.heldBytes, 0);
    assert.equal(await confirm(cluster, []), undefined, "no block needs no evidence");
  });

  test("what was confirmed in joint is safe in the new slots alone", async () => {
    for (const lost of ["d", "e"]) {
      const cluster = await heldBy("abcdef", "bc");
      cluster.setLayout(2, "abc", "def");
      cluster.isolate("f");
      assert.equal(await confirm(cluster), epoch(2));
      for (const name of ["a", "b", "c", lost]) cluster.lose(name);
      cluster.between.healAll();
      cluster.setLayout(3, "def");
      await cluster.assertReads("f", block, 3);
    }
  });
});
