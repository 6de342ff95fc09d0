/**
 * Measures placement on one cluster: how even its table is, and what each join, leave, drain and change of weight would
 * move. Tests ask it for a few clusters, the benchmark for all from 3 to 100 nodes.
 */

import { nodeId, seededRandom, uniform } from "@holdfast/base";
import { createLayout, nextLayout } from "./change-layout.ts";
import { describeTable } from "./describe-layout.ts";
import type { Layout } from "./layout.ts";
import { checkLayout } from "./layout.ts";
import type { Member } from "./member.ts";
import { planMovement } from "./movement-plan.ts";

export interface SurveyedCluster {
  readonly members: readonly Member[];
  readonly width: number;
  readonly partitionBits: number;
  /** How many of the members leave, drain and change weight, each alone; all if there are fewer. */
  readonly changesMax: number;
}

export interface Survey {
  /** The largest of `maxOverShare`, before and after all changes. */
  readonly maxOverShare: number;
  /** Partitions that do not keep the zone rule, in sum. */
  readonly zoneRuleBrokenCount: number;
  readonly changes: readonly SurveyedChange[];
}

export interface SurveyedChange {
  readonly kind: "join" | "leave" | "drain" | "weight";
  readonly movedCount: number;
  readonly leastCount: number;
}

/** Made-up members: ids by the seed, zones in turn, weights 1 to 4 or all 1. */
export function surveyMembers(
  nodeCount: number,
  zoneCount: number,
  weights: "mixed" | "even",
  seed: number,
): readonly Member[] {
  const random = seededRandom(seed);
  return Array.from({ length: nodeCount }, (_, i) => ({
    id: nodeId(`${hex(random.uint32())}${hex(random.uint32())}`),
    zone: `zone-${i % zoneCount}`,
    weight: weights === "mixed" ? 1 + uniform(random, 4) : 1,
    draining: false,
  }));
}

function hex(word: number): string {
  return word.toString(16).padStart(8, "0");
}

export function surveyCluster({ members, width, partitionBits, changesMax }: SurveyedCluster): Survey {
  const created = createLayout({ partitionBits, shardCount: 1, members, widths: [width] });
  if (created.kind !== "changed") throw new RangeError(`no layout for these members: ${created.kind}`);
  const first = evenness(created.layout);
  let { maxOverShare, zoneRuleBrokenCount } = first;
  const changes: SurveyedChange[] = [];
  for (const [kind, after] of changesOf(members, changesMax)) {
    const change = nextLayout(created.layout, after);
    if (change.kind === "too-few-nodes") continue;
    if (change.kind !== "changed" && change.kind !== "unchanged") throw new RangeError(change.kind);
    const { movedCount, leastCount } = planMovement(created.layout, change.layout);
    changes.push({ kind, movedCount, leastCount });
    const even = evenness(change.layout);
    maxOverShare = Math.max(maxOverShare, even.maxOverShare);
    zoneRuleBrokenCount += even.zoneRuleBrokenCount;
  }
  return { maxOverShare, zoneRuleBrokenCount, changes };
}

function evenness(layout: Layout): Pick<Survey, "maxOverShare" | "zoneRuleBrokenCount"> {
  checkLayout(layout);
  const tables = layout.tables.map((table) => describeTable(layout, table));
  return {
    maxOverShare: Math.max(...tables.map((table) => table.maxOverShare)),
    zoneRuleBrokenCount: tables.reduce((sum, table) => sum + table.zoneRuleBrokenCount, 0),
  };
}

/** Joins of every weight into every zone and into a new one; leaves, drains and new weights of some members, spread out. */
function* changesOf(
  members: readonly Member[],
  changesMax: number,
): Generator<readonly [SurveyedChange["kind"], readonly Member[]]> {
  const zones = [...new Set(members.map(({ zone }) => zone)), "zone-new"];
  const joins = zones.flatMap((zone) => [1, 2, 3, 4].map((weight) => ({ zone, weight })));
  for (const join of some(joins, changesMax))
    yield ["join", [...members, { id: nodeId("7777777777777777"), draining: false, ...join }]];
  for (const member of some(members, changesMax)) {
    const others = members.filter((other) => other !== member);
    yield ["leave", others];
    yield ["drain", [...others, { ...member, draining: true }]];
    yield ["weight", [...others, { ...member, weight: (member.weight % 4) + 1 }]];
  }
}

function some<T>(all: readonly T[], most: number): readonly T[] {
  const step = Math.max(1, Math.ceil(all.length / most));
  return all.filter((_, i) => i % step === 0);
}
