/** Values for tests of the namespace, and what puts them into a state. */

import type { BucketId, ContentId } from "@holdfast/base";
import { attempt, bucketId, encode, epoch, logIndex, shardId, writerId } from "@holdfast/base";
import type { StateWriter } from "@holdfast/ports";
import { MemoryState } from "@holdfast/ports";
import { noAttributes } from "../src/attributes.ts";
import type { ContentPart } from "../src/content.ts";
import type { EntryScope } from "../src/entry-scope.ts";
import type { FileVersion } from "../src/file-version.ts";
import { fileVersionCodec } from "../src/file-version.ts";
import { fileKey, uploadKey } from "../src/state-keys.ts";
import type { Upload } from "../src/upload.ts";
import { uploadCodec } from "../src/upload.ts";

export const bucket: BucketId = bucketId(7);

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function contentIdOf(home: number, writer: number, number: number): ContentId {
  return { home: shardId(home), writer: writerId(writer), attempt: attempt(number) };
}

export function scopeOf(index: number, timeMs: number, state: StateWriter = new MemoryState()): EntryScope {
  return { state, shard: shardId(3), index: logIndex(index), timeMs };
}

export const samplePart: ContentPart = {
  number: 2,
  writer: writerId(300),
  attempt: attempt(4),
  bytes: 70_000,
  blockBytes: 65_536,
  crc32: 0xdead_beef,
  md5: new Uint8Array(16).fill(0xab),
  checksum: { algorithm: "crc32c", scope: "full", value: Uint8Array.of(1, 2, 3, 4) },
  salts: [{ sequence: 1, salt: 9 }],
};

export function inlineFile(key: string, text: string): FileVersion {
  const body = utf8(text);
  return {
    key,
    version: logIndex(12),
    bytes: body.length,
    etag: "e1",
    modifiedAtMs: 1_700_000_000_000,
    attributes: { ...noAttributes, contentType: "text/plain", userMetadata: [{ name: "a", value: "b" }] },
    checksum: undefined,
    body: { kind: "inline", body, crc32: 7 },
  };
}

export function storeFile(state: StateWriter, key: string, text: string = "x", of: BucketId = bucket): void {
  state.put(fileKey(of, utf8(key)), encode(fileVersionCodec, inlineFile(key, text)));
}

export function uploadOf(key: string, number: number, of: BucketId = bucket): Upload {
  return {
    number,
    bucket: of,
    key,
    createdAtMs: 5,
    attributes: noAttributes,
    checksumAlgorithm: "sha256",
    checksumScope: "composite",
  };
}

export function storeUpload(state: StateWriter, key: string, number: number, of: BucketId = bucket): void {
  state.put(uploadKey(of, utf8(key), number), encode(uploadCodec, uploadOf(key, number, of)));
}

export const sampleEpoch: ReturnType<typeof epoch> = epoch(6);
