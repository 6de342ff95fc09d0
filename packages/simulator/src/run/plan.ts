/** What a seed decides before anything runs. */

import type { Random } from "@holdfast/base";
import { chance, uniform } from "@holdfast/base";
import type { NodeOptions } from "@holdfast/node";

/** One kind of bad day per seed, beside the crashes: what goes wrong is then easy to name. */
export type Fault =
  | "none"
  | "sync-fails"
  | "write-fails"
  | "flush-fails"
  | "disk-full"
  | "clock-jumps"
  | "slow-disk";

export interface Plan {
  readonly seed: number;
  readonly fault: Fault;
  readonly clientsCount: number;
  readonly roundsCount: number;
  readonly operationsPerClient: number;
  readonly keysPerBucket: number;
  readonly bodyBytesMax: number;
  readonly blockBytes: number;
  readonly readerGraceMs: number;
  readonly manyPartsPerMille: number;
  readonly diskLatencyMs: { readonly min: number; readonly max: number };
  readonly node: Required<Omit<NodeOptions, "entrance" | "rejoining" | "joinSettleMs">>;
}

const KiB = 1024;
const readerGraceMs = 150;
const faults: readonly Fault[] = [
  "none",
  "none",
  "none",
  "sync-fails",
  "write-fails",
  "flush-fails",
  "disk-full",
  "clock-jumps",
  "slow-disk",
];

export function makePlan(seed: number, random: Random): Plan {
  const blockBytes = pick(random, [2 * KiB, 4 * KiB, 8 * KiB, 18_000]);
  const hasLargeParts = chance(random, 0.02);
  return {
    seed,
    fault: pick(random, faults),
    clientsCount: 2 + uniform(random, 4),
    roundsCount: 2 + uniform(random, 2),
    operationsPerClient: 6 + uniform(random, 14),
    keysPerBucket: 2 + uniform(random, 6),
    bodyBytesMax: pick(random, [20 * KiB, 26 * KiB, 44 * KiB]),
    blockBytes,
    readerGraceMs,
    manyPartsPerMille: hasLargeParts ? 100 : 0,
    diskLatencyMs: pick(random, [
      { min: 0.05, max: 0.5 },
      { min: 0.02, max: 3 },
    ]),
    node: {
      place: {},
      shardCount: pick(random, [1, 2, 4]),
      segmentBytes: pick(random, [64, 128, 512]) * KiB,
      volumeBytesMax: hasLargeParts ? 8192 * KiB : pick(random, [128, 256, 1024]) * KiB,
      frameSizes: { framedBytesMin: 3 * KiB, keptBytesMax: 64 * KiB },
      reserveBytes: 128 * KiB,
      checkpointIntervalMs: pick(random, [3, 20, 100]),
      collectIntervalMs: pick(random, [10, 50]),
      readerGraceMs,
      writerPublishMs: 60 * 60_000,
      writerSilentMs: 24 * 60 * 60_000,
      compactIntervalMs: pick(random, [7, 40]),
      compactBytesPerSecondMax: pick(random, [1, 100]) * 1024 * KiB,
      scrubPeriodMs: pick(random, [50, 400]),
      scrubBytesPerSecondMin: pick(random, [1, 100]) * 1024 * KiB,
      consensus: pick(random, ["raft", "multipaxos"] as const),
    },
  };
}

function pick<T>(random: Random, choices: readonly T[]): T {
  const chosen = choices[uniform(random, choices.length)];
  if (chosen === undefined) throw new RangeError("nothing to pick from");
  return chosen;
}
