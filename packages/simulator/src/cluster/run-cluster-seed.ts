/** Runs one seed of a whole cluster to its end, or to what it found. */

import { seededRandom } from "@holdfast/base";
import type { SeedResult } from "../run/run-seed.ts";
import { Trace } from "../run/trace.ts";
import type { ClusterPlanOptions } from "./cluster-plan.ts";
import { makeClusterPlan } from "./cluster-plan.ts";
import { ClusterScenario } from "./cluster-scenario.ts";

export interface RunClusterSeedOptions extends ClusterPlanOptions {
  readonly drain: () => Promise<void>;
  readonly tailLinesMax?: number;
}

export async function runClusterSeed(options: RunClusterSeedOptions): Promise<SeedResult> {
  const { seed, drain, tailLinesMax = 60 } = options;
  const random = seededRandom(seed);
  const plan = makeClusterPlan(options, random);
  let trace: Trace | undefined;
  const scenario = new ClusterScenario({
    plan,
    random,
    drain,
    trace: (simulation) => (trace = new Trace(() => simulation.nowMs, tailLinesMax)),
  });
  let failure: SeedResult["failure"];
  try {
    await scenario.run();
  } catch (error) {
    failure = { message: messageOf(error), tail: [...(trace?.tail ?? []), ...journals(scenario)] };
  }
  const { simulation } = scenario;
  const traceHash = `${trace?.hash ?? ""}-${simulation.eventsRun}-${simulation.nowMs.toFixed(3)}`;
  const { eventsRun: eventsCount, nowMs: virtualMs } = simulation;
  return { seed, traceHash, eventsCount, virtualMs, happened: scenario.happened, failure };
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.name === "Violation" ? error.message : (error.stack ?? String(error));
}

function journals({ cluster }: ClusterScenario): readonly string[] {
  return cluster.members.flatMap(({ number, machine }) => [
    `journal of node ${number}:`,
    ...machine.journalLines
      .slice(-8)
      .map(({ level, event, fields }) => `${level} ${event} ${JSON.stringify(fields)}`),
  ]);
}
