import assert from "node:assert/strict";
import { test } from "node:test";
import { ChunkSignatures, limits, parseAuthorization, StoreError, toBase64, utf8 } from "@holdfast/base";
import type { Files } from "@holdfast/node";
import type { HttpRequest } from "@holdfast/ports";
import { simulatedHashing } from "@holdfast/ports/simulated";
import type { Sent } from "./s3-fixture.test.ts";
import {
  errorCode,
  gatewayOver,
  presigned,
  recordingFiles,
  secretKey,
  sha256,
  signed,
  storedFile,
  streamOf,
  takeBody,
} from "./s3-fixture.test.ts";

const put: Sent = { method: "PUT", path: "/photos/cat.jpg", body: "meow" };
const digest = (algorithm: Parameters<typeof simulatedHashing.hash>[0], text: string): string =>
  toBase64(simulatedHashing.hash(algorithm, utf8(text)));

/** The answer's status and code, and the body that the store took. */
async function outcome(request: HttpRequest): Promise<readonly [string, string | undefined]> {
  const files = recordingFiles();
  const answer = await errorCode(await gatewayOver(files)(request));
  return [answer, files.calls.find(({ name }) => name === "storeFile")?.body];
}

const stored = ["200 ", "meow"] as const;

test("a plain body passes through to the store as it is", async () => {
  const files = recordingFiles();
  const request = signed({ ...put, headers: { "content-type": "image/jpeg", "x-amz-meta-a": "1" } });
  const answer = await gatewayOver(files)(request);
  assert.equal(answer.headers["etag"], `"${"e".repeat(32)}"`);
  const [call] = files.calls;
  assert.equal(call?.body, "meow");
  const told = call?.request as {
    bucket: string;
    key: string;
    body: { chunks: unknown };
    attributes: object;
  };
  assert.deepEqual([told.bucket, told.key], ["photos", "cat.jpg"]);
  assert.equal(told.body.chunks, request.body, "no layer between the socket and the store");
  assert.deepEqual(told.attributes, {
    contentType: "image/jpeg",
    contentEncoding: undefined,
    contentDisposition: undefined,
    contentLanguage: undefined,
    cacheControl: undefined,
    expires: undefined,
    userMetadata: [{ name: "a", value: "1" }],
  });
});

test("a body that is not the signed one is refused and not stored", async () => {
  const request = signed(put);
  const body = streamOf([utf8("moo!")]);
  assert.deepEqual(await outcome({ ...request, body }), ["400 XAmzContentSHA256Mismatch", undefined]);
  assert.deepEqual(await outcome(signed({ ...put, payloadHash: "UNSIGNED-PAYLOAD" })), stored);
});

test("Content-MD5 is checked", async () => {
  const withMd5 = (value: string) => outcome(signed({ ...put, headers: { "content-md5": value } }));
  assert.deepEqual(await withMd5(digest("md5", "meow")), stored);
  assert.deepEqual(await withMd5(digest("md5", "moo")), ["400 BadDigest", undefined]);
  assert.deepEqual(await withMd5("rubbish"), ["400 InvalidDigest", undefined]);
});

for (const algorithm of ["crc32", "crc32c", "crc64nvme", "sha1", "sha256"] as const) {
  test(`x-amz-checksum-${algorithm} is checked and returned`, async () => {
    const name = `x-amz-checksum-${algorithm}`;
    const announced = { "x-amz-sdk-checksum-algorithm": algorithm.toUpperCase() };
    const right = digest(algorithm, "meow");
    const answer = await gatewayOver(recordingFiles())(
      signed({ ...put, headers: { [name]: right, ...announced } }),
    );
    assert.equal(answer.status, 200);
    assert.equal(answer.headers[name], right);
    assert.equal(answer.headers["x-amz-checksum-type"], "FULL_OBJECT");
    const wrong = signed({ ...put, headers: { [name]: digest(algorithm, "moo") } });
    assert.deepEqual(await outcome(wrong), ["400 BadDigest", undefined]);
    const malformed = signed({ ...put, headers: { [name]: "AAAA" } });
    assert.deepEqual(await outcome(malformed), ["400 InvalidRequest", undefined]);
  });
}

test("checksums that contradict each other are refused", async () => {
  const crc32 = { "x-amz-checksum-crc32": digest("crc32", "meow") };
  const sha1 = { "x-amz-checksum-sha1": digest("sha1", "meow") };
  assert.deepEqual(await outcome(signed({ ...put, headers: { ...crc32, ...sha1 } })), [
    "400 InvalidRequest",
    undefined,
  ]);
  const alone = { "x-amz-sdk-checksum-algorithm": "CRC32" };
  assert.deepEqual(await outcome(signed({ ...put, headers: alone })), ["400 InvalidRequest", undefined]);
  assert.deepEqual(await outcome(signed({ ...put, headers: { ...alone, ...sha1 } })), [
    "400 InvalidRequest",
    undefined,
  ]);
});

function unsignedTrailer(checksum: string, framed: string, decodedBytes = 4): HttpRequest {
  return signed({
    ...put,
    body: `${framed}x-amz-checksum-crc32:${checksum}\r\n\r\n`,
    payloadHash: "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    headers: {
      "content-encoding": "aws-chunked",
      "transfer-encoding": "chunked",
      "x-amz-decoded-content-length": String(decodedBytes),
      "x-amz-sdk-checksum-algorithm": "CRC32",
      "x-amz-trailer": "x-amz-checksum-crc32",
    },
  });
}

test("a chunked body with a checksum in its trailer, as SDKs send streams, is decoded and checked", async () => {
  const good = digest("crc32", "meow");
  assert.deepEqual(await outcome(unsignedTrailer(good, "2\r\nme\r\n2\r\now\r\n0\r\n")), stored);
  const files = recordingFiles();
  const answer = await gatewayOver(files)(unsignedTrailer(good, "4\r\nmeow\r\n0\r\n"));
  assert.equal(answer.headers["x-amz-checksum-crc32"], good);
  const told = files.calls[0]?.request as { attributes: { contentEncoding: unknown } };
  assert.equal(told.attributes.contentEncoding, undefined, "the framing is not the file's encoding");
  assert.deepEqual(await outcome(unsignedTrailer(digest("crc32", "moo"), "4\r\nmeow\r\n0\r\n")), [
    "400 BadDigest",
    undefined,
  ]);
  assert.deepEqual(await outcome(unsignedTrailer("rubbish", "4\r\nmeow\r\n0\r\n")), [
    "400 InvalidRequest",
    undefined,
  ]);
  assert.deepEqual(await outcome(unsignedTrailer(good, "4\r\nmeow\r\n0\r\n", 5)), [
    "400 IncompleteBody",
    undefined,
  ]);
  assert.deepEqual(await outcome(unsignedTrailer(good, "9\r\nmeow\r\n0\r\n")), [
    "400 IncompleteBody",
    undefined,
  ]);
});

test("a body in signed chunks is decoded; a chunk that was changed on the way is refused", async () => {
  const request = (data: string): HttpRequest => {
    const head = signed({
      ...put,
      payloadHash: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
      headers: { "content-encoding": "aws-chunked,gzip", "x-amz-decoded-content-length": "4" },
    });
    const authorization = parseAuthorization(head);
    assert.ok(authorization.kind === "header");
    const { scope, timestamp, signature: seedSignature } = authorization;
    const chain = new ChunkSignatures({ scope, timestamp, seedSignature, secretKey, sha256 });
    const first = chain.next(sha256(utf8("meow")));
    const last = chain.next(sha256(new Uint8Array(0)));
    const framed = `4;chunk-signature=${first}\r\n${data}\r\n0;chunk-signature=${last}\r\n\r\n`;
    return { ...head, body: streamOf([utf8(framed)]) };
  };
  const files = recordingFiles();
  assert.equal((await gatewayOver(files)(request("meow"))).status, 200);
  assert.equal(files.calls[0]?.body, "meow");
  const told = files.calls[0].request as { attributes: { contentEncoding: unknown } };
  assert.equal(told.attributes.contentEncoding, "gzip");
  assert.deepEqual(await outcome(request("moo!")), ["403 SignatureDoesNotMatch", undefined]);
});

test("what the decoder refused is the answer, whatever the store makes of it", async () => {
  const storeFile: Files["storeFile"] = async ({ body }) => {
    await takeBody(body).catch((cause: unknown) => {
      throw new StoreError("Internal", "the body broke", { cause });
    });
    return storedFile(0);
  };
  const request = unsignedTrailer(digest("crc32", "meow"), "9\r\nmeow\r\n0\r\n");
  assert.equal(
    await errorCode(await gatewayOver(recordingFiles({ storeFile }))(request)),
    "400 IncompleteBody",
  );
});

test("a body without a length, or beyond the limit, is refused", async () => {
  const { "content-length": _, ...headers } = presigned(put, 60).headers;
  assert.deepEqual(await outcome({ ...presigned(put, 60), headers }), [
    "411 MissingContentLength",
    undefined,
  ]);
  const huge = signed({ ...put, headers: { "content-length": String(limits.bodyBytesMax + 1) } });
  assert.deepEqual(await outcome(huge), ["400 EntityTooLarge", undefined]);
  const short = signed({ ...put, headers: { "content-length": "5" }, payloadHash: "UNSIGNED-PAYLOAD" });
  assert.deepEqual(await outcome(short), ["400 IncompleteBody", undefined]);
});

test("user metadata beyond 2 KiB is refused", async () => {
  const of = (bytes: number) =>
    outcome(signed({ ...put, headers: { "x-amz-meta-a": "x".repeat(bytes - 1) } }));
  assert.deepEqual(await of(2048), stored);
  assert.deepEqual(await of(2049), ["400 MetadataTooLarge", undefined]);
});

test("what is not built is refused, what says nothing new is accepted", async () => {
  const withHeader = async (name: string, value: string): Promise<string> =>
    (await outcome(signed({ ...put, headers: { [name]: value } })))[0];
  assert.equal(await withHeader("x-amz-storage-class", "STANDARD"), "200 ");
  assert.equal(await withHeader("x-amz-storage-class", "GLACIER"), "400 InvalidStorageClass");
  assert.equal(await withHeader("x-amz-acl", "private"), "200 ");
  assert.equal(await withHeader("x-amz-acl", "public-read"), "400 AccessControlListNotSupported");
  assert.equal(await withHeader("x-amz-grant-read", "id=1"), "400 AccessControlListNotSupported");
  for (const [name, value] of [
    ["x-amz-tagging", "a=b"],
    ["x-amz-server-side-encryption", "AES256"],
    ["x-amz-server-side-encryption-customer-key", "k"],
    ["x-amz-object-lock-mode", "GOVERNANCE"],
    ["x-amz-website-redirect-location", "/x"],
    ["x-holdfast-token", "7"],
    ["x-amz-trailer", "x-amz-checksum-crc32"],
  ] as const) {
    assert.equal(await withHeader(name, value), "501 NotImplemented", name);
  }
});

test("conditions of a write reach the store", async () => {
  const files = recordingFiles();
  await gatewayOver(files)(signed({ ...put, headers: { "if-none-match": "*" } }));
  await gatewayOver(files)(signed({ ...put, headers: { "if-match": '"abc", W/"weak", def' } }));
  const conditions = files.calls.map(({ request }) => (request as { condition: unknown }).condition);
  assert.deepEqual(conditions, [
    { ifMatch: undefined, ifNoneMatch: { kind: "any" } },
    { ifMatch: { kind: "etags", etags: ["abc", "def"] }, ifNoneMatch: undefined },
  ]);
});
