/** Files over the native API. */

import { limits, StoreError, toHex } from "@holdfast/base";
import type { CopyFileRequest, FileChecksum, FileInfo, ListedFile, StoredFile } from "@holdfast/node";
import type { HttpResponse } from "@holdfast/ports";
import { attributesFrom, headersOfFile } from "./attributes.ts";
import { byteRange, copySourceCondition, readCondition, writeCondition } from "./conditions.ts";
import { conditionHeaders, fileHeaders, readHeaders } from "./file-documents.ts";
import { incomingBody } from "./incoming-body.ts";
import { jsonAnswer } from "./json.ts";
import type { ApiCall, Operation } from "./operation.ts";
import { decodePercent } from "./query.ts";

function storeFile(call: ApiCall): Promise<HttpResponse> {
  const source = call.request.headers["x-holdfast-copy-source"];
  return source === undefined ? storeBody(call) : copyFile(call, source);
}

async function storeBody(call: ApiCall): Promise<HttpResponse> {
  const { request, bucket, key } = call;
  const stored = await call.context.files.storeFile({
    bucket,
    key,
    attributes: attributesFrom(request.headers),
    condition: writeCondition(request.headers),
    body: incomingBody(request, call.caller.payload),
    signal: request,
  });
  return storedAnswer(call, stored);
}

async function copyFile(call: ApiCall, source: string): Promise<HttpResponse> {
  const { headers } = call.request;
  const stored = await call.context.files.copyFile({
    source: { ...sourceFile(source), condition: copySourceCondition(headers) },
    bucket: call.bucket,
    key: call.key,
    condition: writeCondition(headers),
    attributes: replacesAttributes(headers["x-holdfast-copy-attributes"])
      ? attributesFrom(headers)
      : undefined,
  });
  return storedAnswer(call, stored);
}

/** `bucket/key`, percent-encoded. */
function sourceFile(text: string): Pick<CopyFileRequest["source"], "bucket" | "key"> {
  const split = text.indexOf("/");
  if (split < 1 || split === text.length - 1) {
    throw new StoreError("InvalidArgument", "x-holdfast-copy-source is bucket/key, percent-encoded.");
  }
  return {
    bucket: decodePercent(text.slice(0, split), "InvalidBucketName"),
    key: decodePercent(text.slice(split + 1), "InvalidKey"),
  };
}

function replacesAttributes(text: string | undefined): boolean {
  if (text === undefined || text === "keep") return false;
  if (text === "replace") return true;
  throw new StoreError("InvalidArgument", 'x-holdfast-copy-attributes is "keep" or "replace".');
}

export function storedAnswer(call: ApiCall, stored: StoredFile): HttpResponse {
  const { version, bytes, etag, checksum, modifiedAtMs } = stored;
  const document = {
    bucket: call.bucket,
    key: call.key,
    version,
    bytes,
    etag,
    crc32: crc32In(checksum),
    modifiedAtMs,
  };
  return jsonAnswer(200, document, { etag: `"${etag}"`, "x-holdfast-version": version });
}

/** The CRC-32 of all bytes, if that is what was kept. */
export function crc32In(checksum: FileChecksum | undefined): string | undefined {
  return checksum?.algorithm === "crc32" && checksum.scope === "full" ? toHex(checksum.value) : undefined;
}

async function readFile(call: ApiCall): Promise<HttpResponse> {
  const { request, bucket, key } = call;
  const range = byteRange(request.headers);
  const condition = readCondition(request.headers);
  const { file, body } = await call.context.files.readFile({
    bucket,
    key,
    condition,
    range,
    signal: request,
  });
  return { status: range === undefined ? 200 : 206, headers: answerHeaders(file, range !== undefined), body };
}

async function statFile(call: ApiCall): Promise<HttpResponse> {
  const { request, bucket, key } = call;
  const range = byteRange(request.headers);
  const condition = readCondition(request.headers);
  const file = await call.context.files.statFile({ bucket, key, condition, range, signal: request });
  return {
    status: range === undefined ? 200 : 206,
    headers: answerHeaders(file, range !== undefined),
    body: undefined,
  };
}

function answerHeaders(file: FileInfo, isPartial: boolean): Record<string, string> {
  const headers = headersOfFile(file);
  const { offset, bytes } = file.range;
  headers["content-length"] = String(bytes);
  if (isPartial) headers["content-range"] = `bytes ${offset}-${offset + bytes - 1}/${file.bytes}`;
  return headers;
}

async function deleteFile(call: ApiCall): Promise<HttpResponse> {
  const { bucket, key } = call;
  const condition = writeCondition(call.request.headers);
  const { existed } = await call.context.files.deleteFile({ bucket, key, condition });
  return jsonAnswer(200, { existed });
}

async function listFiles(call: ApiCall): Promise<HttpResponse> {
  const { query, bucket } = call;
  const page = await call.context.files.listFiles({
    bucket,
    prefix: query.text("prefix") ?? "",
    delimiter: query.text("delimiter") ?? "",
    after: query.text("after") ?? "",
    limit: query.integer("limit", 1, limits.keysPerRequestMax, limits.keysPerRequestMax),
  });
  const withMetadata = query.text("metadata") === "true";
  const files = page.files.map((file) => listedDocument(file, withMetadata));
  return jsonAnswer(200, { files, prefixes: page.prefixes, next: page.next });
}

function listedDocument(file: ListedFile, withMetadata: boolean): unknown {
  const { key, bytes, etag, modifiedAtMs, checksum, attributes } = file;
  const { contentType, userMetadata } = attributes;
  const document = { key, bytes, etag, modifiedAtMs, crc32: crc32In(checksum), contentType };
  if (!withMetadata) return document;
  return {
    ...document,
    userMetadata: Object.fromEntries(userMetadata.map(({ name, value }) => [name, value])),
  };
}

const path = "/buckets/{bucket}/files/{key}";

export const fileOperations: readonly Operation[] = [
  {
    method: "GET",
    path: "/buckets/{bucket}/files",
    operationId: "listFiles",
    run: listFiles,
    document: {
      summary: "A page of the bucket's files; linearizable per key, not a snapshot of the bucket",
      query: [
        { name: "prefix", description: "Only keys that begin so" },
        {
          name: "delimiter",
          description: "Keys that have it behind the prefix are summed up as one common prefix",
        },
        { name: "after", description: "Only what sorts behind this key or common prefix, by UTF-8 bytes" },
        { name: "metadata", description: '"true": each file with its user metadata' },
        {
          name: "limit",
          description: `Files and common prefixes together, 1 to ${limits.keysPerRequestMax}`,
        },
      ],
      answer: {
        status: 200,
        description: "The page; `next` is the next request's `after`",
        kind: "json",
        schema: "FilePage",
      },
    },
  },
  {
    method: "PUT",
    path,
    operationId: "storeFile",
    run: storeFile,
    document: {
      summary: "Stores a file, or copies one on the server (x-holdfast-copy-source)",
      headers: [
        ...fileHeaders,
        ...conditionHeaders,
        {
          name: "x-holdfast-crc32",
          description: "The body's CRC-32, eight hexadecimal digits: another body is refused",
        },
        {
          name: "x-holdfast-copy-source",
          description: "bucket/key, percent-encoded: copies that file instead of storing the body",
        },
        { name: "x-holdfast-copy-source-if-match", description: "Copies only the version with this ETag" },
        {
          name: "x-holdfast-copy-source-if-none-match",
          description: "Copies unless the version has this ETag",
        },
        {
          name: "x-holdfast-copy-attributes",
          description: "keep (the source's) or replace (by this request's headers)",
        },
      ],
      body: { kind: "bytes" },
      answer: { status: 200, description: "It is durable and visible", kind: "json", schema: "StoredFile" },
    },
  },
  {
    method: "GET",
    path,
    operationId: "readFile",
    run: readFile,
    document: {
      summary: "A file's bytes; x-holdfast-crc32 is that of the whole file",
      headers: readHeaders,
      answer: { status: 200, description: "The bytes; 206 for a range", kind: "bytes" },
    },
  },
  {
    method: "HEAD",
    path,
    operationId: "statFile",
    run: statFile,
    document: {
      summary: "What GET would say of the file, without its bytes; a failure's code is in x-holdfast-error",
      headers: readHeaders,
      answer: { status: 200, description: "The headers", kind: "none" },
    },
  },
  {
    method: "DELETE",
    path,
    operationId: "deleteFile",
    run: deleteFile,
    document: {
      summary: "Deletes a file; one that is not there is deleted already",
      headers: conditionHeaders,
      answer: { status: 200, description: "Whether there was one", kind: "json", schema: "DeletedFile" },
    },
  },
];
