/** How a content is cut into parts: few round trips, bounded memory, and never more parts than the server takes. */

import { limits, MiB } from "@holdfast/base";

/** What is read into memory before it is sent, and the size of most parts. */
export const pieceBytes: number = 16 * MiB;
/** What the parts of one file that are on their way may hold together. */
const bytesInFlightMax = 64 * MiB;
const partsInFlightMax = 4;
/** A stream's parts double each time so many of them have gone out: 585 GiB fit, in parts of at most 128 MiB. */
const partsPerSize = limits.partNumberMax / 4;

/** A whole number of MiB: the parts of any file fit in the server's limit. */
export function partBytesFor(bytes: number): number {
  return Math.max(pieceBytes, Math.ceil(bytes / limits.partNumberMax / MiB) * MiB);
}

/** Of part `part` (from 1) of a stream whose length nobody knows. */
export function streamPartBytes(part: number): number {
  return pieceBytes * 2 ** Math.floor((part - 1) / partsPerSize);
}

/** Large parts go out by fewer at once, so that memory stays what it is. */
export function partsInFlight(partBytes: number): number {
  return Math.max(1, Math.min(partsInFlightMax, Math.floor(bytesInFlightMax / partBytes)));
}
