import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { UploadPartCopyCommandInput } from "@aws-sdk/client-s3";
import { UploadPartCopyCommand } from "@aws-sdk/client-s3";
import type { ConformanceOperation } from "../conformance-case.ts";
import { refuses, works } from "../conformance-case.ts";
import type { OpenUpload } from "../multipart.ts";
import { beginUpload, completeUpload, MiB, partBytesMin } from "../multipart.ts";
import type { Target } from "../target.ts";

function copyPart(
  target: Target,
  upload: OpenUpload,
  PartNumber: number,
  source: string,
  more: Partial<UploadPartCopyCommandInput> = {},
) {
  const CopySource = `${target.bucket}/${source}`;
  return target.s3.send(new UploadPartCopyCommand({ ...upload, PartNumber, CopySource, ...more }));
}

async function tenBytes(target: Target, more: Partial<UploadPartCopyCommandInput>) {
  const source = await target.stored("0123456789");
  return copyPart(target, await beginUpload(target), 1, source, more);
}

export const uploadPartCopy: ConformanceOperation = {
  name: "UploadPartCopy",
  supports: "ranges, conditions on the source; bytes are read and written anew",
  cases: [
    works("ranges that cut blocks become parts, and the parts the file", async (target) => {
      const source = target.key();
      const body = randomBytes(8 * MiB + 13);
      await target.put(source, body);
      const upload = await beginUpload(target);
      const cut = partBytesMin + MiB / 2 + 1;
      const parts = [];
      for (const [i, CopySourceRange] of [
        `bytes=0-${cut - 1}`,
        `bytes=${cut}-${body.length - 1}`,
      ].entries()) {
        const { CopyPartResult } = await copyPart(target, upload, i + 1, source, { CopySourceRange });
        assert.ok(CopyPartResult?.LastModified instanceof Date);
        parts.push({ PartNumber: i + 1, ETag: CopyPartResult.ETag });
      }
      await completeUpload(target, upload, parts);
      const { bytes } = await target.raw({ path: target.path(upload.Key) });
      assert.ok(body.equals(bytes));
    }),
    works("without a range all of the source", async (target) => {
      const upload = await beginUpload(target);
      const { CopyPartResult } = await copyPart(target, upload, 1, await target.stored("all of it"));
      await completeUpload(target, upload, [{ PartNumber: 1, ETag: CopyPartResult?.ETag }]);
      assert.equal(await target.text(upload.Key), "all of it");
    }),
    works("the part has the checksum that the upload asks for", async (target) => {
      const upload = await beginUpload(target, { ChecksumAlgorithm: "SHA256" });
      const { CopyPartResult } = await copyPart(target, upload, 1, await target.stored("x"));
      assert.ok(CopyPartResult?.ChecksumSHA256 !== undefined);
    }),
    works("a range inside of a small file", async (target) => {
      const upload = await beginUpload(target);
      const source = await target.stored("0123456789");
      const { CopyPartResult } = await copyPart(target, upload, 1, source, { CopySourceRange: "bytes=3-5" });
      await completeUpload(target, upload, [{ PartNumber: 1, ETag: CopyPartResult?.ETag }]);
      assert.equal(await target.text(upload.Key), "345");
    }),
    ...["bytes=0-10", "bytes=10-11", "bytes=3-", "bytes=-3", "0-2", "bytes=2-1", "bytes=0-2,4-5"].map(
      (CopySourceRange) =>
        refuses(`range ${CopySourceRange} of ten bytes`, "400 InvalidArgument", (target) =>
          tenBytes(target, { CopySourceRange }),
        ),
    ),
    refuses("a source that is not there", "404 NoSuchKey", async (target) =>
      copyPart(target, await beginUpload(target), 1, target.key()),
    ),
    refuses("an upload that is not there", "404 NoSuchUpload", async (target) => {
      const upload = { Bucket: target.bucket, Key: target.key(), UploadId: "ffffffffffffffff" };
      return copyPart(target, upload, 1, await target.stored());
    }),
    refuses("a source version that is not there", "400 InvalidArgument", (target) =>
      tenBytes(target, { CopySource: `${target.bucket}/a?versionId=3` }),
    ),
    refuses("CopySourceIfMatch of another ETag", "412 PreconditionFailed", (target) =>
      tenBytes(target, { CopySourceIfMatch: '"other"' }),
    ),
    refuses("CopySourceIfNoneMatch of any", "412 PreconditionFailed", (target) =>
      tenBytes(target, { CopySourceIfNoneMatch: "*" }),
    ),
    refuses("CopySourceIfModifiedSince tomorrow's past", "412 PreconditionFailed", (target) =>
      tenBytes(target, { CopySourceIfModifiedSince: new Date(Date.now() + 60_000) }),
    ),
    refuses("CopySourceIfUnmodifiedSince 1970", "412 PreconditionFailed", (target) =>
      tenBytes(target, { CopySourceIfUnmodifiedSince: new Date(0) }),
    ),
    works("conditions that hold", async (target) => {
      await tenBytes(target, {
        CopySourceIfMatch: "*",
        CopySourceIfNoneMatch: '"other"',
        CopySourceIfModifiedSince: new Date(0),
        CopySourceIfUnmodifiedSince: new Date(Date.now() + 60_000),
      });
    }),
  ],
};
