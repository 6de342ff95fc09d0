import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concatBytes, utf8, utf8Text } from "@holdfast/base";
import { noAttributes, unconditional } from "@holdfast/namespace";
import { ClusterMachines } from "../../test-support/cluster-machines.ts";
import { bytesOf, incoming } from "../../test-support/maintained-machine.ts";
import type { FilePage } from "../files/interface.ts";

const blockBytes = 65_536;
const numbers = [0, 1, 2, 3];
/** Enough of them that each of four shards has some. */
const keys = Array.from({ length: 12 }, (_, i) => `dir-${i % 3}/f-${i}`);

/** Four nodes with a bucket in four shards of three voters each, so that some nodes lack some shards. */
async function cluster(): Promise<ClusterMachines> {
  const world = await ClusterMachines.start(4, { shardCount: 4 });
  await world.settled();
  const missing = [];
  for (const number of numbers) missing.push(await world.shardsElsewhere(number));
  assert.ok(missing.flat().length === 4, `each shard is missing somewhere: ${JSON.stringify(missing)}`);
  const settings = { blockBytes };
  await world.run(world.node(0).files.createBucket({ name: "b-1", owner: "tests", settings }));
  return world;
}

describe("shards without a replica on the node that is asked", () => {
  test("each node stores and reads every file, whatever shard it is in", async () => {
    const world = await cluster();
    for (const [i, key] of keys.entries()) {
      const body = bytesOf(i, i % 2 === 0 ? 100 : 2 * blockBytes);
      await world.run(world.storeFile(i % 4, key, body));
      for (const number of numbers)
        assert.deepEqual(await world.run(world.readFile(number, key)), body, `${key} by ${number}`);
    }
    await world.stop();
  });

  test("each node lists files and common prefixes of all shards, page by page", async () => {
    const world = await cluster();
    for (const key of keys) await world.run(world.storeFile(0, key, utf8(key)));
    const sorted = [...keys].sort();
    for (const number of numbers) {
      const { files } = world.node(number);
      for (const limit of [1, 5, 1000]) {
        const found: string[] = [];
        for (let after: FilePage["next"] = ""; after !== undefined; ) {
          const query = { bucket: "b-1", prefix: "", delimiter: "", after, limit };
          const page: FilePage = await world.run(files.listFiles(query));
          assert.ok(page.files.length <= limit);
          found.push(...page.files.map(({ key }) => key));
          after = page.next;
        }
        assert.deepEqual(found, sorted, `by ${number} in pages of ${limit}`);
      }
      const rolled = { bucket: "b-1", prefix: "", delimiter: "/", after: "", limit: 2 };
      const first = await world.run(files.listFiles(rolled));
      assert.deepEqual(first, { files: [], prefixes: ["dir-0/", "dir-1/"], next: "dir-1/" });
      const last = await world.run(files.listFiles({ ...rolled, after: "dir-1/" }));
      assert.deepEqual(last, { files: [], prefixes: ["dir-2/"], next: undefined });
    }
    await world.stop();
  });

  test("each node copies and deletes files, and keeps conditions", async () => {
    const world = await cluster();
    const body = bytesOf(1, 2 * blockBytes);
    for (const number of numbers) {
      const { files } = world.node(number);
      for (const [i, key] of keys.slice(0, 4).entries()) {
        const source = `${key}-${number}`;
        const { etag } = await world.run(world.storeFile(i, source, body));
        const taken = { ifMatch: undefined, ifNoneMatch: { kind: "any" } } as const;
        await assert.rejects(world.run(world.storeFile(number, source, body, taken)), {
          code: "ConditionFailed",
        });
        const copied = { bucket: "b-1", key: `copy-${source}`, condition: unconditional };
        await world.run(
          files.copyFile({ ...copied, source: { bucket: "b-1", key: source }, attributes: undefined }),
        );
        const condition = { ifMatch: { kind: "etags", etags: [etag] }, ifNoneMatch: undefined } as const;
        await world.run(files.deleteFile({ bucket: "b-1", key: source, condition }));
        for (const other of numbers) {
          assert.deepEqual(await world.run(world.readFile(other, `copy-${source}`)), body);
          await assert.rejects(world.run(world.readFile(other, source)), { code: "FileNotFound" });
        }
      }
    }
    await world.stop();
  });

  test("each node takes, lists and completes uploads in parts, begun on another", async () => {
    const world = await cluster();
    const [large, small] = [bytesOf(1, 5 * 1024 * 1024), bytesOf(2, 1000)];
    for (const number of numbers) {
      const at = (step: number): ReturnType<ClusterMachines["node"]>["files"] =>
        world.node((number + step) % 4).files;
      const key = `in-parts-${number}`;
      const asked = { bucket: "b-1", key, attributes: noAttributes };
      const unchecked = { checksumAlgorithm: undefined, checksumScope: undefined };
      const { uploadId } = await world.run(at(0).createUpload({ ...asked, ...unchecked }));
      const upload = { bucket: "b-1", key, uploadId };
      const parts = [];
      for (const [i, bytes] of [large, small].entries()) {
        const stored = await world.run(at(i).storePart({ ...upload, part: i + 1, body: incoming(bytes) }));
        parts.push({ part: i + 1, etag: stored.etag, checksum: undefined });
      }
      for (const other of numbers) {
        const page = await world.run(at(other).listParts({ ...upload, afterPart: 0, limit: 1000 }));
        assert.deepEqual(
          page.parts.map(({ bytes }) => bytes),
          [large.length, small.length],
        );
        const all = { bucket: "b-1", prefix: "", delimiter: "", afterKey: "", afterUploadId: "", limit: 10 };
        const { uploads } = await world.run(at(other).listUploads(all));
        assert.deepEqual(
          uploads.map((open) => open.key),
          [key],
        );
      }
      const wrong = parts.map((part) => ({ ...part, etag: "00".repeat(16) }));
      const completion = {
        ...upload,
        condition: unconditional,
        checksum: undefined,
        checksumScope: undefined,
      };
      await assert.rejects(world.run(at(2).completeUpload({ ...completion, parts: wrong })), {
        code: "InvalidPart",
      });
      await world.run(at(3).completeUpload({ ...completion, parts }));
      for (const other of numbers)
        assert.deepEqual(await world.run(world.readFile(other, key)), concatBytes([large, small]));
    }
    await world.stop();
  });

  test("another home answers while one is dead, and a read shows what was acknowledged just before", async () => {
    const world = await cluster();
    const [victim, asked] = [1, 2];
    for (const key of keys) await world.run(world.storeFile(0, key, utf8("before")));
    for (const key of keys) await world.run(world.readFile(asked, key));
    world.machine(victim).crash("power-loss");
    for (const [i, key] of keys.entries()) {
      await world.run(world.storeFile(i % 2 === 0 ? 0 : 3, key, utf8(`after ${i}`)));
      assert.equal(utf8Text(await world.run(world.readFile(asked, key))), `after ${i}`);
    }
    await world.machine(victim).start();
    for (const [i, key] of keys.entries())
      assert.equal(utf8Text(await world.run(world.readFile(victim, key))), `after ${i}`);
    await world.stop();
  });

  test("a node that has just joined answers before its replicas have caught up", async () => {
    const world = await ClusterMachines.start(2, { shardCount: 4 });
    await world.settled();
    await world.run(world.node(0).files.createBucket({ name: "b-1", owner: "tests" }));
    for (const key of keys) await world.run(world.storeFile(0, key, utf8(key)));
    await world.join();
    for (const key of keys) assert.equal(utf8Text(await world.run(world.readFile(2, key))), key);
    const all = { bucket: "b-1", prefix: "", delimiter: "", after: "", limit: 1000 };
    const { files } = await world.run(world.node(2).files.listFiles(all));
    assert.deepEqual(
      files.map(({ key }) => key),
      [...keys].sort(),
    );
    await world.settled();
    await world.stop();
  });
});
