/** Whether a file has to be copied again. */

import { createReadStream } from "node:fs";
import { crc32 } from "node:zlib";
import type { Store } from "@holdfast/client";
import { fileName } from "../command-line/location.ts";
import { placeBelow } from "./place-below.ts";
import type { FileLocation } from "./plan.ts";
import type { SideFile } from "./sync-side.ts";

/** Node sets times to the microsecond, from seconds in a double. */
const timeToleranceMs = 0.002;

/**
 * By size and time: copied when either differs. Where a side's file was stored without its time (by other tools), it is copied when the
 * source is younger than what the target's store took, as in AWS' tool.
 */
export function isDifferent(source: SideFile, target: SideFile): boolean {
  if (source.bytes !== target.bytes) return true;
  const sourceMs = source.modifiedAtMs ?? source.storedAtMs;
  if (target.modifiedAtMs === undefined) return sourceMs > target.storedAtMs;
  return Math.abs(sourceMs - target.modifiedAtMs) > timeToleranceMs;
}

export interface SyncPlaces {
  readonly source: FileLocation;
  readonly target: FileLocation;
  readonly store: Store;
  readonly signal: AbortSignal;
}

/** By size and CRC-32, whatever the times say: reads local files. */
export async function isDifferentContent(
  source: SideFile,
  target: SideFile,
  places: SyncPlaces,
): Promise<boolean> {
  if (source.bytes !== target.bytes) return true;
  if (source.etag !== undefined && source.etag === target.etag) return false;
  return (await checksum(source, places.source, places)) !== (await checksum(target, places.target, places));
}

async function checksum(file: SideFile, side: FileLocation, { store, signal }: SyncPlaces): Promise<number> {
  if (file.crc32 !== undefined) return file.crc32;
  const place = placeBelow(side, file.relative);
  // Files that other tools stored may be listed without it; asked for by name, every file has one.
  if (place.kind === "remote") return (await store.statFile(fileName(place), { signal })).crc32;
  let sum = 0;
  const chunks: AsyncIterable<Uint8Array> = createReadStream(place.path, {
    highWaterMark: 1024 * 1024,
    signal,
  });
  for await (const chunk of chunks) sum = crc32(chunk, sum);
  return sum;
}
