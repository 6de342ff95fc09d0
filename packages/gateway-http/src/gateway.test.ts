import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { errorCodes, StoreError, toHex, unsignedPayload, utf8 } from "@holdfast/base";
import type {
  CompleteUploadRequest,
  CreateBucketRequest,
  ReadFileRequest,
  StoreFileRequest,
} from "@holdfast/node";
import { simulatedHashing } from "@holdfast/ports/simulated";
import { statusOfCode, statusOfError } from "./error-answer.ts";
import { gatewayOver, nowMs, someFile } from "./gateway-fixture.test.ts";
import { openApiDocument } from "./openapi.ts";
import { operations } from "./operations.ts";

const stored = { version: "v1", bytes: 5, etag: "e", checksum: undefined, modifiedAtMs: 1 };
const file = "/api/v1/buckets/b/files/k";

async function* bytes(text: string): AsyncGenerator<Uint8Array> {
  yield utf8(text);
}

async function gather(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  let hex = "";
  for await (const chunk of chunks) hex += toHex(chunk);
  return hex;
}

suite("native API: without a signature", () => {
  test("health and the document are public, and readiness says why not", async () => {
    const gateway = gatewayOver({});
    assert.equal((await gateway.send({ path: "/healthz", anonymous: true })).status, 200);
    assert.equal((await gateway.send({ path: "/readyz", anonymous: true })).status, 200);
    assert.equal((await gateway.send({ path: "/", anonymous: true })).status, 200);
    assert.equal((await gateway.send({ path: "/healthz", method: "PUT", anonymous: true })).status, 405);
    const starting = await gatewayOver({}, false).send({ path: "/readyz", anonymous: true });
    assert.equal(starting.status, 503);
    assert.match(starting.text, /recovering/);
    assert.partialDeepStrictEqual(JSON.parse(starting.text), { ready: false, code: "Unavailable" });
    const document = await gateway.send({ path: "/api/v1/openapi.json", anonymous: true });
    assert.equal(JSON.parse(document.text).openapi, "3.1.0");
  });

  test("everything else is refused", async () => {
    const gateway = gatewayOver({});
    for (const { method, path } of operations) {
      const concrete = `/api/v1${path}`.replace("{bucket}", "b").replace("{key}", "k");
      const answer = await gateway.send({ method, path: concrete, anonymous: true });
      assert.equal(answer.code, "AccessDenied", `${method} ${path}`);
      assert.equal(answer.status, 403);
    }
  });
});

suite("native API: signatures", () => {
  const gateway = gatewayOver({
    listBuckets: () => Promise.resolve([]),
    storeFile: () => Promise.resolve(stored),
  });
  const buckets = "/api/v1/buckets";

  test("a good one is taken, whatever the region", async () => {
    assert.equal((await gateway.send({ path: buckets })).status, 200);
  });

  test("each way of being wrong has its code", async () => {
    const codes = {
      InvalidAccessKey: { accessKey: "other" },
      SignatureMismatch: { secretKey: "other" },
      MalformedAuthorization: { service: "s3" },
      RequestTimeSkewed: { sentAtMs: nowMs - 15 * 60_000 - 1000 },
    };
    for (const [code, parts] of Object.entries(codes)) {
      assert.equal((await gateway.send({ path: buckets, ...parts })).code, code);
    }
    assert.equal((await gateway.send({ path: buckets, sentAtMs: nowMs + 14 * 60_000 })).status, 200);
  });

  test("a header that means something here must be covered", async () => {
    const unsigned = { "x-holdfast-copy-source": "secret/file" };
    const answer = await gateway.send({ method: "PUT", path: file, unsigned });
    assert.equal(answer.code, "AccessDenied");
  });

  test("an unsigned body is taken over loopback alone", async () => {
    const parts = { method: "PUT", path: file, body: "hello", payloadHash: unsignedPayload };
    for (const remoteAddress of ["127.0.0.1", "::1", "::ffff:127.0.0.1"]) {
      assert.equal((await gateway.send({ ...parts, remoteAddress })).status, 200);
    }
    assert.equal((await gateway.send({ ...parts, remoteAddress: "10.0.0.1" })).code, "InvalidRequest");
    assert.equal(
      (await gateway.send({ path: buckets, payloadHash: unsignedPayload, remoteAddress: "10.0.0.1" })).status,
      200,
    );
  });

  test("a signed body that is another one is refused", async () => {
    const payloadHash = toHex(simulatedHashing.hash("sha256", utf8("{}")));
    const answer = await gateway.send({ method: "PUT", path: "/api/v1/buckets/b", body: "{ }", payloadHash });
    assert.equal(answer.code, "ChecksumMismatch");
  });
});

suite("native API: files", () => {
  test("PUT hands body, digests, conditions and attributes to the store", async () => {
    let seen: StoreFileRequest | undefined;
    const gateway = gatewayOver({
      storeFile: async (request) => {
        seen = request;
        assert.equal(await gather(request.body.chunks), toHex(utf8("hello")));
        const value = Uint8Array.of(0, 0, 0, 0xab);
        return { ...stored, checksum: { algorithm: "crc32", scope: "full", value } };
      },
    });
    const answer = await gateway.send({
      method: "PUT",
      path: "/api/v1/buckets/b/files/a%2Fb/c%20%C3%A4",
      body: "hello",
      headers: {
        "content-type": "text/x",
        "if-match": '"one", two , W/"weak"',
        "if-none-match": "*",
        "x-holdfast-crc32": "3610a686",
        "x-holdfast-meta-note": "J%C3%BCrgen 100 %25",
      },
    });
    assert.equal(answer.status, 200);
    assert.equal(seen?.key, "a/b/c ä");
    assert.equal(seen.body.bytes, 5);
    assert.deepEqual(seen.condition, {
      ifMatch: { kind: "etags", etags: ["one", "two"] },
      ifNoneMatch: { kind: "any" },
    });
    assert.equal(seen.attributes.contentType, "text/x");
    assert.deepEqual(seen.attributes.userMetadata, [{ name: "note", value: "Jürgen 100 %" }]);
    const digests = seen.body.expectedDigests();
    assert.deepEqual(
      digests.map(({ algorithm }) => algorithm),
      ["crc32", "sha256"],
    );
    assert.deepEqual(seen.body.verify, ["sha256"]);
    const document = JSON.parse(answer.text);
    assert.equal(document.crc32, "000000ab");
    assert.equal(document.key, "a/b/c ä");
  });

  test("what cannot be understood is refused before the store is asked", async () => {
    const gateway = gatewayOver({});
    const refused = async (headers: Record<string, string>, code: string): Promise<void> => {
      assert.equal(
        (await gateway.send({ method: "PUT", path: file, headers })).code,
        code,
        JSON.stringify(headers),
      );
    };
    await refused({ "if-match": '"open' }, "InvalidArgument");
    await refused({ "x-holdfast-crc32": "12" }, "InvalidDigest");
    await refused({ "x-holdfast-meta-a": "100%" }, "InvalidArgument");
    await refused({ "x-holdfast-meta-a": "x".repeat(2048) }, "MetadataTooLarge");
    await refused({ "content-length": String(5 * 2 ** 30 + 1) }, "BodyTooLarge");
    await refused({ "x-holdfast-copy-source": "nokey" }, "InvalidArgument");
    await refused(
      { "x-holdfast-copy-source": "b/k", "x-holdfast-copy-attributes": "some" },
      "InvalidArgument",
    );
    assert.equal((await gateway.send({ path: "/api/v1/buckets/b/files/%ff" })).code, "InvalidKey");
    assert.equal(
      (await gateway.send({ path: "/api/v1/buckets/b/files", query: "limit=1001" })).code,
      "InvalidArgument",
    );
    assert.equal(
      (await gateway.send({ path: "/api/v1/buckets/b/files", query: "limit=1&limit=2" })).code,
      "InvalidArgument",
    );
  });

  test("GET and HEAD say everything about the file, in ASCII", async () => {
    const gateway = gatewayOver({
      readFile: () => Promise.resolve({ file: someFile, body: bytes("0123456789") }),
      statFile: () => Promise.resolve(someFile),
    });
    for (const method of ["GET", "HEAD"]) {
      const { status, headers, text } = await gateway.send({ method, path: file });
      assert.equal(status, 200);
      assert.equal(text, method === "GET" ? "0123456789" : "");
      assert.deepEqual(headers, {
        etag: '"abc"',
        "last-modified": "Tue, 14 Nov 2023 22:13:20 GMT",
        "accept-ranges": "bytes",
        "content-type": "text/plain",
        "content-length": "10",
        "x-holdfast-version": "v7",
        "x-holdfast-modified-at-ms": "1700000000000",
        "x-holdfast-bytes": "10",
        "x-holdfast-crc32": "000000ab",
        "x-holdfast-content-encoding": "gzip",
        "x-holdfast-meta-author": "%20J%C3%BCrgen 100 %25",
        "x-holdfast-request-id": "r-1",
      });
    }
  });

  test("ranges: one is served as 206, what cannot be read is ignored, If-Range means the whole", async () => {
    let seen: ReadFileRequest["range"];
    const gateway = gatewayOver({
      readFile: ({ range }) => {
        seen = range;
        const resolved = range === undefined ? someFile.range : { offset: 2, bytes: 3 };
        return Promise.resolve({ file: { ...someFile, range: resolved }, body: bytes("234") });
      },
    });
    const partial = await gateway.send({ path: file, headers: { range: "bytes=2-4" } });
    assert.deepEqual(seen, { kind: "from", first: 2, last: 4 });
    assert.equal(partial.status, 206);
    assert.equal(partial.headers["content-range"], "bytes 2-4/10");
    assert.equal(partial.headers["content-length"], "3");
    await gateway.send({ path: file, headers: { range: "bytes=-3" } });
    assert.deepEqual(seen, { kind: "suffix", bytes: 3 });
    await gateway.send({ path: file, headers: { range: "bytes=5-" } });
    assert.deepEqual(seen, { kind: "from", first: 5, last: undefined });
    for (const range of ["bytes=4-2", "bytes=1-2,4-5", "lines=1-2", "bytes=-", "bytes=a-b"]) {
      assert.equal((await gateway.send({ path: file, headers: { range } })).status, 200, range);
      assert.equal(seen, undefined);
    }
    assert.equal(
      (await gateway.send({ path: file, headers: { range: "bytes=2-4", "if-range": '"old"' } })).status,
      200,
    );
  });

  test("a range behind the end is 416 with the length, an unchanged file 304 with its ETag", async () => {
    const failures = [
      new StoreError("InvalidRange", "behind", { fields: { bytes: 10 } }),
      new StoreError("NotModified", "same", { fields: { etag: "abc" } }),
    ];
    const gateway = gatewayOver({ readFile: () => Promise.reject(failures.shift()) });
    const beyond = await gateway.send({ path: file, headers: { range: "bytes=10-" } });
    assert.deepEqual([beyond.status, beyond.headers["content-range"]], [416, "bytes */10"]);
    const same = await gateway.send({ path: file, headers: { "if-none-match": '"abc"' } });
    assert.deepEqual([same.status, same.headers["etag"], same.text], [304, '"abc"', ""]);
  });
});

suite("native API: documents", () => {
  test("bucket settings are taken as text, and what is unknown is refused", async () => {
    let seen: CreateBucketRequest | undefined;
    const settings = { redundancy: { dataFragments: 4, parityFragments: 2 }, blockBytes: 1 };
    const gateway = gatewayOver({
      createBucket: (request) => {
        seen = request;
        return Promise.resolve({ name: "b", owner: request.owner, createdAtMs: 1, settings });
      },
    });
    const create = (body?: string) =>
      gateway.send({ method: "PUT", path: "/api/v1/buckets/b", ...(body === undefined ? {} : { body }) });
    assert.equal((await create()).status, 201);
    assert.deepEqual(seen, { name: "b", owner: "alice" });
    const answer = await create('{"settings":{"redundancy":"replicas:3"}}');
    assert.deepEqual(seen?.settings, { redundancy: { dataFragments: 1, parityFragments: 2 } });
    assert.equal(JSON.parse(answer.text).settings.redundancy, "erasure:4+2");
    for (const body of ["[]", "nonsense", '{"setting":{}}', '{"settings":{"blocks":1}}', '{"settings":3}']) {
      assert.equal((await create(body)).code, "InvalidRequest", body);
    }
    for (const redundancy of ['"replicas:0"', '"erasure:4"', "3"]) {
      assert.equal(
        (await create(`{"settings":{"redundancy":${redundancy}}}`)).code,
        "InvalidArgument",
        redundancy,
      );
    }
    assert.equal((await create(`{"settings":{}, "pad": "${"x".repeat(2 << 20)}"}`)).code, "BodyTooLarge");
  });

  test("completing an upload names parts and the checksum of the whole", async () => {
    let seen: CompleteUploadRequest | undefined;
    const gateway = gatewayOver({
      completeUpload: (request) => {
        seen = request;
        return Promise.resolve(stored);
      },
    });
    const path = "/api/v1/buckets/b/uploads/k";
    const query = "uploadId=u%2F1";
    const body = '{"parts":[{"part":1,"etag":"\\"x\\""},{"part":2,"etag":"y"}],"crc32":"000000ab"}';
    assert.equal((await gateway.send({ method: "POST", path, query, body })).status, 200);
    assert.equal(seen?.uploadId, "u/1");
    assert.deepEqual(
      seen.parts.map(({ part, etag }) => [part, etag]),
      [
        [1, "x"],
        [2, "y"],
      ],
    );
    assert.deepEqual([...(seen.checksum?.value ?? [])], [0, 0, 0, 0xab]);
    for (const bad of [
      "{}",
      '{"parts":[{}]}',
      '{"parts":[{"part":1.5,"etag":"x"}]}',
      '{"parts":[],"crc32":5}',
    ]) {
      assert.equal(
        (await gateway.send({ method: "POST", path, query, body: bad })).code,
        "InvalidRequest",
        bad,
      );
    }
    assert.equal((await gateway.send({ method: "PUT", path, query, body: "x" })).code, "InvalidArgument");
    assert.equal((await gateway.send({ method: "DELETE", path })).code, "InvalidArgument");
  });
});

suite("native API: deleting many files", () => {
  const path = "/api/v1/buckets/b/delete";

  test("each is decided by itself, and answered in its place", async () => {
    const seen: unknown[] = [];
    const gateway = gatewayOver({
      deleteFile: ({ key, condition }) => {
        seen.push([key, condition.ifMatch]);
        if (key === "changed" || key === "gone") throw new StoreError("ConditionFailed", "another ETag");
        return Promise.resolve({ existed: key === "there" });
      },
      statFile: ({ key }) =>
        Promise.reject(new StoreError(key === "gone" ? "FileNotFound" : "Unavailable", "no")),
    });
    const files = [
      { key: "there", ifMatch: "e" },
      { key: "changed", ifMatch: "e" },
      { key: "gone", ifMatch: "e" },
      { key: "never" },
    ];
    const answer = await gateway.send({ method: "POST", path, body: JSON.stringify({ files }) });
    const { results } = JSON.parse(answer.text);
    assert.deepEqual(results[0], { existed: true });
    assert.equal(results[1].error.code, "ConditionFailed");
    assert.deepEqual(results.slice(2), [{ existed: false }, { existed: false }]);
    assert.deepEqual(seen[0], ["there", { kind: "etags", etags: ["e"] }]);
    assert.deepEqual(seen[3], ["never", undefined]);
  });

  test("a bucket that is not there is said once, and a list that is none or too long is refused", async () => {
    const gateway = gatewayOver({
      deleteFile: () => Promise.reject(new StoreError("BucketNotFound", "none")),
    });
    const send = (document: unknown) =>
      gateway.send({ method: "POST", path, body: JSON.stringify(document) });
    assert.equal((await send({ files: [{ key: "k" }] })).code, "BucketNotFound");
    const many = Array.from({ length: 1001 }, (_, i) => ({ key: `${i}` }));
    for (const bad of [
      {},
      { files: "k" },
      { files: [1] },
      { files: [{ key: "k", ifMatch: 1 }] },
      { files: many },
      { file: [] },
    ])
      assert.equal((await send(bad)).code, "InvalidRequest");
  });
});

suite("native API: failures", () => {
  test("every code has a status that fits its outcome", () => {
    for (const code of errorCodes) {
      const status = statusOfCode(code);
      assert.ok(status === 304 || (status >= 400 && status < 600), code);
      const { outcome } = new StoreError(code, "");
      if (status === 503) assert.equal(outcome, "not-applied", code);
      if (outcome === "unknown") assert.equal(status, 500, code);
    }
    assert.equal(statusOfError(new StoreError("Unavailable", "", { outcome: "unknown" })), 500);
    assert.equal(statusOfError(new StoreError("Unavailable", "")), 503);
  });

  test("a failure is one document, and its code is in the headers too", async () => {
    const error = new StoreError("FileNotFound", "There is no such file.", { fields: { key: "k" } });
    const gateway = gatewayOver({
      readFile: () => Promise.reject(error),
      statFile: () => Promise.reject(error),
    });
    const answer = await gateway.send({ path: file });
    assert.equal(answer.status, 404);
    assert.deepEqual(JSON.parse(answer.text), {
      code: "FileNotFound",
      message: "There is no such file.",
      retryable: false,
      outcome: "not-applied",
      fields: { key: "k" },
      requestId: "r-1",
    });
    const head = await gateway.send({ method: "HEAD", path: file });
    assert.deepEqual(
      [head.headers["x-holdfast-error"], head.headers["x-holdfast-outcome"]],
      ["FileNotFound", "not-applied"],
    );
    assert.equal(gateway.journal.lines.length, 0);
  });

  test("what nobody expected is Internal: told to the journal, not to the client", async () => {
    const gateway = gatewayOver({ listBuckets: () => Promise.reject(new Error("the secret reason")) });
    const answer = await gateway.send({ path: "/api/v1/buckets" });
    assert.deepEqual([answer.status, answer.code], [500, "Internal"]);
    assert.doesNotMatch(answer.text, /secret/);
    assert.match(JSON.stringify(gateway.journal.lines), /the secret reason/);
  });

  test("unknown addresses are 404, unknown methods 405 with those that are known", async () => {
    const gateway = gatewayOver({});
    assert.equal((await gateway.send({ path: "/api/v1/nothing" })).status, 404);
    assert.equal((await gateway.send({ path: "/api/v1/buckets/b/files/" })).status, 404);
    const answer = await gateway.send({ method: "POST", path: file });
    assert.equal(answer.status, 405);
    assert.equal(answer.headers["allow"], "PUT, GET, HEAD, DELETE");
  });
});

suite("native API: the OpenAPI document", () => {
  const document = JSON.parse(JSON.stringify(openApiDocument(operations)));
  const described = Object.entries<Record<string, unknown>>(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );

  test("it names every operation that is served, and no other", async () => {
    assert.deepEqual(new Set(described), new Set(operations.map(({ method, path }) => `${method} ${path}`)));
    assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length);
    const gateway = gatewayOver({});
    for (const path of Object.keys(document.paths)) {
      const concrete = `/api/v1${path}`.replace("{bucket}", "b").replace("{key}", "k");
      for (const method of ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH"]) {
        const { status } = await gateway.send({ method, path: concrete });
        // A store that knows nothing answers 500: what matters is that somebody was asked.
        assert.equal(
          status !== 405 && status !== 404,
          described.includes(`${method} ${path}`),
          `${method} ${path}`,
        );
      }
    }
  });

  test("every reference in it leads somewhere", () => {
    const references = JSON.stringify(document).match(/#\/components\/[a-z]+\/\w+/gi) ?? [];
    assert.ok(references.length > 10);
    for (const reference of references) {
      const [, , kind = "", name = ""] = reference.split("/");
      assert.ok(document.components[kind]?.[name] !== undefined, reference);
    }
  });
});
