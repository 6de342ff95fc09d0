// What the client does when networks and nodes misbehave: what is tried again, what is not, and what it says about the outcome.
import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import type { TestContext } from "node:test";
import { describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { connect, StoreError } from "@holdfast/client";
import type { HttpHandler, HttpRequest, HttpResponse } from "@holdfast/ports";
import { keys, nativeGateway } from "./native-gateway.ts";
import { MemoryFiles } from "./native-memory-files.ts";

const MiB = 1024 * 1024;

async function fails(promise: Promise<unknown>, code: string, outcome?: string): Promise<StoreError> {
  const error = await promise.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  assert.ok(error instanceof StoreError, `expected ${code}, got ${String(error)}`);
  assert.equal(error.code, code, error.message);
  if (outcome !== undefined) assert.equal(error.outcome, outcome);
  return error;
}

/** A port on which nobody listens. */
async function deadEndpoint(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.on("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

/** Fails the first requests whose method is this one. */
function failingFirst(
  method: string,
  times: number,
  how: (request: HttpRequest, next: HttpHandler) => Promise<HttpResponse>,
) {
  let left = times;
  return (request: HttpRequest, next: HttpHandler): Promise<HttpResponse> => {
    if (request.method !== method || left === 0) return next(request);
    left -= 1;
    return how(request, next);
  };
}

function unavailable(outcome: string): Promise<HttpResponse> {
  const document = {
    code: "Unavailable",
    message: "not now",
    retryable: true,
    outcome,
    fields: {},
    requestId: "1",
  };
  const body = new TextEncoder().encode(JSON.stringify(document));
  return Promise.resolve({ status: 503, headers: { "content-type": "application/json" }, body });
}

/** Answers with a stream that breaks at once: the client sees headers at most. */
function broken(): Promise<HttpResponse> {
  const body: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error("cut")) }),
  };
  return Promise.resolve({ status: 200, headers: { "content-length": "10" }, body });
}

async function gather<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function withBucket(): Promise<MemoryFiles> {
  const files = new MemoryFiles();
  await files.createBucket({ name: "b", owner: "tester" });
  return files;
}

describe("native client: retries", () => {
  test("an endpoint that refuses connections is passed over, for reads and writes", async (t) => {
    const { endpoint, files } = await nativeGateway(t);
    const store = await connect({ endpoint: [await deadEndpoint(), endpoint], ...keys });
    await store.createBucket("b");
    await store.storeFile("b/k", "v");
    assert.equal(await (await store.readFile("b/k")).text(), "v");
    assert.equal(files.buckets.get("b")?.files.size, 1);
  });

  test("with no endpoint left a write is Unavailable and not applied", async () => {
    const store = await connect({ endpoint: await deadEndpoint(), ...keys, retryMs: 60 });
    await fails(store.storeFile("b/k", "v"), "Unavailable", "not-applied");
    await fails(store.readFile("b/k"), "Unavailable", "not-applied");
  });

  test("writes that the server did not apply are sent again, whole, streams included", async (t) => {
    const intercept = failingFirst("PUT", 2, () => unavailable("not-applied"));
    const { endpoint, files } = await nativeGateway(t, { files: await withBucket(), intercept });
    const store = await connect({ endpoint, ...keys });
    async function* stream(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array([1, 2, 3]);
    }
    await store.storeFile("b/k", stream());
    assert.deepEqual([...(files.buckets.get("b")?.files.get("k")?.data ?? [])], [1, 2, 3]);
  });

  test("a large streamed body is opened anew for another try", async (t) => {
    const intercept = failingFirst("PUT", 1, () => unavailable("not-applied"));
    const gateway = await nativeGateway(t, { files: await withBucket(), intercept });
    const store = await connect({ endpoint: gateway.endpoint, ...keys });
    await store.storeFile("b/k", new Blob([new Uint8Array(20 * MiB)]));
    assert.equal(gateway.seen.length, 2);
    assert.equal(gateway.files.buckets.get("b")?.files.get("k")?.data.length, 20 * MiB);
  });

  test("writes whose outcome is open are never sent again", async (t) => {
    const intercept = failingFirst("PUT", 1, () => unavailable("unknown"));
    const gateway = await nativeGateway(t, { files: await withBucket(), intercept });
    const store = await connect({ endpoint: gateway.endpoint, ...keys });
    await fails(store.storeFile("b/k", "v"), "Unavailable", "unknown");
    assert.equal(gateway.seen.length, 1);
  });

  test("a write whose answer never comes is OutcomeUnknown, and it may have been applied", async (t) => {
    const intercept = async (request: HttpRequest, next: HttpHandler): Promise<HttpResponse> => {
      await next(request);
      return broken();
    };
    const gateway = await nativeGateway(t, { files: await withBucket(), intercept });
    const store = await connect({ endpoint: gateway.endpoint, ...keys });
    await fails(store.storeFile("b/k", "v"), "OutcomeUnknown", "unknown");
    assert.equal(gateway.files.buckets.get("b")?.files.size, 1);
    assert.equal(gateway.seen.length, 1);
  });

  test("a write that was cut off before its body was whole is not applied, and is sent again", async (t) => {
    const intercept = failingFirst("PUT", 1, async (request) => {
      for await (const _ of request.body) break;
      return broken();
    });
    const gateway = await nativeGateway(t, { files: await withBucket(), intercept, limits: { lingerMs: 0 } });
    const store = await connect({ endpoint: gateway.endpoint, ...keys });
    await store.storeFile("b/k", new Uint8Array(30 * MiB));
    assert.equal(gateway.seen.length, 2);
  });

  test("reads are tried again whatever happened", async (t) => {
    const files = await withBucket();
    let turn = 0;
    const alternately = (): Promise<HttpResponse> => (turn++ % 2 === 0 ? broken() : unavailable("unknown"));
    const intercept = failingFirst("GET", 3, alternately);
    const { endpoint, store: writer } = await nativeGateway(t, { files, intercept });
    await writer.storeFile("b/k", "0123456789");
    const store = await connect({ endpoint, ...keys });
    assert.equal((await gather(store.listFiles("b"))).length, 1);
  });

  test("a part whose answer was lost is sent again, and the upload completes", async (t) => {
    let parts = 0;
    const intercept = async (request: HttpRequest, next: HttpHandler): Promise<HttpResponse> => {
      const answer = await next(request);
      if (request.method !== "PUT" || !request.path.includes("/uploads/")) return answer;
      parts += 1;
      return parts === 2 ? broken() : answer;
    };
    const gateway = await nativeGateway(t, { files: await withBucket(), intercept });
    const store = await connect({ endpoint: gateway.endpoint, ...keys });
    const stored = await store.storeFile("b/k", new Uint8Array(66 * MiB));
    assert.equal(stored.bytes, 66 * MiB);
    assert.equal(parts, 6);
  });
});

/** Cuts the body of GETs after so many bytes, that many times. */
function cuttingReads(times: number, afterBytes: number) {
  let left = times;
  return async (request: HttpRequest, next: HttpHandler): Promise<HttpResponse> => {
    const answer = await next(request);
    const { body } = answer;
    if (request.method !== "GET" || left === 0 || body === undefined || body instanceof Uint8Array)
      return answer;
    left -= 1;
    async function* cut(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      let bytes = 0;
      for await (const chunk of chunks) {
        if (bytes >= afterBytes) throw new Error("cut");
        bytes += chunk.length;
        yield chunk;
      }
    }
    return { ...answer, body: cut(body) };
  };
}

describe("native client: reads that break on the way", () => {
  test("are taken up where they broke, and the checksum of the whole still holds", async (t) => {
    const gateway = await nativeGateway(t, {
      files: await withBucket(),
      intercept: cuttingReads(3, 200_000),
    });
    const data = Buffer.from(Uint32Array.from({ length: 500_000 }, (_, i) => i * 2_654_435_761).buffer);
    await gateway.store.storeFile("b/k", data);
    const store = await connect({ endpoint: gateway.endpoint, ...keys });
    assert.ok(data.equals(await (await store.readFile("b/k")).bytes()));
    assert.equal(gateway.seen.filter((line) => line.startsWith("GET")).length, 4);
    assert.ok(
      data.subarray(100).equals(await (await store.readFile("b/k", { range: { first: 100 } })).bytes()),
    );
  });

  test("end in Unavailable when the file was replaced meanwhile: never a mixture of two versions", async (t) => {
    const gateway = await nativeGateway(t, {
      files: await withBucket(),
      intercept: cuttingReads(1, 200_000),
    });
    await gateway.store.storeFile("b/k", new Uint8Array(1_000_000));
    const file = await gateway.store.readFile("b/k");
    const iterator = file[Symbol.asyncIterator]();
    await iterator.next();
    await gateway.store.storeFile("b/k", new Uint8Array(1_000_000).fill(1));
    await fails(gather({ [Symbol.asyncIterator]: () => iterator }), "Unavailable");
  });

  test("a file whose bytes are not its checksum's is refused at its end", async (t) => {
    const intercept = async (request: HttpRequest, next: HttpHandler): Promise<HttpResponse> => {
      const answer = await next(request);
      return request.method === "GET"
        ? { ...answer, headers: { ...answer.headers, "x-holdfast-crc32": "00000001" } }
        : answer;
    };
    const { store } = await nativeGateway(t, { files: await withBucket(), intercept });
    await store.storeFile("b/k", "value");
    await fails((await store.readFile("b/k")).text(), "ChecksumMismatch");
    assert.equal(await (await store.readFile("b/k", { range: { first: 1, last: 2 } })).text(), "al");
  });
});

describe("native client: checksums of writes", () => {
  const corrupting = async (request: HttpRequest, next: HttpHandler): Promise<HttpResponse> => {
    if (request.method !== "PUT") return next(request);
    async function* flipped(): AsyncGenerator<Uint8Array> {
      let isFirst = true;
      for await (const chunk of request.body) {
        const copy = new Uint8Array(chunk);
        if (isFirst) copy[0] = (copy[0] ?? 0) ^ 1;
        isFirst = false;
        yield copy;
      }
    }
    const { method, path, query, headers, signal, remoteAddress, requestId } = request;
    const throwIfAborted = (): void => request.throwIfAborted();
    const body = flipped();
    return next({ method, path, query, headers, signal, throwIfAborted, remoteAddress, requestId, body });
  };

  test("bytes that change on the way are refused by the server", async (t) => {
    const { store, files } = await nativeGateway(t, { files: await withBucket(), intercept: corrupting });
    await fails(store.storeFile("b/k", "value"), "ChecksumMismatch", "not-applied");
    assert.equal(files.buckets.get("b")?.files.size, 0);
  });

  test("a stream that changes on the way is reported afterwards, as applied", async (t) => {
    const { store } = await nativeGateway(t, { files: await withBucket(), intercept: corrupting });
    await fails(store.storeFile("b/k", new Blob([new Uint8Array(3 * MiB)])), "ChecksumMismatch", "applied");
  });
});

describe("native client: abort", () => {
  function stalled(
    t: TestContext,
    method: string,
  ): {
    intercept: (request: HttpRequest, next: HttpHandler) => Promise<HttpResponse>;
    reached: Promise<void>;
  } {
    let arrive = (): void => undefined;
    const reached = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const intercept = async (request: HttpRequest, next: HttpHandler): Promise<HttpResponse> => {
      if (request.method !== method) return next(request);
      arrive();
      await new Promise<void>((resolve) => request.signal.addEventListener("abort", () => resolve()));
      return next(request);
    };
    t.after(() => arrive());
    return { intercept, reached };
  }

  test("a call that was aborted before it began sends nothing", async (t) => {
    const gateway = await nativeGateway(t);
    const signal = AbortSignal.abort(new Error("no"));
    await assert.rejects(gateway.store.storeFile("b/k", "v", { signal }), /^Error: no$/);
    await assert.rejects(gateway.store.readFile("b/k", { signal }), /^Error: no$/);
    assert.deepEqual(gateway.seen, []);
  });

  test("a read that is aborted rejects with the signal's reason, and the server notices", async (t) => {
    const { intercept, reached } = stalled(t, "GET");
    const { store } = await nativeGateway(t, { files: await withBucket(), intercept });
    const controller = new AbortController();
    const reading = assert.rejects(store.readFile("b/k", { signal: controller.signal }), /enough/);
    await reached;
    controller.abort(new Error("enough"));
    await reading;
  });

  test("a body that is aborted while it is read rejects with the signal's reason", async (t) => {
    const { store } = await nativeGateway(t, { files: await withBucket() });
    await store.storeFile("b/k", new Uint8Array(20 * MiB));
    const controller = new AbortController();
    const file = await store.readFile("b/k", { signal: controller.signal });
    const reading = async (): Promise<void> => {
      for await (const _ of file) controller.abort(new Error("enough"));
    };
    await assert.rejects(reading(), /enough/);
  });

  test("a write that was sent whole and is aborted is OutcomeUnknown", async (t) => {
    const { intercept, reached } = stalled(t, "PUT");
    const { store } = await nativeGateway(t, { files: await withBucket(), intercept });
    const controller = new AbortController();
    const writing = fails(
      store.storeFile("b/k", "v", { signal: controller.signal }),
      "OutcomeUnknown",
      "unknown",
    );
    await reached;
    controller.abort(new Error("enough"));
    await writing;
  });

  test("an aborted upload in parts rejects with the reason and is given up on the server", async (t) => {
    const gateway = await nativeGateway(t, { files: await withBucket() });
    const controller = new AbortController();
    const onProgress = (): void => controller.abort(new Error("enough"));
    const { signal } = controller;
    await assert.rejects(
      gateway.store.storeFile("b/k", new Uint8Array(70 * MiB), { signal, onProgress }),
      /enough/,
    );
    assert.equal(gateway.files.uploads.size, 0);
    assert.equal(gateway.files.buckets.get("b")?.files.size, 0);
  });

  test("waiting for the next try ends with the signal", async () => {
    const store = await connect({ endpoint: await deadEndpoint(), ...keys, retryMs: 60_000 });
    const controller = new AbortController();
    const reading = assert.rejects(store.readFile("b/k", { signal: controller.signal }), /enough/);
    await delay(30);
    controller.abort(new Error("enough"));
    await reading;
  });
});

test("native client: a reader that pauses holds the server back", async (t) => {
  let produced = 0;
  const piece = new Uint8Array(MiB);
  const intercept = async (request: HttpRequest, next: HttpHandler): Promise<HttpResponse> => {
    const answer = await next(request);
    if (request.method !== "GET") return answer;
    async function* body(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 200; i++) {
        produced += piece.length;
        yield piece;
      }
    }
    const headers = {
      ...answer.headers,
      "x-holdfast-bytes": String(200 * MiB),
      "content-length": String(200 * MiB),
    };
    return { ...answer, headers, body: body() };
  };
  const { store } = await nativeGateway(t, { files: await withBucket(), intercept });
  await store.storeFile("b/k", "v");
  const file = await store.readFile("b/k");
  const iterator = file[Symbol.asyncIterator]();
  await iterator.next();
  let [last, quietTurns] = [-1, 0];
  while (quietTurns < 50) {
    await delay(2);
    quietTurns = produced === last ? quietTurns + 1 : 0;
    last = produced;
  }
  assert.ok(produced < 64 * MiB, `${produced} bytes were produced`);
  await iterator.return?.();
});
