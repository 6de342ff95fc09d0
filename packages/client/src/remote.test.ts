// Endpoints off this machine, where nodes take no unsigned bodies: over a transport that only records.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { suite, test } from "node:test";
import { crc32 } from "node:zlib";
import { MiB, utf8 } from "@holdfast/base";
import { storeOf } from "./connect.ts";
import type { Transport, TransportRequest, TransportResponse } from "./transport.ts";
import { TransportFailure } from "./transport.ts";

const endpoint = "http://node.example:9001";

function sha256(data: Uint8Array): Uint8Array {
  return createHash("sha256").update(data).digest();
}

/** Answers every request with one document that satisfies all of them. */
class RecordingTransport implements Transport {
  readonly requests: TransportRequest[] = [];
  failures = 0;

  send(request: TransportRequest): Promise<TransportResponse> {
    this.requests.push(request);
    if (this.failures > 0) {
      this.failures -= 1;
      return Promise.reject(new TransportFailure("nothing", new Error("refused")));
    }
    async function* body(): AsyncGenerator<Uint8Array> {
      yield utf8(JSON.stringify({ version: "v", etag: "e", bytes: 1, uploadId: "u" }));
    }
    return Promise.resolve({ status: 200, headers: {}, body: body(), cancel: () => undefined });
  }

  close(): void {}
}

function remote(transport: Transport, endpoints: string | readonly string[] = endpoint) {
  const slept: number[] = [];
  let nowMs = 0;
  const sleep = (delayMs: number): Promise<void> => {
    slept.push(delayMs);
    nowMs += delayMs;
    return Promise.resolve();
  };
  const platform = {
    transport,
    sha256,
    crc32,
    wallMs: () => nowMs,
    sleep,
    random: () => 0,
    localFiles: undefined,
  };
  return {
    store: storeOf({ endpoint: endpoints, accessKey: "a", secretKey: "s", retryMs: 1000 }, platform),
    slept,
  };
}

suite("client: endpoints off this machine", () => {
  test("every body is hashed before it leaves, streams and large Blobs in parts", async () => {
    const transport = new RecordingTransport();
    const { store } = remote(transport);
    await store.storeFile("b/bytes", "abc");
    await store.storeFile("b/blob", new Blob([new Uint8Array(3 * MiB)]));
    await store.storeFile("b/large", new Blob([new Uint8Array(17 * MiB)]));
    for (const { body, headers } of transport.requests) {
      assert.notEqual(body?.kind, "stream");
      const data = body?.kind === "bytes" ? body.data : new Uint8Array(0);
      assert.equal(headers["x-amz-content-sha256"], Buffer.from(sha256(data)).toString("hex"));
    }
    const parts = transport.requests.filter(
      ({ method, target }) => method === "PUT" && target.includes("uploadId=u"),
    );
    assert.deepEqual(
      parts.map(({ body }) => (body?.kind === "bytes" ? body.data.length : 0)),
      [16 * MiB, MiB],
    );
  });

  test("the wait between tries doubles from one round over all endpoints to the next, and ends with retryMs", async () => {
    const transport = new RecordingTransport();
    transport.failures = 100;
    const { store, slept } = remote(transport, [endpoint, "http://other.example:9001"]);
    await assert.rejects(store.deleteFile("b/k"), /other.example|node.example/);
    assert.deepEqual(slept, [25, 50, 100, 200, 400]);
    assert.equal(new Set(transport.requests.map(({ endpoint: { origin } }) => origin)).size, 2);
    assert.equal(transport.requests.length, 12);
  });
});
