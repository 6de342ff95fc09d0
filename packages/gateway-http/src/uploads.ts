/** Uploads in parts over the native API: for large files, sent in parallel and resumed later. */

import { fromHex, limits, StoreError } from "@holdfast/base";
import type { CompletedPart, FileChecksum, StoredPart, UploadInfo, UploadReference } from "@holdfast/node";
import type { HttpResponse } from "@holdfast/ports";
import { attributesFrom } from "./attributes.ts";
import { writeCondition } from "./conditions.ts";
import { conditionHeaders, fileHeaders } from "./file-documents.ts";
import { crc32In, storedAnswer } from "./files.ts";
import { crc32Of, incomingBody } from "./incoming-body.ts";
import type { JsonObject } from "./json.ts";
import { isObject, jsonAnswer, readJson, refuseUnknownMembers } from "./json.ts";
import type { ApiCall, Operation } from "./operation.ts";

function postUpload(call: ApiCall): Promise<HttpResponse> {
  return call.query.text("uploadId") === undefined ? createUpload(call) : completeUpload(call);
}

async function createUpload(call: ApiCall): Promise<HttpResponse> {
  const { bucket, key, request } = call;
  const attributes = attributesFrom(request.headers);
  const upload = await call.context.files.createUpload({
    bucket,
    key,
    attributes,
    checksumAlgorithm: "crc32",
    checksumScope: "full",
  });
  return jsonAnswer(201, uploadDocument(upload));
}

async function completeUpload(call: ApiCall): Promise<HttpResponse> {
  const document = await readJson(call.request, call.caller.payload, call.context.hashing);
  if (document === undefined) throw new StoreError("InvalidRequest", "Name the parts in a JSON body.");
  refuseUnknownMembers(document, ["parts", "crc32"]);
  const checksum = checksumFrom(document);
  const condition = writeCondition(call.request.headers);
  const parts = partsFrom(document);
  const stored = await call.context.files.completeUpload({ ...reference(call), parts, condition, checksum });
  return storedAnswer(call, stored);
}

async function storePart(call: ApiCall): Promise<HttpResponse> {
  call.query.requiredText("part");
  const part = call.query.integer("part", 1, limits.partNumberMax, 1);
  const body = incomingBody(call.request, call.caller.payload);
  const signal = call.request;
  const stored = await call.context.files.storePart({ ...reference(call), part, body, signal });
  return jsonAnswer(200, partDocument(stored), { etag: `"${stored.etag}"` });
}

async function listParts(call: ApiCall): Promise<HttpResponse> {
  const { query } = call;
  const afterPart = query.integer("afterPart", 0, limits.partNumberMax, 0);
  const limit = query.integer("limit", 1, limits.keysPerRequestMax, limits.keysPerRequestMax);
  const page = await call.context.files.listParts({ ...reference(call), afterPart, limit });
  return jsonAnswer(200, {
    upload: uploadDocument(page.upload),
    parts: page.parts.map(partDocument),
    next: page.next,
  });
}

async function abortUpload(call: ApiCall): Promise<HttpResponse> {
  await call.context.files.abortUpload(reference(call));
  return { status: 204, headers: {}, body: undefined };
}

async function listUploads(call: ApiCall): Promise<HttpResponse> {
  const { query, bucket } = call;
  const page = await call.context.files.listUploads({
    bucket,
    prefix: query.text("prefix") ?? "",
    delimiter: "",
    afterKey: query.text("afterKey") ?? "",
    afterUploadId: query.text("afterUploadId") ?? "",
    limit: query.integer("limit", 1, limits.keysPerRequestMax, limits.keysPerRequestMax),
  });
  return jsonAnswer(200, { uploads: page.uploads.map(uploadDocument), next: page.next });
}

function reference(call: ApiCall): UploadReference {
  return { bucket: call.bucket, key: call.key, uploadId: call.query.requiredText("uploadId") };
}

function uploadDocument(upload: UploadInfo): unknown {
  const { bucket, key, uploadId, createdAtMs } = upload;
  return { bucket, key, uploadId, createdAtMs };
}

function partDocument(stored: StoredPart): unknown {
  const { part, bytes, etag, checksum, modifiedAtMs } = stored;
  return { part, bytes, etag, crc32: crc32In(checksum), modifiedAtMs };
}

function checksumFrom(document: JsonObject): FileChecksum | undefined {
  const { crc32 } = document;
  if (crc32 === undefined) return undefined;
  const value = typeof crc32 === "string" ? crc32Of(crc32) : undefined;
  if (value === undefined) throw new StoreError("InvalidRequest", "crc32 is text.");
  return { algorithm: "crc32", scope: "full", value };
}

/** Their order and whether they exist is for the store to say. */
function partsFrom(document: JsonObject): readonly CompletedPart[] {
  const { parts } = document;
  if (!Array.isArray(parts)) throw new StoreError("InvalidRequest", "parts is a list.");
  if (parts.length > limits.partNumberMax) {
    throw new StoreError("InvalidRequest", `An upload has at most ${limits.partNumberMax} parts.`);
  }
  return parts.map(partFrom);
}

function partFrom(value: unknown): CompletedPart {
  const { part, etag, crc32 } = isObject(value) ? value : {};
  if (typeof part !== "number" || !Number.isSafeInteger(part) || typeof etag !== "string") {
    throw new StoreError("InvalidRequest", "Each of the parts is an object with part (a number) and etag.");
  }
  const checksum = typeof crc32 === "string" ? fromHex(crc32) : undefined;
  return { part, etag: etag.replace(/^"(.*)"$/, "$1"), checksum };
}

const path = "/buckets/{bucket}/uploads/{key}";
const uploadId = { name: "uploadId", description: "Of an upload that was begun", required: true };

export const uploadOperations: readonly Operation[] = [
  {
    method: "GET",
    path: "/buckets/{bucket}/uploads",
    operationId: "listUploads",
    run: listUploads,
    document: {
      summary: "Uploads that are neither completed nor aborted, by key and id",
      query: [
        { name: "prefix", description: "Only keys that begin so" },
        { name: "afterKey", description: "`next.key` of the page before" },
        { name: "afterUploadId", description: "`next.uploadId` of the page before" },
        { name: "limit", description: `1 to ${limits.keysPerRequestMax}` },
      ],
      answer: { status: 200, description: "The page", kind: "json", schema: "UploadPage" },
    },
  },
  {
    method: "POST",
    path,
    operationId: "beginOrCompleteUpload",
    run: postUpload,
    document: {
      summary:
        "Without uploadId: begins an upload (201, Upload). With it: makes the parts that are named the file (200, StoredFile)",
      query: [{ ...uploadId, required: false }],
      headers: [...fileHeaders, ...conditionHeaders],
      body: { kind: "json", schema: "CompleteUpload", required: false },
      answer: {
        status: 200,
        description: "The file (201: the upload)",
        kind: "json",
        schema: "StoredFileOrUpload",
      },
    },
  },
  {
    method: "PUT",
    path,
    operationId: "storePart",
    run: storePart,
    document: {
      summary:
        "Stores a part; one that was there under this number is replaced. Every part but the last has at least 5 MiB",
      query: [uploadId, { name: "part", description: `1 to ${limits.partNumberMax}`, required: true }],
      headers: [
        {
          name: "x-holdfast-crc32",
          description: "The body's CRC-32, eight hexadecimal digits: another body is refused",
        },
      ],
      body: { kind: "bytes" },
      answer: { status: 200, description: "It is durable", kind: "json", schema: "Part" },
    },
  },
  {
    method: "GET",
    path,
    operationId: "listParts",
    run: listParts,
    document: {
      summary: "The parts that an upload has so far, by number",
      query: [
        uploadId,
        { name: "afterPart", description: "Only parts behind this number" },
        { name: "limit", description: `1 to ${limits.keysPerRequestMax}` },
      ],
      answer: {
        status: 200,
        description: "The page; `next` is the next request's `afterPart`",
        kind: "json",
        schema: "PartPage",
      },
    },
  },
  {
    method: "DELETE",
    path,
    operationId: "abortUpload",
    run: abortUpload,
    document: {
      summary: "Gives an upload and its parts up",
      query: [uploadId],
      answer: { status: 204, description: "It is gone", kind: "none" },
    },
  },
];
