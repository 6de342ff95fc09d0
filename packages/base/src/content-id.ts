/**
 * Names of contents and blocks (SAFETY.md S1). A content is named by the attempt that wrote it; a block by its
 * content, part, sequence and salt. A block id is write-once: no two bodies ever share one.
 */

import type { Attempt, ShardId, WriterId } from "./brand.ts";
import { attempt, shardId, writerId } from "./brand.ts";
import type { Codec } from "./codec.ts";
import { ByteReader, ByteWriter, branded, integer, record, uint32 } from "./codec.ts";

/** One streamed attempt: its home shard is the shard whose writer numbered it. */
export interface ContentId {
  readonly home: ShardId;
  readonly writer: WriterId;
  readonly attempt: Attempt;
}

export const contentIdCodec: Codec<ContentId> = record({
  home: branded<ShardId>(),
  writer: branded<WriterId>(),
  attempt: branded<Attempt>(),
});

export function equalContentIds(a: ContentId, b: ContentId): boolean {
  return a.home === b.home && a.writer === b.writer && a.attempt === b.attempt;
}

/** For maps, messages and logs. */
export function contentIdText(id: ContentId): string {
  return `${id.home}.${id.writer}.${id.attempt}`;
}

export interface BlockId {
  readonly content: ContentId;
  /** Part number, from 1; a file stored in one piece has part 1 alone. */
  readonly part: number;
  /** Position of the block within its part, from 0. */
  readonly sequence: number;
  /** Chooses another partition when too few slots answered; 0 otherwise. */
  readonly salt: number;
}

export const blockIdCodec: Codec<BlockId> = record({
  content: contentIdCodec,
  part: integer,
  sequence: integer,
  salt: uint32,
});

/** Length in bytes of a block key and of the content prefix that blocks of one content share. */
export const blockKeyBytes = 32;
export const contentKeyBytes = 20;

/** Fixed-length, big-endian: sorts by home, writer, attempt; a prefix of blockKey. */
export function contentKey(id: ContentId): Uint8Array {
  const writer = new ByteWriter(contentKeyBytes);
  writer.u32(id.home);
  writer.u53(id.writer);
  writer.u53(id.attempt);
  return writer.finish();
}

/** Fixed-length, big-endian: sorts by content, part, sequence, salt. */
export function blockKey(id: BlockId): Uint8Array {
  const writer = new ByteWriter(blockKeyBytes);
  writer.raw(contentKey(id.content));
  writer.u32(id.part);
  writer.u32(id.sequence);
  writer.u32(id.salt);
  return writer.finish();
}

export function contentIdFromKey(key: Uint8Array): ContentId {
  const reader = new ByteReader(key);
  return { home: shardId(reader.u32()), writer: writerId(reader.u53()), attempt: attempt(reader.u53()) };
}

export function blockIdFromKey(key: Uint8Array): BlockId {
  const reader = new ByteReader(key);
  const content = {
    home: shardId(reader.u32()),
    writer: writerId(reader.u53()),
    attempt: attempt(reader.u53()),
  };
  return { content, part: reader.u32(), sequence: reader.u32(), salt: reader.u32() };
}

export function blockIdText(id: BlockId): string {
  return `${contentIdText(id.content)}/${id.part}.${id.sequence}.${id.salt}`;
}
