/** A gateway over a store that answers whatever a test says, with requests signed as a client would. */

import assert from "node:assert/strict";
import { signRequest, toHex, utf8, utf8Text } from "@holdfast/base";
import type {
  ClusterStatus,
  ClusterView,
  FileInfo,
  Files,
  Maintenance,
  MemberChanges,
  Readiness,
} from "@holdfast/node";
import type { Clock, HttpRequest, HttpResponse } from "@holdfast/ports";
import { CollectingJournal, simulatedHashing } from "@holdfast/ports/simulated";
import type { HttpGatewayOptions } from "./gateway.ts";
import { createHttpGateway } from "./gateway.ts";

export const nowMs: number = 1_790_000_000_000;
const credentials = { accessKey: "key", secretKey: "secret" };

export interface RequestParts {
  readonly method?: string;
  readonly path: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Added after signing. */
  readonly unsigned?: Readonly<Record<string, string>>;
  readonly payloadHash?: string;
  readonly sentAtMs?: number;
  readonly service?: string;
  readonly accessKey?: string;
  readonly secretKey?: string;
  readonly remoteAddress?: string;
  /** Sends it without a signature. */
  readonly anonymous?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** The code of a failure. */
  readonly code: string | undefined;
}

export interface GatewayFixture {
  readonly journal: CollectingJournal;
  send(parts: RequestParts): Promise<Answer>;
}

const clock: Clock = {
  monotonicMs: () => 0,
  wallMs: () => nowMs,
  after: () => ({ cancel: () => undefined }),
  soon: () => undefined,
};

const sha256 = (data: Uint8Array): Uint8Array => simulatedHashing.hash("sha256", data);

/** Who asks, and what of a node's maintenance answers. */
export interface Operator extends Omit<Partial<HttpGatewayOptions>, "maintenance" | "cluster"> {
  readonly account?: string;
  readonly maintenance?: Partial<Maintenance>;
  readonly cluster?: Partial<ClusterView & MemberChanges>;
  readonly standing?: ClusterStatus;
}

const unexpected = (name: string) => (): Promise<never> =>
  Promise.reject(new Error(`unexpected call of ${name}`));

const unexpectedFiles: Files = {
  within: () => unexpectedFiles,
  createBucket: unexpected("createBucket"),
  deleteBucket: unexpected("deleteBucket"),
  bucket: unexpected("bucket"),
  listBuckets: unexpected("listBuckets"),
  storeFile: unexpected("storeFile"),
  readFile: unexpected("readFile"),
  statFile: unexpected("statFile"),
  listFileParts: unexpected("listFileParts"),
  deleteFile: unexpected("deleteFile"),
  copyFile: unexpected("copyFile"),
  listFiles: unexpected("listFiles"),
  createUpload: unexpected("createUpload"),
  storePart: unexpected("storePart"),
  completeUpload: unexpected("completeUpload"),
  abortUpload: unexpected("abortUpload"),
  listParts: unexpected("listParts"),
  listUploads: unexpected("listUploads"),
};

/** Calls that the test did not provide fail it. */
export function gatewayOver(
  files: Partial<Files>,
  ready: boolean = true,
  { account = "alice", maintenance = {}, cluster = {}, standing = loneNode, ...options }: Operator = {},
): GatewayFixture {
  const journal = new CollectingJournal();
  const handler = createHttpGateway({
    files: { ...unexpectedFiles, ...files, within: () => ({ ...unexpectedFiles, ...files }) },
    access: {
      credentials: (accessKey) =>
        Promise.resolve(
          accessKey === credentials.accessKey ? { account, secretKey: credentials.secretKey } : undefined,
        ),
    },
    clock,
    hashing: simulatedHashing,
    journal,
    maintenance: {
      fsck: () => assert.fail("unexpected call of fsck"),
      scrub: () => assert.fail("unexpected call of scrub"),
      ...maintenance,
    },
    cluster: {
      nodes: () => assert.fail("unexpected call of nodes"),
      layout: () => assert.fail("unexpected call of layout"),
      preview: () => assert.fail("unexpected call of preview"),
      changeNode: () => assert.fail("unexpected call of changeNode"),
      removeNode: () => assert.fail("unexpected call of removeNode"),
      revertLayout: () => assert.fail("unexpected call of revertLayout"),
      ...cluster,
    },
    status: () =>
      Promise.resolve({
        ...readinessOf(ready),
        clusterId: "c",
        nodeId: "n",
        wallMs: nowMs,
        startedAtMs: nowMs,
        clock: { standing: "alone", aheadMs: 0 },
        shards: [],
        cluster: standing,
        log: { failed: false, queuedBytes: 0, segments: 1, segmentsBytes: 0 },
        checkpoint: { lagEntries: 0, lagBytes: 0 },
        blocks: { blocks: 0, volumes: 0, liveBytes: 0, deadBytes: 0, damagedFound: 0, failed: false },
        disk: { freeBytes: 1, totalBytes: 2, reserveBytes: 0 },
        scrub: { running: undefined, last: undefined },
        replicas: { damaged: [], reloaded: 0, lastReloaded: undefined, apart: [] },
      }),
    readiness: () => Promise.resolve(readinessOf(ready)),
    metrics: () => Promise.resolve({ contentType: "text/plain; version=0.0.4", text: "up 1\n" }),
    ...options,
  });
  return { journal, send: async (parts) => answerOf(await handler(requestOf(parts))) };
}

const loneNode: ClusterStatus = {
  consensus: "raft",
  epoch: 1,
  nodes: [],
  system: { leader: undefined, voters: [], learners: [], appliedIndex: 1 },
  shards: [],
  partitions: { stable: 1024, joint: 0, change: undefined, unclosedShards: [], incomplete: 0 },
  incompleteBlocks: 0,
};

function readinessOf(ready: boolean): Readiness {
  if (ready) return { ready, writable: true, code: undefined, reason: undefined };
  return { ready, writable: false, code: "Unavailable", reason: "recovering" };
}

function requestOf(parts: RequestParts): HttpRequest {
  const { method = "GET", path, query = "", body } = parts;
  const data = utf8(body ?? "");
  const headers: Record<string, string> = { host: "node:9001", ...parts.headers };
  const payloadHash = parts.payloadHash ?? toHex(sha256(data));
  const {
    accessKey = credentials.accessKey,
    secretKey = credentials.secretKey,
    service = "holdfast",
  } = parts;
  const wallMs = parts.sentAtMs ?? nowMs;
  const signature =
    parts.anonymous === true
      ? {}
      : signRequest({
          method,
          path,
          query,
          headers,
          payloadHash,
          accessKey,
          secretKey,
          region: "anywhere",
          service,
          wallMs,
          sha256,
        });
  async function* chunks(): AsyncGenerator<Uint8Array> {
    if (data.length > 0) yield data;
  }
  return {
    method,
    path,
    query,
    headers: {
      ...headers,
      ...signature,
      ...(body === undefined ? {} : { "content-length": String(data.length) }),
      ...parts.unsigned,
    },
    body: chunks(),
    signal: new AbortController().signal,
    throwIfAborted: () => undefined,
    remoteAddress: parts.remoteAddress ?? "127.0.0.1",
    requestId: "r-1",
  };
}

async function answerOf(response: HttpResponse): Promise<Answer> {
  let text = "";
  if (response.body instanceof Uint8Array) text = utf8Text(response.body);
  else if (response.body !== undefined) for await (const chunk of response.body) text += utf8Text(chunk);
  const isJson = response.headers["content-type"] === "application/json";
  const code: unknown =
    isJson && response.status >= 400 ? JSON.parse(text).code : response.headers["x-holdfast-error"];
  return {
    status: response.status,
    headers: response.headers,
    text,
    code: typeof code === "string" ? code : undefined,
  };
}

export const someFile: FileInfo = {
  bucket: "b",
  key: "k",
  version: "v7",
  bytes: 10,
  etag: "abc",
  checksum: undefined,
  modifiedAtMs: 1_700_000_000_000,
  attributes: {
    contentType: "text/plain",
    contentEncoding: "gzip",
    contentDisposition: undefined,
    contentLanguage: undefined,
    cacheControl: undefined,
    expires: undefined,
    userMetadata: [{ name: "author", value: " Jürgen 100 %" }],
  },
  crc32: 0xab,
  partCount: undefined,
  range: { offset: 0, bytes: 10 },
};
