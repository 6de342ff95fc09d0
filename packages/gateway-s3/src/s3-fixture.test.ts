/** What the gateway's tests share: requests that are signed, and a stand-in for the store that records what it is told. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  concatBytes,
  equalBytes,
  presignRequest,
  StoreError,
  signRequest,
  toHex,
  utf8,
  utf8Text,
} from "@holdfast/base";
import type { BucketInfo, FileInfo, Files, IncomingBody, StoredFile } from "@holdfast/node";
import { noAttributes } from "@holdfast/node";
import type { Clock, HttpHandler, HttpRequest, HttpResponse } from "@holdfast/ports";
import { silentJournal } from "@holdfast/ports";
import { simulatedHashing } from "@holdfast/ports/simulated";
import type { S3GatewayOptions } from "./gateway.ts";
import { createS3Gateway } from "./gateway.ts";

export const nowMs: number = Date.UTC(2026, 0, 2, 3, 4, 5);
export const accessKey = "holdfast";
export const secretKey = "holdfast-dev-secret";

export function sha256(data: Uint8Array): Uint8Array {
  return simulatedHashing.hash("sha256", data);
}

const clock: Clock = {
  monotonicMs: () => 0,
  wallMs: () => nowMs,
  after: () => ({ cancel: () => undefined }),
  soon: (action) => queueMicrotask(action),
};

export const bucketInfo: BucketInfo = {
  name: "photos",
  owner: "alice",
  createdAtMs: nowMs,
  settings: { redundancy: { dataFragments: 1, parityFragments: 0 }, blockBytes: 1 << 20 },
};

export function storedFile(bytes: number): StoredFile {
  return { version: "v1", bytes, etag: "e".repeat(32), checksum: undefined, modifiedAtMs: nowMs };
}

export function fileInfo(bytes: number, changes: Partial<FileInfo> = {}): FileInfo {
  const names = { bucket: "photos", key: "cat.jpg", attributes: noAttributes };
  return {
    ...storedFile(bytes),
    ...names,
    crc32: 0,
    partCount: undefined,
    range: { offset: 0, bytes },
    ...changes,
  };
}

export interface Call {
  readonly name: string;
  readonly request: unknown;
  readonly body: string | undefined;
}

export type RecordingFiles = Files & { readonly calls: readonly Call[] };

/** Reads bodies as the store does, refuses wrong ones, keeps nothing. Other answers come from `answers`. */
export function recordingFiles(answers: Partial<Files> = {}): RecordingFiles {
  const calls: Call[] = [];
  const note = (name: string, request: unknown, body?: string): void =>
    void calls.push({ name, request, body });
  const unexpected = (name: string) => (request: unknown) => {
    note(name, request);
    return Promise.reject(new Error(`unexpected: ${name}`));
  };
  const defaults: Files = {
    within() {
      return this;
    },
    createBucket: unexpected("createBucket"),
    deleteBucket: unexpected("deleteBucket"),
    bucket: () => Promise.resolve(bucketInfo),
    listBuckets: () => Promise.resolve([bucketInfo]),
    storeFile: async (request) => {
      const body = await takeBody(request.body);
      note("storeFile", request, utf8Text(body));
      return { ...storedFile(body.length), checksum: keptChecksum(request.body, body) };
    },
    readFile: unexpected("readFile"),
    statFile: unexpected("statFile"),
    listFileParts: unexpected("listFileParts"),
    deleteFile: unexpected("deleteFile"),
    copyFile: unexpected("copyFile"),
    listFiles: unexpected("listFiles"),
    createUpload: unexpected("createUpload"),
    storePart: async (request) => {
      const body = await takeBody(request.body);
      note("storePart", request, utf8Text(body));
      return { ...storedFile(body.length), part: request.part, checksum: keptChecksum(request.body, body) };
    },
    completeUpload: unexpected("completeUpload"),
    abortUpload: unexpected("abortUpload"),
    listParts: unexpected("listParts"),
    listUploads: unexpected("listUploads"),
  };
  const recorded = Object.entries(answers).map(([name, answer]) => [
    name,
    (request: never) => {
      note(name, request);
      return (answer as (request: never) => unknown)(request);
    },
  ]);
  return { ...defaults, ...Object.fromEntries(recorded), calls };
}

function keptChecksum(body: IncomingBody, whole: Uint8Array): StoredFile["checksum"] {
  const algorithm = body.checksumAlgorithm;
  if (algorithm === undefined) return undefined;
  return { algorithm, scope: "full", value: simulatedHashing.hash(algorithm, whole) };
}

export async function takeBody(body: IncomingBody): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body.chunks) chunks.push(chunk);
  const whole = concatBytes(chunks);
  if (whole.length !== body.bytes) throw new StoreError("IncompleteBody", "too short");
  for (const { algorithm, value } of body.expectedDigests()) {
    const computed = ["crc32", body.checksumAlgorithm, ...(body.verify ?? [])];
    assert.ok(computed.includes(algorithm), `${algorithm} was not announced`);
    if (equalBytes(simulatedHashing.hash(algorithm, whole), value)) continue;
    throw new StoreError("ChecksumMismatch", "differs", { fields: { algorithm } });
  }
  return whole;
}

export function gatewayOver(files: Files, options: Partial<S3GatewayOptions> = {}): HttpHandler {
  const credentials = { account: "alice", secretKey };
  const access = {
    credentials: (key: string) => Promise.resolve(key === accessKey ? credentials : undefined),
  };
  return createS3Gateway({
    files,
    access,
    clock,
    hashing: simulatedHashing,
    journal: silentJournal,
    ...options,
  });
}

export interface Sent {
  readonly method?: string;
  readonly path: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | readonly Uint8Array[];
  /** Of the body unless given. */
  readonly payloadHash?: string;
  readonly region?: string;
  readonly signedAtMs?: number;
  readonly secretKey?: string;
  readonly accessKey?: string;
}

export async function* streamOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

/** As it would come from the wire, without a signature. */
export function unsigned(sent: Sent): HttpRequest {
  const { method = "GET", path, query = "", headers = {}, body = "" } = sent;
  const chunks = typeof body === "string" ? [utf8(body)] : body instanceof Uint8Array ? [body] : body;
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const length = method === "PUT" || method === "POST" ? { "content-length": String(bytes) } : {};
  return {
    method,
    path,
    query,
    headers: { host: "127.0.0.1:9000", ...length, ...headers },
    body: streamOf(chunks),
    signal: new AbortController().signal,
    throwIfAborted: () => undefined,
    remoteAddress: "127.0.0.1",
    requestId: "request-1",
  };
}

function bodyHash(body: Sent["body"]): string {
  const data =
    typeof body === "string" ? utf8(body) : body instanceof Uint8Array ? body : concatBytes(body ?? []);
  return toHex(sha256(data));
}

export function signed(sent: Sent): HttpRequest {
  const request = unsigned(sent);
  const added = signRequest({
    ...request,
    ...signer(sent),
    payloadHash: sent.payloadHash ?? bodyHash(sent.body ?? ""),
  });
  return { ...request, headers: { ...request.headers, ...added } };
}

export function presigned(sent: Sent, expiresSeconds: number): HttpRequest {
  const request = unsigned(sent);
  const headers = { host: request.headers["host"] };
  return { ...request, query: presignRequest({ ...request, headers, ...signer(sent), expiresSeconds }) };
}

function signer(sent: Sent) {
  return {
    accessKey: sent.accessKey ?? accessKey,
    secretKey: sent.secretKey ?? secretKey,
    region: sent.region ?? "us-east-1",
    service: "s3",
    wallMs: sent.signedAtMs ?? nowMs,
    sha256,
  };
}

export async function bodyText(answer: HttpResponse): Promise<string> {
  if (answer.body === undefined) return "";
  if (answer.body instanceof Uint8Array) return utf8Text(answer.body);
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body) chunks.push(chunk);
  return utf8Text(concatBytes(chunks));
}

export async function errorCode(answer: HttpResponse): Promise<string> {
  return `${answer.status} ${/<Code>(\w+)<\/Code>/.exec(await bodyText(answer))?.[1] ?? ""}`;
}

test("the fixture's signed requests pass, its unsigned ones do not", async () => {
  const gateway = gatewayOver(recordingFiles());
  assert.equal((await gateway(signed({ path: "/" }))).status, 200);
  assert.equal((await gateway(presigned({ path: "/" }, 60))).status, 200);
  assert.equal(await errorCode(await gateway(unsigned({ path: "/" }))), "403 AccessDenied");
});
