/** Runs one seed to its end, or to what it found. */

import { seededRandom } from "@holdfast/base";
import { makePlan } from "./plan.ts";
import { Scenario } from "./scenario.ts";
import type { Tally } from "./tally.ts";
import { Trace } from "./trace.ts";

export interface SeedResult {
  readonly seed: number;
  /** Two runs of one seed have the same. */
  readonly traceHash: string;
  readonly eventsCount: number;
  readonly virtualMs: number;
  /** What really happened, by kind: crashes, what they cost, faults that struck. */
  readonly happened: Tally;
  readonly failure: { readonly message: string; readonly tail: readonly string[] } | undefined;
}

export interface RunSeedOptions {
  readonly seed: number;
  readonly drain: () => Promise<void>;
  readonly tailLinesMax?: number;
}

export async function runSeed({ seed, drain, tailLinesMax = 60 }: RunSeedOptions): Promise<SeedResult> {
  const random = seededRandom(seed);
  const plan = makePlan(seed, random);
  let trace: Trace | undefined;
  const scenario = new Scenario({
    plan,
    random,
    drain,
    trace: (simulation) => (trace = new Trace(() => simulation.nowMs, tailLinesMax)),
  });
  let failure: SeedResult["failure"];
  try {
    await scenario.run();
  } catch (error) {
    const message =
      error instanceof Error
        ? error.name === "Violation"
          ? error.message
          : (error.stack ?? String(error))
        : String(error);
    const journal = scenario.machine.journalLines
      .slice(-8)
      .map(({ level, event, fields }) => `${level} ${event} ${JSON.stringify(fields)}`);
    failure = { message, tail: [...(trace?.tail ?? []), "journal:", ...journal] };
  }
  const { simulation } = scenario;
  const traceHash = `${trace?.hash ?? ""}-${simulation.eventsRun}-${simulation.nowMs.toFixed(3)}`;
  const { eventsRun: eventsCount, nowMs: virtualMs } = simulation;
  return { seed, traceHash, eventsCount, virtualMs, happened: scenario.happened, failure };
}
