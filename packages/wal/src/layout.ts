/**
 * Where things lie in a segment file.
 *
 *   0      segment header
 *   4096   the same header again: one rotten page does not cost a segment
 *   8192   batches, each from a page boundary on: header, body, zeros up to the next page
 *   ...    zeros: the file was filled with them before its first batch
 *
 * A batch never shares a page with an earlier one, so a torn write cannot touch what was acknowledged before.
 */

/** Unit of placement of batches: a page of memory and of every common file system. */
export const pageBytes = 4096;
/** The disk writes whole sectors: what a torn write leaves of each is the old or the new one. */
export const sectorBytes = 512;
export const batchesOffset: number = 2 * pageBytes;

export function padToPage(bytes: number): number {
  return Math.ceil(bytes / pageBytes) * pageBytes;
}

/**
 * Start value of the checksums of what lies at `offset` (S8): an odd multiplier gives every page of a segment another
 * one, and every segment has a random seed, so bytes of another segment, life or place never count.
 */
export function placementSeed(segmentSeed: number, offset: number): number {
  return (segmentSeed + Math.imul(offset / pageBytes, 0x9e37_79b1)) >>> 0;
}

const segmentName = /^([0-9]{8,15})\.wal$/;

export function segmentFileName(sequence: number): string {
  return `${String(sequence).padStart(8, "0")}.wal`;
}

/** Undefined for files that are no segments. */
export function segmentSequence(name: string): number | undefined {
  const digits = segmentName.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** A segment under this name is still being filled; it holds nothing. */
export const unfinishedSuffix = ".new";

export function joinPath(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

/** Recovery looks through whole segments with it: an indexed loop is several times as fast as an iterator. */
export function isZero(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== 0) return false;
  return true;
}
