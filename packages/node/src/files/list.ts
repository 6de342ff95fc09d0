/** Pages of files, parts and uploads. Each shard is read behind a barrier begun after the request (S19). */

import type { Bucket, ListedFile, Upload } from "@holdfast/namespace";
import {
  listFiles as listFilesOf,
  listParts as listPartsOf,
  listUploads as listUploadsOf,
} from "@holdfast/namespace";
import type { StateReader } from "@holdfast/ports";
import { turn } from "@holdfast/ports";
import type { FilesContext } from "./context.ts";
import type {
  FilePage,
  ListFilesRequest,
  ListPartsRequest,
  ListUploadsRequest,
  PartPage,
  UploadInfo,
  UploadPage,
} from "./interface.ts";
import { checkLimit } from "./page-limit.ts";
import { uploadIdText, uploadNumber } from "./upload-id.ts";
import { openUpload, storedPart } from "./uploads.ts";

/** Names that are merged in one run of the event loop, about a millisecond: a page must not hold up everybody else. */
const namesPerRun = 500;

export async function listFiles(context: FilesContext, request: ListFilesRequest): Promise<FilePage> {
  checkLimit(request.limit);
  const bucket = await context.directory.readable(request.bucket);
  const shards = await readShards(context, bucket);
  const files: ListedFile[] = [];
  const prefixes: string[] = [];
  for (let after = request.after; ; await turn(context.clock)) {
    // S19 allows a turn between: every shard is read at or after its barrier, and a key is looked at once.
    const left = request.limit - files.length - prefixes.length;
    const run = listFilesOf(shards, {
      ...request,
      bucket: bucket.id,
      after,
      limit: Math.min(left, namesPerRun),
    });
    files.push(...run.files);
    prefixes.push(...run.prefixes);
    if (run.next === undefined || left <= namesPerRun) return { files, prefixes, next: run.next };
    after = run.next;
  }
}

export async function listParts(context: FilesContext, request: ListPartsRequest): Promise<PartPage> {
  checkLimit(request.limit);
  const { place, number, upload } = await openUpload(context, request);
  const page = listPartsOf(place.shard.localState, number, request.afterPart, request.limit);
  return {
    upload: uploadInfo(request.bucket, upload),
    parts: page.parts.map(({ part, modifiedAtMs }) => storedPart(part, modifiedAtMs)),
    next: page.next,
  };
}

export async function listUploads(context: FilesContext, request: ListUploadsRequest): Promise<UploadPage> {
  checkLimit(request.limit);
  const bucket = await context.directory.readable(request.bucket);
  const { prefix, delimiter, afterKey, limit } = request;
  const afterUpload = request.afterUploadId === "" ? undefined : uploadNumber(request.afterUploadId);
  const query = { bucket: bucket.id, prefix, delimiter, afterKey, afterUpload, limit };
  const page = listUploadsOf(await readShards(context, bucket), query);
  const { next } = page;
  return {
    uploads: page.uploads.map((upload) => uploadInfo(request.bucket, upload)),
    prefixes: page.prefixes,
    next: next && { key: next.key, uploadId: next.upload === undefined ? "" : uploadIdText(next.upload) },
  };
}

function readShards(context: FilesContext, bucket: Bucket): Promise<readonly StateReader[]> {
  const shards = context.directory.shardsOf(bucket);
  return Promise.all(shards.map((id) => Promise.resolve(context.shard(id).read())));
}

function uploadInfo(bucket: string, upload: Upload): UploadInfo {
  const { key, createdAtMs, checksumAlgorithm, checksumScope } = upload;
  return {
    bucket,
    key,
    uploadId: uploadIdText(upload.number),
    createdAtMs,
    checksumAlgorithm,
    checksumScope,
  };
}
