import { pageBytes } from "@holdfast/ports";

/** What the engine keeps in memory about a volume: a few numbers for each 4 GiB. */
export interface Volume {
  readonly number: number;
  readonly seedCrc: number;
  /** Where the next group would start; what lies between is durable or damage. */
  end: number;
  /** See VolumeRecord. */
  completeThrough: number;
  liveBytes: number;
  liveBlocks: number;
  /** Live blocks that a compaction had to leave because they are damaged: not tried again before one of them goes. */
  stuckBlocks: number;
}

export function newVolume(number: number, seedCrc: number): Volume {
  return {
    number,
    seedCrc,
    end: pageBytes,
    completeThrough: pageBytes,
    liveBytes: 0,
    liveBlocks: 0,
    stuckBlocks: 0,
  };
}

export function deadBytes(volume: Volume): number {
  return Math.max(0, volume.end - pageBytes - volume.liveBytes);
}
