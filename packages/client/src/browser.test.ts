// The browser's entry on Node's fetch, against a server that records what arrives.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { TestContext } from "node:test";
import { suite, test } from "node:test";
import { parseAuthorization, StoreError, verifySignature } from "@holdfast/base";
import type { Store } from "./browser.ts";
import { connect } from "./browser.ts";

interface Seen {
  readonly method: string;
  readonly target: string;
  readonly body: Buffer;
  readonly isSigned: boolean;
}

interface Recorder {
  readonly store: Store;
  readonly seen: readonly Seen[];
}

const keys = { accessKey: "key", secretKey: "secret" };
const sha256 = (data: Uint8Array): Uint8Array => createHash("sha256").update(data).digest();

function isSigned(message: IncomingMessage): boolean {
  const [path = "", query = ""] = (message.url ?? "").split("?");
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers)) headers[name] = String(value);
  const request = { method: message.method ?? "", path, query, headers };
  const authorization = parseAuthorization(request);
  if (authorization.kind !== "header") return false;
  const payloadHash = headers["x-amz-content-sha256"] ?? "";
  return verifySignature({ request, authorization, payloadHash, secretKey: keys.secretKey, sha256 });
}

async function recorder(
  t: TestContext,
  answer: (message: IncomingMessage, to: ServerResponse) => void,
): Promise<Recorder> {
  const seen: Seen[] = [];
  const server = createServer((message, to) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of message) chunks.push(chunk);
      const { method = "", url: target = "" } = message;
      seen.push({ method, target, body: Buffer.concat(chunks), isSigned: isSigned(message) });
      answer(message, to);
    })();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return { store: await connect({ endpoint: `http://127.0.0.1:${port}`, ...keys, retryMs: 0 }), seen };
}

function storedAnswer(_message: IncomingMessage, to: ServerResponse): void {
  to.writeHead(200, { "content-type": "application/json" });
  to.end(JSON.stringify({ version: "v", etag: "e", bytes: 3 }));
}

suite("browser client", () => {
  test("signs what fetch sends, and sends Blobs whole", async (t) => {
    const { store, seen } = await recorder(t, storedAnswer);
    const data = new Uint8Array(2_000_000).fill(7);
    let sentBytes = 0;
    const onProgress = (progress: { readonly sentBytes: number }): void => {
      sentBytes = progress.sentBytes;
    };
    await store.storeFile("b/ä b", new Blob([data]), {
      onProgress,
      userMetadata: { note: "Grüße" },
      ifNoneMatch: "*",
    });
    await store.storeFile("b/k", "abc");
    assert.deepEqual(
      seen.map(({ method, target }) => `${method} ${target}`),
      ["PUT /api/v1/buckets/b/files/%C3%A4%20b", "PUT /api/v1/buckets/b/files/k"],
    );
    assert.ok(seen.every((request) => request.isSigned));
    assert.ok(seen[0]?.body.equals(data));
    assert.equal(sentBytes, data.length);
  });

  test("dot segments travel as one segment; a key that is nothing else is refused", async (t) => {
    const { store, seen } = await recorder(t, storedAnswer);
    await store.storeFile("b/a/../c", "x");
    assert.equal(seen[0]?.target, "/api/v1/buckets/b/files/a%2F..%2Fc");
    await assert.rejects(
      store.storeFile("b/..", "x"),
      (error) => error instanceof StoreError && error.code === "InvalidKey",
    );
    assert.equal(seen.length, 1);
  });

  test("a write that fetch lost is OutcomeUnknown; a read is Unavailable", async (t) => {
    const { store } = await recorder(t, (message) => message.socket.destroy());
    const failsWith = (code: string) => (error: unknown) =>
      error instanceof StoreError && error.code === code;
    await assert.rejects(store.storeFile("b/k", "x"), failsWith("OutcomeUnknown"));
    await assert.rejects(store.readFile("b/k"), failsWith("Unavailable"));
  });

  test("paths are refused before anything is sent", async (t) => {
    const { store, seen } = await recorder(t, storedAnswer);
    await assert.rejects(
      store.storeFile("b/k", { path: "x" }),
      (error) => error instanceof StoreError && error.code === "NotImplemented",
    );
    assert.equal(seen.length, 0);
  });
});
