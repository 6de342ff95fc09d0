/**
 * Where the needles of a group stand: one behind the other, a framed one on pages of its own. Groups
 * start and end at page boundaries, so that a torn write never touches what was acknowledged. What lies between two needles is
 * zeros, which a scan takes for padding.
 */

import { pageBytes } from "@holdfast/ports";
import type { BlockFrames } from "./block-frames.ts";
import { alignUp, needleBytes, needleHeaderBytes } from "./needle.ts";

export interface LaidBody {
  readonly body: Uint8Array;
  /** The memory it is written from, header and all; undefined when it is gathered with its neighbours. */
  readonly frame: Uint8Array | undefined;
  /** From the start of the group. */
  readonly offset: number;
  /** Where the next needle stands, or the group ends. */
  readonly end: number;
}

export interface GroupLayout {
  readonly bodies: readonly LaidBody[];
  readonly bytes: number;
}

export function layOutGroup(bodies: readonly Uint8Array[], frames: BlockFrames): GroupLayout {
  const framesOf = distinctFrames(bodies, frames);
  const laid: LaidBody[] = [];
  let offset = 0;
  for (const [i, body] of bodies.entries()) {
    const frame = framesOf[i];
    const isAtBoundary = frame !== undefined || i + 1 === bodies.length || framesOf[i + 1] !== undefined;
    const needleEnd = offset + needleBytes(body.length);
    const end = isAtBoundary ? alignUp(needleEnd, pageBytes) : needleEnd;
    laid.push({ body, frame, offset, end });
    offset = end;
  }
  return { bodies: laid, bytes: offset };
}

/** A frame has room for one header: a body that stands in the group twice is gathered the second time. */
function distinctFrames(
  bodies: readonly Uint8Array[],
  frames: BlockFrames,
): readonly (Uint8Array | undefined)[] {
  const seen = new Set<Uint8Array>();
  return bodies.map((body) => {
    const frame = body.length < frames.framedBytesMin ? undefined : frames.around(body);
    if (frame === undefined || seen.has(frame)) return undefined;
    seen.add(frame);
    return frame;
  });
}

const zeros: Uint8Array = new Uint8Array(pageBytes);

/** Header, body and padding as buffers, one behind the other; a frame is completed, and is one buffer. */
export function needleBuffers(
  { body, frame, offset, end }: LaidBody,
  header: Uint8Array,
): readonly Uint8Array[] {
  const needleLength = needleHeaderBytes + body.length;
  if (frame === undefined) return [header, body, zeros.subarray(0, end - offset - needleLength)];
  frame.set(header);
  frame.fill(0, needleLength, end - offset);
  return [frame.subarray(0, end - offset)];
}
