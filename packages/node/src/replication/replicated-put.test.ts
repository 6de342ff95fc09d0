import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { crc32, decode, encode, epoch, nodeId, StoreError } from "@holdfast/base";
import { allMetrics } from "@holdfast/ports";
import type { ClusterOptions } from "../../test-support/replicated-cluster.ts";
import { blockOf, bodyOf, ReplicatedCluster } from "../../test-support/replicated-cluster.ts";
import { blockAnswerCodec } from "./block-wire.ts";

const fiveNames = "abcde";
const block = blockOf(1);
const isUnavailable = { name: "StoreError", code: "Unavailable", retryable: true, outcome: "not-applied" };

/** A cluster of as many nodes as the width; node a writes. */
function startOf(width: number, options: ClusterOptions = {}): Promise<ReplicatedCluster> {
  return ReplicatedCluster.start(fiveNames.slice(0, width), options);
}

function namesOf(holders: readonly { readonly node: string }[]): string {
  return holders
    .map(({ node }) => node)
    .toSorted()
    .join("");
}

type Trouble = readonly [what: string, strike: (cluster: ReplicatedCluster, name: string) => void];

const troubles: readonly Trouble[] = [
  ["dead", (cluster, name) => cluster.crash(name, "power-loss")],
  ["cut off", (cluster, name) => cluster.isolate(name)],
  ["paused", (cluster, name) => cluster.pause(name)],
  ["full", (cluster, name) => cluster.fill(name)],
];

describe("a block's put", () => {
  for (const width of [1, 3, 5])
    test(`width ${width}: every slot holds it when it is settled, and the quorum when it is durable`, async () => {
      const cluster = await startOf(width);
      const { durable, settled } = cluster.put("a", block, width);
      const evidence = await cluster.run(durable);
      const quorum = { 1: 1, 3: 2, 5: 3 }[width] ?? 0;
      assert.ok(evidence.holders.length >= quorum);
      for (const { node, incarnation } of evidence.holders) {
        assert.ok(cluster.holders(block).includes(node), `${node} said that it is durable`);
        assert.deepEqual(incarnation, cluster.node(node).store.incarnation);
      }
      assert.equal(evidence.epoch, epoch(1));
      await cluster.run(settled);
      assert.equal(cluster.holders(block), fiveNames.slice(0, width));
      assert.equal(cluster.node("a").incomplete.count, 0);
      assert.equal(cluster.node("a").blocks.heldBytes, 0);
      for (const name of cluster.ids) await cluster.assertReads(name, block, width);
    });

  for (const [what, strike] of troubles)
    for (const [width, count] of [
      [3, 1],
      [5, 2],
    ] as const)
      test(`width ${width}: ${count} ${what} delay no answer, and stand in the list`, async () => {
        const cluster = await startOf(width);
        const struck = fiveNames.slice(width - count, width);
        for (const name of struck) strike(cluster, name);
        const begunAtMs = cluster.simulation.nowMs;
        const { durable, settled } = cluster.put("a", block, width);
        const { holders } = await cluster.run(durable);
        assert.ok(cluster.simulation.nowMs - begunAtMs < 100, "answered with its quorum");
        assert.equal(namesOf(holders), fiveNames.slice(0, width - count));
        await cluster.run(settled);
        assert.ok(cluster.simulation.nowMs - begunAtMs <= cluster.limits.lingerMs + 100);
        const { incomplete } = cluster.node("a");
        assert.equal(incomplete.nodes().toSorted().join(""), struck);
        for (const name of struck)
          assert.deepEqual(incomplete.of(nodeId(name), undefined, 10), [
            { node: nodeId(name), id: block, width },
          ]);
        assert.equal(cluster.node("a").blocks.heldBytes, 0);
      });

  for (const [what, strike] of troubles)
    for (const [width, count] of [
      [1, 1],
      [3, 2],
      [5, 3],
    ] as const) {
      if (width === 1 && what !== "full") continue;
      test(`width ${width}: with ${count} ${what} it fails in time, not applied`, async () => {
        const cluster = await startOf(width);
        for (const name of fiveNames.slice(width - count, width)) strike(cluster, name);
        const begunAtMs = cluster.simulation.nowMs;
        const { durable, settled } = cluster.put("a", block, width);
        const code = what === "full" ? "OutOfSpace" : "Unavailable";
        await assert.rejects(cluster.run(durable), { ...isUnavailable, code });
        assert.ok(cluster.simulation.nowMs - begunAtMs <= cluster.limits.putDeadlineMs);
        await cluster.run(settled);
        assert.equal(cluster.node("a").incomplete.count, 0, "what failed is not to be completed");
        assert.equal(cluster.node("a").blocks.heldBytes, 0);
      });
    }

  test("one that is dead and comes back within the deadline completes a quorum", async () => {
    const cluster = await startOf(3);
    cluster.crash("b", "kill");
    cluster.crash("c", "kill");
    const { durable } = cluster.put("a", block, 3);
    await cluster.simulation.runFor(1000);
    await cluster.start(nodeId("c"));
    assert.equal(namesOf((await cluster.run(durable)).holders), "ac");
  });

  test("a slow slot is waited for behind the answer, and gets the block itself", async () => {
    const cluster = await startOf(3);
    cluster.disk("c").slowness = 500;
    const { durable, settled } = cluster.put("a", block, 3);
    await cluster.run(durable);
    assert.equal(cluster.holders(block), "ab");
    await cluster.run(settled);
    assert.equal(cluster.holders(block), "abc");
    assert.equal(cluster.node("a").incomplete.count, 0);
  });

  test("a node that writes without a slot of its own, and one whose own slot is full", async () => {
    const cluster = await ReplicatedCluster.start("abcd");
    const foreign = cluster.put("d", block, 3);
    assert.equal((await cluster.run(foreign.durable)).holders.length >= 2, true);
    await cluster.run(foreign.settled);
    assert.equal(cluster.holders(block), "abc");
    cluster.fill("a");
    const other = blockOf(2);
    const { durable, settled } = cluster.put("a", other, 3);
    assert.equal(namesOf((await cluster.run(durable)).holders), "bc");
    await cluster.run(settled);
    assert.deepEqual(cluster.node("a").incomplete.nodes(), ["a"]);
  });

  test("another body under the same id fails it, whoever holds that, and is reported (S1)", async () => {
    for (const holder of ["a", "c"]) {
      const cluster = await startOf(3);
      const other = bodyOf(blockOf(99), 500);
      await cluster.run(cluster.node(holder).store.put(block, other, crc32(other)));
      // Otherwise the other two may be a quorum before the conflict is known.
      if (holder === "c") for (const name of "ab") cluster.disk(name).slowness = 100;
      const { durable, settled } = cluster.put("a", block, 3);
      await assert.rejects(cluster.run(durable), { code: "Internal", outcome: "not-applied" });
      await cluster.run(settled);
      assert.ok(cluster.events("block conflict") > 0);
      const metrics = cluster.metricsOf(nodeId("a"));
      assert.equal(await metrics.value(allMetrics.replicaConflicts, {}), 1);
      assert.equal(await metrics.value(allMetrics.replicatedPuts, { outcome: "conflict" }), 1);
    }
  });

  test("a conflict that is known behind the quorum is reported, and its slot gets nothing", async () => {
    const cluster = await startOf(3);
    const other = bodyOf(blockOf(99), 500);
    await cluster.run(cluster.node("c").store.put(block, other, crc32(other)));
    cluster.between.clog(nodeId("a"), nodeId("c"));
    const { durable, settled } = cluster.put("a", block, 3);
    await cluster.run(durable);
    cluster.between.healAll();
    await cluster.run(settled);
    assert.equal(cluster.events("block conflict"), 1);
    assert.equal(cluster.node("a").incomplete.count, 0);
    assert.deepEqual((await cluster.run(cluster.node("c").store.read(block))).body, other);
  });

  test("memory is bounded while a node hangs, and no answer waits for it", async () => {
    const limits = { lingerBytesMax: 40_000, heldBytesMax: 80_000, lingerMs: 60_000, attemptMs: 60_000 };
    const cluster = await startOf(3, { limits });
    cluster.between.clog(nodeId("a"), nodeId("c"));
    const { blocks, incomplete } = cluster.node("a");
    let heldBytesMost = 0;
    let slowestMs = 0;
    for (let i = 0; i < 60; i++) {
      const id = blockOf(i);
      const begunAtMs = cluster.simulation.nowMs;
      const { durable } = cluster.put("a", id, 3, bodyOf(id, 10_000));
      await cluster.run(durable);
      slowestMs = Math.max(slowestMs, cluster.simulation.nowMs - begunAtMs);
      heldBytesMost = Math.max(heldBytesMost, blocks.heldBytes);
    }
    assert.ok(heldBytesMost >= 40_000, "some are waited for");
    assert.ok(heldBytesMost <= 60_000, `${heldBytesMost} bytes were held`);
    assert.ok(slowestMs < 100, `an answer took ${slowestMs} ms`);
    await cluster.run(blocks.close());
    assert.equal(blocks.heldBytes, 0);
    assert.equal(incomplete.count, 60);
    assert.equal(incomplete.of(nodeId("c"), undefined, 100).length, 60);
  });

  test("a local disk that hangs pushes back, within the bound and the deadline", async () => {
    const cluster = await startOf(3, { limits: { heldBytesMax: 50_000, lingerBytesMax: 20_000 } });
    cluster.disk("a").slowness = 1e9;
    const ends: string[] = [];
    for (let i = 0; i < 8; i++) {
      const id = blockOf(i);
      cluster.put("a", id, 3, bodyOf(id, 10_000)).durable.then(
        () => ends.push("stored"),
        (error: unknown) => ends.push(error instanceof StoreError ? error.code : String(error)),
      );
    }
    await cluster.simulation.runFor(cluster.limits.putDeadlineMs + 1);
    assert.equal(cluster.node("a").blocks.heldBytes, 50_000);
    assert.deepEqual(ends.toSorted(), [
      ...Array.from({ length: 3 }, () => "Overloaded"),
      ...Array.from({ length: 5 }, () => "stored"),
    ]);
  });

  test("a body may be changed once it is settled: nobody reads it any more", async () => {
    const cluster = await startOf(3, { limits: { lingerMs: 200 } });
    cluster.between.clog(nodeId("a"), nodeId("c"));
    const body = bodyOf(block, 400_000);
    const { durable, settled } = cluster.put("a", block, 3, body);
    const begunAtMs = cluster.simulation.nowMs;
    await cluster.run(durable);
    await cluster.run(settled);
    assert.ok(cluster.simulation.nowMs - begunAtMs < 300, "no longer than it lingers");
    body.fill(0);
    cluster.between.healAll();
    await cluster.simulation.runFor(1000);
    assert.equal(cluster.events("block conflict"), 0);
    await cluster.simulation.runFor(20_000);
    assert.equal(cluster.holders(block), "abc");
    await cluster.assertReads("c", block, 3, bodyOf(block, 400_000));
  });
});

describe("a block's put in joint (S3)", () => {
  test("needs a quorum of the old slots and a quorum of the new", async () => {
    const cluster = await ReplicatedCluster.start("abcdef");
    cluster.setLayout(2, "abc", "def");
    for (const name of "ef") cluster.isolate(name);
    const one = cluster.put("a", block, 3);
    await assert.rejects(cluster.run(one.durable), isUnavailable);
    assert.equal(cluster.holders(block), "abcd");
    cluster.between.healAll();
    for (const name of "cf") cluster.isolate(name);
    const both = cluster.put("a", blockOf(2), 3);
    const evidence = await cluster.run(both.durable);
    assert.equal(evidence.epoch, epoch(2));
    assert.equal(namesOf(evidence.holders), "abde");
    await cluster.run(both.settled);
    assert.deepEqual(cluster.node("a").incomplete.nodes().toSorted(), ["c", "f"]);
    cluster.between.healAll();
    for (const name of "bc") cluster.isolate(name);
    const newAlone = cluster.put("a", blockOf(3), 3);
    await assert.rejects(cluster.run(newAlone.durable), isUnavailable);
  });

  test("what was acknowledged is safe in the new slots alone, with n - q of them lost", async () => {
    const cluster = await ReplicatedCluster.start("abcdef");
    cluster.setLayout(2, "abc", "def");
    cluster.isolate("f");
    const { holders } = await cluster.run(cluster.put("a", block, 3).durable);
    // The change is complete, the old owners drop; then one of the new that was counted is lost for ever.
    const lost = holders.filter(({ node }) => "def".includes(node)).slice(0, 1);
    for (const node of ["a", "b", "c", ...lost.map((holder) => holder.node)]) cluster.lose(node);
    cluster.between.healAll();
    cluster.setLayout(3, "def");
    await cluster.assertReads("f", block, 3);
  });

  test("a node that stays in its slot counts for both", async () => {
    const cluster = await ReplicatedCluster.start("abcd");
    cluster.setLayout(2, "abc", "abd");
    for (const name of "cd") cluster.isolate(name);
    const { durable } = cluster.put("a", block, 3);
    assert.equal(namesOf((await cluster.run(durable)).holders), "ab");
  });
});

describe("epochs (S3)", () => {
  test("a put of an older layout is refused by who follows a newer one, and goes on when that is known", async () => {
    const cluster = await startOf(3);
    cluster.setLayout(2, "abc", undefined, "bc");
    await cluster.run(cluster.put("b", blockOf(2), 3).settled);
    // Node a has been told by node b's put; its layout is still the old one.
    const storing = cluster.put("a", block, 3);
    await cluster.simulation.runFor(500);
    assert.equal(cluster.holders(block), "");
    cluster.setLayout(2);
    assert.equal((await cluster.run(storing.durable)).epoch, epoch(2));
    await cluster.run(storing.settled);
    assert.equal(cluster.holders(block), "abc");
  });

  test("it fails when no newer layout becomes known", async () => {
    const cluster = await startOf(3);
    cluster.setLayout(2, "abc", undefined, "b");
    await cluster.run(cluster.put("b", blockOf(2), 3).settled);
    await assert.rejects(cluster.run(cluster.put("a", block, 3).durable), isUnavailable);
  });

  test("evidence never is of a newer epoch than the layout that counted", async () => {
    const cluster = await ReplicatedCluster.start("abcd");
    // Each server has moved on by the time it answers, as one does that a backfill asks meanwhile.
    cluster.onExchange = async (node, _from, request, signal) => {
      const { head, body } = await node.server.onExchange(request, signal);
      const answer = decode(blockAnswerCodec, head);
      const standing = { ...answer.standing, epoch: epoch(2) };
      return { head: encode(blockAnswerCodec, { ...answer, standing }), body };
    };
    const { durable } = cluster.put("d", block, 3);
    assert.equal((await cluster.run(durable)).epoch, epoch(1));
  });
});
