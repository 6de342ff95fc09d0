/** The workload's store over a node's Files. */

import { crc32, limits } from "@holdfast/base";
import type { FileAttributes, FileInfo, Files, IncomingBody, WriteCondition } from "@holdfast/node";
import { bodyChunks, noAttributes } from "@holdfast/node";
import type { Body } from "../model/body.ts";
import { bodyBytes } from "../model/body.ts";
import type { Condition } from "../model/register.ts";
import type { StoreModel } from "../model/store-model.ts";
import { violated } from "../model/violation.ts";
import type { Outgoing, Reading, StoreClient } from "./store-client.ts";

export interface FilesClientOptions {
  readonly files: Files;
  readonly model: StoreModel;
  readonly blockBytes: number;
}

export function filesClient({ files, model, blockBytes }: FilesClientOptions): StoreClient {
  return {
    put: (name, tag, outgoing, condition) =>
      files.storeFile({
        ...name,
        attributes: attributes(tag),
        condition: writeCondition(condition),
        body: incoming(outgoing),
      }),
    read: async (name, range) => {
      const asked = range === undefined ? {} : { range: { kind: "from", ...range } as const };
      const { file, body } = await files.readFile({ ...name, ...asked });
      checkCrc32(model, file);
      return {
        seen: seen(file),
        offset: file.range.offset,
        length: file.range.bytes,
        chunks: bodyChunks(body),
      } satisfies Reading;
    },
    delete: (name, condition) => files.deleteFile({ ...name, condition: writeCondition(condition) }),
    copy: (source, name, tag, condition) =>
      files.copyFile({
        source,
        ...name,
        condition: writeCondition(condition),
        attributes: tag === undefined ? undefined : attributes(tag),
      }),
    list: (request) => files.listFiles(request),
    createUpload: async (name, tag) => {
      const kept = { checksumAlgorithm: undefined, checksumScope: undefined };
      const upload = await files.createUpload({ ...name, attributes: attributes(tag), ...kept });
      return upload.uploadId;
    },
    putPart: (name, uploadId, part, outgoing) =>
      files.storePart({ ...name, uploadId, part, body: incoming(outgoing) }),
    completeUpload: (name, uploadId, parts, condition) =>
      files.completeUpload({ ...name, uploadId, parts, condition: writeCondition(condition) }),
    abortUpload: (name, uploadId) => files.abortUpload({ ...name, uploadId }),
    listParts: async (name, uploadId) =>
      (await files.listParts({ ...name, uploadId, afterPart: 0, limit: limits.keysPerRequestMax })).parts,
    listUploads: async (bucket) => {
      const everything = { prefix: "", delimiter: "", afterKey: "", afterUploadId: "" };
      return (await files.listUploads({ bucket, ...everything, limit: limits.keysPerRequestMax })).uploads;
    },
    createBucket: async (name) => {
      await files.createBucket({ name, owner: "simulator", settings: { blockBytes } });
    },
    deleteBucket: (name) => files.deleteBucket(name),
    listBuckets: async () => (await files.listBuckets()).map(({ name }) => name),
  };
}

const tagName = "tag";

function attributes(tag: string): FileAttributes {
  return { ...noAttributes, contentType: `text/${tag}`, userMetadata: [{ name: tagName, value: tag }] };
}

function seen(file: FileInfo): Reading["seen"] {
  const tag = file.attributes.userMetadata.find(({ name }) => name === tagName)?.value;
  if (file.attributes.contentType !== `text/${tag}`) violated(`${file.key}: metadata of two writes in one`);
  return { tag, etag: file.etag, bytes: file.bytes };
}

function checkCrc32(model: StoreModel, file: FileInfo): void {
  const { tag } = seen(file);
  const body = tag === undefined ? undefined : model.bodyOf(tag);
  if (body === undefined || file.bytes > 1_000_000) return;
  if (crc32Of(body) !== file.crc32) violated(`${file.key}: the CRC-32 kept is not that of ${tag}`);
}

/** Files are looked at often, their checksums are made once. */
const checksums = new WeakMap<Body, number>();

function crc32Of(body: Body): number {
  const known = checksums.get(body) ?? crc32(bodyBytes(body));
  checksums.set(body, known);
  return known;
}

function writeCondition({ ifNoneMatchAny, ifMatch }: Condition): WriteCondition {
  const match = ifMatch === "*" ? ({ kind: "any" } as const) : undefined;
  return {
    ifMatch: ifMatch === undefined ? undefined : (match ?? { kind: "etags", etags: [ifMatch] }),
    ifNoneMatch: ifNoneMatchAny === true ? { kind: "any" } : undefined,
  };
}

function incoming({ declaredBytes, chunks, md5 }: Outgoing): IncomingBody {
  return {
    chunks,
    bytes: declaredBytes,
    expectedDigests: () => (md5 === undefined ? [] : [{ algorithm: "md5", value: md5 }]),
    verify: ["md5"],
  };
}
