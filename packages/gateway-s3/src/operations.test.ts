import assert from "node:assert/strict";
import { test } from "node:test";
import { limits, StoreError, utf8 } from "@holdfast/base";
import type { FileAttributes, Files } from "@holdfast/node";
import { noAttributes } from "@holdfast/node";
import type { Sent } from "./s3-fixture.test.ts";
import {
  bodyText,
  bucketInfo,
  errorCode,
  fileInfo,
  gatewayOver,
  nowMs,
  recordingFiles,
  signed,
  storedFile,
  streamOf,
} from "./s3-fixture.test.ts";

async function ask(answers: Partial<Files>, sent: Sent) {
  const files = recordingFiles(answers);
  const answer = await gatewayOver(files)(signed(sent));
  const text = await bodyText(answer);
  const code = /<Error>.*<Code>(\w+)<\/Code>/.exec(text)?.[1] ?? "";
  return { answer, text, code: `${answer.status} ${code}`, told: files.calls.map(({ request }) => request) };
}

const modified = new Date(nowMs).toUTCString();

test("ListBuckets shows the requester's own", async () => {
  const listBuckets = () => Promise.resolve([bucketInfo, { ...bucketInfo, name: "theirs", owner: "bob" }]);
  const { text } = await ask({ listBuckets }, { path: "/" });
  assert.match(text, /<Buckets><Bucket><Name>photos<\/Name><CreationDate>2026-01-02T03:04:05.000Z</);
  assert.doesNotMatch(text, /theirs/);
});

test("CreateBucket reads the location, and one's own bucket can be created again", async () => {
  const put = { method: "PUT", path: "/photos" };
  const location = (name: string) =>
    `<CreateBucketConfiguration xmlns="x"><LocationConstraint>${name}</LocationConstraint></CreateBucketConfiguration>`;
  const createBucket = () => Promise.resolve(bucketInfo);
  const made = await ask({ createBucket }, { ...put, body: location("us-east-1") });
  assert.equal(made.answer.headers["location"], "/photos");
  assert.deepEqual(made.told, [{ name: "photos", owner: "alice", settings: {} }]);
  const elsewhere = await ask({ createBucket }, { ...put, body: location("mars") });
  assert.equal(elsewhere.code, "400 InvalidLocationConstraint");
  const again = () => Promise.reject(new StoreError("BucketAlreadyOwnedByYou", "yours"));
  assert.equal((await ask({ createBucket: again }, put)).code, "200 ");
  const taken = () => Promise.reject(new StoreError("BucketAlreadyExists", "not yours"));
  assert.equal((await ask({ createBucket: taken }, put)).code, "409 BucketAlreadyExists");
});

test("CreateBucket hands the redundancy on, and passes on what the store refuses", async () => {
  const withRedundancy = (value: string, createBucket: Files["createBucket"]) =>
    ask({ createBucket }, { method: "PUT", path: "/photos", headers: { "x-holdfast-redundancy": value } });
  const taken = () => Promise.resolve(bucketInfo);
  for (const [value, dataFragments, parityFragments] of [
    ["replicas:1", 1, 0],
    ["replicas:3", 1, 2],
    ["erasure:4+2", 4, 2],
  ] as const) {
    const { code, told } = await withRedundancy(value, taken);
    const settings = { redundancy: { dataFragments, parityFragments } };
    assert.deepEqual([code, told], ["200 ", [{ name: "photos", owner: "alice", settings }]], value);
  }
  for (const value of ["replicas:0", "replicas:100", "erasure:4", "many"]) {
    const { code, told } = await withRedundancy(value, taken);
    assert.deepEqual([code, told], ["400 InvalidArgument", []], value);
  }
  const tooFew = () => Promise.reject(new StoreError("InvalidArgument", "this cluster has 1 node"));
  const { code, text } = await withRedundancy("replicas:3", tooFew);
  assert.equal(code, "400 InvalidArgument");
  assert.match(text, /this cluster has 1 node/);
  const notBuilt = () => Promise.reject(new StoreError("NotImplemented", "not yet"));
  assert.equal((await withRedundancy("erasure:4+2", notBuilt)).code, "501 NotImplemented");
});

test("sub-resources of a bucket say that they are not configured; setting them is not built", async () => {
  for (const [query, expected] of [
    ["location", "200 "],
    ["versioning=", "200 "],
    ["acl", "200 "],
    ["policy", "404 NoSuchBucketPolicy"],
    ["lifecycle", "404 NoSuchLifecycleConfiguration"],
    ["tagging", "404 NoSuchTagSet"],
    ["cors", "404 NoSuchCORSConfiguration"],
    ["encryption", "404 ServerSideEncryptionConfigurationNotFoundError"],
    ["object-lock", "404 ObjectLockConfigurationNotFoundError"],
    ["inventory", "200 "],
    ["inventory&id=x", "404 NoSuchConfiguration"],
    ["metadataTable", "501 NotImplemented"],
  ] as const) {
    assert.equal((await ask({}, { path: "/photos", query })).code, expected, query);
  }
  for (const query of ["policy", "lifecycle", "tagging", "versioning"])
    assert.equal(
      (await ask({}, { method: "PUT", path: "/photos", query })).code,
      "501 NotImplemented",
      query,
    );
  // What is not there is gone after a DELETE; what cannot be removed is refused, and never taken for the bucket.
  for (const query of ["policy", "lifecycle", "tagging"])
    assert.equal((await ask({}, { method: "DELETE", path: "/photos", query })).code, "204 ", query);
  for (const query of ["versioning", "acl", "logging"])
    assert.equal(
      (await ask({}, { method: "DELETE", path: "/photos", query })).code,
      "501 NotImplemented",
      query,
    );
});

test("a sub-resource that nobody has heard of is never taken for the file or the bucket", async () => {
  for (const path of ["/photos", "/photos/a"])
    for (const method of ["PUT", "DELETE"]) {
      const { code, told } = await ask({}, { method, path, query: "brandNew" });
      assert.deepEqual([code, told], ["501 NotImplemented", []], `${method} ${path}`);
    }
});

test("paths name buckets and keys in both styles, byte for byte", async () => {
  const statFile = () => Promise.resolve(fileInfo(0));
  const named = async (path: string, host = "127.0.0.1:9000"): Promise<unknown> => {
    const files = recordingFiles({ statFile });
    const gateway = gatewayOver(files, { domains: ["s3.local"] });
    const answer = await gateway(signed({ method: "HEAD", path, headers: { host } }));
    const told = files.calls[0]?.request as { bucket: string; key: string } | undefined;
    return told === undefined ? answer.status : [told.bucket, told.key];
  };
  assert.deepEqual(await named("/photos/a%20b/c+d%2Fe"), ["photos", "a b/c+d/e"]);
  assert.deepEqual(await named("/photos//a/../%C3%BC"), ["photos", "/a/../ü"]);
  assert.deepEqual(await named("/a/b", "photos.s3.local:9000"), ["photos", "a/b"]);
  assert.deepEqual(await named("/photos/b", "s3.local"), ["photos", "b"]);
  assert.deepEqual(await named(`/photos/${"%C3%BC".repeat(512)}`), ["photos", "ü".repeat(512)]);
  assert.equal(await named("/photos/%FF"), 400);
  assert.equal(await named("/photos/%2"), 400);
  assert.equal(await named("//key"), 400);
  const { code } = await ask({}, { path: `/photos/${"a".repeat(1025)}` });
  assert.equal(code, "400 KeyTooLongError");
});

test("GetObject answers the file with its headers", async () => {
  const attributes: FileAttributes = {
    ...noAttributes,
    contentType: "text/plain",
    userMetadata: [
      { name: "mode", value: "644" },
      { name: "title", value: "Käse \u{1f600}" },
      { name: "not a header", value: "x" },
    ],
  };
  const file = fileInfo(4, {
    attributes,
    checksum: { algorithm: "crc32", scope: "full", value: Uint8Array.of(1, 2, 3, 4) },
  });
  const readFile = () => Promise.resolve({ file, body: streamOf([utf8("me"), utf8("ow")]) });
  const { answer, text } = await ask(
    { readFile },
    { path: "/photos/cat.jpg", headers: { "x-amz-checksum-mode": "ENABLED" } },
  );
  assert.equal(text, "meow");
  assert.deepEqual(answer.headers, {
    etag: `"${file.etag}"`,
    "last-modified": modified,
    "accept-ranges": "bytes",
    "content-type": "text/plain",
    "x-amz-meta-mode": "644",
    "x-amz-meta-title": "=?UTF-8?B?S8Okc2Ug8J+YgA==?=",
    "x-amz-missing-meta": "1",
    "content-length": "4",
    "x-amz-checksum-crc32": "AQIDBA==",
    "x-amz-checksum-type": "FULL_OBJECT",
    "x-amz-request-id": "request-1",
    "x-amz-id-2": "holdfast",
  });
});

test("ranges are single, parts are ranges, and what is malformed is ignored", async () => {
  const get = async (headers: Record<string, string>, query = "") => {
    const file = fileInfo(10, { range: { offset: 2, bytes: 3 }, partCount: 2 });
    const readFile = () => Promise.resolve({ file, body: streamOf([utf8("abc")]) });
    const { answer, told } = await ask({ readFile }, { path: "/photos/a", query, headers });
    const range = (told[0] as { range?: unknown } | undefined)?.range;
    return [answer.status, answer.headers["content-range"], range];
  };
  const partial = "bytes 2-4/10";
  assert.deepEqual(await get({ range: "bytes=2-4" }), [206, partial, { kind: "from", first: 2, last: 4 }]);
  assert.deepEqual(await get({ range: "bytes=2-" }), [
    206,
    partial,
    { kind: "from", first: 2, last: undefined },
  ]);
  assert.deepEqual(await get({ range: "bytes=-3" }), [206, partial, { kind: "suffix", bytes: 3 }]);
  assert.deepEqual(await get({}, "partNumber=2"), [206, partial, { kind: "part", part: 2 }]);
  for (const range of ["bytes=0-1,3-4", "bytes=4-2", "bytes=x", "lines=1-2", "bytes=-"]) {
    assert.deepEqual(await get({ range }), [200, undefined, undefined], range);
  }
  assert.equal((await get({ range: "bytes=0-1" }, "partNumber=1"))[0], 400);
  assert.equal((await get({}, "partNumber=0"))[0], 400);
});

test("a range outside the file is 416 with the file's length", async () => {
  const outside = new StoreError("InvalidRange", "outside", { fields: { bytes: 10 } });
  const readFile = () => Promise.reject(outside);
  const { answer, code } = await ask({ readFile }, { path: "/photos/a", headers: { range: "bytes=10-" } });
  assert.equal(code, "416 InvalidRange");
  assert.equal(answer.headers["content-range"], "bytes */10");
  assert.equal(
    (await ask({ readFile }, { path: "/photos/a", query: "partNumber=3" })).code,
    "416 InvalidPartNumber",
  );
});

test("If-Range asks for the range of the known file, or else the whole", async () => {
  const headers = { range: "bytes=0-1", "if-range": '"old"' };
  const readFile = (request: { condition?: unknown }) =>
    request.condition === undefined
      ? Promise.resolve({ file: fileInfo(4), body: streamOf([utf8("meow")]) })
      : Promise.reject(new StoreError("ConditionFailed", "changed"));
  const { answer, told } = await ask({ readFile }, { path: "/photos/a", headers });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers["content-range"], undefined);
  assert.equal(told.length, 2);
});

test("conditions of a read answer 304 without a body, or 412", async () => {
  const refuse = (code: "NotModified" | "ConditionFailed") => ({
    statFile: () => Promise.reject(new StoreError(code, "no", { fields: { etag: "abc" } })),
  });
  const since = { "if-modified-since": modified };
  const unchanged = await ask(refuse("NotModified"), { method: "HEAD", path: "/photos/a", headers: since });
  assert.equal(unchanged.answer.status, 304);
  assert.equal(unchanged.answer.headers["etag"], '"abc"');
  assert.deepEqual((unchanged.told[0] as { condition: unknown }).condition, {
    ifMatch: undefined,
    ifNoneMatch: undefined,
    ifModifiedSinceMs: nowMs,
    ifUnmodifiedSinceMs: undefined,
  });
  const failed = await ask(refuse("ConditionFailed"), {
    method: "HEAD",
    path: "/photos/a",
    headers: { "if-match": "x" },
  });
  assert.deepEqual([failed.answer.status, failed.answer.body], [412, undefined]);
});

test("response-* parameters replace headers, and cannot smuggle others in", async () => {
  const statFile = () => Promise.resolve(fileInfo(1));
  const head = (query: string) => ask({ statFile }, { method: "HEAD", path: "/photos/a", query });
  const { answer } = await head("response-content-type=text%2Fhtml&response-cache-control=no-store");
  assert.equal(answer.headers["content-type"], "text/html");
  assert.equal(answer.headers["cache-control"], "no-store");
  assert.equal((await head("response-content-type=a%0D%0Ax-evil:1")).answer.status, 400);
});

test("versions other than null are refused, for deletes above all", async () => {
  const deleteFile = () => Promise.resolve({ existed: true });
  const remove = (query: string) => ask({ deleteFile }, { method: "DELETE", path: "/photos/a", query });
  assert.equal((await remove("versionId=null")).answer.status, 204);
  const { code, told } = await remove("versionId=abc");
  assert.deepEqual([code, told], ["400 InvalidArgument", []]);
});

test("CopyObject reads its source and its directive", async () => {
  const copyFile = () => Promise.resolve(storedFile(4));
  const copy = (source: string, headers: Record<string, string> = {}, key = "b") =>
    ask(
      { copyFile },
      { method: "PUT", path: `/photos/${key}`, headers: { "x-amz-copy-source": source, ...headers } },
    );
  const { text, told } = await copy("/photos/a%3F%2B+c?versionId=null", {
    "x-amz-copy-source-if-match": '"e"',
  });
  assert.match(text, /<CopyObjectResult.*<ETag>&quot;e+&quot;<\/ETag>/);
  const request = told[0] as {
    source: { bucket: string; key: string; condition: unknown };
    attributes: unknown;
  };
  assert.deepEqual(
    [request.source.bucket, request.source.key, request.attributes],
    ["photos", "a?++c", undefined],
  );
  const replaced = await copy("photos/b", { "x-amz-metadata-directive": "REPLACE", "content-type": "a/b" });
  assert.equal((replaced.told[0] as { attributes: FileAttributes }).attributes.contentType, "a/b");
  assert.equal((await copy("photos/b")).code, "400 InvalidRequest");
  assert.equal((await copy("photos/b?versionId=7")).code, "400 InvalidArgument");
  assert.equal((await copy("nokey")).code, "400 InvalidArgument");
  const tooLarge = new StoreError("BodyTooLarge", "large", { fields: { bytesMax: 5 } });
  const large = { method: "PUT", path: "/photos/b", headers: { "x-amz-copy-source": "photos/a" } };
  const refused = await ask({ copyFile: () => Promise.reject(tooLarge) }, large);
  assert.match(refused.text, /<Code>InvalidRequest<\/Code>.*copy source is larger/);
  assert.equal((request.source as { bytesMax?: number }).bytesMax, limits.bodyBytesMax);
  const other = await copy("photos/b", { "x-amz-checksum-algorithm": "SHA256" });
  assert.equal((other.told[0] as { checksumAlgorithm: string }).checksumAlgorithm, "sha256");
});

const md5Of = async (text: string): Promise<string> => {
  const { simulatedHashing } = await import("@holdfast/ports/simulated");
  const { toBase64 } = await import("@holdfast/base");
  return toBase64(simulatedHashing.hash("md5", utf8(text)));
};

test("DeleteObjects deletes each, reports each, and is quiet on request", async () => {
  const deleteFile = ({ key }: { key: string }) =>
    key === "bad"
      ? Promise.reject(new StoreError("Overloaded", "later"))
      : Promise.resolve({ existed: true });
  const post = async (body: string, headers?: Record<string, string>) =>
    ask(
      { deleteFile },
      {
        method: "POST",
        path: "/photos",
        query: "delete",
        body,
        headers: headers ?? { "content-md5": await md5Of(body) },
      },
    );
  const objects =
    "<Object><Key>a&amp;b</Key></Object><Object><Key>bad</Key></Object><Object><Key>c</Key><VersionId>7</VersionId></Object>";
  const loud = await post(`<Delete>${objects}</Delete>`);
  assert.equal(loud.answer.status, 200);
  assert.match(loud.text, /<Deleted><Key>a&amp;b<\/Key><\/Deleted><Error><Key>bad<\/Key><Code>SlowDown</);
  assert.match(loud.text, /<Error><Key>c<\/Key><VersionId>7<\/VersionId><Code>InvalidArgument</);
  const quiet = await post(`<Delete><Quiet>true</Quiet>${objects}</Delete>`);
  assert.doesNotMatch(quiet.text, /<Deleted>/);
  assert.equal((await post("<Delete><Object><Key>a</Key></Object></Delete>", {})).code, "400 InvalidRequest");
  assert.equal((await post("<Delete></Delete>")).code, "400 MalformedXML");
  assert.equal((await post("<Delete><Object>")).code, "400 MalformedXML");
  const many = "<Object><Key>a</Key></Object>".repeat(1001);
  assert.equal((await post(`<Delete>${many}</Delete>`)).code, "400 MalformedXML");
  const wrong = { "content-md5": await md5Of("something else") };
  assert.equal((await post(`<Delete>${objects}</Delete>`, wrong)).code, "400 BadDigest");
});

const page = {
  files: [
    {
      key: "a b/1",
      bytes: 5,
      etag: "e1",
      modifiedAtMs: nowMs,
      checksum: undefined,
      attributes: noAttributes,
    },
  ],
  prefixes: ["p+q/"],
  next: "p+q/",
};

test("ListObjectsV2 pages by an opaque token", async () => {
  const listFiles = () => Promise.resolve(page);
  const list = (query: string) => ask({ listFiles }, { path: "/photos", query: `list-type=2&${query}` });
  const first = await list("delimiter=%2F&max-keys=2&start-after=a&encoding-type=url");
  assert.match(first.text, /<KeyCount>2<\/KeyCount>/);
  assert.match(first.text, /<Key>a%20b\/1<\/Key>.*<CommonPrefixes><Prefix>p%2Bq\/<\/Prefix>/);
  assert.match(first.text, /<MaxKeys>2<\/MaxKeys>.*<IsTruncated>true</);
  assert.deepEqual(first.told[0], { bucket: "photos", prefix: "", delimiter: "/", after: "a", limit: 2 });
  const token = /<NextContinuationToken>(.*)<\/NextContinuationToken>/.exec(first.text)?.[1] ?? "";
  const second = await list(`start-after=a&continuation-token=${encodeURIComponent(token)}`);
  assert.equal((second.told[0] as { after: string }).after, "p+q/");
  assert.equal((await list("continuation-token=rubbish")).code, "400 InvalidArgument");
  assert.equal((await list("continuation-token=")).code, "400 InvalidArgument");
  assert.match((await list("fetch-owner=true")).text, /<Owner><ID>alice</);
});

test("ListObjects pages by marker, clamps max-keys and refuses nonsense", async () => {
  const listFiles = () => Promise.resolve(page);
  const list = (query: string) => ask({ listFiles }, { path: "/photos/", query });
  const { text, told } = await list("marker=a&max-keys=5000&delimiter=/");
  assert.match(text, /<Marker>a<\/Marker><NextMarker>p\+q\/<\/NextMarker>/);
  assert.equal((told[0] as { limit: number }).limit, 1000);
  assert.doesNotMatch((await list("")).text, /NextMarker/);
  const none = await list("max-keys=0");
  assert.match(none.text, /<IsTruncated>false</);
  for (const query of ["max-keys=-1", "max-keys=x", "encoding-type=base64"]) {
    assert.equal((await list(query)).code, "400 InvalidArgument", query);
  }
});

test("the multipart family speaks to the store", async () => {
  const upload = { bucket: "photos", key: "a", uploadId: "u1", createdAtMs: nowMs };
  const info = { ...upload, checksumAlgorithm: "crc32", checksumScope: "composite" } as const;
  const createUpload = () => Promise.resolve(info);
  const create = (headers: Record<string, string>) =>
    ask({ createUpload }, { method: "POST", path: "/photos/a", query: "uploads", headers });
  const created = await create({ "x-amz-checksum-algorithm": "CRC32" });
  assert.match(created.text, /<UploadId>u1<\/UploadId>/);
  assert.equal(created.answer.headers["x-amz-checksum-type"], "COMPOSITE");
  for (const [algorithm, type] of [
    ["SHA256", "FULL_OBJECT"],
    ["CRC64NVME", "COMPOSITE"],
  ] as const) {
    const { code } = await create({ "x-amz-checksum-algorithm": algorithm, "x-amz-checksum-type": type });
    assert.equal(code, "400 InvalidRequest");
  }

  const put = { method: "PUT", path: "/photos/a", query: "partNumber=3&uploadId=u1", body: "meow" };
  const part = await ask({}, put);
  assert.equal(part.answer.headers["etag"], `"${"e".repeat(32)}"`);
  assert.equal((part.told[0] as { part: number }).part, 3);
  assert.equal(
    (await ask({}, { ...put, query: "partNumber=10001&uploadId=u1" })).code,
    "400 InvalidArgument",
  );
  assert.equal((await ask({}, { ...put, query: "partNumber=1" })).code, "400 InvalidArgument");

  const parts = [{ part: 1, bytes: 5, etag: "e1", checksum: undefined, modifiedAtMs: nowMs }];
  const listParts = () => Promise.resolve({ upload: info, parts, next: undefined });
  const listed = await ask({ listParts }, { path: "/photos/a", query: "uploadId=u1" });
  assert.match(listed.text, /<Part><PartNumber>1<\/PartNumber>.*<Size>5<\/Size><\/Part>/);
  const listUploads = () =>
    Promise.resolve({ uploads: [info], prefixes: [], next: { key: "a", uploadId: "u1" } });
  const uploads = await ask({ listUploads }, { path: "/photos", query: "uploads" });
  assert.match(uploads.text, /<NextKeyMarker>a<\/NextKeyMarker><NextUploadIdMarker>u1<.*<UploadId>u1</);
  const abortUpload = () => Promise.resolve();
  const aborted = await ask({ abortUpload }, { method: "DELETE", path: "/photos/a", query: "uploadId=u1" });
  assert.equal(aborted.answer.status, 204);
});

test("CompleteMultipartUpload hands over the listed parts, once they make sense", async () => {
  const completeUpload = () => Promise.resolve(storedFile(5));
  const parts = [{ part: 1, bytes: 5, etag: "e1", checksum: undefined, modifiedAtMs: nowMs }];
  const upload = { bucket: "photos", key: "a", uploadId: "u1", createdAtMs: nowMs };
  const none = { checksumAlgorithm: undefined, checksumScope: undefined };
  const listParts = () => Promise.resolve({ upload: { ...upload, ...none }, parts, next: undefined });
  const complete = (content: string, headers: Record<string, string> = {}) =>
    ask(
      { completeUpload, listParts },
      {
        method: "POST",
        path: "/photos/a",
        query: "uploadId=u1",
        body: `<CompleteMultipartUpload>${content}</CompleteMultipartUpload>`,
        headers,
      },
    );
  const element = (number: number, etag: string) =>
    `<Part><ETag>${etag}</ETag><PartNumber>${number}</PartNumber><ChecksumCRC32>AAAAAA==</ChecksumCRC32></Part>`;
  const done = await complete(element(1, "&quot;e1&quot;") + element(4, "e4"), {
    "if-none-match": "*",
    "x-amz-checksum-crc32": "AQIDBA==-2",
  });
  assert.match(done.text, /<CompleteMultipartUploadResult.*<ETag>/);
  const checksum = new Uint8Array(4);
  assert.deepEqual(done.told[0], {
    bucket: "photos",
    key: "a",
    uploadId: "u1",
    parts: [
      { part: 1, etag: "e1", checksum },
      { part: 4, etag: "e4", checksum },
    ],
    condition: { ifMatch: undefined, ifNoneMatch: { kind: "any" } },
    checksum: { algorithm: "crc32", scope: "composite", value: Uint8Array.of(1, 2, 3, 4) },
    checksumScope: undefined,
  });
  assert.equal((await complete("")).code, "400 MalformedXML");
  assert.equal((await complete("<Part><PartNumber>1</PartNumber></Part>")).code, "400 MalformedXML");
  assert.equal((await complete(element(2, "a") + element(1, "b"))).code, "400 InvalidPartOrder");
  assert.equal((await complete(element(1, "e1"), { "x-amz-mp-object-size": "5" })).code, "200 ");
  assert.equal(
    (await complete(element(1, "e1"), { "x-amz-mp-object-size": "6" })).code,
    "400 InvalidRequest",
  );
});

test("a document beyond the limit is refused before it is read", async () => {
  const headers = { "content-length": String(limits.documentBytesMax + 1) };
  const { code } = await ask({}, { method: "POST", path: "/photos/a", query: "uploadId=u", headers });
  assert.equal(code, "400 MaxMessageLengthExceeded");
});

test("methods that make no sense are refused", async () => {
  const sent = (method: string, path: string) => ask({}, { method, path });
  assert.equal((await sent("PATCH", "/photos/a")).code, "405 MethodNotAllowed");
  assert.equal((await sent("PUT", "/")).code, "405 MethodNotAllowed");
  assert.equal((await sent("OPTIONS", "/photos/a")).code, "403 AccessForbidden");
  assert.equal((await sent("POST", "/photos")).code, "501 NotImplemented");
});

test("an expected owner who is another is denied", async () => {
  const statFile = () => Promise.resolve(fileInfo(1));
  const head = (owner: string) =>
    ask(
      { statFile },
      { method: "HEAD", path: "/photos/a", headers: { "x-amz-expected-bucket-owner": owner } },
    );
  assert.equal((await head("alice")).answer.status, 200);
  assert.equal((await head("bob")).answer.status, 403);
  assert.equal(await errorCode((await head("bob")).answer), "403 ");
});
