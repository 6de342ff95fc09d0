import type { ContentId } from "@holdfast/base";
import { limits } from "@holdfast/base";
import type { ContentPart } from "./content.ts";

/** Whether a part that came in a command makes sense by itself: one that contradicts itself must never be recorded. */
export function isPlausiblePart(part: ContentPart): boolean {
  if (part.number < 1 || part.number > limits.partNumberMax) return false;
  if (part.bytes > limits.bodyBytesMax) return false;
  if (part.blockBytes < 1 || part.md5.length !== 16) return false;
  const blocks = Math.ceil(part.bytes / part.blockBytes);
  let sequenceBefore = -1;
  for (const { sequence } of part.salts) {
    if (sequence <= sequenceBefore || sequence >= blocks) return false;
    sequenceBefore = sequence;
  }
  return true;
}

/** Whether the blocks of the part were streamed under this attempt (S1: they carry its name). */
export function isStreamedBy(part: ContentPart, attempt: ContentId): boolean {
  return part.writer === attempt.writer && part.attempt === attempt.attempt;
}
