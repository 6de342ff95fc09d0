/** A shard on a state in memory: commands go through their bytes, and the invariants are checked behind every one. */

import assert from "node:assert/strict";
import type { Attempt, BucketId, ContentId, Epoch, WriterId } from "@holdfast/base";
import { attempt, bucketId, encode, epoch, logIndex, shardId, writerId } from "@holdfast/base";
import type { BucketSettings, ContentPart, WriteCondition } from "@holdfast/namespace";
import { noAttributes, unconditional } from "@holdfast/namespace";
import { MemoryState } from "@holdfast/ports";
import type { Operation, PutBody, ShardCommand, WriterProgress } from "../src/command.ts";
import { shardEntryCodec } from "../src/command.ts";
import { checkInvariants } from "../src/invariants.ts";
import type { ShardResult } from "../src/result.ts";
import { ShardMachine } from "../src/shard-machine.ts";

export const settings: BucketSettings = {
  redundancy: { dataFragments: 1, parityFragments: 2 },
  blockBytes: 1024 * 1024,
};
export const bucket: BucketId = bucketId(7);
export const noProgress: WriterProgress = { floor: attempt(0), closed: [] };

/** Counts the changes to the namespace's tables: all but the time, the writers and their results. */
export class WatchedState extends MemoryState {
  namespaceChanges = 0;

  override put(key: Uint8Array, value: Uint8Array): void {
    if (isNamespaceKey(key)) this.namespaceChanges += 1;
    super.put(key, value);
  }

  override remove(key: Uint8Array): void {
    if (isNamespaceKey(key)) this.namespaceChanges += 1;
    super.remove(key);
  }
}

function isNamespaceKey([table = 0]: Uint8Array): boolean {
  return table >= 0x02 && table < 0x10;
}

export interface LoggedEntry {
  readonly index: ReturnType<typeof logIndex>;
  readonly command: Uint8Array;
}

export class ShardHarness {
  readonly state: WatchedState = new WatchedState();
  readonly log: LoggedEntry[] = [];
  readonly id: ReturnType<typeof shardId>;
  readonly #machine: ShardMachine;
  timeMs = 1_000;
  /** Walking the whole state behind every entry is too slow for a thousand of them. */
  isChecked = true;

  constructor(id: number = 0) {
    this.id = shardId(id);
    this.#machine = new ShardMachine(this.id, this.state);
  }

  get lastIndex(): number {
    return this.log.length;
  }

  apply(command: ShardCommand): ShardResult {
    const entry = {
      index: logIndex(this.log.length + 1),
      command: encode(shardEntryCodec, { timeMs: this.timeMs, command }),
    };
    this.log.push(entry);
    const result = this.#machine.apply(entry);
    if (this.isChecked) checkInvariants(this.state, this.id);
    return result;
  }

  openWriter(): WriterId {
    const result = this.apply({ kind: "openWriter", node: "n1", run: "r1" });
    assert.equal(result.kind, "writerOpened");
    return result.kind === "writerOpened" ? result.writer : writerId(0);
  }

  installBucket(): void {
    assert.deepEqual(this.apply({ kind: "installBucket", bucket, settings }), { kind: "done" });
  }

  operate(
    writer: WriterId,
    number: number,
    operation: Operation,
    progress: WriterProgress = noProgress,
  ): ShardResult {
    return this.apply({ kind: "operate", writer, attempt: attempt(number), progress, operation });
  }

  contentId(writer: WriterId, number: number): ContentId {
    return { home: this.id, writer, attempt: attempt(number) };
  }
}

/** A shard with the bucket installed and one writer open. */
export function readyShard(id: number = 0): { readonly shard: ShardHarness; readonly writer: WriterId } {
  const shard = new ShardHarness(id);
  shard.installBucket();
  return { shard, writer: shard.openWriter() };
}

export function md5Of(letter: string): Uint8Array {
  return new Uint8Array(16).fill(letter.charCodeAt(0));
}

export function part(
  writer: WriterId,
  number: Attempt | number,
  change: Partial<ContentPart> = {},
): ContentPart {
  return {
    number: 1,
    writer,
    attempt: attempt(number),
    bytes: 100_000,
    blockBytes: 1024 * 1024,
    crc32: 5,
    md5: md5Of("a"),
    checksum: undefined,
    salts: [],
    ...change,
  };
}

export function putInline(key: string, text: string, condition: WriteCondition = unconditional): Operation {
  const body = new TextEncoder().encode(text);
  return put(key, body.length, `etag-${text}`, { kind: "inline", body, crc32: 1 }, condition);
}

export function putStreamed(
  key: string,
  streamed: ContentPart,
  condition: WriteCondition = unconditional,
  evidenceEpoch: Epoch = epoch(1),
): Operation {
  return put(
    key,
    streamed.bytes,
    "etag-streamed",
    { kind: "streamed", part: streamed, evidenceEpoch },
    condition,
  );
}

export function putPart(
  key: string,
  upload: number,
  streamed: ContentPart,
  evidenceEpoch: Epoch = epoch(1),
): Operation {
  return { kind: "putPart", bucket, key, upload, part: streamed, evidenceEpoch };
}

export function putReferenced(key: string, content: ContentId, bytes: number = 100_000): Operation {
  return put(key, bytes, "etag-copied", { kind: "referenced", content }, unconditional);
}

function put(key: string, bytes: number, etag: string, body: PutBody, condition: WriteCondition): Operation {
  return {
    kind: "putFile",
    bucket,
    key,
    condition,
    attributes: noAttributes,
    bytes,
    etag,
    checksum: undefined,
    body,
  };
}

export function deleteFile(key: string, condition: WriteCondition = unconditional): Operation {
  return { kind: "deleteFile", bucket, key, condition };
}

export function createUpload(key: string): Operation {
  return {
    kind: "createUpload",
    bucket,
    key,
    attributes: noAttributes,
    checksumAlgorithm: undefined,
    checksumScope: undefined,
  };
}

export function completeUpload(
  key: string,
  upload: number,
  parts: readonly { readonly number: number; readonly md5: Uint8Array }[],
  condition: WriteCondition = unconditional,
): Operation {
  const etag = `etag-${parts.map(({ number, md5 }) => `${number}${String.fromCharCode(md5[0] ?? 0)}`).join("-")}`;
  return {
    kind: "completeUpload",
    bucket,
    key,
    upload,
    condition,
    parts,
    etag,
    checksum: undefined,
  };
}

export function refused(code: string, subject: string = ""): ShardResult {
  return { kind: "refused", code, subject } as ShardResult;
}
