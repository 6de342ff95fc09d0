/** Pages of files, parts and uploads. Each shard is read behind a barrier begun after the request (S19). */

import { StoreError } from "@holdfast/base";
import type {
  FileListing,
  ListedFile,
  ListFiles,
  ListUploads,
  Upload,
  UploadListing,
} from "@holdfast/namespace";
import { listFiles as listFilesIn, listUploads as listUploadsIn } from "@holdfast/namespace";
import type { Clock, StateReader } from "@holdfast/ports";
import { turn } from "@holdfast/ports";
import { refusal } from "../refusal.ts";
import { partsQuestion } from "../shard-reads/listing-questions.ts";
import type { ShardReplica } from "../shard-replica.ts";
import type { FilesContext } from "./context.ts";
import { locate } from "./context.ts";
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
import { listFilesOf, listUploadsOf } from "./shard-pages.ts";
import { uploadIdText, uploadNumber } from "./upload-id.ts";
import { storedPart } from "./uploads.ts";

/** Names that are merged in one run of the event loop, about a millisecond: a page must not hold up everybody else. */
const namesPerRun = 500;

export async function listFiles(context: FilesContext, request: ListFilesRequest): Promise<FilePage> {
  checkLimit(request.limit);
  const bucket = await context.directory.readable(request.bucket);
  const shards = context.directory.shardsOf(bucket).map(context.shard);
  const { prefix, delimiter, after, limit } = request;
  const query = { bucket: bucket.id, prefix, delimiter, after, limit };
  return listAt(shards, {
    here: () => listFilesHere(context.clock, shards, query),
    elsewhere: () => listFilesOf(shards, query),
  });
}

/** From the states here, if all are here; one that leaves while it is read makes it pages of wherever they are. */
async function listAt<Page>(
  shards: readonly ShardReplica[],
  ways: { readonly here: () => Promise<Page>; readonly elsewhere: () => Promise<Page> },
): Promise<Page> {
  if (!shards.every(({ isReadHere }) => isReadHere)) return ways.elsewhere();
  try {
    return await ways.here();
  } catch (error) {
    if (shards.every(({ isHere }) => isHere)) throw error;
    return ways.elsewhere();
  }
}

async function listFilesHere(
  clock: Clock,
  shards: readonly ShardReplica[],
  query: ListFiles,
): Promise<FileListing> {
  const states = await readShards(shards);
  const files: ListedFile[] = [];
  const prefixes: string[] = [];
  for (let after = query.after; ; await turn(clock)) {
    // A shard that has left meanwhile has no state here any more.
    if (!shards.every(({ isHere }) => isHere)) throw moved();
    // S19 allows a turn between: every shard is read at or after its barrier, and a key is looked at once.
    const left = query.limit - files.length - prefixes.length;
    const run = listFilesIn(states, { ...query, after, limit: Math.min(left, namesPerRun) });
    files.push(...run.files);
    prefixes.push(...run.prefixes);
    if (run.next === undefined || left <= namesPerRun) return { files, prefixes, next: run.next };
    after = run.next;
  }
}

export async function listParts(context: FilesContext, request: ListPartsRequest): Promise<PartPage> {
  checkLimit(request.limit);
  const { shard, bucket, key } = await locate(context, request.bucket, request.key);
  const name = { bucket: bucket.id, key, upload: uploadNumber(request.uploadId) };
  const { afterPart, limit } = request;
  const found = await shard.ask(partsQuestion, { ...name, afterPart, limit });
  if (found === undefined) throw refusal("UploadNotFound", request.uploadId);
  const { upload, page } = found;
  return {
    upload: uploadInfo(request.bucket, upload),
    parts: page.parts.map(({ part, modifiedAtMs }) => storedPart(part, modifiedAtMs)),
    next: page.next,
  };
}

export async function listUploads(context: FilesContext, request: ListUploadsRequest): Promise<UploadPage> {
  checkLimit(request.limit);
  const bucket = await context.directory.readable(request.bucket);
  const shards = context.directory.shardsOf(bucket).map(context.shard);
  const { prefix, delimiter, afterKey, limit } = request;
  const afterUpload = request.afterUploadId === "" ? undefined : uploadNumber(request.afterUploadId);
  const query = { bucket: bucket.id, prefix, delimiter, afterKey, afterUpload, limit };
  const page = await listAt(shards, {
    here: () => listUploadsHere(shards, query),
    elsewhere: () => listUploadsOf(shards, query),
  });
  const { next } = page;
  return {
    uploads: page.uploads.map((upload) => uploadInfo(request.bucket, upload)),
    prefixes: page.prefixes,
    next: next && { key: next.key, uploadId: next.upload === undefined ? "" : uploadIdText(next.upload) },
  };
}

async function listUploadsHere(shards: readonly ShardReplica[], query: ListUploads): Promise<UploadListing> {
  const states = await readShards(shards);
  if (!shards.every(({ isHere }) => isHere)) throw moved();
  return listUploadsIn(states, query);
}

function readShards(shards: readonly ShardReplica[]): Promise<readonly StateReader[]> {
  return Promise.all(shards.map((shard) => Promise.resolve(shard.read())));
}

function moved(): StoreError {
  return new StoreError("Unavailable", "A shard has just moved to another node. Try again.");
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
