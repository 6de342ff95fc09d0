import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeId, seededRandom } from "@holdfast/base";
import { bucket, FilesWorld } from "../../test-support/files-world.ts";
import { ReplicatedFileBlocks } from "../files/replicated-file-blocks.ts";
import { bucketSettings, checkRedundancy, singleReplica } from "./defaults.ts";

test("bucket settings: what was asked for, and the defaults for the rest", () => {
  const three = { dataFragments: 1, parityFragments: 2 };
  assert.deepEqual(bucketSettings(undefined, three).redundancy, three);
  assert.deepEqual(bucketSettings({ blockBytes: 5 }, three), { redundancy: three, blockBytes: 5 });
  assert.deepEqual(bucketSettings({ redundancy: singleReplica }, three).redundancy, singleReplica);
});

test("redundancy: as many replicas as there are nodes, and no more", () => {
  for (let nodes = 1; nodes <= 5; nodes++)
    for (let replicas = 1; replicas <= 6; replicas++) {
      const check = () => checkRedundancy({ dataFragments: 1, parityFragments: replicas - 1 }, nodes);
      if (replicas <= nodes) check();
      else assert.throws(check, { code: "InvalidArgument", fields: { replicas, nodes } });
    }
  assert.throws(
    () => checkRedundancy({ dataFragments: 1, parityFragments: 2 }, 1),
    /this cluster has 1 node\./,
  );
  assert.throws(() => checkRedundancy({ dataFragments: 4, parityFragments: 2 }, 9), {
    code: "NotImplemented",
  });
});

test("a bucket that the cluster cannot keep is not made, and its name stays free", async () => {
  const world = await FilesWorld.start("abcd", 3);
  const { files } = world;
  const create = (parityFragments: number, dataFragments = 1) =>
    world.run(
      files.createBucket({
        name: "b-2",
        owner: "tests",
        settings: { redundancy: { dataFragments, parityFragments } },
      }),
    );
  assert.deepEqual((await world.run(files.bucket(bucket))).settings.redundancy, {
    dataFragments: 1,
    parityFragments: 2,
  });
  await assert.rejects(create(3), { code: "InvalidArgument" });
  await assert.rejects(create(1, 2), { code: "NotImplemented" });
  await assert.rejects(world.run(files.bucket("b-2")), { code: "BucketNotFound" });
  assert.deepEqual((await create(1)).settings.redundancy, { dataFragments: 1, parityFragments: 1 });
});

test("blocks of an erasure-coded content are refused, not stored otherwise", async () => {
  const world = await FilesWorld.start("abc");
  const node = world.cluster.nodes.get(nodeId("a"));
  assert.ok(node !== undefined);
  const blocks = new ReplicatedFileBlocks(node.blocks, () => {
    throw new Error("not asked");
  });
  const redundancy = { dataFragments: 2, parityFragments: 1 };
  await world.run(world.store("k", seededRandom(1).bytes(100_000)));
  const id = { ...(world.lastBlocks()[0] ?? assert.fail("a block")), part: 9 };
  const refused = { code: "NotImplemented" };
  const { durable, settled } = blocks.put(id, new Uint8Array(10), 0, redundancy);
  await assert.rejects(durable, refused);
  await settled;
  await assert.rejects(blocks.read(id, redundancy), refused);
  assert.equal(world.cluster.holders(id), "");
});
