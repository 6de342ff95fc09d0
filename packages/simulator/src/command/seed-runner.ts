/** What `--consensus` chooses: a single node on simulated ports, or a whole group of one protocol. */

import type { Envelope } from "@holdfast/consensus";
import type { ClusterFault, Consensus } from "../cluster/cluster-plan.ts";
import { clusterFaultOf } from "../cluster/cluster-plan.ts";
import { runClusterSeed } from "../cluster/run-cluster-seed.ts";
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
  /** Of a whole cluster; undefined: one node, or a group alone. */
  readonly nodesCount: number | undefined;
  readonly fault: string | undefined;
  readonly tailLinesMax: number;
}

export const single = "single";

/** A host gives its replicas a tick about as often; the election timeout is 1 to 2 s then. */
const tickMs = 100;

export function seedRunner(options: SeedRunnerOptions): SeedRunner {
  const { consensus, tailLinesMax, nodesCount } = options;
  if (nodesCount !== undefined) return clusterRunner(nodesCount, options);
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

function consensusOf(name: string): Consensus | undefined {
  if (name === single) return undefined;
  if (name === raft.name || name === multiPaxos.name) return name;
  throw new UsageError(`--consensus is ${raft.name} or ${multiPaxos.name}, not ${name}`);
}

function faultOf(name: string | undefined): ClusterFault | undefined {
  const fault = name === undefined ? undefined : clusterFaultOf(name);
  if (name !== undefined && fault === undefined) throw new UsageError(`${name} is no fault of a cluster`);
  return fault;
}

function clusterRunner(nodesCount: number, options: SeedRunnerOptions): SeedRunner {
  if (nodesCount !== 3 && nodesCount !== 5) throw new UsageError("--nodes is 3 or 5");
  const { tailLinesMax } = options;
  const consensus = consensusOf(options.consensus);
  const fault = faultOf(options.fault);
  const chosen = `${consensus === undefined ? "" : ` --consensus ${consensus}`}${fault === undefined ? "" : ` --fault ${fault}`}`;
  return {
    name: `${nodesCount} nodes, ${consensus ?? "either protocol"}${fault === undefined ? "" : `, ${fault}`}`,
    run: (seed) => runClusterSeed({ seed, nodesCount, consensus, fault, drain, tailLinesMax }),
    replayCommand: (seed) => `npm run sim -- --nodes ${nodesCount}${chosen} --seed ${seed}`,
  };
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
