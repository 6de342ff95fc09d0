import type { Attempt, ContentId, WriterId } from "@holdfast/base";
import { findContent, findStream, isReferenceHeld } from "@holdfast/namespace";
import type { StateReader } from "@holdfast/ports";
import { mayCommit } from "./writers.ts";

/**
 * What the collector may think of the blocks that an attempt streamed.
 *
 * - `live`: a live content, or a part of an open upload, names them.
 * - `open`: nothing names them yet, but the attempt may still commit.
 * - `dead`: they belong to a dead content that readers may still be at: erased from the queue of dead contents, not
 *   before 15 minutes have passed (S6).
 * - `garbage`: nothing names them and nothing ever can (S4): may be erased.
 */
export type StreamStatus = "live" | "open" | "dead" | "garbage";

/**
 * S4: to be asked in the stream's home shard, behind a read barrier that began after its blocks were listed. Age plays no
 * part in the answer.
 */
export function streamStatus(state: StateReader, writer: WriterId, number: Attempt): StreamStatus {
  const stream = findStream(state, writer, number);
  if (stream === undefined) return mayCommit(state, writer, number) ? "open" : "garbage";
  if (stream.kind === "uploadPart") return "live";
  const content = stream.kind === "content" ? stream.content : findContent(state, stream.into);
  return content?.deadSinceMs === undefined ? "live" : "dead";
}

/**
 * Whether a reference that this shard's attempt took on a content is needed: `held` by a version here, `open` while the
 * attempt may still commit one, `gone` for ever otherwise (S5). To be asked in the reference's home shard, behind a read
 * barrier that began after the reference was listed.
 */
export function referenceStatus(state: StateReader, reference: ContentId): "held" | "open" | "gone" {
  if (isReferenceHeld(state, reference)) return "held";
  return mayCommit(state, reference.writer, reference.attempt) ? "open" : "gone";
}
