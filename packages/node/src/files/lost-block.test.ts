/** S6: a reader that loses a block looks at the entry again. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { seededRandom } from "@holdfast/base";
import { unconditional } from "@holdfast/namespace";
import { blockBytes, bucket, FilesWorld } from "../../test-support/files-world.ts";

const large = seededRandom(5).bytes(4 * blockBytes + 17);

describe("a reader", () => {
  async function readWhile(change: (world: FilesWorld) => Promise<unknown>) {
    const world = await FilesWorld.start("abc");
    await world.run(world.store("k", large));
    const [id] = world.lastBlocks();
    assert.ok(id !== undefined);
    let pieces = 0;
    const reading = world.read("k", async () => {
      if (pieces++ > 0) return;
      await change(world);
      await world.erase(id);
    });
    return { world, reading: world.run(reading) };
  }

  test("is broken off when its content died, and told to read again", async () => {
    const remove = (world: FilesWorld) =>
      world.files.deleteFile({ bucket, key: "k", condition: unconditional });
    const { world, reading } = await readWhile(remove);
    await assert.rejects(reading, { code: "DataCorrupt", retryable: true });
    assert.ok(world.cluster.events("reader outlived its content") > 0);
    assert.equal(world.cluster.events("block unreadable"), 0);
  });

  test("is broken off when the file was replaced: it never goes on with other bytes", async () => {
    const replace = (world: FilesWorld) => world.store("k", seededRandom(6).bytes(large.length));
    const { reading } = await readWhile(replace);
    await assert.rejects(reading, { code: "DataCorrupt", retryable: true });
  });

  test("has the error, and a report, when its content lives", async () => {
    const { world, reading } = await readWhile(() => Promise.resolve());
    await assert.rejects(reading, { code: "Unavailable", retryable: true });
    assert.equal(world.cluster.events("block unreadable") > 0, true);
    assert.equal(world.cluster.events("reader outlived its content"), 0);
  });
});
