/** Many runs of the register service, one after another; done ones are remembered in a file. */

import { appendFileSync } from "node:fs";
import { describeProblem } from "@holdfast/linearizability";
import { doneSeeds } from "./done-seeds.ts";
import type { Kind } from "./kind.ts";
import type { RunResult } from "./run-registers.ts";
import { runRegisters } from "./run-registers.ts";

export interface CampaignOptions {
  readonly kinds: readonly Kind[];
  readonly runs: number;
  readonly seconds: number;
  readonly seed: number;
  readonly results: string | undefined;
}

/** The exit code. */
export async function runCampaign(options: CampaignOptions): Promise<number> {
  const { kinds, runs, seconds, seed: first, results } = options;
  const done = results === undefined ? new Set<number>() : doneSeeds(results, "registers");
  let failures = 0;
  for (let seed = first; seed < first + runs; seed++) {
    const kind = kinds[(seed - 1) % kinds.length];
    if (kind === undefined || done.has(seed)) continue;
    const result = await runRegisters({ ...kind, seed, seconds });
    if (result.problem !== undefined || result.verdict.problems.length > 0) failures++;
    report(seed, kind, result);
    if (results !== undefined) appendFileSync(results, `${JSON.stringify(lineOf(seed, kind, result))}\n`);
  }
  console.log(failures === 0 ? `all histories linearizable` : `${failures} runs FAILED`);
  return failures === 0 ? 0 : 1;
}

function lineOf(seed: number, { size, consensus }: Kind, result: RunResult): object {
  const { operations, answers, unknown, faults, verdict, problem } = result;
  const isGood = verdict.problems.length === 0 && problem === undefined;
  return { seed, nodes: size, consensus, operations, answers, unknown, faults, linearizable: isGood };
}

function report(seed: number, { size, consensus }: Kind, result: RunResult): void {
  const { operations, unknown, faults, verdict, problem, kept } = result;
  const struck = Object.entries(faults).map(([name, count]) => `${count} x ${name}`);
  const what = verdict.problems.length > 0 ? "NOT linearizable" : (problem ?? "linearizable");
  console.log(
    `run ${seed}: ${size} nodes, ${consensus}: ${what}; ${operations} operations, ${unknown} of unknown outcome; ${struck.join(", ")}`,
  );
  for (const each of verdict.problems) for (const line of describeProblem(each)) console.log(line);
  if (kept !== undefined) console.log(`history and data kept in ${kept}`);
}
