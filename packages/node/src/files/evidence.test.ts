/** Evidence from the blocks to the commit (S3), and what becomes of it when the layout changes in between. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { epoch, seededRandom } from "@holdfast/base";
import { noAttributes, unconditional } from "@holdfast/namespace";
import { blockBytes, bucket, FilesWorld } from "../../test-support/files-world.ts";
import { incoming } from "../../test-support/maintained-machine.ts";

const large = seededRandom(5).bytes(4 * blockBytes + 17);

/** The epoch is closed in the last moment: behind the last block, in front of the commit. Once. */
function closeBeforeCommit(world: FilesWorld, closed: number, change: () => void): void {
  world.onOperation = (operation) => {
    if (operation.kind !== "putFile" && operation.kind !== "putPart") return;
    world.onOperation = () => undefined;
    change();
    world.apply({ kind: "closeEpoch", epoch: epoch(closed) });
  };
}

function outcomes(world: FilesWorld): readonly (readonly [attempt: number, result: string])[] {
  return world.answered.map(({ attempt, result }) => [attempt, result] as const);
}

describe("evidence", () => {
  test("a commit carries the epoch that its blocks were stored under", async () => {
    const world = await FilesWorld.start("abc");
    world.setLayout(7);
    await world.run(world.store("k", large));
    assert.equal(world.contentOf(0)?.evidenceEpoch, 7);
    assert.deepEqual(await world.run(world.read("k")), large);
  });

  test("the lowest of all its blocks counts", async () => {
    const world = await FilesWorld.start("abc");
    world.setLayout(3);
    async function* chunks() {
      yield large.subarray(0, 2 * blockBytes);
      await new Promise<void>((resolve) => world.cluster.simulation.after(500, resolve));
      world.setLayout(4);
      yield large.subarray(2 * blockBytes);
    }
    const body = { chunks: chunks(), bytes: large.length, expectedDigests: () => [] };
    const request = { bucket, key: "k", attributes: noAttributes, condition: unconditional, body };
    await world.run(world.files.storeFile(request));
    assert.equal(world.contentOf(0)?.evidenceEpoch, 3);
  });

  test("refused for its evidence it confirms its blocks and commits under the same attempt, once", async () => {
    const world = await FilesWorld.start("abcd");
    closeBeforeCommit(world, 2, () => world.setLayout(2, "abc", "abd"));
    await world.run(world.store("k", large));
    assert.deepEqual(outcomes(world), [
      [0, "StaleEvidence"],
      [0, "stored"],
    ]);
    assert.equal(world.contentOf(0)?.evidenceEpoch, 2);
    assert.deepEqual(await world.run(world.read("k")), large);
    assert.deepEqual(await world.keys(), ["k"]);
  });

  test("a part of an upload does the same, and the whole has its evidence", async () => {
    const world = await FilesWorld.start("abc");
    const name = { bucket, key: "k" };
    const creating = { ...name, attributes: noAttributes, checksumAlgorithm: undefined };
    const { uploadId } = await world.run(world.files.createUpload({ ...creating, checksumScope: undefined }));
    closeBeforeCommit(world, 5, () => world.setLayout(5));
    const part = { ...name, uploadId, part: 1, body: incoming(large) };
    const { etag } = await world.run(world.files.storePart(part));
    world.apply({ kind: "closeEpoch", epoch: epoch(6) });
    const parts = [{ part: 1, etag }];
    const completing = { ...name, uploadId, parts, condition: unconditional };
    await world.run(world.files.completeUpload(completing));
    assert.equal(world.contentOf(2)?.evidenceEpoch, 5);
    assert.deepEqual(await world.run(world.read("k")), large);
  });

  test("an empty part has no blocks, and is as well proven as today", async () => {
    const world = await FilesWorld.start("abc");
    world.setLayout(3);
    world.apply({ kind: "closeEpoch", epoch: epoch(3) });
    const name = { bucket, key: "k" };
    const creating = { ...name, attributes: noAttributes, checksumAlgorithm: undefined };
    const { uploadId } = await world.run(world.files.createUpload({ ...creating, checksumScope: undefined }));
    const body = incoming(new Uint8Array(0));
    await world.run(world.files.storePart({ ...name, uploadId, part: 1, body }));
  });

  test("a shard that knows of a layout before this node does is waited for", async () => {
    const world = await FilesWorld.start("abc");
    closeBeforeCommit(world, 4, () => undefined);
    const storing = world.store("k", large);
    world.cluster.simulation.after(3000, () => world.setLayout(4));
    await world.run(storing);
    assert.deepEqual(outcomes(world), [
      [0, "StaleEvidence"],
      [0, "stored"],
    ]);
  });

  test("without better evidence in time it is unavailable, not applied, and nothing is visible, ever", async () => {
    const world = await FilesWorld.start("abc");
    closeBeforeCommit(world, 9, () => undefined);
    const begunAtMs = world.cluster.simulation.nowMs;
    await assert.rejects(world.run(world.store("k", large)), {
      name: "StoreError",
      code: "Unavailable",
      outcome: "not-applied",
      retryable: true,
    });
    assert.ok(world.cluster.simulation.nowMs - begunAtMs <= 21_000);
    assert.deepEqual(await world.keys(), []);
    world.setLayout(9);
    await world.run(world.store("k", large));
    assert.deepEqual(outcomes(world).at(-1), [1, "stored"]);
  });

  test("a request that is aborted confirms no more", async () => {
    const world = await FilesWorld.start("abc");
    const controller = new AbortController();
    closeBeforeCommit(world, 9, () => controller.abort());
    const body = incoming(large);
    const request = { bucket, key: "k", attributes: noAttributes, condition: unconditional, body };
    const storing = world.files.storeFile({ ...request, signal: controller.signal });
    await assert.rejects(world.run(storing), { name: "AbortError" });
    assert.deepEqual(outcomes(world), [[0, "StaleEvidence"]]);
  });
});

describe("files over slots", () => {
  test("what is confirmed in joint is safe in the new slots alone", async () => {
    const world = await FilesWorld.start("abcdef");
    const { cluster } = world;
    closeBeforeCommit(world, 2, () => world.setLayout(2, "abc", "def"));
    cluster.isolate("f");
    await world.run(world.store("k", large));
    const blocks = world.lastBlocks();
    for (const name of "bcd") cluster.lose(name);
    cluster.between.healAll();
    for (const id of blocks) assert.ok(/[ef]/.test(cluster.holders(id)), cluster.holders(id));
  });

  test("a body is stored while a node hangs, and the node has it in the end", async () => {
    const world = await FilesWorld.start("abc");
    const { cluster } = world;
    cluster.isolate("c");
    const begunAtMs = cluster.simulation.nowMs;
    await world.run(world.store("k", large));
    assert.ok(cluster.simulation.nowMs - begunAtMs < 1000, "no slow slot delays the answer");
    cluster.between.healAll();
    await cluster.simulation.runFor(30_000);
    for (const id of world.lastBlocks()) assert.equal(cluster.holders(id), "abc");
  });

  test("without a quorum nothing is applied", async () => {
    const world = await FilesWorld.start("abc");
    for (const name of "bc") world.cluster.isolate(name);
    const refused = { code: "Unavailable", outcome: "not-applied" };
    await assert.rejects(world.run(world.store("k", large)), refused);
    assert.deepEqual(outcomes(world), []);
    assert.deepEqual(await world.keys(), []);
  });
});
