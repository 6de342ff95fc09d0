/** If-Match and its kin, on everything that reads, writes, copies, completes or deletes. */

import assert from "node:assert/strict";
import { CopyObjectCommand, DeleteObjectCommand } from "@aws-sdk/client-s3";
import type { ConformanceCase, ConformanceOperation } from "../conformance-case.ts";
import { outcomeOf, refuses, works } from "../conformance-case.ts";
import { beginUpload, completeUpload, uploadPart } from "../multipart.ts";
import type { Target } from "../target.ts";

interface Condition {
  readonly IfMatch?: string;
  readonly IfNoneMatch?: string;
}

type Write = (target: Target, key: string, condition: Condition) => Promise<unknown>;

const writes: Readonly<Record<string, Write>> = {
  PutObject: (target, key, condition) => target.put(key, "new", condition),
  CopyObject: async (target, key, condition) => {
    const CopySource = `${target.bucket}/${await target.stored("new")}`;
    return target.s3.send(
      new CopyObjectCommand({ Bucket: target.bucket, Key: key, CopySource, ...condition }),
    );
  },
  CompleteMultipartUpload: async (target, key, condition) => {
    const upload = await beginUpload(target, { Key: key });
    const { ETag } = await uploadPart(target, upload, 1, "new");
    return completeUpload(target, upload, [{ PartNumber: 1, ETag }], condition);
  },
};

/** Condition on a file that is there, and what becomes of the write; "etag" stands for the file's own. */
const onExisting: readonly (readonly [Condition, string])[] = [
  [{ IfMatch: "etag" }, "200"],
  [{ IfMatch: "*" }, "200"],
  [{ IfMatch: '"other"' }, "412 PreconditionFailed"],
  [{ IfNoneMatch: "*" }, "412 PreconditionFailed"],
];
const onMissing: readonly (readonly [Condition, string])[] = [
  [{ IfNoneMatch: "*" }, "200"],
  [{ IfMatch: '"other"' }, "404 NoSuchKey"],
];

function writeCases(name: string, write: Write): readonly ConformanceCase[] {
  const onFile = onExisting.map(([condition, expected]) =>
    works(`${name} ${words(condition)} on a file: ${expected}`, async (target) => {
      const key = await target.stored("old");
      const { ETag = "" } = await target.head(key);
      const given = condition.IfMatch === "etag" ? { IfMatch: ETag } : condition;
      assert.equal(await outcomeOf(target, write(target, key, given)), expected);
      assert.equal(await target.text(key), expected === "200" ? "new" : "old");
    }),
  );
  const onNothing = onMissing.map(([condition, expected]) =>
    works(`${name} ${words(condition)} on no file: ${expected}`, async (target) => {
      const key = target.key();
      assert.equal(await outcomeOf(target, write(target, key, condition)), expected);
    }),
  );
  return [...onFile, ...onNothing];
}

function words(condition: object): string {
  return Object.entries(condition)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(", ");
}

const past = "Thu, 01 Jan 1970 00:00:00 GMT";
const future = "Thu, 01 Jan 2093 00:00:00 GMT";

/** RFC 9110 section 13.2.2: which header counts when several are there. "etag" stands for the file's own. */
const reads: readonly (readonly [Readonly<Record<string, string>>, number])[] = [
  [{ "if-match": "etag" }, 200],
  [{ "if-match": "*" }, 200],
  [{ "if-match": '"a", "b"' }, 412],
  [{ "if-none-match": "etag" }, 304],
  [{ "if-none-match": "*" }, 304],
  [{ "if-none-match": '"other"' }, 200],
  [{ "if-modified-since": past }, 200],
  [{ "if-modified-since": future }, 304],
  [{ "if-unmodified-since": past }, 412],
  [{ "if-unmodified-since": future }, 200],
  [{ "if-modified-since": "no date" }, 200],
  [{ "if-match": "etag", "if-unmodified-since": past }, 200],
  [{ "if-match": '"other"', "if-unmodified-since": future }, 412],
  [{ "if-none-match": '"other"', "if-modified-since": future }, 200],
  [{ "if-none-match": "etag", "if-modified-since": past }, 304],
  [{ "if-match": "etag", "if-none-match": "etag" }, 304],
];

function readCases(method: string): readonly ConformanceCase[] {
  return reads.map(([headers, expected]) =>
    works(`${method} ${words(headers)}: ${expected}`, async (target) => {
      const key = await target.stored();
      const { ETag = "" } = await target.head(key);
      const given = Object.entries(headers).map(([name, value]) => [name, value === "etag" ? ETag : value]);
      const answer = await target.raw({ method, path: target.path(key), headers: Object.fromEntries(given) });
      assert.equal(answer.status, expected);
      if (expected === 304) assert.deepEqual([answer.headers["etag"], answer.bytes.length], [ETag, 0]);
    }),
  );
}

const sourceConditions: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
  [{ "x-amz-copy-source-if-match": "etag" }, "200"],
  [{ "x-amz-copy-source-if-match": '"other"' }, "412 PreconditionFailed"],
  [{ "x-amz-copy-source-if-none-match": "etag" }, "412 PreconditionFailed"],
  [{ "x-amz-copy-source-if-none-match": '"other"' }, "200"],
  [{ "x-amz-copy-source-if-modified-since": past }, "200"],
  [{ "x-amz-copy-source-if-modified-since": future }, "412 PreconditionFailed"],
  [{ "x-amz-copy-source-if-unmodified-since": past }, "412 PreconditionFailed"],
  [{ "x-amz-copy-source-if-unmodified-since": future }, "200"],
  [{ "x-amz-copy-source-if-match": "etag", "x-amz-copy-source-if-unmodified-since": past }, "200"],
  [
    { "x-amz-copy-source-if-none-match": "etag", "x-amz-copy-source-if-modified-since": past },
    "412 PreconditionFailed",
  ],
];

const sourceCases = sourceConditions.map(([headers, expected]) =>
  works(`CopyObject ${words(headers)}: ${expected}`, async (target) => {
    const source = await target.stored();
    const { ETag = "" } = await target.head(source);
    const given = Object.entries(headers).map(([name, value]) => [name, value === "etag" ? ETag : value]);
    const all = { "x-amz-copy-source": target.path(source), ...Object.fromEntries(given) };
    const sent = target.raw({ method: "PUT", path: target.path(target.key()), headers: all });
    assert.equal(await outcomeOf(target, sent), expected);
  }),
);

export const conditions: ConformanceOperation = {
  name: "Conditional requests",
  supports:
    "If-Match and If-None-Match on PutObject, CopyObject, CompleteMultipartUpload and DeleteObject, with lists of ETags; all four on reads and copy sources",
  cases: [
    ...Object.entries(writes).flatMap(([name, write]) => writeCases(name, write)),
    ...readCases("GET"),
    ...readCases("HEAD"),
    ...sourceCases,
    works("DeleteObject IfMatch: the file it names, and no other", async (target) => {
      const Key = await target.stored();
      const { ETag } = await target.head(Key);
      const remove = (IfMatch: string | undefined) =>
        outcomeOf(target, target.s3.send(new DeleteObjectCommand({ Bucket: target.bucket, Key, IfMatch })));
      assert.equal(await remove('"other"'), "412 PreconditionFailed");
      assert.equal(await remove(ETag), "200");
      assert.equal(await remove(ETag), "404 NoSuchKey");
    }),
    works("of many that create one key at once, exactly one wins", async (target) => {
      const key = target.key();
      const tries = Array.from({ length: 16 }, (_, i) =>
        outcomeOf(target, target.put(key, `${i}`, { IfNoneMatch: "*" })),
      );
      const outcomes = await Promise.all(tries);
      assert.equal(outcomes.filter((outcome) => outcome === "200").length, 1);
      assert.equal(outcomes.filter((outcome) => outcome === "412 PreconditionFailed").length, 15);
    }),
    works("of many that replace one ETag at once, exactly one wins", async (target) => {
      const key = await target.stored("old");
      const { ETag } = await target.head(key);
      const tries = Array.from({ length: 16 }, (_, i) =>
        outcomeOf(target, target.put(key, `${i}`, { IfMatch: ETag })),
      );
      assert.equal((await Promise.all(tries)).filter((outcome) => outcome === "200").length, 1);
    }),
    refuses("a read of no file with If-None-Match", "404 NoSuchKey", (target) =>
      target.text(target.key(), { IfNoneMatch: '"a"' }),
    ),
  ],
};
