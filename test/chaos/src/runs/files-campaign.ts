/** Many runs against real servers, one after another; done ones are remembered in a file. */

import { appendFileSync } from "node:fs";
import { describeProblem } from "@holdfast/linearizability";
import { describeSkew } from "../store/clock-skew.ts";
import type { AppliedSkew } from "../store/clock-trouble.ts";
import type { StoreFault } from "../store/store-nemesis.ts";
import type { Consensus } from "./consensus.ts";
import { doneSeeds } from "./done-seeds.ts";
import type { Kind } from "./kind.ts";
import type { FilesRunResult } from "./run-files.ts";
import { runFiles } from "./run-files.ts";

export interface FilesCampaignOptions {
  readonly size: number;
  readonly protocols: readonly Consensus[];
  readonly runs: number;
  readonly seconds: number;
  readonly seed: number;
  readonly faults: readonly StoreFault[];
  readonly results: string | undefined;
}

/** The exit code. */
export async function runFilesCampaign(options: FilesCampaignOptions): Promise<number> {
  const { size, protocols, runs, seconds, seed: first, faults, results } = options;
  const done = results === undefined ? new Set<number>() : doneSeeds(results, "files");
  let failures = 0;
  for (let seed = first; seed < first + runs; seed++) {
    const consensus = protocols[(seed - 1) % protocols.length];
    if (consensus === undefined || done.has(seed)) continue;
    const result = await runFiles({ size, consensus, seed, seconds, faults });
    if (!isGood(result)) failures++;
    report(seed, { size, consensus }, result);
    if (results !== undefined)
      appendFileSync(results, `${JSON.stringify(lineOf(seed, { size, consensus }, result))}\n`);
  }
  console.log(
    failures === 0 ? "all histories linearizable, and everybody served" : `${failures} runs FAILED`,
  );
  return failures === 0 ? 0 : 1;
}

function isGood({ verdict, problems }: FilesRunResult): boolean {
  return verdict.problems.length === 0 && problems.length === 0;
}

function lineOf(seed: number, { size, consensus }: Kind, result: FilesRunResult): object {
  const { refusals: _, kept: __, verdict, problems, ...counts } = result;
  const linearizable = verdict.problems.length === 0;
  return { chaos: "files", seed, nodes: size, consensus, ...counts, linearizable, problems: problems.length };
}

function report(seed: number, { size, consensus }: Kind, result: FilesRunResult): void {
  const { verdict, problems, kept, longestMs, wellAfterMs, stolenMs, refusedStarts } = result;
  const what = verdict.problems.length > 0 ? "NOT linearizable" : "linearizable";
  const facts = [
    `${result.operations} operations, ${result.unknown} of unknown outcome`,
    countsText(result.faults),
    `refused: ${countsText(result.refusals)}`,
    ...result.skews.map(skewText),
    ...(refusedStarts === 0 ? [] : [`${refusedStarts} starts refused`]),
    `owed for ${longestMs} ms at most, well ${wellAfterMs} ms after the last fault`,
    `${stolenMs} ms stolen by other work`,
  ];
  console.log(`run ${seed}: ${size} nodes, ${consensus}: ${what}; ${facts.join("; ")}`);
  for (const each of verdict.problems) for (const line of describeProblem(each)) console.log(line);
  for (const problem of problems) console.log(`PROBLEM ${problem}`);
  if (kept !== undefined) console.log(`history, journals and data kept in ${kept}`);
}

function skewText({ node, toldAfterMs, ...skew }: AppliedSkew): string {
  return `clocks of node ${node} ${describeSkew(skew)}, told after ${toldAfterMs ?? "too many"} ms`;
}

function countsText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${count} x ${name}`)
    .join(", ");
}
