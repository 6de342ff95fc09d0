/** What a seed decides before anything runs: sizes, speeds, and how often what goes wrong. All times in ticks. */

import type { Random } from "@holdfast/base";
import { chance, uniform } from "@holdfast/base";
import type { ConsensusLimits } from "@holdfast/consensus";

export interface GroupPlan {
  readonly seed: number;
  /** Ticks of trouble before the group has to come back; then trouble again. */
  readonly roundTicks: number;
  readonly votersCount: number;
  readonly clientsCount: number;
  /** The state machine is a shard's as it ships, which takes longer; else registers. */
  readonly isShard: boolean;
  readonly limits: ConsensusLimits;
  /** A tick in which a client starts something, of a thousand. */
  readonly operationsPerMille: number;
  /** Operations that read, of a hundred. */
  readonly readsPercent: number;
  /** A client without an answer tries again, perhaps elsewhere. */
  readonly retryTicks: number;
  /** Messages go through their codec. */
  readonly encodesMessages: boolean;
  readonly network: NetworkPlan;
  readonly disk: DiskPlan;
  readonly faults: FaultPlan;
  /** Ticks between two wishes for another membership; 0 for none. */
  readonly churnTicks: number;
  /** Voters that such a wish keeps, of a hundred. */
  readonly keptPercent: number;
  /** Committed entries lie this long before they are applied. */
  readonly applyDelayMax: number;
}

export interface NetworkPlan {
  readonly delayMax: number;
  readonly lossPerMille: number;
  readonly duplicatePerMille: number;
}

export interface DiskPlan {
  readonly latencyMax: number;
  /** Applied entries between two flushes of the state. */
  readonly flushEntries: number;
  /** Entries that the log keeps behind the flushed state. */
  readonly retainedEntries: number;
}

/** Chances a tick, of a hundred thousand, for the whole group. */
export interface FaultPlan {
  readonly crash: number;
  /** A leader that was elected just now crashes and is back at once, of a hundred. */
  readonly newLeaderPercent: number;
  /** In a tick in which somebody stands for election one crashes and is back at once, of a hundred. */
  readonly electionPercent: number;
  readonly pause: number;
  readonly partition: number;
  readonly clog: number;
  readonly clockJump: number;
  readonly slowDisk: number;
  readonly fullDisk: number;
  readonly failedSync: number;
  readonly wipe: number;
  readonly trigger: number;
  /** A crash leaves a damaged log behind, of a hundred. */
  readonly rotPercent: number;
  /** Clocks run faster or slower by up to so much, of a hundred. */
  readonly skewPercent: number;
}

/** One seed of so many. */
const shardSeeds = 8;

export function makeGroupPlan(seed: number, random: Random): GroupPlan {
  const rate = (max: number): number => (chance(random, 0.35) ? 0 : uniform(random, max));
  const messages = pick(random, [1, 4, 64]);
  return {
    seed,
    roundTicks: pick(random, [300, 1000, 5000]),
    votersCount: pick(random, [1, 3, 3, 3, 5, 5, 7]),
    isShard: seed % shardSeeds === 0,
    clientsCount: 1 + uniform(random, 4),
    operationsPerMille: pick(random, [30, 100, 300, 1000]),
    readsPercent: pick(random, [20, 40, 80]),
    retryTicks: pick(random, [10, 40]),
    encodesMessages: chance(random, 0.25),
    limits: {
      electionTicks: 10,
      heartbeatTicks: pick(random, [1, 3]),
      messageBytesMax: pick(random, [1, 300, 100_000]),
      inflightMessagesMax: messages,
      inflightBytesMax: pick(random, [200, 5000, 1_000_000]),
      uncommittedBytesMax: pick(random, [500, 5000, 1_000_000]),
      committedBytesMax: pick(random, [1, 500, 1_000_000]),
      windowBytesMax: pick(random, [0, 500, 5000]),
    },
    network: {
      delayMax: pick(random, [0, 1, 2, 4]),
      lossPerMille: rate(150),
      duplicatePerMille: rate(150),
    },
    disk: {
      latencyMax: pick(random, [0, 1, 3]),
      flushEntries: pick(random, [3, 10, 40]),
      retainedEntries: pick(random, [0, 5, 50]),
    },
    faults: {
      crash: rate(600),
      newLeaderPercent: pick(random, [0, 0, 20, 60]),
      electionPercent: pick(random, [0, 0, 5, 20]),
      pause: rate(300),
      partition: rate(500),
      clog: rate(300),
      clockJump: rate(200),
      slowDisk: rate(200),
      fullDisk: rate(100),
      failedSync: rate(100),
      wipe: rate(100),
      trigger: rate(500),
      rotPercent: pick(random, [0, 10, 30, 100]),
      skewPercent: rate(25),
    },
    churnTicks: pick(random, [0, 0, 30, 100, 300]),
    keptPercent: pick(random, [30, 80]),
    applyDelayMax: pick(random, [0, 0, 5]),
  };
}

function pick<T>(random: Random, choices: readonly T[]): T {
  const chosen = choices[uniform(random, choices.length)];
  if (chosen === undefined) throw new RangeError("nothing to pick from");
  return chosen;
}
