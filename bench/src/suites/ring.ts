/**
 * Placement: how even tables are, what a change of nodes moves, and what a lookup and a whole table cost. The first two are
 * counts, the same on every machine; their limit is the ideal.
 */

import { attempt, blockKey, present, seededRandom, shardId, uniform, writerId } from "@holdfast/base";
import type { Layout, PartitionTable, Survey } from "@holdfast/ring";
import {
  blockHash,
  createLayout,
  nextLayout,
  nodeAt,
  partitionBitsFor,
  partitionOfHash,
  surveyCluster,
  surveyMembers,
} from "@holdfast/ring";
import type { Round, Row, Target } from "../report.ts";

const nodeCounts = [3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 25, 32, 50, 75, 100];
const zoneCounts = [1, 2, 3, 4, 5, 6, 7];
const widths = [1, 3, 6];
const roundCount = 5;
const lookupsPerRound = 50_000_000;

export async function ringSuite(): Promise<readonly Row[]> {
  return Promise.resolve([...surveyRows(), lookupRow(), hashRow(), ...placementRows()]);
}

/** Each round has clusters of its own. */
function surveyRows(): readonly Row[] {
  const rounds = [1, 2].map((round) => surveyed(round));
  const changeCount = rounds.reduce((sum, { changes }) => sum + changes.length, 0);
  const brokenCount = rounds.reduce((sum, round) => sum + round.zoneRuleBrokenCount, 0);
  const scope = `3 to 100 nodes of weights 1 to 4 in 1 to 7 zones, widths ${widths.join(", ")}`;
  const row = (
    name: string,
    target: Target,
    limitName: string,
    valueOf: (survey: Survey) => number,
  ): Row => ({
    name: `${name}, ${scope}`,
    unit: target.is === 0 ? "partitions" : "times",
    durable: "nothing",
    limitName,
    rounds: rounds.map((survey) => ({ value: valueOf(survey), limit: 1, generatorCores: 0 })),
    target,
    notes: [`${changeCount} changes`],
  });
  const worst = (kinds: readonly string[]) => (survey: Survey) =>
    Math.max(
      ...survey.changes
        .filter(({ kind, movedCount }) => kinds.includes(kind) && movedCount > 0)
        .map(({ movedCount, leastCount }) => movedCount / leastCount),
    );
  return [
    row(
      "fullest node against its share",
      { of: "value", bound: "at most", is: 1.05 },
      "its share by weight",
      (survey) => survey.maxOverShare,
    ),
    row(
      "partitions that do not keep the zone rule",
      { of: "value", bound: "at most", is: 0 },
      "one partition",
      () => brokenCount,
    ),
    row(
      "slots moved by a join or a leave",
      { of: "value", bound: "at most", is: 1.1 },
      "the least possible",
      worst(["join", "leave", "drain"]),
    ),
    row(
      "slots moved by a new weight",
      { of: "value", bound: "at most", is: 1.1 },
      "the least possible",
      worst(["weight"]),
    ),
  ];
}

function surveyed(round: number): Survey {
  const surveys: Survey[] = [];
  for (const nodeCount of nodeCounts) {
    for (const zoneCount of zoneCounts.filter((count) => count <= nodeCount)) {
      for (const width of widths.filter((slots) => slots <= nodeCount)) {
        const members = surveyMembers(
          nodeCount,
          zoneCount,
          "mixed",
          1000 * round + 10 * nodeCount + zoneCount,
        );
        const changesMax = nodeCount <= 10 ? nodeCount : 3;
        surveys.push(
          surveyCluster({ members, width, partitionBits: partitionBitsFor(nodeCount), changesMax }),
        );
      }
    }
  }
  return {
    maxOverShare: Math.max(...surveys.map(({ maxOverShare }) => maxOverShare)),
    zoneRuleBrokenCount: surveys.reduce((sum, survey) => sum + survey.zoneRuleBrokenCount, 0),
    changes: surveys.flatMap(({ changes }) => changes),
  };
}

/** From a hash to all nodes of its partition, against a walk over the same hashes that looks nothing up. */
function lookupRow(): Row {
  const layout = layoutOf(100, 12, [3]);
  const table = present(layout.tables[0], "a table");
  const random = seededRandom(1);
  const hashes = Uint32Array.from({ length: 4096 }, () => random.uint32());
  const walk = (): number => walkedNanoseconds(hashes, (hash) => hash & 1);
  const lookup = (): number => walkedNanoseconds(hashes, (hash) => slotsLookedUp(table, layout, hash));
  for (const warm of [walk, lookup]) warm();
  return {
    name: "lookup of the 3 nodes of a block whose hash is known, 4,096 partitions, 100 nodes",
    unit: "ns, by CPU time",
    durable: "nothing",
    limitName: "the same loop without a lookup",
    rounds: Array.from({ length: roundCount }, () => ({ value: lookup(), limit: walk(), generatorCores: 0 })),
    target: { of: "value", bound: "at most", is: 20 },
  };
}

function slotsLookedUp(table: PartitionTable, { partitionBits }: Layout, hash: number): number {
  const partition = partitionOfHash(hash, partitionBits);
  return nodeAt(table, partition, 0) + nodeAt(table, partition, 1) + nodeAt(table, partition, 2);
}

function walkedNanoseconds(hashes: Uint32Array, of: (hash: number) => number): number {
  let sum = 0;
  const seconds = cpuSeconds(() => {
    for (let i = 0; i < lookupsPerRound; i++) sum = (sum + of(hashes[i & 4095] ?? 0)) | 0;
  });
  if (sum === -1) throw new Error("used, so that it is computed");
  return (seconds * 1e9) / lookupsPerRound;
}

/** What comes before the lookup, for comparison: the block's key and its hash. */
function hashRow(): Row {
  const random = seededRandom(2);
  const content = { home: shardId(3), writer: writerId(77), attempt: attempt(5) };
  const keys = Array.from({ length: 1024 }, () =>
    blockKey({ content, part: 1 + uniform(random, 100), sequence: uniform(random, 1000), salt: 0 }),
  );
  const count = 5_000_000;
  const hashed = (): number => {
    let sum = 0;
    const seconds = cpuSeconds(() => {
      for (let i = 0; i < count; i++) sum = (sum + blockHash(present(keys[i & 1023], "a key"))) | 0;
    });
    if (sum === -1) throw new Error("used, so that it is computed");
    return (seconds * 1e9) / count;
  };
  hashed();
  return {
    name: "hash of a block's key, 32 bytes",
    unit: "ns, by CPU time",
    durable: "nothing",
    limitName: "one nanosecond",
    rounds: Array.from({ length: roundCount }, () => ({ value: hashed(), limit: 1, generatorCores: 0 })),
  };
}

/** A first table, and the change when a node joins, against what was asked for: about a second for the largest. */
function placementRows(): readonly Row[] {
  return [
    { nodeCount: 3, bits: 8, width: 3, times: 200, msMax: 10 },
    { nodeCount: 100, bits: 12, width: 3, times: 10, msMax: 1000 },
    { nodeCount: 100, bits: 12, width: 6, times: 5, msMax: 1000 },
    { nodeCount: 1000, bits: 14, width: 3, times: 1, msMax: undefined },
  ].map(({ nodeCount, bits, width, times, msMax }) => ({
    name: `first table of width ${width}, ${2 ** bits} partitions, ${nodeCount} nodes in up to 7 zones`,
    unit: "ms, by CPU time",
    durable: "nothing",
    limitName: "the change when a node joins",
    rounds: Array.from({ length: roundCount }, () => placed(nodeCount, bits, width, times)),
    ...(msMax === undefined ? {} : { target: { of: "value", bound: "at most", is: msMax } as const }),
  }));
}

function placed(nodeCount: number, bits: number, width: number, times: number): Round {
  const from = layoutOf(nodeCount, bits, [width]);
  const joined = [...from.members, ...surveyMembers(1, 1, "mixed", 9999)];
  const first = cpuSeconds(() => {
    for (let i = 0; i < times; i++) layoutOf(nodeCount, bits, [width]);
  });
  const join = cpuSeconds(() => {
    for (let i = 0; i < times; i++)
      if (nextLayout(from, joined).kind !== "changed") throw new Error("unchanged");
  });
  return { value: (1000 * first) / times, limit: (1000 * join) / times, generatorCores: 0 };
}

function layoutOf(nodeCount: number, partitionBits: number, tableWidths: readonly number[]): Layout {
  const members = surveyMembers(nodeCount, Math.min(7, nodeCount), "mixed", nodeCount);
  const created = createLayout({ partitionBits, shardCount: 16, members, widths: tableWidths });
  if (created.kind !== "changed") throw new Error(created.kind);
  return created.layout;
}

function cpuSeconds(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1e6;
}
