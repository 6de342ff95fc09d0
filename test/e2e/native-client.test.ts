// The client, the native API and the HTTP listener together, over real sockets.
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, test } from "node:test";
import { crc32 } from "node:zlib";
import type { ListedEntry } from "@holdfast/client";
import { connect, StoreError } from "@holdfast/client";
import { keys, nativeGateway } from "./native-gateway.ts";

const MiB = 1024 * 1024;

/** Bytes in which no two neighbouring pieces are equal. */
function pattern(bytes: number): Buffer {
  const words = new Uint32Array(Math.ceil(bytes / 4));
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i + 1, 0x9e37_79b9);
  return Buffer.from(words.buffer).subarray(0, bytes);
}

async function fails(promise: Promise<unknown>, code: string): Promise<StoreError> {
  const error = await promise.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  assert.ok(error instanceof StoreError, `expected ${code}, got ${String(error)}`);
  assert.equal(error.code, code, error.message);
  return error;
}

async function gather<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe("native client: buckets", () => {
  test("are created with settings, listed and deleted", async (t) => {
    const { store } = await nativeGateway(t);
    const created = await store.createBucket("notes", { redundancy: "erasure:4+2", blockBytes: 65_536 });
    assert.deepEqual(created.settings, { redundancy: "erasure:4+2", blockBytes: 65_536 });
    assert.equal(created.owner, "tester");
    assert.deepEqual((await store.createBucket("photos")).settings.redundancy, "replicas:1");
    assert.deepEqual(
      (await store.listBuckets()).map(({ name }) => name),
      ["notes", "photos"],
    );
    await store.deleteBucket("notes");
    assert.deepEqual(
      (await store.listBuckets()).map(({ name }) => name),
      ["photos"],
    );
    await fails(store.deleteBucket("notes"), "BucketNotFound");
    await fails(store.createBucket("photos"), "BucketAlreadyOwnedByYou");
    await fails(store.createBucket("x", { redundancy: "twice" }), "InvalidArgument");
  });
});

describe("native client: contents", () => {
  const text = "Grüße, 世界";
  const bytes = Buffer.from(text);
  async function* generated(): AsyncGenerator<Uint8Array | string> {
    yield bytes.subarray(0, 5);
    yield bytes.subarray(5, 8);
    yield bytes.subarray(8).toString();
  }
  const contents = {
    text,
    bytes,
    "an ArrayBuffer": new Uint8Array(bytes).buffer,
    "a Blob": new Blob([text]),
    "a web stream": new Blob([text]).stream(),
    "a stream of Node": Readable.from([bytes.subarray(0, 3), bytes.subarray(3)]),
    "an async iterable": generated(),
  };
  for (const [kind, content] of Object.entries(contents)) {
    test(`${kind} arrives as it is`, async (t) => {
      const { store } = await nativeGateway(t);
      await store.createBucket("b");
      const stored = await store.storeFile("b/k", content);
      assert.equal(stored.bytes, bytes.length);
      const file = await store.readFile("b/k");
      assert.equal(await file.text(), text);
      assert.equal(file.etag, stored.etag);
      assert.equal(file.version, stored.version);
      assert.equal(file.info.bytes, bytes.length);
      assert.equal(file.info.crc32, crc32(bytes));
    });
  }

  test("nothing is content too, from bytes and from a stream", async (t) => {
    const { store } = await nativeGateway(t);
    await store.createBucket("b");
    for (const content of ["", Readable.from([]), new Blob([])]) {
      assert.equal((await store.storeFile("b/empty", content)).bytes, 0);
      assert.equal((await (await store.readFile("b/empty")).bytes()).length, 0);
    }
  });

  test("5 MiB and 70 MiB make the round trip, from memory and from disk, the latter in parts", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-client-"));
    t.after(() => rm(folder, { recursive: true }));
    const gateway = await nativeGateway(t);
    const { store } = gateway;
    await store.createBucket("b");
    for (const size of [5 * MiB, 70 * MiB]) {
      const data = pattern(size);
      const path = join(folder, "source");
      await writeFile(path, data);
      // Large ones once: a Blob is read in the same way as a path.
      for (const content of size > 64 * MiB ? [{ path }] : [data, { path }, new Blob([data])]) {
        let last = 0;
        const onProgress = ({
          sentBytes,
          totalBytes,
        }: {
          sentBytes: number;
          totalBytes: number | undefined;
        }): void => {
          assert.equal(totalBytes, size);
          last = sentBytes;
        };
        const before = gateway.seen.filter((line) => line.includes("/uploads/")).length;
        const stored = await store.storeFile("b/large", content, { onProgress });
        assert.equal(stored.bytes, size);
        assert.equal(last, size);
        const uploads = gateway.seen.filter((line) => line.includes("/uploads/")).length - before;
        // Begin, five parts of 16 MiB, complete.
        assert.equal(uploads, size > 64 * MiB ? 7 : 0);
        const target = join(folder, "target");
        await (await store.readFile("b/large")).saveTo({ path: target });
        assert.ok(data.equals(await readFile(target)));
      }
    }
    assert.deepEqual((await readdir(folder)).sort(), ["source", "target"]);
    assert.equal(gateway.files.uploads.size, 0);
  });

  test("a long stream of unknown length goes out in parts", async (t) => {
    const gateway = await nativeGateway(t);
    await gateway.store.createBucket("b");
    const data = pattern(40 * MiB);
    async function* stream(): AsyncGenerator<Uint8Array> {
      for (let offset = 0; offset < data.length; offset += 1_000_003)
        yield data.subarray(offset, offset + 1_000_003);
    }
    await gateway.store.storeFile("b/stream", stream());
    assert.equal(
      gateway.seen.filter((line) => line.startsWith("PUT") && line.includes("/uploads/")).length,
      3,
    );
    assert.ok(data.equals(await (await gateway.store.readFile("b/stream")).bytes()));
  });

  test("a stream that fails leaves nothing behind, and its own error comes out", async (t) => {
    const gateway = await nativeGateway(t);
    await gateway.store.createBucket("b");
    for (const size of [1, 40]) {
      async function* stream(): AsyncGenerator<Uint8Array> {
        for (let i = 0; i < size; i++) yield new Uint8Array(MiB);
        throw new Error("the tape tore");
      }
      await assert.rejects(gateway.store.storeFile("b/k", stream()), /the tape tore/);
    }
    assert.equal(gateway.files.buckets.get("b")?.files.size, 0);
    assert.equal(gateway.files.uploads.size, 0);
  });

  test("a web stream and single chunks can be read, once", async (t) => {
    const { store } = await nativeGateway(t);
    await store.createBucket("b");
    const data = pattern(300_000);
    await store.storeFile("b/k", data);
    const viaStream = await new Response((await store.readFile("b/k")).stream).arrayBuffer();
    assert.ok(data.equals(Buffer.from(viaStream)));
    const file = await store.readFile("b/k");
    const chunks: Uint8Array[] = [];
    for await (const chunk of file) chunks.push(chunk);
    assert.ok(data.equals(Buffer.concat(chunks)));
    await fails(file.bytes(), "InvalidRequest");
  });
});

describe("native client: names, attributes, conditions", () => {
  test("keys and metadata may be any text", async (t) => {
    const { store } = await nativeGateway(t);
    await store.createBucket("b");
    const names = [
      "ä/ö ü",
      "a+b&c=d?e#f%25",
      "a//b",
      "a/../b",
      "../x",
      "emoji 🦊",
      "~.-_!*'()",
      "tab\tnew\nline",
    ];
    const userMetadata = { author: "Jürgen Groß", note: "100 % 🦊  two spaces ", plain: "abc", empty: "" };
    for (const name of names) {
      await store.storeFile(`b/${name}`, name, {
        contentType: "text/plain",
        contentEncoding: "gzip",
        userMetadata,
      });
      const file = await store.readFile(`b/${name}`);
      assert.equal(await file.text(), name);
      assert.deepEqual({ ...file.userMetadata }, userMetadata);
      assert.equal(file.info.contentType, "text/plain");
      assert.equal(file.info.contentEncoding, "gzip");
      assert.equal(file.info.name, `b/${name}`);
    }
    const listed = await gather(store.listFiles("b"));
    assert.deepEqual(new Set(listed.map(({ name }) => name)), new Set(names.map((name) => `b/${name}`)));
    await fails(store.storeFile("b/k", "", { userMetadata: { "no spaces": "x" } }), "InvalidArgument");
    await fails(store.storeFile("b/k", "", { userMetadata: { much: "x".repeat(3000) } }), "MetadataTooLarge");
    await fails(store.storeFile("justabucket", ""), "InvalidKey");
    await fails(store.storeFile("b/\ud800", ""), "InvalidKey");
  });

  test("conditions decide about writes, reads and deletes", async (t) => {
    const { store } = await nativeGateway(t);
    await store.createBucket("b");
    const first = await store.storeFile("b/k", "one", { ifNoneMatch: "*" });
    const refused = await fails(store.storeFile("b/k", "two", { ifNoneMatch: "*" }), "ConditionFailed");
    assert.equal(refused.outcome, "not-applied");
    const second = await store.storeFile("b/k", "two", { ifMatch: first.etag });
    await fails(store.storeFile("b/k", "three", { ifMatch: first.etag }), "ConditionFailed");
    await fails(store.readFile("b/k", { ifMatch: first.etag }), "ConditionFailed");
    const unchanged = await fails(store.readFile("b/k", { ifNoneMatch: second.etag }), "NotModified");
    assert.equal(unchanged.retryable, false);
    await fails(store.statFile("b/k", { ifNoneMatch: second.etag }), "NotModified");
    await fails(store.deleteFile("b/k", { ifMatch: first.etag }), "ConditionFailed");
    assert.deepEqual(await store.deleteFile("b/k", { ifMatch: second.etag }), { existed: true });
    assert.deepEqual(await store.deleteFile("b/k"), { existed: false });
    await fails(store.readFile("b/k"), "FileNotFound");
    await fails(store.statFile("b/k"), "FileNotFound");
    await fails(store.readFile("c/k"), "BucketNotFound");
  });

  test("ranges give the bytes asked for", async (t) => {
    const { store } = await nativeGateway(t);
    await store.createBucket("b");
    await store.storeFile("b/k", "0123456789");
    const read = async (range: { first: number; last?: number } | { lastBytes: number }): Promise<string> =>
      (await store.readFile("b/k", { range })).text();
    assert.equal(await read({ first: 2, last: 4 }), "234");
    assert.equal(await read({ first: 7 }), "789");
    assert.equal(await read({ first: 7, last: 99 }), "789");
    assert.equal(await read({ lastBytes: 3 }), "789");
    assert.equal(await read({ first: 0, last: 9 }), "0123456789");
    const beyond = await fails(read({ first: 10 }), "InvalidRange");
    assert.equal(beyond.fields["bytes"], 10);
    await fails(read({ first: 3, last: 2 }), "InvalidArgument");
  });

  test("copies keep attributes, or take those given", async (t) => {
    const { store } = await nativeGateway(t);
    await store.createBucket("b");
    const source = await store.storeFile("b/ä b", "content", {
      contentType: "text/x",
      userMetadata: { a: "1" },
    });
    await store.copyFile("b/ä b", "b/kept", { ifNoneMatch: "*", sourceIfMatch: source.etag });
    const kept = await store.statFile("b/kept");
    assert.deepEqual([kept.contentType, { ...kept.userMetadata }], ["text/x", { a: "1" }]);
    await store.copyFile("b/ä b", "b/replaced", { userMetadata: { b: "2" } });
    const replaced = await store.statFile("b/replaced");
    assert.deepEqual({ ...replaced.userMetadata }, { b: "2" });
    assert.equal(await (await store.readFile("b/replaced")).text(), "content");
    await fails(store.copyFile("b/none", "b/x"), "FileNotFound");
    await fails(store.copyFile("b/ä b", "b/kept", { ifNoneMatch: "*" }), "ConditionFailed");
    await fails(store.copyFile("b/ä b", "b/x", { sourceIfMatch: "other" }), "ConditionFailed");
  });

  test("listings follow prefix, delimiter and pages", async (t) => {
    const gateway = await nativeGateway(t);
    const { store } = gateway;
    await store.createBucket("b");
    for (const key of ["a", "d/1", "d/2", "d/e/3", "d+4", "z"]) await store.storeFile(`b/${key}`, key);
    const names = async (entries: AsyncIterable<ListedEntry>): Promise<readonly string[]> =>
      (await gather(entries)).map(({ kind, name }) => `${kind} ${name}`);
    assert.deepEqual(await names(store.listFiles("b/d/", { pageSize: 1 })), [
      "file b/d/1",
      "file b/d/2",
      "file b/d/e/3",
    ]);
    assert.deepEqual(await names(store.listFiles("b/d/", { delimiter: "/" })), [
      "file b/d/1",
      "file b/d/2",
      "prefix b/d/e/",
    ]);
    assert.deepEqual(await names(store.listFiles("b", { after: "b/d/e/3" })), ["file b/z"]);
    assert.deepEqual(await names(store.listFiles("b/d+")), ["file b/d+4"]);
    assert.equal((await gather(store.listFiles("b", { pageSize: 2 }).pages())).length, 3);
    await fails(gather(store.listFiles("none")), "BucketNotFound");
  });

  test("the cluster's status comes through", async (t) => {
    const { store } = await nativeGateway(t);
    const status = await store.status();
    assert.equal(status.clusterId, "cluster");
    assert.deepEqual(status.shards, [{ shard: 0, appliedIndex: 7 }]);
    assert.equal(status.ready, true);
  });
});

describe("native client: access", () => {
  test("wrong keys are refused, and nothing is done", async (t) => {
    const gateway = await nativeGateway(t);
    const { endpoint } = gateway;
    const wrongSecret = await connect({ endpoint, accessKey: keys.accessKey, secretKey: "guess" });
    await fails(wrongSecret.createBucket("b"), "SignatureMismatch");
    const wrongKey = await connect({ endpoint, accessKey: "nobody", secretKey: "guess" });
    await fails(wrongKey.createBucket("b"), "InvalidAccessKey");
    // With a body that waits for the go-ahead: the refusal arrives although nothing of it was sent.
    const error = await fails(
      wrongKey.storeFile("b/k", new Blob([new Uint8Array(8 * MiB)])),
      "InvalidAccessKey",
    );
    assert.equal(error.outcome, "not-applied");
    assert.equal(gateway.files.buckets.size, 0);
  });

  test("addresses and keys that cannot be right are refused at once", async () => {
    await fails(connect({ endpoint: "", ...keys }), "InvalidArgument");
    await fails(connect({ endpoint: "127.0.0.1:9001", ...keys }), "InvalidArgument");
    await fails(connect({ endpoint: "http://127.0.0.1:9001/path", ...keys }), "InvalidArgument");
    await fails(
      connect({ endpoint: "http://127.0.0.1:9001", accessKey: "", secretKey: "x" }),
      "InvalidArgument",
    );
  });
});
