/**
 * Results of slices of seeds, a JSON line each, appended when the slice is done. A process that is ended loses its
 * current slice alone; several may append to one file, as a short line is one write.
 */

import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Tally } from "../run/tally.ts";
import type { SourceVersion } from "./source-version.ts";

export const sliceSeeds = 20;

export interface SliceResult extends SourceVersion {
  readonly consensus: string;
  readonly firstSeed: number;
  readonly seedsCount: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly cpuMs: number;
  readonly happened: Tally;
  readonly failures: readonly { readonly seed: number; readonly message: string }[];
}

/** Those of the same sources and consensus, once per slice. */
export function readProgress(path: string, sources: string, consensus: string): readonly SliceResult[] {
  const bySlice = new Map<string, SliceResult>();
  for (const line of linesOf(path)) {
    const result = parse(line);
    if (result?.sources === sources && result.consensus === consensus)
      bySlice.set(`${result.firstSeed}+${result.seedsCount}`, result);
  }
  return [...bySlice.values()].sort((a, b) => a.firstSeed - b.firstSeed);
}

/** The sources of the last result; empty when there is none. */
export function latestSources(path: string, consensus: string): string {
  const ofConsensus = linesOf(path)
    .map(parse)
    .filter((result) => result?.consensus === consensus);
  return ofConsensus.at(-1)?.sources ?? "";
}

export function appendProgress(path: string, result: SliceResult): void {
  mkdirSync(dirname(path), { recursive: true });
  appendFileSync(path, `${JSON.stringify(result)}\n`);
}

function linesOf(path: string): readonly string[] {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch {
    // Nothing was done yet.
    return [];
  }
}

/** Undefined for a line that a crash cut short. */
function parse(line: string): SliceResult | undefined {
  try {
    return JSON.parse(line) as SliceResult;
  } catch {
    return undefined;
  }
}
