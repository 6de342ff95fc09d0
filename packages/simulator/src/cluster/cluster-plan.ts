/** What a seed of a whole cluster decides before anything runs. */

import type { Random } from "@holdfast/base";
import { chance, uniform } from "@holdfast/base";
import type { NodeOptions } from "@holdfast/node";

export type Consensus = "raft" | "multipaxos";

/**
 * What goes wrong with one node, or between it and another, and heals again; "quorum-lost": all but one are dead; "all-lost": every
 * one lost its power; "all-apart": no two of them hear each other. Changes of who belongs to the cluster: `NodeChange`.
 */
export type ClusterFault =
  | "kill"
  | "power-loss"
  | "restart"
  | "pause"
  | "isolate"
  | "mute"
  | "deafen"
  | "cut-pair"
  | "clog"
  | "clog-pair"
  | "break-connections"
  | "slow-disk"
  | "full-disk"
  | "clock-jump"
  | "rot-in-state"
  | "quorum-lost"
  | "all-lost"
  | "all-apart"
  | DiskFailure
  | NodeChange;

/** Once: a sync, a write of a file, a flush of a store. The node gives up where it has to, and comes back (S11). */
export type DiskFailure = "sync-fails" | "write-fails" | "flush-fails";

/**
 * A new node comes. "wiped": in the place of one whose directory is lost; "replaced": of one that is drained; "guest": one is
 * drained and stays after all, and the new one goes again. "lost-log": a node comes back as another one, with its volumes (S11).
 */
export type NodeChange = "wiped" | "replaced" | "guest" | "lost-log";

/** Of what clients do. */
export type OperationMoment = "during" | "behind" | "contest";

export interface PlannedFault {
  readonly fault: ClusterFault;
  /** Behind the start of the round, or the end of the fault before. */
  readonly afterMs: number;
  /**
   * Then: at once, while an operation is under way by way of the node, as soon as one was answered there, or while many
   * clients want the same of one key.
   */
  readonly moment: "any" | OperationMoment;
  readonly lastsMs: number;
  /** The place of the node that is hit among those of the cluster, and of the other one where there are two. */
  readonly node: number;
  readonly other: number;
  /** Of a `NodeChange`: what happens besides. */
  readonly meanwhile: PlannedFault | undefined;
}

export interface ClusterPlan {
  readonly seed: number;
  readonly consensus: Consensus;
  readonly nodesCount: number;
  /** Nodes of the cluster when it gets its first files; the others join while clients write. */
  readonly beginsWith: number;
  /** As soon as all nodes have joined. */
  readonly whileGrowing: readonly PlannedFault[];
  /** Of each round, one after the other. */
  readonly rounds: readonly (readonly PlannedFault[])[];
  readonly clientsCount: number;
  /** Of each contest for one key (workload/contest.ts). */
  readonly contest: { readonly clientsCount: number; readonly changesCount: number };
  readonly keysPerBucket: number;
  readonly bodyBytesMax: number;
  readonly blockBytes: number;
  readonly readerGraceMs: number;
  readonly manyPartsPerMille: number;
  readonly diskLatencyMs: { readonly min: number; readonly max: number };
  readonly network: {
    readonly latencyMsMin: number;
    readonly latencyMsMax: number;
    readonly silenceMsMax: number;
    readonly breakChance: number;
  };
  readonly node: Required<Omit<NodeOptions, "entrance" | "rejoining" | "place">>;
}

const KiB = 1024;
/** A node that is paused may be silent for longer, and lives after all (S4). */
const shortSilenceMs = 20_000;
const drawn: readonly ClusterFault[] = [
  "kill",
  "kill",
  "power-loss",
  "power-loss",
  "restart",
  "pause",
  "pause",
  "isolate",
  "isolate",
  "mute",
  "deafen",
  "cut-pair",
  "clog",
  "clog-pair",
  "break-connections",
  "slow-disk",
  "full-disk",
  "clock-jump",
  "quorum-lost",
  "all-lost",
  "all-apart",
  "sync-fails",
  "sync-fails",
  "write-fails",
  "flush-fails",
];
/** Where each group has three replicas: of a lone voter nothing could make that good. */
const faultsOfRounds: readonly ClusterFault[] = [...drawn, "rot-in-state", "rot-in-state"];
const changes: readonly NodeChange[] = ["wiped", "wiped", "replaced", "guest", "lost-log", "lost-log"];

export interface ClusterPlanOptions {
  readonly seed: number;
  readonly nodesCount: number;
  /** Drawn, unless given. */
  readonly consensus: Consensus | undefined;
  /** Alone, again and again, as soon as something was answered or amid contests; undefined: as drawn. */
  readonly fault?: ClusterFault | undefined;
}

export function makeClusterPlan(options: ClusterPlanOptions, random: Random): ClusterPlan {
  const { seed, nodesCount, fault } = options;
  const either = pick(random, ["raft", "multipaxos"] as const);
  const consensus = options.consensus ?? either;
  const readerGraceMs = pick(random, [500, 2000]);
  const beginsWith = chance(random, 0.25) && fault === undefined ? 1 : nodesCount;
  const blockBytes = pick(random, [4 * KiB, 8 * KiB, 18_000]);
  const rounds =
    fault === undefined ? anyRounds(random, nodesCount, beginsWith) : focused(random, nodesCount, fault);
  const losesNodes = rounds.flat().some(({ fault }) => changes.some((change) => change === fault));
  return {
    seed,
    consensus,
    nodesCount,
    beginsWith,
    whileGrowing: Array.from({ length: uniform(random, 3) }, () => faultOfGrowth(random, nodesCount)),
    rounds,
    clientsCount: 2 + uniform(random, 3),
    contest: pick(random, [
      { clientsCount: 4, changesCount: 5 },
      { clientsCount: 8, changesCount: 3 },
      { clientsCount: 32, changesCount: 1 },
    ]),
    keysPerBucket: 2 + uniform(random, 6),
    bodyBytesMax: pick(random, [20 * KiB, 26 * KiB, 44 * KiB]),
    blockBytes,
    readerGraceMs,
    manyPartsPerMille: 0,
    diskLatencyMs: pick(random, [
      { min: 0.05, max: 0.5 },
      { min: 0.02, max: 3 },
    ]),
    network: {
      ...pick(random, [
        { latencyMsMin: 0.1, latencyMsMax: 1 },
        { latencyMsMin: 0.05, latencyMsMax: 10 },
      ]),
      silenceMsMax: pick(random, [1000, 2000, 5000]),
      breakChance: chance(random, 0.2) ? 0.0005 : 0,
    },
    node: {
      shardCount: 1 + uniform(random, 3),
      // What a follower is sent in a turn has to fit half a segment, as it does many times over in real ones.
      segmentBytes: pick(random, [1200, 2400]) * KiB,
      volumeBytesMax: pick(random, [128, 256, 1024]) * KiB,
      frameSizes: { framedBytesMin: 3 * KiB, keptBytesMax: 64 * KiB },
      reserveBytes: 128 * KiB,
      // A state that is far behind its log remembers a map of long ago.
      checkpointIntervalMs: pick(random, beginsWith === nodesCount ? [20, 100, 1000] : [100, 60_000]),
      collectIntervalMs: pick(random, [100, 500]),
      readerGraceMs,
      compactIntervalMs: pick(random, [100, 1000]),
      compactBytesPerSecondMax: pick(random, [1, 100]) * 1024 * KiB,
      scrubPeriodMs: pick(random, [5000, 20_000]),
      scrubBytesPerSecondMin: pick(random, [1, 100]) * 1024 * KiB,
      joinSettleMs: 500,
      writerPublishMs: 5000,
      // Of a node that was silent for so long; what one that is gone left unfinished is erased then.
      writerSilentMs: losesNodes ? shortSilenceMs : pick(random, [shortSilenceMs, 24 * 60 * 60_000]),
      consensus,
    },
  };
}

function anyRounds(
  random: Random,
  nodesCount: number,
  beginsWith: number,
): readonly (readonly PlannedFault[])[] {
  if (chance(random, 0.1)) return [[]];
  // The only copy of a file is not given up.
  const possible = changes.filter((change) => change !== "wiped" || beginsWith === nodesCount);
  const rounds = Array.from({ length: 1 + uniform(random, 2) }, () =>
    Array.from({ length: 1 + uniform(random, 2) }, () => anyFault(random, nodesCount)),
  );
  return chance(random, 0.75) ? rounds : [...rounds.slice(1), [anyChange(random, nodesCount, possible)]];
}

/** Three rounds of two each, shortly behind each other. */
function focused(
  random: Random,
  nodesCount: number,
  fault: ClusterFault,
): readonly (readonly PlannedFault[])[] {
  const one = (): PlannedFault => ({
    ...anyFault(random, nodesCount),
    fault,
    afterMs: uniform(random, 500),
    moment: pick(random, ["behind", "contest"] as const),
    lastsMs: uniform(random, 2000),
  });
  return Array.from({ length: 3 }, () => [one(), one()]);
}

function anyChange(random: Random, nodesCount: number, possible: readonly NodeChange[]): PlannedFault {
  const meanwhile = chance(random, 0.3) ? anyFault(random, nodesCount) : undefined;
  return { ...anyFault(random, nodesCount), fault: pick(random, possible), meanwhile };
}

function anyFault(random: Random, nodesCount: number): PlannedFault {
  const node = uniform(random, nodesCount);
  const other = (node + 1 + uniform(random, nodesCount - 1)) % nodesCount;
  const fault = pick(random, faultsOfRounds);
  return {
    fault,
    afterMs: uniform(random, 1 << (6 + uniform(random, 6))),
    moment: pick(random, ["any", "during", "behind", "contest", "contest"] as const),
    // Some end before anybody notices, some last until the others have long gone on without.
    lastsMs: uniform(random, 1 << (7 + uniform(random, 9))),
    node,
    other,
    meanwhile: undefined,
  };
}

/** Nodes that joined are laid out 3 s later; their replicas come right behind. */
function faultOfGrowth(random: Random, nodesCount: number): PlannedFault {
  const fault = pick(random, [...drawn, "kill", "kill", "power-loss", "power-loss", "power-loss"] as const);
  return { ...anyFault(random, nodesCount), fault, afterMs: 2000 + uniform(random, 3000), moment: "any" };
}

/** Undefined for what is none. */
export function clusterFaultOf(name: string): ClusterFault | undefined {
  return [...faultsOfRounds, ...changes].find((fault) => fault === name);
}

export function pick<T>(random: Random, choices: readonly T[]): T {
  const chosen = choices[uniform(random, choices.length)];
  if (chosen === undefined) throw new RangeError("nothing to pick from");
  return chosen;
}
