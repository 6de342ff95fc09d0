import assert from "node:assert/strict";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import type { ConformanceCase, ConformanceOperation } from "../conformance-case.ts";
import { refuses, works } from "../conformance-case.ts";
import { partBytesMin, storeTwoParts } from "../multipart.ts";

const text = "0123456789";

/** Range, what comes, and where from; undefined for the whole file. */
const ranges: readonly (readonly [string, string, string | undefined])[] = [
  ["bytes=0-0", "0", "bytes 0-0/10"],
  ["bytes=2-4", "234", "bytes 2-4/10"],
  ["bytes=7-", "789", "bytes 7-9/10"],
  ["bytes=-3", "789", "bytes 7-9/10"],
  ["bytes=-100", text, "bytes 0-9/10"],
  ["bytes=0-9", text, "bytes 0-9/10"],
  ["bytes=5-1000", "56789", "bytes 5-9/10"],
  ["bytes=0-1,4-5", text, undefined],
  ["bytes=4-2", text, undefined],
  ["bytes=a-b", text, undefined],
  ["chapters=1-2", text, undefined],
];

const overrides = {
  "response-content-type": "text/other",
  "response-content-language": "fr",
  "response-expires": "Thu, 01 Jan 2032 00:00:00 GMT",
  "response-cache-control": "no-store",
  "response-content-disposition": "attachment; filename=x",
  "response-content-encoding": "identity",
} as const;

function rangeCase([range, expected, contentRange]: (typeof ranges)[number]): ConformanceCase {
  return works(`Range: ${range}`, async (target) => {
    const key = await target.stored(text);
    const answer = await target.raw({ path: target.path(key), headers: { range } });
    assert.equal(Buffer.from(answer.bytes).toString(), expected);
    assert.equal(answer.headers["content-range"], contentRange);
    assert.equal(answer.status, contentRange === undefined ? 200 : 206);
    assert.equal(answer.headers["accept-ranges"], "bytes");
  });
}

export const getObject: ConformanceOperation = {
  name: "GetObject",
  supports: "single ranges, parts, `response-*` overrides, conditions, If-Range, checksums",
  cases: [
    works("the whole file has its length, ETag and date", async (target) => {
      const Key = target.key();
      const { ETag } = await target.put(Key, text);
      const found = await target.s3.send(new GetObjectCommand({ Bucket: target.bucket, Key }));
      assert.deepEqual([found.ContentLength, found.ETag], [10, ETag]);
      assert.ok(found.LastModified instanceof Date);
      assert.equal(await found.Body?.transformToString(), text);
    }),
    ...ranges.map(rangeCase),
    ...["bytes=10-", "bytes=10-12", "bytes=-0"].map((range) =>
      refuses(`Range: ${range}, outside of ten bytes`, "416 InvalidRange", async (target) =>
        target.raw({ path: target.path(await target.stored(text)), headers: { range } }),
      ),
    ),
    refuses("any range of an empty file", "416 InvalidRange", async (target) =>
      target.raw({ path: target.path(await target.stored("")), headers: { range: "bytes=0-0" } }),
    ),
    works("If-Range: the range of the file one knows, or else all of the one there is", async (target) => {
      const key = await target.stored(text);
      const { ETag = "" } = await target.head(key);
      const ask = (ifRange: string) =>
        target.raw({ path: target.path(key), headers: { range: "bytes=1-2", "if-range": ifRange } });
      assert.equal((await ask(ETag)).status, 206);
      assert.equal((await ask('"other"')).status, 200);
      assert.equal((await ask("Thu, 01 Jan 1970 00:00:00 GMT")).status, 200);
    }),
    works("a part of a file that was uploaded in parts", async (target) => {
      const { key } = await storeTwoParts(target);
      const found = await target.s3.send(
        new GetObjectCommand({ Bucket: target.bucket, Key: key, PartNumber: 2 }),
      );
      assert.deepEqual([found.PartsCount, found.ContentLength], [2, 7]);
      assert.equal(found.ContentRange, `bytes ${partBytesMin}-${partBytesMin + 6}/${partBytesMin + 7}`);
      assert.equal(await found.Body?.transformToString(), "the end");
    }),
    works("part 1 of a file in one piece is all of it", async (target) => {
      assert.equal(await target.text(await target.stored(text), { PartNumber: 1 }), text);
    }),
    refuses("a part that is not there", "416 InvalidPartNumber", async (target) =>
      target.text(await target.stored(text), { PartNumber: 2 }),
    ),
    refuses("part 0", "400 InvalidArgument", async (target) =>
      target.raw({ path: target.path(await target.stored(text)), query: "partNumber=0" }),
    ),
    refuses("part and range at once", "400 InvalidRequest", async (target) =>
      target.raw({
        path: target.path(await target.stored(text)),
        query: "partNumber=1",
        headers: { range: "bytes=0-1" },
      }),
    ),
    works("response-* parameters replace headers, of this answer alone", async (target) => {
      const key = await target.stored(text, { ContentType: "text/plain" });
      const query = Object.entries(overrides).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
      const answer = await target.raw({ path: target.path(key), query: query.join("&") });
      for (const [name, value] of Object.entries(overrides))
        assert.equal(answer.headers[name.slice("response-".length)], value);
      assert.equal((await target.head(key)).ContentType, "text/plain");
    }),
    refuses("response-* without a signature", "403 AccessDenied", async (target) =>
      target.raw({
        path: target.path(await target.stored(text)),
        query: "response-content-type=a%2Fb",
        sign: "no",
      }),
    ),
    refuses("a key that is not there", "404 NoSuchKey", (target) => target.text(target.key())),
    refuses("a bucket that is not there", "404 NoSuchBucket", (target) =>
      target.s3.send(new GetObjectCommand({ Bucket: target.bucketName(), Key: "a" })),
    ),
    refuses("a version other than null", "400 InvalidArgument", async (target) =>
      target.text(await target.stored(text), { VersionId: "3" }),
    ),
    works("the null version", async (target) => {
      assert.equal(await target.text(await target.stored(text), { VersionId: "null" }), text);
    }),
    works("an error names the request as the header does", async (target) => {
      const answer = await target.raw({ path: target.path(target.key()) });
      const id = /<RequestId>(.+)<\/RequestId>/.exec(answer.text)?.[1];
      assert.equal(id, answer.headers["x-amz-request-id"]);
    }),
    refuses("another method", "405 MethodNotAllowed", (target) =>
      target.raw({ method: "PATCH", path: target.path("a") }),
    ),
    {
      ...refuses("?torrent, which is not built", "501 NotImplemented", (target) =>
        target.raw({ path: target.path("a"), query: "torrent" }),
      ),
      needs: "own node",
    },
  ],
};

export const headObject: ConformanceOperation = {
  name: "HeadObject",
  supports: "as GetObject",
  cases: [
    works("headers of the file, and no body", async (target) => {
      const key = await target.stored(text, { ContentType: "text/plain", Metadata: { a: "b" } });
      const answer = await target.raw({ method: "HEAD", path: target.path(key) });
      assert.deepEqual([answer.status, answer.bytes.length], [200, 0]);
      assert.deepEqual(
        ["content-length", "content-type", "x-amz-meta-a"].map((name) => answer.headers[name]),
        ["10", "text/plain", "b"],
      );
    }),
    works("an empty file has length 0", async (target) => {
      assert.equal((await target.head(await target.stored(""))).ContentLength, 0);
    }),
    works("a range has its length", async (target) => {
      const head = await target.head(await target.stored(text), { Range: "bytes=2-4" });
      assert.equal(head.ContentLength, 3);
    }),
    works("a part has its length and the number of all", async (target) => {
      const { key } = await storeTwoParts(target);
      const head = await target.head(key, { PartNumber: 1 });
      assert.deepEqual([head.ContentLength, head.PartsCount], [partBytesMin, 2]);
    }),
    works("response-* parameters count here too", async (target) => {
      const head = await target.head(await target.stored(text), { ResponseContentType: "a/b" });
      assert.equal(head.ContentType, "a/b");
    }),
    refuses("a key that is not there", "404 NotFound", (target) => target.head(target.key())),
    works("416 outside of the file", async (target) => {
      const key = await target.stored(text);
      const { status } = await target.raw({
        method: "HEAD",
        path: target.path(key),
        headers: { range: "bytes=10-" },
      });
      assert.equal(status, 416);
    }),
  ],
};
