import { equalBytes } from "@holdfast/base";
import type { Disk, DiskFile, Hashing } from "@holdfast/ports";
import { listIfPresent } from "@holdfast/ports";
import { batchesOffset, isZero, joinPath, segmentSequence, unfinishedSuffix } from "./layout.ts";
import { WalError } from "./log-error.ts";
import { Segment } from "./segment.ts";
import type { SegmentHeader } from "./segment-header.ts";
import { decodeSegmentHeader, incarnationBytes } from "./segment-header.ts";

export interface FoundSegment {
  readonly segment: Segment;
  /** Neither copy of its header can be read, so nothing in it can. */
  readonly unreadable: boolean;
}

const windowBytes = 1024 * 1024;

/** Whether the folder has segments. Throws UnsupportedVersionError for one of a newer format; changes nothing. */
export async function checkSegments(disk: Disk, folder: string, hashing: Hashing): Promise<boolean> {
  const names = await listIfPresent(disk, folder);
  const sequences = names.map(segmentSequence);
  for (const [i, sequence] of sequences.entries()) {
    if (sequence === undefined) continue;
    const file = await disk.open(joinPath(folder, names[i] ?? ""), "read");
    await closeSegments([await openSegment(file, sequence, hashing)]);
  }
  return sequences.some((sequence) => sequence !== undefined);
}

/** The folder's segments, oldest first; what a crash left unfinished is removed. */
export async function findSegments(
  disk: Disk,
  folder: string,
  hashing: Hashing,
): Promise<readonly FoundSegment[]> {
  await disk.makeFolder(folder);
  const names = await disk.list(folder);
  for (const name of names) {
    if (name.endsWith(unfinishedSuffix)) await disk.remove(joinPath(folder, name));
  }
  const sequences = names.map((name) => [segmentSequence(name) ?? 0, joinPath(folder, name)] as const);
  const found: FoundSegment[] = [];
  try {
    for (const [sequence, path] of sequences.filter(([number]) => number > 0).sort(([a], [b]) => a - b)) {
      found.push(await openSegment(await disk.open(path, "read"), sequence, hashing));
    }
    checkLives(found);
  } catch (error) {
    await closeSegments(found);
    throw error;
  }
  return found;
}

export async function closeSegments(found: readonly FoundSegment[]): Promise<void> {
  for (const { segment } of found) await segment.retire();
}

async function openSegment(file: DiskFile, sequence: number, hashing: Hashing): Promise<FoundSegment> {
  try {
    const header = decodeSegmentHeader(await file.read(0, batchesOffset), file.path, hashing);
    if (header !== undefined && header.sequence !== sequence) {
      throw new WalError("foreign", `${file.path} holds segment ${header.sequence}`);
    }
    const bytes = await file.size();
    const unknown: SegmentHeader = {
      incarnation: new Uint8Array(incarnationBytes),
      sequence,
      seed: 0,
      bytes,
    };
    return { segment: new Segment(header ?? unknown, file.path, file), unreadable: header === undefined };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** A segment of another log must never be read as a part of this one. */
function checkLives(found: readonly FoundSegment[]): void {
  const readable = found.filter((one) => !one.unreadable).map((one) => one.segment);
  const [first] = readable;
  for (const { header, path } of readable) {
    if (first === undefined || equalBytes(header.incarnation, first.header.incarnation)) continue;
    throw new WalError(
      "foreign",
      `${path} belongs to another log than ${first.path}: restore the right files`,
    );
  }
}

/** Whether anything was ever written behind the header. */
export async function holdsBytes(segment: Segment): Promise<boolean> {
  for (let offset = batchesOffset; offset < segment.header.bytes; offset += windowBytes) {
    if (!isZero(await segment.read(offset, windowBytes))) return true;
  }
  return false;
}
