import { KiB, MiB } from "@holdfast/base";
import type { NodeOptions } from "@holdfast/node";

/** Everything small, so that a short piece of work rolls segments and volumes, checkpoints and collects. */
export const smallNode: Required<Omit<NodeOptions, "entrance" | "rejoining" | "joinSettleMs">> = {
  consensus: "raft",
  place: {},
  shardCount: 2,
  segmentBytes: 64 * KiB,
  volumeBytesMax: 48 * KiB,
  frameSizes: { framedBytesMin: 3 * KiB, keptBytesMax: 64 * KiB },
  reserveBytes: 128 * KiB,
  checkpointIntervalMs: 4,
  collectIntervalMs: 20,
  readerGraceMs: 150,
  writerPublishMs: 400,
  writerSilentMs: 2000,
  compactIntervalMs: 30,
  compactBytesPerSecondMax: MiB,
  scrubPeriodMs: 400,
  scrubBytesPerSecondMin: MiB,
};
