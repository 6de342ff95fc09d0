/** What `--consensus` chooses: a single node on simulated ports, or a whole group of one protocol. */

import type { Envelope } from "@holdfast/consensus";
import type { Protocol } from "../group/protocol.ts";
import { multiPaxos, raft } from "../group/protocol.ts";
import type { GroupSeedResult } from "../group/run-group-seed.ts";
import { runGroupSeed } from "../group/run-group-seed.ts";
import type { SeedResult } from "../run/run-seed.ts";
import { runSeed } from "../run/run-seed.ts";
import type { Tally } from "../run/tally.ts";
import { drain } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

export interface SeedRunner {
  /** Of the results in the progress file: those of another name say nothing about these. */
  readonly name: string;
  run(seed: number): Promise<SeedResult>;
  /** The seed alone, again. */
  replayCommand(seed: number): string;
}

export interface SeedRunnerOptions {
  readonly consensus: string;
  readonly ticks: number;
  readonly tailLinesMax: number;
}

export const single = "single";

/** A host gives its replicas a tick about as often; the election timeout is 1 to 2 s then. */
const tickMs = 100;

export function seedRunner(options: SeedRunnerOptions): SeedRunner {
  const { consensus, tailLinesMax } = options;
  switch (consensus) {
    case single:
      return {
        name: single,
        run: (seed) => runSeed({ seed, drain, tailLinesMax }),
        replayCommand: (seed) => `npm run sim -- --seed ${seed}`,
      };
    case raft.name:
      return groupRunner(raft, options);
    case multiPaxos.name:
      return groupRunner(multiPaxos, options);
    default:
      throw new UsageError(`--consensus is ${raft.name} or ${multiPaxos.name}, not ${consensus}`);
  }
}

function groupRunner<Message extends Envelope>(
  protocol: Protocol<Message>,
  { ticks, tailLinesMax }: SeedRunnerOptions,
): SeedRunner {
  return {
    name: `${protocol.name}, ${ticks} ticks`,
    run: async (seed) => {
      const result = runGroupSeed({ seed, protocol, ticks, linesMax: 0 });
      // Lines cost more than the run itself: they are made for a seed that failed, in a second run of it.
      const { failure } =
        result.failure === undefined
          ? result
          : runGroupSeed({ seed, protocol, ticks, linesMax: tailLinesMax });
      await drain();
      return seedResult(result, failure);
    },
    replayCommand: (seed) => `npm run sim -- --consensus ${protocol.name} --seed ${seed} --ticks ${ticks}`,
  };
}

function seedResult(result: GroupSeedResult, failure: GroupSeedResult["failure"]): SeedResult {
  const { seed, traceHash, ticks, eventsCount } = result;
  return {
    seed,
    traceHash,
    eventsCount,
    virtualMs: ticks * tickMs,
    happened: happenedIn(result),
    failure: failure === undefined ? undefined : { message: failure.message, tail: failure.lines },
  };
}

function happenedIn({ ticks, committed, answers, faults }: GroupSeedResult): Tally {
  return {
    tick: ticks,
    "committed entry": committed,
    "answered operation": answers,
    ...Object.fromEntries(faults),
  };
}
