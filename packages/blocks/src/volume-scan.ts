/**
 * Reads the needles of a volume in order, from header to header, without the bodies. Where no valid header stands,
 * the next one is searched at every aligned place: damage costs the needles it hit, not those behind.
 */

import type { DiskFile, Hashing } from "@holdfast/ports";
import { DiskError, pageBytes } from "@holdfast/ports";
import type { Needle } from "./needle.ts";
import {
  alignUp,
  decodeNeedleHeader,
  needleAlignmentBytes,
  needleBytes,
  needleHeaderBytes,
} from "./needle.ts";
import type { Volume } from "./volume.ts";

export type ScannedPart =
  | { readonly kind: "needle"; readonly offset: number; readonly end: number; readonly needle: Needle }
  /** Neither needles nor the padding behind a group. */
  | { readonly kind: "damage"; readonly offset: number; readonly end: number };

const windowBytes = 64 * 1024;

export async function* scanVolume(
  file: DiskFile,
  volume: Volume,
  from: number,
  hashing: Hashing,
): AsyncGenerator<ScannedPart, void, undefined> {
  const fileBytes = await file.size();
  const window = new Window(file);
  let offset = from;
  while (offset < fileBytes) {
    const needle = await readHeader(window, volume, offset, hashing);
    if (needle !== undefined) {
      const end = offset + needleBytes(needle.bodyBytes);
      yield { kind: "needle", offset, end, needle };
      offset = end;
      continue;
    }
    const gap = await searchHeader(window, volume, offset, fileBytes, hashing);
    // Group commit leaves zeros up to the next page, and nothing else without needles.
    const isPadding = gap.isZero && gap.end <= alignUp(offset, pageBytes) && offset % pageBytes !== 0;
    if (!isPadding) yield { kind: "damage", offset, end: gap.end };
    offset = gap.end;
  }
}

async function readHeader(
  window: Window,
  volume: Volume,
  offset: number,
  hashing: Hashing,
): Promise<Needle | undefined> {
  await window.show(offset, needleHeaderBytes);
  return decodeNeedleHeader(window.bytes, offset - window.offset, volume.seedCrc, offset, hashing);
}

interface Gap {
  readonly end: number;
  readonly isZero: boolean;
}

async function searchHeader(
  window: Window,
  volume: Volume,
  from: number,
  fileBytes: number,
  hashing: Hashing,
): Promise<Gap> {
  let isZero = true;
  for (let offset = from; offset < fileBytes; offset += needleAlignmentBytes) {
    if (!window.shows(offset, needleHeaderBytes)) await window.show(offset, needleHeaderBytes);
    const at = offset - window.offset;
    if (decodeNeedleHeader(window.bytes, at, volume.seedCrc, offset, hashing) !== undefined)
      return { end: offset, isZero };
    isZero &&= window.bytes.subarray(at, at + needleAlignmentBytes).every((byte) => byte === 0);
  }
  return { end: fileBytes, isZero };
}

/** The part of the file that is in memory. */
class Window {
  readonly #file: DiskFile;
  bytes: Uint8Array = new Uint8Array(0);
  offset = 0;

  constructor(file: DiskFile) {
    this.#file = file;
  }

  shows(offset: number, length: number): boolean {
    return offset >= this.offset && offset + length <= this.offset + this.bytes.length;
  }

  async show(offset: number, length: number): Promise<void> {
    if (this.shows(offset, length)) return;
    this.offset = offset;
    const pageRest = pageBytes - (offset % pageBytes);
    this.bytes =
      (await readable(this.#file, offset, windowBytes)) ??
      (await readable(this.#file, offset, pageRest)) ??
      new Uint8Array(pageRest).fill(unreadableByte);
  }
}

/** What a sector that the disk cannot read is taken for: neither a needle nor padding. */
const unreadableByte = 0xff;

async function readable(file: DiskFile, offset: number, length: number): Promise<Uint8Array | undefined> {
  try {
    return await file.read(offset, length);
  } catch (error) {
    if (error instanceof DiskError && error.kind === "io") return undefined;
    throw error;
  }
}
