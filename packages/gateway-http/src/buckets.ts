/** Buckets over the native API. */

import { StoreError } from "@holdfast/base";
import type { BucketInfo, BucketSettings } from "@holdfast/node";
import type { HttpResponse } from "@holdfast/ports";
import type { JsonObject } from "./json.ts";
import { isObject, jsonAnswer, readJson, refuseUnknownMembers } from "./json.ts";
import type { ApiCall, Operation } from "./operation.ts";

async function listBuckets(call: ApiCall): Promise<HttpResponse> {
  const buckets = await call.context.files.listBuckets();
  return jsonAnswer(200, { buckets: buckets.map(bucketDocument) });
}

async function createBucket(call: ApiCall): Promise<HttpResponse> {
  const document = await readJson(call.request, call.caller.payload, call.context.hashing);
  const settings = document === undefined ? undefined : settingsFrom(document);
  const request = {
    name: call.bucket,
    owner: call.caller.account,
    ...(settings === undefined ? {} : { settings }),
  };
  return jsonAnswer(201, bucketDocument(await call.context.files.createBucket(request)));
}

async function showBucket(call: ApiCall): Promise<HttpResponse> {
  return jsonAnswer(200, bucketDocument(await call.context.files.bucket(call.bucket)));
}

async function deleteBucket(call: ApiCall): Promise<HttpResponse> {
  await call.context.files.deleteBucket(call.bucket);
  return { status: 204, headers: {}, body: undefined };
}

function bucketDocument(bucket: BucketInfo): unknown {
  const { name, owner, createdAtMs, settings } = bucket;
  return {
    name,
    owner,
    createdAtMs,
    settings: { redundancy: redundancyText(settings), blockBytes: settings.blockBytes },
  };
}

function redundancyText(settings: BucketSettings): string {
  const { dataFragments, parityFragments } = settings.redundancy;
  return dataFragments === 1
    ? `replicas:${parityFragments + 1}`
    : `erasure:${dataFragments}+${parityFragments}`;
}

function settingsFrom(document: JsonObject): Partial<BucketSettings> | undefined {
  refuseUnknownMembers(document, ["settings"]);
  const { settings } = document;
  if (settings === undefined) return undefined;
  if (!isObject(settings)) throw new StoreError("InvalidRequest", "settings is an object.");
  refuseUnknownMembers(settings, ["redundancy", "blockBytes"]);
  const { redundancy, blockBytes } = settings;
  return {
    ...(redundancy === undefined ? {} : { redundancy: redundancyFrom(redundancy) }),
    ...(blockBytes === undefined ? {} : { blockBytes: blockBytesFrom(blockBytes) }),
  };
}

/** Whether the cluster has the nodes for it is for the store to say. */
function redundancyFrom(value: unknown): BucketSettings["redundancy"] {
  const text = typeof value === "string" ? value : "";
  const replicas = /^replicas:([1-9]\d?)$/.exec(text);
  if (replicas !== null) return { dataFragments: 1, parityFragments: Number(replicas[1]) - 1 };
  const erasure = /^erasure:([1-9]\d?)\+([1-9]\d?)$/.exec(text);
  if (erasure !== null) return { dataFragments: Number(erasure[1]), parityFragments: Number(erasure[2]) };
  throw new StoreError("InvalidArgument", 'redundancy is "replicas:N" or "erasure:K+M".');
}

function blockBytesFrom(value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
  throw new StoreError("InvalidArgument", "blockBytes is a number of bytes.");
}

export const bucketOperations: readonly Operation[] = [
  {
    method: "GET",
    path: "/buckets",
    operationId: "listBuckets",
    run: listBuckets,
    document: {
      summary: "All buckets, sorted by name",
      answer: { status: 200, description: "The buckets", kind: "json", schema: "BucketList" },
    },
  },
  {
    method: "PUT",
    path: "/buckets/{bucket}",
    operationId: "createBucket",
    run: createBucket,
    document: {
      summary: "Creates a bucket",
      body: { kind: "json", schema: "CreateBucket", required: false },
      answer: { status: 201, description: "The bucket", kind: "json", schema: "Bucket" },
    },
  },
  {
    method: "GET",
    path: "/buckets/{bucket}",
    operationId: "showBucket",
    run: showBucket,
    document: {
      summary: "A bucket's settings",
      answer: { status: 200, description: "The bucket", kind: "json", schema: "Bucket" },
    },
  },
  {
    method: "DELETE",
    path: "/buckets/{bucket}",
    operationId: "deleteBucket",
    run: deleteBucket,
    document: {
      summary: "Deletes an empty bucket",
      answer: { status: 204, description: "It is gone", kind: "none" },
    },
  },
];
