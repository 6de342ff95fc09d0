/** What the command line asks of the simulator. */

import { parseArgs } from "node:util";
import { single } from "./seed-runner.ts";
import { UsageError } from "./usage-error.ts";

export interface SeedsCommand {
  readonly kind: "seeds";
  readonly firstSeed: number;
  readonly seedsCount: number;
  readonly verifyDeterminism: boolean;
  readonly tailLinesMax: number;
  /** "single" for one node without any. */
  readonly consensus: string;
  /** Whole nodes that make up a cluster. */
  readonly nodesCount: number | undefined;
  /** Of clusters: the one that goes wrong, again and again. */
  readonly fault: string | undefined;
  /** Of a group, before it has to come back without faults. */
  readonly ticks: number;
  /** Keeps results in the progress file, skips what is done there, and goes on behind failures. */
  readonly resume: boolean;
  readonly progressPath: string;
  /** This process takes every `of`-th seed, or slice of seeds with `resume`: the ones with number `index`. */
  readonly share: { readonly index: number; readonly of: number };
  /** Where to write what the progress file holds, as a document. */
  readonly summaryPath: string | undefined;
}

export interface CrashPointsCommand {
  readonly kind: "crash-points";
  /** Undefined: all of them. */
  readonly subject: string | undefined;
  readonly quick: boolean;
}

export interface ExploreCommand {
  readonly kind: "explore";
  /** Undefined: both protocols. */
  readonly consensus: string | undefined;
  readonly quick: boolean;
  /** How often a way may depart from the usual order; undefined for as often as is feasible. */
  readonly deviations: number | undefined;
}

export interface PartitionsCommand {
  readonly kind: "partitions";
  readonly seedsCount: number;
}

export interface HelpCommand {
  readonly kind: "help";
}

export type Command = SeedsCommand | CrashPointsCommand | ExploreCommand | PartitionsCommand | HelpCommand;

export const usage = `npm run sim -- [--seed N | --from N] [--seeds COUNT] [--verify-determinism] [--trace LINES]
             [--share I/N] [--resume [--progress FILE]] [--summary FILE]
             [--consensus raft|multipaxos [--ticks T]]
             [--nodes 3|5 [--consensus raft|multipaxos] [--fault NAME]]
npm run sim -- crash-points [log|checkpoint|blocks|node] [--quick]
npm run sim -- explore [--consensus raft|multipaxos] [--deviations N] [--quick]
npm run sim -- partitions [--seeds COUNT]`;

/** Throws UsageError for what is no command. */
export function readCommand(args: readonly string[]): Command {
  const { values, positionals } = parsed(args);
  if (values.help) return { kind: "help" };
  const [name, subject] = positionals;
  if (name === "crash-points") return { kind: "crash-points", subject, quick: values.quick };
  if (name === "explore") {
    const { quick, deviations, consensus } = values;
    return {
      kind: "explore",
      consensus,
      quick,
      deviations: deviations === undefined ? undefined : count("--deviations", deviations),
    };
  }
  if (name === "partitions")
    return { kind: "partitions", seedsCount: count("--seeds", values.seeds ?? "200") };
  if (name !== undefined) throw new UsageError(`${name} is no command of the simulator\n${usage}`);
  const first = values.seed ?? values.from;
  return {
    kind: "seeds",
    firstSeed: count("--seed", first ?? "1"),
    // A seed alone is there to be replayed.
    seedsCount: count("--seeds", values.seeds ?? (values.seed === undefined ? "100" : "1")),
    verifyDeterminism: values["verify-determinism"],
    tailLinesMax: count("--trace", values.trace),
    consensus: values.consensus ?? single,
    fault: values.fault,
    nodesCount: values.nodes === undefined ? undefined : count("--nodes", values.nodes),
    ticks: count("--ticks", values.ticks),
    resume: values.resume,
    progressPath: values.progress,
    share: shareOf(values.share),
    summaryPath: values.summary,
  };
}

const options = {
  help: { type: "boolean", default: false },
  consensus: { type: "string" },
  ticks: { type: "string", default: "5000" },
  nodes: { type: "string" },
  fault: { type: "string" },
  seed: { type: "string" },
  from: { type: "string" },
  seeds: { type: "string" },
  trace: { type: "string", default: "60" },
  "verify-determinism": { type: "boolean", default: false },
  resume: { type: "boolean", default: false },
  progress: { type: "string", default: ".holdfast/simulation/seeds.jsonl" },
  share: { type: "string", default: "1/1" },
  summary: { type: "string" },
  deviations: { type: "string" },
  quick: { type: "boolean", default: false },
} as const;

function parsed(
  args: readonly string[],
): ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>> {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  }
}

function shareOf(text: string): { readonly index: number; readonly of: number } {
  const [index = 0, of = 0] = text.split("/").map(Number);
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(of) || index < 1 || index > of)
    throw new UsageError(`--share is I/N, such as 1/2, not ${text}`);
  return { index: index - 1, of };
}

function count(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new UsageError(`${name} is a whole number, not ${text}`);
  return value;
}
