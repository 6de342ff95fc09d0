import { compareBytes, present } from "@holdfast/base";
import type { DiskFile, Hashing } from "@holdfast/ports";
import { DiskError, pageBytes } from "@holdfast/ports";
import { BlockError } from "./block-error.ts";
import type { BlockFrames } from "./block-frames.ts";
import type { BlockIndex } from "./block-index.ts";
import type { NeedlePlace } from "./needle.ts";
import { alignUp, decodeNeedleHeader, needleHeaderBytes } from "./needle.ts";
import type { ReadHistory } from "./read-history.ts";
import type { VolumeFiles } from "./volume-files.ts";

/** What a needle must say about itself to be the one that is meant. */
export interface ExpectedNeedle extends NeedlePlace {
  readonly bodyBytes: number;
  readonly checksum: number;
  readonly sequence: number;
}

export type NeedleRead =
  | { readonly kind: "whole"; readonly body: Uint8Array }
  | { readonly kind: "damaged"; readonly reason: string };

export interface NeedleReader {
  readonly files: VolumeFiles;
  readonly index: BlockIndex;
  readonly hashing: Hashing;
  readonly frames: BlockFrames;
  readonly history: ReadHistory;
}

/**
 * Reads a block's needle in one piece and verifies all of it: header, identity, length and body. Never another
 * block's bytes, never a short success. A body of some length lies in a frame, which whoever is done with it may recycle.
 * Throws BlockError "busy" when the process is out of file handles.
 */
export async function readNeedle(
  reader: NeedleReader,
  key: Uint8Array,
  expected: ExpectedNeedle,
): Promise<NeedleRead> {
  const volume = reader.index.volumes.get(expected.volume);
  if (volume === undefined) return { kind: "damaged", reason: "its volume is gone" };
  let bytes: Uint8Array;
  try {
    bytes = await reader.files.use(expected.volume, (file) => readBytes(reader, file, expected));
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    if (error.kind === "too-many-files")
      throw new BlockError("busy", "out of file handles: read again later", error);
    return { kind: "damaged", reason: error.message };
  }
  const reason = whatIsWrong(bytes, key, expected, volume.seedCrc, reader.hashing);
  return reason === undefined
    ? { kind: "whole", body: bytes.subarray(needleHeaderBytes) }
    : { kind: "damaged", reason };
}

async function readBytes(
  { frames, history }: NeedleReader,
  file: DiskFile,
  expected: ExpectedNeedle,
): Promise<Uint8Array> {
  const { offset, bodyBytes } = expected;
  const length = needleHeaderBytes + bodyBytes;
  if (bodyBytes < frames.framedBytesMin) return file.read(offset, length);
  const frame = present(frames.around(frames.take(bodyBytes)), "a body that was just taken has its frame");
  const pages = frame.subarray(0, alignUp(length, pageBytes));
  const found = await file.readInto(offset, pages, history.isFirst(expected));
  return frame.subarray(0, Math.min(found, length));
}

function whatIsWrong(
  bytes: Uint8Array,
  key: Uint8Array,
  expected: ExpectedNeedle,
  seedCrc: number,
  hashing: Hashing,
): string | undefined {
  if (bytes.length !== needleHeaderBytes + expected.bodyBytes) return "the volume ends before it";
  const needle = decodeNeedleHeader(bytes, 0, seedCrc, expected.offset, hashing);
  if (needle === undefined) return "its header is damaged";
  const isMeant =
    needle.kind === "block" &&
    compareBytes(needle.key, key) === 0 &&
    needle.bodyBytes === expected.bodyBytes &&
    needle.checksum === expected.checksum &&
    needle.sequence === expected.sequence;
  if (!isMeant) return "another needle stands in its place";
  if (hashing.crc32(bytes.subarray(needleHeaderBytes)) !== expected.checksum) return "its body is damaged";
  return undefined;
}
