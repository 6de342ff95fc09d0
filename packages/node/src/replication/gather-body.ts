import type { BlockFrames } from "@holdfast/blocks";
import type { Hashing } from "@holdfast/ports";

export interface ExpectedBody {
  readonly bytes: number;
  /** CRC-32. */
  readonly checksum: number;
}

export interface GatherPorts {
  readonly frames: BlockFrames;
  readonly hashing: Hashing;
}

/**
 * Brings a body of known length and checksum into memory: a frame's, where it is long enough for one. The caller recycles it.
 * Undefined when it is longer, shorter or another; no more than a chunk beyond is taken of it. Rejects when reading does.
 */
export async function gatherBody(
  chunks: AsyncIterable<Uint8Array>,
  { bytes, checksum }: ExpectedBody,
  { frames, hashing }: GatherPorts,
): Promise<Uint8Array | undefined> {
  const body = bytes < frames.framedBytesMin ? new Uint8Array(bytes) : frames.take(bytes);
  let filled = 0;
  let isWhole = false;
  try {
    for await (const chunk of chunks) {
      if (filled + chunk.length > bytes) return undefined;
      frames.fill(body, filled, chunk);
      filled += chunk.length;
    }
    isWhole = filled === bytes && hashing.crc32(body) === checksum;
    return isWhole ? body : undefined;
  } finally {
    if (!isWhole) frames.recycle(body);
  }
}
