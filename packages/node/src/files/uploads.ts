/** Multipart uploads: create, store parts, complete, abort (S20). */

import type { Awaitable } from "@holdfast/base";
import { assert, fromHex, limits, StoreError, toHex } from "@holdfast/base";
import type { ContentPart, FileChecksum, Upload } from "@holdfast/namespace";
import { completedChecksum, completedEtag } from "../content/completed-digests.ts";
import { refusal } from "../refusal.ts";
import type { Completion } from "../shard-reads/file-questions.ts";
import { completionQuestion, fileQuestion, uploadQuestion } from "../shard-reads/file-questions.ts";
import { foreseeCondition } from "./conditions.ts";
import type { FilesContext, Place } from "./context.ts";
import { locate } from "./context.ts";
import type {
  CompletedPart,
  CompleteUploadRequest,
  CreateUploadRequest,
  IncomingBody,
  StoredFile,
  StoredPart,
  StorePartRequest,
  UploadInfo,
  UploadReference,
} from "./interface.ts";

import { storedVersion } from "./store-file.ts";
import { streamBody } from "./stream-body.ts";
import { uploadIdText, uploadNumber } from "./upload-id.ts";

export async function createUpload(context: FilesContext, request: CreateUploadRequest): Promise<UploadInfo> {
  const place = await locate(context, request.bucket, request.key);
  const { key, attributes, checksumAlgorithm, checksumScope } = request;
  await context.admission.admit(0);
  const result = await place.shard.writer.operate({
    kind: "createUpload",
    bucket: place.bucket.id,
    key,
    attributes,
    checksumAlgorithm,
    checksumScope,
  });
  assert(result.kind === "uploadCreated", `createUpload answers "uploadCreated", not "${result.kind}"`);
  const name = { bucket: place.bucket.id, key, upload: result.upload };
  const upload = await orNothing(() => place.shard.ask(uploadQuestion, name));
  const createdAtMs = upload?.createdAtMs ?? context.clock.wallMs();
  return {
    bucket: request.bucket,
    key,
    uploadId: uploadIdText(result.upload),
    createdAtMs,
    checksumAlgorithm,
    checksumScope,
  };
}

export async function storePart(context: FilesContext, request: StorePartRequest): Promise<StoredPart> {
  if (!Number.isInteger(request.part) || request.part < 1 || request.part > limits.partNumberMax)
    throw new StoreError("InvalidArgument", `A part number is between 1 and ${limits.partNumberMax}.`, {
      fields: { part: request.part },
    });
  const { place, number, upload } = await openUpload(context, request);
  checkPartAlgorithm(upload, request.body.checksumAlgorithm);
  const body: IncomingBody = {
    chunks: request.body.chunks,
    bytes: request.body.bytes,
    verify: request.body.verify,
    checksumAlgorithm: request.body.checksumAlgorithm ?? upload.checksumAlgorithm,
    expectedDigests: () => request.body.expectedDigests(),
  };
  const options = { body, part: request.part, inlineBytesMax: -1, signal: request.signal };
  return streamBody(context, place, options, async (attempt, streamed) => {
    assert(streamed.kind === "streamed", "parts are streamed");
    const { part, evidenceEpoch } = streamed;
    const operation = {
      kind: "putPart",
      bucket: place.bucket.id,
      key: request.key,
      upload: number,
      part,
      evidenceEpoch,
    } as const;
    const result = await place.shard.writer.operateAs(attempt, operation);
    assert(result.kind === "partStored", `putPart answers "partStored", not "${result.kind}"`);
    return storedPart(part, result.modifiedAtMs);
  });
}

export async function completeUpload(
  context: FilesContext,
  request: CompleteUploadRequest,
): Promise<StoredFile> {
  const place = await locate(context, request.bucket, request.key);
  const number = uploadNumber(request.uploadId);
  if (request.parts.length === 0) throw refusal("InvalidPart", "");
  const parts = request.parts.map((listed) => ({ number: listed.part, md5: etagMd5(listed) }));
  const etag = completedEtag(
    context.hashing,
    parts.map((part) => part.md5),
  );
  const name = { bucket: place.bucket.id, key: request.key, upload: number };
  const found = await place.shard.ask(completionQuestion, {
    ...name,
    parts: request.parts.map(({ part }) => part),
  });
  checkScope(found?.upload, request.checksumScope);
  // Without the upload this may be a completion that is sent again: the entry knows and gives its first answer (S20), whatever
  // the condition says by now: the first may be what made it fail.
  if (found !== undefined) foreseeCondition(found.etag, request.condition);
  const checksum = found === undefined ? undefined : preparedChecksum(context, request, found);
  const result = await place.shard.writer.operate({
    kind: "completeUpload",
    ...name,
    condition: request.condition,
    parts,
    etag,
    checksum,
  });
  const completed = storedVersion(result);
  return { ...completed, checksum: checksum ?? (await keptChecksum(place, request.key, completed.version)) };
}

function preparedChecksum(
  { hashing }: FilesContext,
  request: CompleteUploadRequest,
  { upload, parts }: Completion,
): FileChecksum | undefined {
  const stored = request.parts.map((listed, i) => checkedPart(listed, parts[i]));
  return completedChecksum(hashing, upload, stored, request.checksum);
}

/** Of a completion that is sent again: the file has it, if it is still the one. */
async function keptChecksum(place: Place, key: string, version: string): Promise<StoredFile["checksum"]> {
  const found = await orNothing(() => place.shard.ask(fileQuestion, { bucket: place.bucket.id, key }));
  return String(found?.version.version) === version ? found?.version.checksum : undefined;
}

/** Behind a change that was carried out: where nobody can say any more, the change is answered without it, not refused. */
async function orNothing<T>(ask: () => Awaitable<T | undefined>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof StoreError) return undefined;
    throw error;
  }
}

export async function abortUpload(context: FilesContext, request: UploadReference): Promise<void> {
  const place = await locate(context, request.bucket, request.key);
  const upload = uploadNumber(request.uploadId);
  await place.shard.writer.operate({
    kind: "abortUpload",
    bucket: place.bucket.id,
    key: request.key,
    upload,
  });
}

interface OpenUpload {
  readonly place: Place;
  readonly number: number;
  readonly upload: Upload;
}

async function openUpload(context: FilesContext, request: UploadReference): Promise<OpenUpload> {
  const place = await locate(context, request.bucket, request.key);
  const number = uploadNumber(request.uploadId);
  const upload = await place.shard.ask(uploadQuestion, {
    bucket: place.bucket.id,
    key: request.key,
    upload: number,
  });
  if (upload === undefined) throw refusal("UploadNotFound", request.uploadId);
  return { place, number, upload };
}

function checkScope(upload: Upload | undefined, scope: CompleteUploadRequest["checksumScope"]): void {
  const expected = upload?.checksumScope;
  if (scope === undefined || expected === undefined || scope === expected) return;
  throw new StoreError("InvalidRequest", `The upload's checksum is ${expected}, the request says ${scope}.`);
}

/** Such a part could never become part of the whole: refused before its body is read. */
function checkPartAlgorithm(upload: Upload, algorithm: IncomingBody["checksumAlgorithm"]): void {
  const expected = upload.checksumAlgorithm;
  if (algorithm === undefined || expected === undefined || algorithm === expected) return;
  throw new StoreError(
    "InvalidRequest",
    `Checksum Type mismatch occurred, expected checksum Type: ${expected}, actual checksum Type: ${algorithm}`,
  );
}

export function storedPart(part: ContentPart, modifiedAtMs: number): StoredPart {
  return {
    part: part.number,
    bytes: part.bytes,
    etag: toHex(part.md5),
    checksum: part.checksum,
    modifiedAtMs,
  };
}

function etagMd5(listed: CompletedPart): Uint8Array {
  const md5 = fromHex(listed.etag);
  if (md5?.length !== 16) throw refusal("InvalidPart", String(listed.part));
  return md5;
}

/** The part as it is stored; the entry compares the ETags once more. */
function checkedPart(listed: CompletedPart, part: ContentPart | undefined): ContentPart {
  if (part === undefined || toHex(part.md5) !== listed.etag.toLowerCase())
    throw refusal("InvalidPart", String(listed.part));
  const { checksum } = listed;
  if (checksum === undefined) return part;
  if (part.checksum === undefined || toHex(checksum) !== toHex(part.checksum.value))
    throw refusal("InvalidPart", String(listed.part));
  return part;
}
