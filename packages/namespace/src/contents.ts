/**
 * Contents and the streams they are made of, in their home shard. Every attempt that committed blocks has one record,
 * under its writer and attempt (content.ts says which kinds there are). An attempt without a record is garbage as soon as
 * it cannot commit any more (S4); everything else is the record's business:
 *
 *   putFile        -> content, live
 *   putPart        -> uploadPart -> absorbed, when the upload completes and lists it
 *                                -> content, dead from the start, when it is replaced, left out or aborted
 *   completeUpload -> content, live, naming its absorbed parts
 *   content live   -> dead (last reference dropped) -> forgotten, with what it absorbed
 */

import type { Attempt, ContentId, WriterId } from "@holdfast/base";
import { assert, decode, encode, epoch, prefixEnd } from "@holdfast/base";
import type { StateReader } from "@holdfast/ports";
import type { Content, ContentPart, ContentRecord, Redundancy } from "./content.ts";
import { contentRecordCodec } from "./content.ts";
import type { EntryScope } from "./entry-scope.ts";
import { deadContentFromKey, deadContentKey, marker, numbersKey, streamKey, tables } from "./state-keys.ts";

/** What became of an attempt's blocks; undefined while nothing, or nothing any more, names them. */
export function findStream(state: StateReader, writer: WriterId, number: Attempt): ContentRecord | undefined {
  const stored = state.get(streamKey(writer, number));
  return stored === undefined ? undefined : decode(contentRecordCodec, stored);
}

/** A content, live or dead, in its home shard. */
export function findContent(state: StateReader, id: ContentId): Content | undefined {
  const stream = findStream(state, id.writer, id.attempt);
  return stream?.kind === "content" ? stream.content : undefined;
}

/**
 * Contents that died before the given cluster time, the longest dead first; `from`: those that did not die before another time,
 * or that come behind another content.
 */
export function deadContents(
  state: StateReader,
  deadBeforeMs: number,
  limit: number,
  from: number | Content = 0,
): readonly Content[] {
  const to = numbersKey(tables.deadContents, deadBeforeMs);
  const first =
    typeof from === "number"
      ? numbersKey(tables.deadContents, from)
      : (prefixEnd(deadContentKey(from.deadSinceMs ?? 0, from.id)) ?? to);
  const range = { from: first, to, limit };
  const contents: Content[] = [];
  for (const { key } of state.range(range)) {
    const { writer, attempt } = deadContentFromKey(key);
    const stream = findStream(state, writer, attempt);
    assert(stream?.kind === "content", "a queued content has its record");
    contents.push(stream.content);
  }
  return contents;
}

/** Whether a dead content waits for its blocks to be erased. */
export function isQueuedForErasure(state: StateReader, { id, deadSinceMs }: Content): boolean {
  return deadSinceMs !== undefined && state.get(deadContentKey(deadSinceMs, id)) !== undefined;
}

export function storeStream(
  { state }: EntryScope,
  writer: WriterId,
  number: Attempt,
  stream: ContentRecord,
): void {
  state.put(streamKey(writer, number), encode(contentRecordCodec, stream));
}

export function storeContent(scope: EntryScope, content: Content): void {
  assert(content.id.home === scope.shard, "a content is recorded in its home shard");
  storeStream(scope, content.id.writer, content.id.attempt, { kind: "content", content });
}

/** Live to dead, once; dead is final. Its blocks are erased under S4 and S6, and then it is forgotten. */
export function killContent(scope: EntryScope, content: Content): void {
  assert(content.deadSinceMs === undefined, "a content dies once");
  storeContent(scope, { ...content, deadSinceMs: scope.timeMs });
  scope.state.put(deadContentKey(scope.timeMs, content.id), marker);
}

/** An uploaded part that no upload will use: becomes a content nobody refers to, dead at once, so that it is collected. */
export function killPart(scope: EntryScope, part: ContentPart, redundancy: Redundancy): void {
  killContent(scope, {
    id: { home: scope.shard, writer: part.writer, attempt: part.attempt },
    bytes: part.bytes,
    parts: [part],
    redundancy,
    evidenceEpoch: epoch(0),
    deadSinceMs: undefined,
  });
}

/** The blocks of a dead content are erased everywhere: its records go. Live and unknown contents are left alone. */
export function forgetContent({ state, shard }: EntryScope, id: ContentId): void {
  if (id.home !== shard) return;
  const content = findContent(state, id);
  if (content?.deadSinceMs === undefined) return;
  state.remove(deadContentKey(content.deadSinceMs, id));
  state.remove(streamKey(id.writer, id.attempt));
  for (const part of content.parts) state.remove(streamKey(part.writer, part.attempt));
}
