// Small operations on the multiplexed stream: client, native API and listener together, over real sockets.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { connect as connectSocket, createServer } from "node:net";
import type { TestContext } from "node:test";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Store } from "@holdfast/client";
import { connect, StoreError } from "@holdfast/client";
import { connect as connectInBrowser } from "@holdfast/client/browser";
import type { StoredFile, StoreFileRequest } from "@holdfast/node";
import type { NativeGateway } from "./native-gateway.ts";
import { keys, nativeGateway } from "./native-gateway.ts";
import { MemoryFiles } from "./native-memory-files.ts";

const KiB = 1024;
const opened = "GET /api/v1/stream";

/** Files under "held" are stored when the test says so. */
class HeldFiles extends MemoryFiles {
  readonly waiting: { readonly key: string; readonly go: () => void }[] = [];
  #arrived = Promise.withResolvers<void>();
  throws: StoreError | undefined;

  override async storeFile(request: StoreFileRequest): Promise<StoredFile> {
    if (request.key.startsWith("held")) {
      await new Promise<void>((go) => {
        this.waiting.push({ key: request.key, go });
        this.#arrived.resolve();
        this.#arrived = Promise.withResolvers();
      });
      request.signal?.throwIfAborted();
    }
    return super.storeFile(request);
  }

  async untilWaiting(count: number): Promise<void> {
    while (this.waiting.length < count) await this.#arrived.promise;
  }

  letGo(): void {
    for (const { go } of this.waiting.splice(0)) go();
  }
}

function keysOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `bucket/k${i}`);
}

/** Until one operation alone travels on a stream. */
async function onStream(store: Store, { seen }: Pick<NativeGateway, "seen">): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    await Promise.all(keysOf(4).map((name) => store.storeFile(name, "warm")));
    const before = seen.length;
    await store.storeFile("bucket/k0", "warm");
    if (seen.length === before) return;
  }
  assert.fail("no stream was opened");
}

async function streaming(t: TestContext, files: MemoryFiles = new MemoryFiles()): Promise<NativeGateway> {
  const gateway = await nativeGateway(t, { files });
  await gateway.store.createBucket("bucket");
  await onStream(gateway.store, gateway);
  t.after(() => gateway.store.close());
  return gateway;
}

interface Relay {
  readonly endpoint: string;
  /** Changes one byte of what passes next towards the server. */
  tampers: boolean;
  cut(): void;
}

/** Something between client and node that can fail. */
async function relay(t: TestContext, port: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connectSocket(port, "127.0.0.1");
    for (const socket of [client, upstream]) sockets.add(socket.on("error", () => socket.destroy()));
    client.on("data", (chunk) => {
      if (state.tampers) chunk[chunk.length - 1] = (chunk[chunk.length - 1] ?? 0) ^ 1;
      state.tampers = false;
      upstream.write(chunk);
    });
    upstream.on("data", (chunk) => client.write(chunk));
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const own = typeof address === "object" ? address?.port : undefined;
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const state: Relay = { endpoint: `http://127.0.0.1:${own}`, tampers: false, cut };
  t.after(() => {
    server.close();
    cut();
  });
  return state;
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => assert.fail("it did not fail"),
    (cause: unknown) => cause,
  );
}

async function storeErrorOf(promise: Promise<unknown>): Promise<StoreError> {
  const error = await failureOf(promise);
  assert.ok(error instanceof StoreError, String(error));
  return error;
}

describe("native stream", () => {
  test("many small operations at once share one connection, and do what they do over HTTP", async (t) => {
    const { store, seen } = await streaming(t);
    const before = seen.length;
    const names = keysOf(300);
    const stored = await Promise.all(
      names.map((name, i) =>
        store.storeFile(name, `content ${i}`, {
          contentType: "text/plain",
          userMetadata: { note: `Grüße ${i}` },
        }),
      ),
    );
    const texts = await Promise.all(names.map(async (name) => (await store.readFile(name)).text()));
    assert.deepEqual(
      texts,
      names.map((_, i) => `content ${i}`),
    );
    const infos = await Promise.all(names.map((name) => store.statFile(name)));
    assert.deepEqual(
      infos.map(({ etag, bytes, contentType, userMetadata }) => [
        etag,
        bytes,
        contentType,
        userMetadata["note"],
      ]),
      stored.map(({ etag, bytes }, i) => [etag, bytes, "text/plain", `Grüße ${i}`]),
    );
    const deleted = await Promise.all(names.map((name) => store.deleteFile(name)));
    assert.ok(deleted.every(({ existed }) => existed));
    assert.equal(seen.length, before);
    assert.equal(seen.filter((line) => line === opened).length, 1);
  });

  test("refusals have code and outcome; conditions have one winner", async (t) => {
    const { store, seen } = await streaming(t);
    const before = seen.length;
    assert.equal((await storeErrorOf(store.readFile("bucket/none"))).code, "FileNotFound");
    assert.equal((await storeErrorOf(store.statFile("bucket/none"))).code, "FileNotFound");
    assert.equal((await storeErrorOf(store.storeFile("nowhere/k", "x"))).code, "BucketNotFound");
    const { etag } = await store.storeFile("bucket/k", "one");
    const stale = await storeErrorOf(store.storeFile("bucket/k", "two", { ifMatch: "other" }));
    assert.deepEqual([stale.code, stale.outcome], ["ConditionFailed", "not-applied"]);
    const created = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => store.storeFile("bucket/once", `${i}`, { ifNoneMatch: "*" })),
    );
    assert.equal(created.filter(({ status }) => status === "fulfilled").length, 1);
    assert.equal((await storeErrorOf(store.readFile("bucket/k", { ifNoneMatch: etag }))).code, "NotModified");
    assert.equal(await (await store.readFile("bucket/k", { range: { first: 1, last: 1 } })).text(), "n");
    assert.equal(seen.length, before);
  });

  test("64 KiB travel on the stream, more does not; reads find out, and ranges are judged by themselves", async (t) => {
    const { store, seen } = await streaming(t);
    const before = seen.length;
    await store.storeFile("bucket/fits", new Uint8Array(64 * KiB).fill(1));
    assert.equal((await (await store.readFile("bucket/fits")).bytes()).length, 64 * KiB);
    assert.equal(seen.length, before);
    await store.storeFile("bucket/large", new Uint8Array(64 * KiB + 1).fill(2));
    assert.equal((await (await store.readFile("bucket/large")).bytes()).length, 64 * KiB + 1);
    assert.deepEqual(seen.slice(before), [
      "PUT /api/v1/buckets/bucket/files/large",
      "GET /api/v1/buckets/bucket/files/large",
    ]);
    const part = await store.readFile("bucket/large", { range: { first: 10, last: 19 } });
    assert.deepEqual([(await part.bytes()).length, part.info.bytes], [10, 64 * KiB + 1]);
    assert.equal(seen.length, before + 2);
  });

  test("one call at a time opens no stream, nor do large ones, nor does anything with stream: never", async (t) => {
    const gateway = await nativeGateway(t);
    await gateway.store.createBucket("bucket");
    for (const name of keysOf(10)) await gateway.store.storeFile(name, "x");
    const large = new Uint8Array(64 * KiB + 1);
    for (let round = 0; round < 3; round++)
      await Promise.all(keysOf(5).map((name) => gateway.store.storeFile(name, large)));
    const plain = await connect({ endpoint: gateway.endpoint, ...keys, stream: "never" });
    for (let round = 0; round < 5; round++)
      await Promise.all(keysOf(20).map((name) => plain.storeFile(name, "x")));
    assert.ok(!gateway.seen.includes(opened));
  });

  for (const [what, options] of [
    ["nothing in between knows WebSockets", { upgrades: false }],
    ["a node has no streams", { gateway: { random: undefined } }],
  ] as const) {
    test(`where ${what}, everything goes on over HTTP, after one attempt`, async (t) => {
      const { gateway: parts, ...rest } = { gateway: {}, ...options };
      const gateway = await nativeGateway(t, { ...rest, gateway: parts as object });
      await gateway.store.createBucket("bucket");
      for (let round = 0; round < 5; round++)
        await Promise.all(keysOf(20).map((name) => gateway.store.storeFile(name, "x")));
      assert.equal(await (await gateway.store.readFile("bucket/k7")).text(), "x");
      assert.equal(gateway.seen.filter((line) => line === opened).length, 1);
    });
  }

  test("keys that are wrong fail as they do over HTTP, by name", async (t) => {
    const gateway = await nativeGateway(t);
    const store = await connect({ endpoint: gateway.endpoint, ...keys, secretKey: "wrong", retryMs: 0 });
    for (let round = 0; round < 3; round++) {
      const errors = await Promise.all(keysOf(8).map((name) => storeErrorOf(store.readFile(name))));
      assert.ok(errors.every(({ code }) => code === "SignatureMismatch"));
    }
  });

  test("a connection that breaks: reads come again, writes are of unknown outcome", async (t) => {
    const files = new HeldFiles();
    const gateway = await streaming(t, files);
    const between = await relay(t, gateway.port);
    const store = await connect({ endpoint: between.endpoint, ...keys, retryMs: 5_000 });
    await onStream(store, gateway);
    const writes = keysOf(5).map((_, i) => storeErrorOf(store.storeFile(`bucket/held${i}`, "x")));
    await files.untilWaiting(5);
    between.cut();
    for (const error of await Promise.all(writes))
      assert.deepEqual([error.code, error.outcome], ["OutcomeUnknown", "unknown"]);
    files.letGo();
    assert.equal(await (await store.readFile("bucket/k0")).text(), "warm");
    store.close();
  });

  test("a write that is applied once is sent again over HTTP when the stream breaks", async (t) => {
    const files = new HeldFiles();
    const gateway = await streaming(t, files);
    const between = await relay(t, gateway.port);
    const store = await connect({ endpoint: between.endpoint, ...keys, retryMs: 10_000 });
    await onStream(store, gateway);
    const write = store.storeFile("bucket/held", "x", { ifNoneMatch: "*" });
    await files.untilWaiting(1);
    between.cut();
    files.waiting.length = 0;
    await files.untilWaiting(1);
    files.letGo();
    assert.equal((await write).bytes, 1);
    store.close();
  });

  test("a byte that changes on the way ends the stream, and nothing of its message is carried out", async (t) => {
    const gateway = await streaming(t);
    const between = await relay(t, gateway.port);
    const store = await connect({ endpoint: between.endpoint, ...keys, retryMs: 0 });
    await onStream(store, gateway);
    between.tampers = true;
    const error = await storeErrorOf(store.storeFile("bucket/changed", "x"));
    assert.equal(error.code, "OutcomeUnknown");
    assert.equal((await storeErrorOf(gateway.store.readFile("bucket/changed"))).code, "FileNotFound");
    assert.equal(await (await store.readFile("bucket/k0")).text(), "warm");
    store.close();
  });

  test("an aborted write that was sent is of unknown outcome, and the store hears of it", async (t) => {
    const files = new HeldFiles();
    const { store, seen } = await streaming(t, files);
    const before = seen.length;
    const controller = new AbortController();
    const write = storeErrorOf(store.storeFile("bucket/held", "x", { signal: controller.signal }));
    await files.untilWaiting(1);
    controller.abort(new Error("enough"));
    assert.equal((await write).code, "OutcomeUnknown");
    await store.storeFile("bucket/other", "x");
    files.letGo();
    assert.equal((await storeErrorOf(store.readFile("bucket/held"))).code, "FileNotFound");
    assert.equal(seen.length, before, "the stream lives on");
  });

  test("a call that is aborted before it leaves throws the signal's reason and has no effect", async (t) => {
    const { store } = await streaming(t);
    const controller = new AbortController();
    const reason = new Error("enough");
    const write = failureOf(store.storeFile("bucket/never", "x", { signal: controller.signal }));
    const other = store.storeFile("bucket/k0", "x");
    controller.abort(reason);
    assert.equal(await write, reason);
    await other;
    assert.equal((await storeErrorOf(store.readFile("bucket/never"))).code, "FileNotFound");
  });

  test("a node that closes answers what is under way, then the stream ends", async (t) => {
    const files = new HeldFiles();
    const gateway = await nativeGateway(t, { files, limits: { closeTimeoutMs: 20_000 } });
    await gateway.store.createBucket("bucket");
    await onStream(gateway.store, gateway);
    const writes = keysOf(5).map((_, i) => gateway.store.storeFile(`bucket/held${i}`, "x"));
    await files.untilWaiting(5);
    const closed = gateway.close();
    files.letGo();
    assert.equal((await Promise.all(writes)).length, 5);
    await closed;
  });

  test("more calls than a stream takes at once wait for their turn", async (t) => {
    const { store, seen } = await streaming(t);
    const before = seen.length;
    await Promise.all(
      Array.from({ length: 3000 }, (_, i) => store.storeFile(`bucket/k${i % 7}`, new Uint8Array(4 * KiB))),
    );
    assert.equal(seen.length, before);
  });

  test("a key that is revoked is refused by name on the stream too", async (t) => {
    let isRevoked = false;
    const access = {
      credentials: (accessKey: string) =>
        Promise.resolve(
          isRevoked || accessKey !== keys.accessKey
            ? undefined
            : { account: "tester", secretKey: keys.secretKey },
        ),
    };
    const gateway = await nativeGateway(t, { gateway: { access } });
    await gateway.store.createBucket("bucket");
    await onStream(gateway.store, gateway);
    isRevoked = true;
    const error = await storeErrorOf(gateway.store.storeFile("bucket/k0", "x"));
    assert.deepEqual([error.code, error.outcome], ["InvalidAccessKey", "not-applied"]);
    gateway.store.close();
  });

  test("the browser's entry uses the platform's own WebSocket", async (t) => {
    const gateway = await nativeGateway(t);
    await gateway.store.createBucket("bucket");
    const store = await connectInBrowser({ endpoint: gateway.endpoint, ...keys, retryMs: 0 });
    await onStream(store, gateway);
    const before = gateway.seen.length;
    const data = new Uint8Array(64 * KiB).fill(7);
    await Promise.all(keysOf(50).map((name) => store.storeFile(name, data)));
    const read = await Promise.all(keysOf(50).map(async (name) => (await store.readFile(name)).bytes()));
    assert.ok(read.every((bytes) => Buffer.from(bytes).equals(data)));
    assert.equal(gateway.seen.length, before);
    store.close();
  });

  test("a stream that is open keeps no program alive", async (t) => {
    const gateway = await nativeGateway(t);
    await gateway.store.createBucket("bucket");
    const child = spawn(
      process.execPath,
      [...process.execArgv, fileURLToPath(new URL("stream-program.ts", import.meta.url)), gateway.endpoint],
      { stdio: ["ignore", "inherit", "inherit"] },
    );
    const [code] = await once(child, "exit");
    assert.equal(code, 0);
    assert.ok(gateway.seen.includes(opened));
  });
});
