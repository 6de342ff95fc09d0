/** Runs seeds against targets in turn, until the time is up; stops at the first finding. */

import { seededRandom } from "@holdfast/base";
import { ChunksTarget } from "./chunks-target.ts";
import { DocumentTarget } from "./document-target.ts";
import { GatewayWorld } from "./gateway-world.ts";
import { HeadTarget } from "./head-target.ts";
import { QueryTarget } from "./query-target.ts";
import type { FuzzTarget } from "./target.ts";

export const fuzzTargets: Readonly<Record<string, () => Promise<FuzzTarget>>> = {
  query: async () => new QueryTarget(await GatewayWorld.open()),
  xml: async () => new DocumentTarget(await GatewayWorld.open()),
  chunks: async () => new ChunksTarget(await GatewayWorld.open()),
  head: () => HeadTarget.open(),
};

export interface FuzzOptions {
  readonly targets: readonly string[];
  readonly seed: number;
  /** Until this many seeds of each target were run, or the time was up. */
  readonly count: number;
  readonly seconds: number;
}

export interface FuzzOutcome {
  readonly runs: Readonly<Record<string, number>>;
  readonly finding: { readonly target: string; readonly seed: number; readonly error: unknown } | undefined;
  /** Resident memory that was added between an early and the last look. */
  readonly grownBytes: number;
}

/** Their disks are in memory: a store is thrown away before what it holds hides what is lost. */
const runsPerStore = 1000;
/** Code is compiled and pools are filled by then. */
const warmUpRuns = 200;

export async function runFuzz(options: FuzzOptions): Promise<FuzzOutcome> {
  let targets: readonly FuzzTarget[] = [];
  const runs: Record<string, number> = {};
  let residentBytes: number | undefined;
  const endMs = performance.now() + options.seconds * 1000;
  try {
    for (let i = 0; i < options.count && performance.now() < endMs; i++) {
      if (i % runsPerStore === 0) {
        await closeAll(targets);
        targets = [];
        targets = await Promise.all(options.targets.map(openTarget));
      }
      for (const target of targets) {
        const seed = options.seed + i;
        try {
          await target.run(seededRandom(seed));
        } catch (error) {
          return { runs, finding: { target: target.name, seed, error }, grownBytes: 0 };
        }
        runs[target.name] = i + 1;
      }
      if (i === warmUpRuns) residentBytes = process.memoryUsage.rss();
    }
    const grownBytes = process.memoryUsage.rss() - (residentBytes ?? process.memoryUsage.rss());
    return { runs, finding: undefined, grownBytes };
  } finally {
    await closeAll(targets);
  }
}

async function closeAll(targets: readonly FuzzTarget[]): Promise<void> {
  for (const target of targets) await target.close();
}

function openTarget(name: string): Promise<FuzzTarget> {
  const open = Object.hasOwn(fuzzTargets, name) ? fuzzTargets[name] : undefined;
  if (open === undefined)
    throw new Error(`no target ${name}; there are ${Object.keys(fuzzTargets).join(", ")}`);
  return open();
}
