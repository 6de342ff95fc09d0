// The client against a real node: what the files in memory of the other native tests stand for.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { StoreError } from "@holdfast/client";
import { Holdfast } from "holdfast";

const MiB = 1024 * 1024;

function pattern(bytes: number): Buffer {
  const words = new Uint32Array(bytes / 4);
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i + 1, 0x9e37_79b9);
  return Buffer.from(words.buffer);
}

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof StoreError && error.code === code;
}

describe("native client on a real node", () => {
  let holdfast: Holdfast;
  before(async () => {
    holdfast = await Holdfast.start({ nodes: 1, ephemeral: true });
    await holdfast.store.createBucket("real");
  });
  after(() => holdfast.stop());

  test("small, streamed and multipart files make the round trip with their checksum", async () => {
    const { store } = holdfast;
    for (const size of [0, 4, 12 * 1024, 5 * MiB, 66 * MiB]) {
      const data = pattern(size);
      const stored = await store.storeFile("real/ä file", new Blob([data]), {
        userMetadata: { note: "Grüße 100 %" },
      });
      assert.equal(stored.bytes, size);
      const file = await store.readFile("real/ä file");
      assert.equal(file.version, stored.version);
      assert.deepEqual({ ...file.userMetadata }, { note: "Grüße 100 %" });
      assert.ok(data.equals(await file.bytes()), `${size} bytes`);
    }
    const middle = await store.readFile("real/ä file", { range: { first: 20 * MiB, last: 20 * MiB + 7 } });
    assert.ok(
      pattern(66 * MiB)
        .subarray(20 * MiB, 20 * MiB + 8)
        .equals(await middle.bytes()),
    );
  });

  test("conditions, copies, listings and deletes hold", async () => {
    const { store } = holdfast;
    const { etag } = await store.storeFile("real/c/1", "one", { ifNoneMatch: "*" });
    await assert.rejects(
      store.storeFile("real/c/1", "two", { ifNoneMatch: "*" }),
      hasCode("ConditionFailed"),
    );
    await assert.rejects(store.readFile("real/c/1", { ifNoneMatch: etag }), hasCode("NotModified"));
    await assert.rejects(store.readFile("real/c/1", { range: { first: 3 } }), hasCode("InvalidRange"));
    await store.copyFile("real/c/1", "real/c/2", { sourceIfMatch: etag });
    const names: string[] = [];
    for await (const entry of store.listFiles("real/c/", { pageSize: 1 })) names.push(entry.name);
    assert.deepEqual(names, ["real/c/1", "real/c/2"]);
    await assert.rejects(store.deleteBucket("real"), hasCode("BucketNotEmpty"));
    assert.deepEqual(await store.deleteFile("real/c/1", { ifMatch: etag }), { existed: true });
    await assert.rejects(store.statFile("real/c/1"), hasCode("FileNotFound"));
    assert.equal((await store.status()).ready, true);
  });
});
