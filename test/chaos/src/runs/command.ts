/** What was asked for on the command line. */

export const usage = `usage: npm run chaos -- registers [--runs N] [--seconds S] [--seed FIRST] [--nodes 3|5] [--consensus raft|multipaxos] [--results FILE]
       npm run chaos -- failover  [--rounds N] [--nodes 3|5] [--consensus raft|multipaxos]

registers  Runs of S seconds: real processes of a register service are killed, paused and cut off from each other while clients
           read and write. Each history has to be linearizable, and everybody has to be answered afterwards.
failover   The leader is killed N times: how long until a write is answered again.

Without --nodes and --consensus all four kinds take turns. With --results FILE each run adds a line of JSON to the file, and runs
that are in it are not done again.`;

export type Consensus = "raft" | "multipaxos";

export interface Kind {
  readonly size: number;
  readonly consensus: Consensus;
}

export type Command =
  | { readonly kind: "help" }
  | {
      readonly kind: "registers";
      readonly kinds: readonly Kind[];
      readonly runs: number;
      readonly seconds: number;
      readonly seed: number;
      readonly results: string | undefined;
    }
  | { readonly kind: "failover"; readonly kinds: readonly Kind[]; readonly rounds: number };

interface Parsed {
  readonly positionals: readonly string[];
  readonly values: {
    readonly runs: string;
    readonly rounds: string;
    readonly seconds: string;
    readonly seed: string;
    readonly nodes?: string | undefined;
    readonly consensus?: string | undefined;
    readonly results?: string | undefined;
    readonly help: boolean;
  };
}

/** Undefined for what cannot be understood. */
export function readCommand(parse: () => Parsed): Command | undefined {
  try {
    return commandOf(parse());
  } catch {
    return undefined;
  }
}

function commandOf({ positionals, values }: Parsed): Command | undefined {
  if (values.help) return { kind: "help" };
  const kinds = kindsOf(values.nodes, values.consensus);
  const [runs, rounds, seconds, seed] = [values.runs, values.rounds, values.seconds, values.seed].map(Number);
  if (kinds === undefined || !isCount(runs) || !isCount(rounds) || !isCount(seconds) || !isCount(seed))
    return undefined;
  const { results } = values;
  if (positionals.length !== 1) return undefined;
  if (positionals[0] === "registers") return { kind: "registers", kinds, runs, seconds, seed, results };
  return positionals[0] === "failover" ? { kind: "failover", kinds, rounds } : undefined;
}

function kindsOf(nodes: string | undefined, consensus: string | undefined): readonly Kind[] | undefined {
  if (consensus !== undefined && consensus !== "raft" && consensus !== "multipaxos") return undefined;
  const sizes = nodes === undefined ? [3, 5] : [Number(nodes)];
  if (sizes.some((size) => size !== 3 && size !== 5)) return undefined;
  const protocols: readonly Consensus[] = consensus === undefined ? ["raft", "multipaxos"] : [consensus];
  return sizes.flatMap((size) => protocols.map((each) => ({ size, consensus: each })));
}

function isCount(value: number | undefined): value is number {
  return Number.isSafeInteger(value) && (value ?? 0) > 0;
}
