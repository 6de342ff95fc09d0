/** Layout changes with data, in virtual time: what was acknowledged comes to its new slots, whatever happens meanwhile. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { BlockId, NodeId } from "@holdfast/base";
import { contentIdText, crc32, epoch, present } from "@holdfast/base";
import { allMetrics } from "@holdfast/ports";
import { isJoint, isNewOwner, tableOfWidth } from "@holdfast/ring";
import { findNode } from "@holdfast/shard";
import type { LayoutClusterOptions } from "../../test-support/layout-cluster.ts";
import { LayoutCluster, nameOf } from "../../test-support/layout-cluster.ts";
import { blockOf, bodyOf } from "../../test-support/replicated-cluster.ts";
import { partitionOf } from "../cluster/layout-placement.ts";

const count = 60;

/** A cluster with sixty blocks on it. */
async function filled(options: LayoutClusterOptions, width: number): Promise<LayoutCluster> {
  const cluster = await LayoutCluster.start(options);
  const writes = Array.from({ length: count }, (_, i) => cluster.write(nameOf(1), { id: blockOf(i), width }));
  await cluster.nodes.run(Promise.all(writes));
  await cluster.nodes.simulation.runFor(1000);
  return cluster;
}

/** Goes on writing, two blocks every 50 ms, until it is told to stop; resolves when all are acknowledged. */
function writing(cluster: LayoutCluster, width: number, at: readonly number[]): () => Promise<void> {
  let next = 1000;
  let isOver = false;
  const writes: Promise<void>[] = [];
  const go = (): void => {
    if (isOver) return;
    for (const number of at) writes.push(cluster.write(nameOf(number), { id: blockOf(next++), width }));
    cluster.nodes.simulation.after(50, go);
  };
  go();
  return async () => {
    isOver = true;
    await cluster.nodes.run(Promise.all(writes));
    assert.ok(writes.length > 20);
  };
}

async function until(cluster: LayoutCluster, what: () => boolean, msMax = 60_000): Promise<void> {
  const { simulation } = cluster.nodes;
  const endMs = simulation.nowMs + msMax;
  while (!what()) {
    assert.ok(simulation.nowMs < endMs, "it comes in time");
    await simulation.runFor(10);
  }
}

/** Blocks whose partition this node is given by the change under way. */
function arriving(cluster: LayoutCluster, node: NodeId, width: number): readonly BlockId[] {
  const { layout } = cluster;
  const table = present(tableOfWidth(layout, width), "a table");
  const member = layout.members.findIndex(({ id }) => id === node);
  return cluster
    .live()
    .map(({ id }) => id)
    .filter((id) => isNewOwner(table, partitionOf(layout, id), member));
}

async function copied(cluster: LayoutCluster, number: number): Promise<number> {
  const metrics = cluster.nodes.metricsOf(nameOf(number));
  return (await metrics.value(allMetrics.backfilledBlocks, { outcome: "copied" })) ?? 0;
}

function has(cluster: LayoutCluster, number: number, id: BlockId): boolean {
  return cluster.nodes.node(nameOf(number)).store.has(id);
}

describe("a layout change with data", () => {
  test("grows a cluster from one node to three, with writes under way", async () => {
    const cluster = await filled({ first: 1, all: 3, widths: [1] }, 1);
    const stop = writing(cluster, 1, [1, 1]);
    for (const number of [2, 3]) cluster.join(number);
    await cluster.settle();
    await stop();
    await cluster.settle();
    await cluster.assertMoved();
    const { tables } = cluster.layout;
    assert.deepEqual(
      tables.map(({ width }) => width),
      [1, 3],
    );
    for (const number of [1, 2, 3]) assert.ok(cluster.nodes.node(nameOf(number)).store.usage().blocks > 10);
    assert.equal(cluster.nodes.events("layout set"), 1, "both came in together");
  });

  test("takes a fourth node in and lets the first one go, at width 3, with writes under way", async () => {
    const cluster = await filled({ first: 3, all: 4, widths: [1, 3] }, 3);
    const stop = writing(cluster, 3, [2, 3]);
    cluster.join(4);
    await cluster.settle();
    cluster.change(1, { draining: true });
    await cluster.settle();
    await stop();
    await cluster.settle();
    await cluster.assertMoved();
    assert.equal(cluster.nodes.node(nameOf(1)).store.usage().blocks, 0);
    assert.equal(cluster.apply({ kind: "removeNode", node: nameOf(1) }).kind, "done");
    assert.equal(findNode(cluster.state, nameOf(1)), undefined);
  });

  test("needs no old slot that is down: n - q + 1 list everything that was acknowledged", async () => {
    const cluster = await filled({ first: 3, all: 4, widths: [1, 3], keeps: true }, 3);
    cluster.crash(2);
    const stop = writing(cluster, 3, [1, 3]);
    cluster.join(4);
    await until(cluster, () => cluster.isChanging);
    await cluster.nodes.simulation.runFor(30_000);
    await stop();
    const table = present(tableOfWidth(cluster.layout, 3), "a table");
    for (const { id } of cluster.live()) assert.ok(!isJoint(table, partitionOf(cluster.layout, id)));
    await cluster.assertReadable();
  });

  test("waits while only n - q old slots can be listed: what the others alone have would be forgotten", async () => {
    const cluster = await LayoutCluster.start({ first: 3, all: 4, widths: [1, 3] });
    // Node 1 misses all of it, and the list of what it misses is lost with node 2's memory of it.
    cluster.nodes.isolate(nameOf(1));
    const writes = Array.from({ length: count }, (_, i) =>
      cluster.write(nameOf(2), { id: blockOf(i), width: 3 }),
    );
    await cluster.nodes.run(Promise.all(writes));
    for (const number of [2, 3]) cluster.crash(number);
    cluster.nodes.between.healAll();
    cluster.join(4);
    await until(cluster, () => cluster.isChanging);
    await cluster.nodes.simulation.runFor(60_000);
    const lost = arriving(cluster, nameOf(4), 3);
    assert.ok(lost.length > 10);
    const table = present(tableOfWidth(cluster.layout, 3), "a table");
    for (const id of lost) assert.ok(isJoint(table, partitionOf(cluster.layout, id)), "it is not complete");
    for (const number of [2, 3]) await cluster.restart(number);
    await cluster.settle();
    await cluster.nodes.simulation.runFor(60_000);
    await cluster.assertMoved();
  });

  test("believes no list of volumes that were made anew (S11)", async () => {
    const cluster = await filled({ first: 3, all: 4, widths: [1, 3] }, 3);
    for (const number of [1, 2]) cluster.crash(number);
    cluster.nodes.lose(nameOf(2));
    await cluster.restart(2);
    cluster.join(4);
    await until(cluster, () => cluster.isChanging);
    await cluster.nodes.simulation.runFor(30_000);
    assert.ok(cluster.isChanging);
    assert.ok(cluster.nodes.events("list not to be believed") > 0);
    const table = present(tableOfWidth(cluster.layout, 3), "a table");
    for (const id of arriving(cluster, nameOf(4), 3))
      assert.ok(isJoint(table, partitionOf(cluster.layout, id)));
    await cluster.restart(1);
    await until(cluster, () => arriving(cluster, nameOf(4), 3).every((id) => has(cluster, 4, id)));
  });

  test("begins when every shard has closed the epochs before it, and not earlier", async () => {
    const cluster = await filled({ first: 1, all: 3, widths: [1] }, 1);
    cluster.closes = false;
    for (const number of [2, 3]) cluster.join(number);
    await until(cluster, () => cluster.isChanging);
    await cluster.nodes.simulation.runFor(10_000);
    assert.deepEqual([await copied(cluster, 2), await copied(cluster, 3)], [0, 0]);
    cluster.closes = true;
    await cluster.settle();
    await cluster.assertMoved();
  });

  test("asks nobody for slots of a width that no bucket has, not even an old owner that is lost", async () => {
    const cluster = await filled({ first: 3, all: 4, widths: [1, 3] }, 3);
    cluster.nodes.lose(nameOf(2));
    cluster.change(2, { draining: true });
    cluster.join(4);
    await cluster.settle();
    const { members, tables } = cluster.layout;
    const lost = members.findIndex(({ id }) => id === nameOf(2));
    assert.ok(tables.every(({ slots }) => !slots.includes(lost)));
    await cluster.assertMoved();
  });

  test("waits for an old owner that is lost where a bucket has the width that makes it the only one", async () => {
    const cluster = await filled({ first: 3, all: 4, widths: [1, 3], used: [1, 3] }, 3);
    cluster.nodes.lose(nameOf(2));
    cluster.change(2, { draining: true });
    cluster.join(4);
    await until(cluster, () => cluster.isChanging);
    await cluster.nodes.simulation.runFor(60_000);
    assert.ok(cluster.isChanging);
  });

  test("a block that is damaged in one old slot comes from another", async () => {
    const cluster = await filled({ first: 3, all: 4, widths: [1, 3] }, 3);
    cluster.drives = false;
    cluster.join(4);
    for (let i = 0; i < count; i++) await cluster.nodes.rot(nameOf(1 + (i % 3)), bodyOf(blockOf(i)));
    cluster.drives = true;
    await cluster.settle();
    await cluster.assertReadable();
    assert.ok((await copied(cluster, 4)) > 10);
    const layout = cluster.placementOf(nameOf(4));
    for (const { id } of cluster.live())
      assert.equal(has(cluster, 4, id), layout.slotsOf(id, 3).slots.includes(nameOf(4)));
  });

  test("a block that no old slot gives whole keeps its partition joint and is reported, the others go on", async () => {
    const cluster = await filled({ first: 1, all: 3, widths: [1] }, 1);
    cluster.drives = false;
    for (const number of [2, 3]) cluster.join(number);
    const bad = blockOf(7);
    await cluster.nodes.rot(nameOf(1), bodyOf(bad));
    cluster.drives = true;
    await until(cluster, () => cluster.isChanging);
    await cluster.nodes.simulation.runFor(20_000);
    const table = present(tableOfWidth(cluster.layout, 1), "a table");
    const isMoving = isJoint(table, partitionOf(cluster.layout, bad));
    assert.ok(isMoving, "the test's block is one that moves");
    assert.ok(cluster.isChanging);
    const partitions = new Set(cluster.live().map(({ id }) => partitionOf(cluster.layout, id)));
    const joint = [...partitions].filter((partition) => isJoint(table, partition));
    assert.deepEqual(joint, [partitionOf(cluster.layout, bad)]);
    const lines = cluster.nodes.events("block not backfilled");
    assert.ok(lines >= 3 && lines <= 12, `${lines} lines in 20 s`);
    // Its owner gives it up.
    cluster.contents.set(contentIdText(bad.content), "gone");
    await cluster.settle();
    await cluster.assertMoved();
  });

  test("a new owner that crashes in the middle goes on where it was, and copies nothing twice", async () => {
    for (const how of ["kill", "power-loss"] as const) {
      const cluster = await filled({ first: 3, all: 4, widths: [1, 3], bytesPerSecondMax: 40_000 }, 3);
      cluster.join(4);
      await until(cluster, () => cluster.nodes.node(nameOf(4)).store.usage().blocks > 15);
      cluster.crash(4, how);
      await cluster.nodes.simulation.runFor(2000);
      assert.ok(cluster.isChanging);
      await cluster.restart(4);
      const before = cluster.nodes.node(nameOf(4)).store.usage().blocks;
      assert.ok(before > 15);
      const copiedBefore = await copied(cluster, 4);
      await cluster.settle();
      await cluster.assertMoved();
      const { blocks } = cluster.nodes.node(nameOf(4)).store.usage();
      assert.ok((await copied(cluster, 4)) - copiedBefore <= blocks - before);
    }
  });

  test("content that is gone is not copied (S7), and each is asked about once in a pass", async () => {
    const cluster = await LayoutCluster.start({ first: 1, all: 3, widths: [1], keeps: true });
    const ids = Array.from({ length: 2 * count }, (_, i) => blockOf(i % count, Math.floor(i / count)));
    await cluster.nodes.run(Promise.all(ids.map((id) => cluster.write(nameOf(1), { id, width: 1 }))));
    for (let i = 0; i < count; i += 2) cluster.contents.set(contentIdText(blockOf(i).content), "gone");
    const asked: string[] = [];
    cluster.onContentStatus = (content, askedBy) => asked.push(`${content} ${askedBy}`);
    for (const number of [2, 3]) cluster.join(number);
    await cluster.settle();
    for (const id of ids)
      if (id.content.attempt % 2 === 0) assert.ok(!has(cluster, 2, id) && !has(cluster, 3, id));
    assert.ok((await copied(cluster, 2)) + (await copied(cluster, 3)) > 20);
    assert.equal(new Set(asked).size, asked.length);
  });

  test("what may still be committed is copied, though its width is not known, and nothing waits for it", async () => {
    const cluster = await filled({ first: 1, all: 2, widths: [1] }, 1);
    cluster.drives = false;
    cluster.join(2);
    for (let i = 0; i < count; i++) cluster.contents.set(contentIdText(blockOf(i).content), "open");
    await cluster.nodes.rot(nameOf(1), bodyOf(blockOf(3)));
    cluster.drives = true;
    await until(cluster, () => cluster.isChanging);
    const ids = arriving(cluster, nameOf(2), 1);
    assert.ok(ids.length > 10);
    await cluster.settle();
    for (const id of ids)
      assert.equal(has(cluster, 2, id), id.content.attempt !== 3, `block ${id.content.attempt}`);
  });

  test("what nobody can say of keeps its partition joint until somebody can", async () => {
    const cluster = await filled({ first: 1, all: 3, widths: [1] }, 1);
    cluster.onContentStatus = () => {
      throw new Error("no leader");
    };
    for (const number of [2, 3]) cluster.join(number);
    await until(cluster, () => cluster.isChanging);
    await cluster.nodes.simulation.runFor(10_000);
    assert.ok(cluster.isChanging);
    assert.equal((await copied(cluster, 2)) + (await copied(cluster, 3)), 0);
    cluster.onContentStatus = () => undefined;
    await cluster.settle();
    await cluster.assertMoved();
  });

  test("copying keeps to its rate", async () => {
    const bytesPerSecondMax = 30_000;
    const cluster = await filled({ first: 1, all: 2, widths: [1], bytesPerSecondMax }, 1);
    cluster.join(2);
    await until(cluster, () => cluster.isChanging);
    const bytes = arriving(cluster, nameOf(2), 1).reduce((sum, id) => sum + bodyOf(id).length, 0);
    const begunAtMs = cluster.nodes.simulation.nowMs;
    await until(cluster, () => !cluster.isChanging);
    const seconds = (cluster.nodes.simulation.nowMs - begunAtMs) / 1000;
    assert.ok(bytes > 50_000 && seconds > (bytes - 8 * 6000) / bytesPerSecondMax, `${bytes} in ${seconds} s`);
  });

  test("two bodies under one id stop the change of their partition and are reported (S1)", async () => {
    const cluster = await filled({ first: 1, all: 2, widths: [1] }, 1);
    cluster.drives = false;
    cluster.join(2);
    const other = new Uint8Array(50).fill(9);
    for (let i = 0; i < count; i++)
      await cluster.nodes.run(cluster.nodes.node(nameOf(2)).store.put(blockOf(i), other, crc32(other)));
    cluster.drives = true;
    await until(cluster, () => cluster.isChanging);
    await cluster.nodes.simulation.runFor(5000);
    const table = present(tableOfWidth(cluster.layout, 1), "a table");
    const ids = arriving(cluster, nameOf(2), 1);
    assert.ok(ids.length > 10);
    for (const id of ids) assert.ok(isJoint(table, partitionOf(cluster.layout, id)));
    assert.ok(cluster.nodes.events("block conflict") >= ids.length);
  });
});

describe("what has moved away", () => {
  test("is dropped behind the change, and nothing of it before", async () => {
    const cluster = await filled({ first: 1, all: 3, widths: [1], bytesPerSecondMax: 30_000 }, 1);
    for (const number of [2, 3]) cluster.join(number);
    await until(cluster, () => cluster.isChanging);
    const { layout } = cluster;
    const ids = [...arriving(cluster, nameOf(2), 1), ...arriving(cluster, nameOf(3), 1)];
    assert.ok(ids.length > 20);
    let dropped = 0;
    while (dropped < ids.length) {
      await cluster.nodes.simulation.runFor(20);
      const table = present(tableOfWidth(cluster.layout, 1), "a table");
      dropped = 0;
      for (const id of ids) {
        if (has(cluster, 1, id)) continue;
        dropped++;
        assert.ok(!isJoint(table, partitionOf(layout, id)), "it is stable");
      }
    }
    await cluster.settle();
    await cluster.assertMoved();
  });

  test("stays while fewer than a quorum of its slots have it, and they get it", async () => {
    const cluster = await filled({ first: 3, all: 4, widths: [1, 3] }, 3);
    cluster.join(4);
    await cluster.settle();
    const slotsOf = (id: BlockId): readonly NodeId[] => cluster.placementOf(nameOf(1)).slotsOf(id, 3).slots;
    const moved = present(
      cluster.live().find(({ id }) => !slotsOf(id).includes(nameOf(1))),
      "a block that has moved away from node 1",
    );
    // As if its writer had died when node 1 and one of the new slots had it.
    const body = bodyOf(moved.id);
    await cluster.nodes.run(cluster.nodes.node(nameOf(1)).store.put(moved.id, body, crc32(body)));
    for (const node of slotsOf(moved.id).slice(0, 2))
      await cluster.nodes.run(cluster.nodes.node(node).store.eraseBlocks([moved.id]));
    cluster.crash(1);
    await cluster.restart(1);
    await cluster.nodes.simulation.runFor(30_000);
    await cluster.assertMoved();
    const kept = await cluster.nodes
      .metricsOf(nameOf(1))
      .value(allMetrics.droppedBlocks, { outcome: "kept" });
    assert.ok((kept ?? 0) >= 1);
    for (const node of slotsOf(moved.id)) assert.ok(cluster.nodes.node(node).store.has(moved.id));
  });

  test("is gone before anything is answered by a newer layout, which might give it back", async () => {
    const cluster = await filled({ first: 1, all: 1, widths: [1] }, 1);
    const { local } = cluster.nodes.node(nameOf(1));
    const id = blockOf(3);
    const { epoch: current } = local.standing;
    const dropping = local.drop([id], current);
    // It waits for the disk, and so for virtual time.
    await new Promise((resolve) => setImmediate(resolve));
    const asked = local.stat([id], epoch(current + 1));
    const answer = await cluster.nodes.run(asked);
    assert.equal(answer.kind, "done");
    assert.deepEqual(
      answer.value.map(({ state }) => state),
      ["absent"],
    );
    assert.equal((await cluster.nodes.run(dropping))?.blocks, 1);
    assert.equal(await cluster.nodes.run(local.drop([blockOf(4)], current)), undefined);
    assert.ok(has(cluster, 1, blockOf(4)), "what was judged by an older layout stays");
  });

  test("is kept when its width is not known, and left to the collector when it is gone", async () => {
    const cluster = await filled({ first: 1, all: 2, widths: [1] }, 1);
    cluster.join(2);
    await until(cluster, () => cluster.isChanging);
    const [open, gone] = arriving(cluster, nameOf(2), 1);
    assert.ok(open !== undefined && gone !== undefined);
    cluster.contents.set(contentIdText(open.content), "open");
    cluster.contents.set(contentIdText(gone.content), "gone");
    await cluster.settle();
    assert.ok(has(cluster, 1, open) && has(cluster, 1, gone));
    cluster.contents.set(contentIdText(open.content), { width: 1 });
    await cluster.nodes.simulation.runFor(15_000);
    assert.ok(!has(cluster, 1, open) && has(cluster, 1, gone));
    await cluster.assertMoved();
  });
});
